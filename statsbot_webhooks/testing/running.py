"""Bots of a test that run in a sandbox: logged in and ready when the test begins, closed when it ends."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import TypeVar

import discord

from statsbot_webhooks.sandbox import Sandbox

from .skipping import SkippedTime

_BotT = TypeVar("_BotT", bound=discord.Client)
_READY_SECONDS = 30.0
# discord.py waits so long for more servers after the last one; by default it is two seconds, in every test.
_GUILD_SECONDS = 0.1


class BotRunner:
    """Runs bots: `bot = await bot_in_sandbox(MyBot())`. Everything that it started ends with the test."""

    def __init__(self, sandbox: Sandbox, skipped: SkippedTime) -> None:
        self._sandbox = sandbox
        self._skipped = skipped
        self._running: list[tuple[discord.Client, asyncio.Task[None]]] = []
        self._modules = _own_modules()

    async def __call__(self, bot: _BotT) -> _BotT:
        """Log a bot in and return it when it is ready; raises what it failed with."""
        # There is no other way to it for a bot that is made already.
        bot._connection.guild_ready_timeout = _GUILD_SECONDS
        task = asyncio.create_task(bot.start(self._sandbox.bot_token), name="bot-in-sandbox")
        self._running.append((bot, task))
        ready = asyncio.create_task(self._until_ready(bot), name="bot-in-sandbox-ready")
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            await asyncio.wait([ready])
        if task.done():
            await task
            raise RuntimeError("the bot ended before it was ready")
        return bot

    async def _until_ready(self, bot: discord.Client) -> None:
        # `wait_until_ready` raises before `start` has begun, and an event could come before it is listened for.
        while not bot.is_ready():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    async def skip(self, seconds: float) -> None:
        """Let time pass at once: for `asyncio.sleep`, `tasks.loop`, views and cooldowns of the bot, and for the sandbox.

        Timers that are due run in their order. `time.time()` of the bot's own code goes on as before.
        """
        await self._skipped.skip(seconds)

    async def close(self) -> None:
        """Close every bot."""
        for bot, task in reversed(self._running):
            await bot.close()
            await asyncio.wait([task])
        self._running.clear()
        # A bot that closes unloads its extensions, and discord.py then forgets their modules: the next test's bot would
        # use other classes than the test itself.
        for name in _own_modules():
            del sys.modules[name]
        sys.modules.update(self._modules)


def _own_modules() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "statsbot_webhooks"}
