"""`sandbox`: a local Discord that stays, and how to point a bot at it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from ..sandbox import Sandbox
from .local_bot import end_bot, environment_for, start_bot

_EPILOG = """examples:
  %(prog)s                           a local Discord at http://127.0.0.1:8686
  %(prog)s --run bot.py              the same with your bot in it, unchanged
  %(prog)s --run bot.py --no-urls    without webhook URLs, to try /webhooks setup

exit codes: 0 ended, 2 the arguments are wrong or the port is taken, otherwise the code of the bot's script"""
# What a bot may do here besides what it is invited with: moderation can be tried too.
_ALLOWED = ("kick_members", "ban_members", "moderate_members", "manage_nicknames", "manage_threads", "manage_guild")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "sandbox", help="start a local Discord and print how to point a bot at it", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--port", default="8686", help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--run", dest="script", metavar="BOT.PY", help="also run a bot's script against it")
    parser.add_argument("--no-urls", action="store_true", help="give the bot no webhook URLs, to try /webhooks setup")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM, which end the bot too, or until the bot's script ends."""
    # Said in one line before anything starts.
    if not options.port.isdigit() or int(options.port) > 65535:
        return _refuse(f"{options.port} is not a port: give a number from 0 to 65535")
    script = None if options.script is None else Path(options.script).resolve()
    if script is not None and not script.is_file():
        return _refuse(f"there is no file {options.script}")
    return asyncio.run(_serve(int(options.port), script, not options.no_urls))


def _refuse(text: str) -> int:
    print(f"statsbot-webhooks: {text}", file=sys.stderr)
    return 2


async def _serve(port: int, script: Path | None, urls: bool) -> int:
    async with contextlib.AsyncExitStack() as stack:
        try:
            sandbox = await stack.enter_async_context(Sandbox(port=port))
        except OSError as error:
            return _refuse(f"port {port} cannot be used ({error.strerror}): choose another with --port")
        stopping = await stack.enter_async_context(_stop_signals())
        sandbox.allow(*_ALLOWED)
        _tell(sandbox, script, urls)
        if script is None:
            await stopping.wait()
            return 0
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True))
        storage = Path(folder, "events.sqlite3")
        bot = await start_bot(sandbox, script, {}, str(script.parent), storage=storage, urls=urls)
        ends = [asyncio.create_task(bot.wait(), name="bot"), asyncio.create_task(stopping.wait(), name="stop")]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return bot.returncode or 0
        finally:
            await end_bot(bot)
            for end in ends:
                end.cancel()


@contextlib.asynccontextmanager
async def _stop_signals() -> AsyncGenerator[asyncio.Event]:
    """Yield an event that Ctrl-C and SIGTERM set."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    # Windows has no handlers on the loop; there Ctrl-C cancels the main task.
    on_loop = sys.platform != "win32"
    for number in numbers if on_loop else ():
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in numbers if on_loop else ():
            loop.remove_signal_handler(number)


def _tell(sandbox: Sandbox, script: Path | None, urls: bool) -> None:
    print(f"The channels: {sandbox.base_url}/?all=1\nGuild id: {sandbox.guild_id}")
    if script is None:
        print("\nFor the bot's .env:\n")
        for name, value in environment_for(sandbox, urls=urls).items():
            print(f"{name}={value}")
        print("\nPoint a bot of yours at it, unchanged: python -m statsbot_webhooks sandbox --run bot.py")
    else:
        without = "" if urls else ", without webhook URLs: /webhooks setup makes them"
        print(f"Running {script.name} with a storage file of its own{without}.")
    print("Ctrl-C ends it.", flush=True)
