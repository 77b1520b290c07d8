"""What importing the package adds to discord.py: CPU time and memory, the least of several new processes each."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

RUNS = 15
BARE = "import discord, discord.app_commands, discord.ext.commands, discord.ext.tasks"
REPORT = "import resource as r; u = r.getrusage(r.RUSAGE_SELF); print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"


def measure(code: str, environ: dict[str, str]) -> tuple[float, float]:
    """Return CPU seconds and megabytes of a new process."""
    done = subprocess.run([sys.executable, "-c", f"{code}\n{REPORT}"], env=environ, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def main() -> None:
    """Print the least of what was measured, in turns, so that a busy moment hits both."""
    with tempfile.TemporaryDirectory() as folder:
        # Compiled once, as an installed package is.
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environ["PYTHONPYCACHEPREFIX"] = folder
        measure(f"{BARE}, statsbot_webhooks", environ)
        pairs = [(measure(BARE, environ), measure(f"{BARE}, statsbot_webhooks", environ)) for _ in range(RUNS)]
    bare, ours = (tuple(min(each[side][what] for each in pairs) for what in (0, 1)) for side in (0, 1))
    print(f"discord.py alone     {bare[0]:.3f} s CPU, {bare[1]:.1f} MB")
    print(f"statsbot_webhooks    {ours[0] - bare[0]:+.3f} s CPU, {ours[1] - bare[1]:+.1f} MB (goals: 0.18 s, 15 MB)")


if __name__ == "__main__":
    main()
