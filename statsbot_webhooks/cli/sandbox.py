"""`sandbox`: a local Discord that stays, and how to point a bot at it."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from ..sandbox import Sandbox
from .local_bot import environment_for, start_bot


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("sandbox", help="start a local Discord and print how to point a bot at it")
    parser.add_argument("--port", type=int, default=8686, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--run", dest="script", metavar="BOT.PY", help="also run a bot's script against it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C, or until the bot's script ends."""
    return asyncio.run(_serve(options.port, options.script))


async def _serve(port: int, script: str | None) -> int:
    async with Sandbox(port=port) as sandbox:
        print(f"The channels: {sandbox.base_url}/?all=1\nGuild id: {sandbox.guild_id}\n\nFor the bot's .env:\n")
        for name, value in environment_for(sandbox).items():
            print(f"{name}={value}")
        print("\nPoint a bot of yours at it, unchanged: python -m statsbot_webhooks sandbox --run bot.py")
        print("Ctrl-C ends it.", flush=True)
        if script is None:
            await asyncio.Event().wait()
            return 0
        bot = await start_bot(sandbox, Path(script).resolve(), {}, str(Path(script).resolve().parent))
        return await bot.wait()
