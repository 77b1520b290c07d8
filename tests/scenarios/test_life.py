"""A bot's whole life in a process of its own under -X dev -W error: no warning, nothing left open."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from statsbot_webhooks.sandbox import Sandbox

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

_BOT = """
import asyncio, logging, sys, warnings
import aiohttp
# discord.py itself imports a module that Python 3.13 drops; all else is an error.
warnings.filterwarnings("ignore", "'audioop' is deprecated")
# discord.py 2.4 opens its socket in a way that a newer aiohttp has another name for.
warnings.filterwarnings("ignore", "parameter 'timeout' of type 'float' is deprecated")
import discord
from discord.ext import commands
from statsbot_webhooks import get_webhook_manager
from statsbot_webhooks.sandbox import redirect

async def main():
    bot = commands.Bot("!", intents=discord.Intents.all())
    @bot.event
    async def on_ready():
        for number in range(30):
            logging.getLogger("app").warning("number %d", number)
        await get_webhook_manager().flush(10)
        asyncio.get_running_loop().call_soon(asyncio.ensure_future, bot.close())
    async with bot:
        await bot.load_extension("statsbot_webhooks")
        await bot.start(sys.argv[2])

with redirect(sys.argv[1]):
    asyncio.run(main(), debug=True)
"""


@pytest.mark.slow
async def test_no_warning_over_load_life_and_close(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", _BOT, sandbox.base_url, sandbox.bot_token]
    # -W error would make discord.py's own import fail before the filter is set; the filter above is for the rest.
    command[3:5] = ["-W", "error", "-W", "ignore::DeprecationWarning:discord.player"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sandbox.messages("error")
    for word in ("Warning:", "Unclosed", "never retrieved", "was destroyed", "Traceback"):
        assert word not in done.stderr, done.stderr
