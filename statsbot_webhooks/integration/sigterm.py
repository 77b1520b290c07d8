"""SIGTERM ends a bot through the bot's `close`, as Ctrl-C does, so that what waits is delivered or stored."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import discord

_log = logging.getLogger(__name__)


class Termination:
    """Handle SIGTERM on the running loop, only where no other handler is set; the process still ends by the signal."""

    def __init__(self, bot: discord.Client) -> None:
        self._bot = bot
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Task[None] | None = None

    def install(self) -> None:
        """Take the signal if it has no handler; a loop that has no signals (Windows, not the main thread) is left alone."""
        if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
            return
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGTERM, self._begin)
        except (NotImplementedError, RuntimeError, ValueError):
            return
        self._loop = loop

    def uninstall(self) -> None:
        """Give the signal back."""
        if self._loop is not None:
            self._loop.remove_signal_handler(signal.SIGTERM)
            self._loop = None

    def _begin(self) -> None:
        _log.info("SIGTERM: the bot is closed")
        self._closing = asyncio.ensure_future(self._close())

    async def _close(self) -> None:
        try:
            await self._bot.close()
        finally:
            # Without us the signal would have ended the process; it still does, with the same exit status.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
