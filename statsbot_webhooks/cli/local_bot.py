"""A bot's script, unchanged, as a process that talks to the sandbox and not to anything of the bot's production."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import IO, Final

from ..config.destination import BUILT_IN
from ..sandbox import Sandbox
from ..storage import INSTEAD

_GRACE_SECONDS: Final = 15.0


def environment_for(sandbox: Sandbox, *, urls: bool = True) -> dict[str, str]:
    """Return the variables that a bot needs: its token, the admin server and, if wanted, four URLs.

    Its application owns the webhooks, as those that `/webhooks setup` makes, so that their cards have buttons. Without URLs the
    variables are there and empty: then those of the bot's own `.env` do not count.
    """
    names = {f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name, owned=True) if urls else "" for name in BUILT_IN}
    return {"DISCORD_TOKEN": sandbox.bot_token, **names, "WEBHOOK_ADMIN_GUILD_ID": str(sandbox.guild_id)}


async def start_bot(
    sandbox: Sandbox, script: Path, extra: dict[str, str], folder: str, output: IO[bytes] | None = None, *,
    storage: Path | None = None, urls: bool = True,
) -> asyncio.subprocess.Process:  # fmt: skip
    """Start the script in a folder, with `extra` variables on top.

    With `storage` that file takes the place of every other, also where the bot's settings or code name another: events that wait
    in the bot's own file would be sent into the sandbox and be gone. Heartbeat, fallback, JSON log and metrics are off, too.
    """
    # The package is importable in the child wherever it was started from.
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    own = {} if storage is None else {INSTEAD: str(storage)}
    environment = {**os.environ, "PYTHONPATH": path, **environment_for(sandbox, urls=urls), **own, **extra}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "statsbot_webhooks.cli.script_runner", sandbox.base_url, str(script)),
        env=environment,
        cwd=folder,
        stdout=output,
        stderr=output,
        # In a session of its own Ctrl-C reaches it once, from `end_bot`, and not a second time from the terminal.
        start_new_session=storage is not None,
    )


async def end_bot(bot: asyncio.subprocess.Process) -> None:
    """End a bot as Ctrl-C does, and by force when that takes longer than 15 s."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if bot.returncode is not None:
            return
        if sys.platform == "win32":
            bot.terminate()
        else:
            bot.send_signal(number)
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await bot.wait()
        except TimeoutError:
            continue
