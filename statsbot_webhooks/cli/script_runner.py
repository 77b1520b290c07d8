"""Run as `python -m statsbot_webhooks.cli.script_runner URL SCRIPT`: a bot's script, unchanged, against a sandbox.

It runs in a process of its own; what starts and ends that process is in `local_bot`.
"""

from __future__ import annotations

import runpy
import signal
import sys
from pathlib import Path

from ..sandbox import redirect


def main() -> None:
    """Run the script as if it had been started by itself."""
    url, script = sys.argv[1], sys.argv[2]
    # A process that was started with SIGINT ignored, as in the background, would not hear Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.insert(0, str(Path(script).parent))
    sys.argv[:] = [script]
    with redirect(url):
        runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
