"""A bot's script, unchanged, as a process that talks to the sandbox."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import IO

from ..config.destination import BUILT_IN
from ..sandbox import Sandbox

# Runs any bot's script against the sandbox; the script itself stays as its author wrote it.
_RUNNER = (
    "import runpy, sys\n"
    "from statsbot_webhooks.sandbox import redirect\n"
    "with redirect(sys.argv[1]):\n"
    "    runpy.run_path(sys.argv[2], run_name='__main__')\n"
)


def environment_for(sandbox: Sandbox) -> dict[str, str]:
    """Return the variables that a bot needs: its token, four URLs and the admin server."""
    urls = {f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name) for name in BUILT_IN}
    return {"DISCORD_TOKEN": sandbox.bot_token, **urls, "WEBHOOK_ADMIN_GUILD_ID": str(sandbox.guild_id)}


async def start_bot(
    sandbox: Sandbox, script: Path, extra: dict[str, str], folder: str, output: IO[bytes] | None = None
) -> asyncio.subprocess.Process:
    """Start the script in a folder, with `extra` variables on top."""
    # The package is importable in the child wherever it was started from.
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, **environment_for(sandbox), **extra}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", _RUNNER, sandbox.base_url, str(script)),
        env=environment,
        cwd=folder,
        stdout=output,
        stderr=output,
    )
