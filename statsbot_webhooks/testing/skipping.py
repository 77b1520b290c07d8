"""Time that a test skips: on the sandbox's clock, the event loop's and those that discord.py's own timers read."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import discord.ui.view
import discord.utils
from discord.ext import tasks

from statsbot_webhooks.sandbox import Sandbox

# discord.py takes a connection for dead after 60 s of silence on the loop's clock: something must come before.
_STEP_SECONDS = 45.0
_SETTLE_TURNS = 20


class SkippedTime:
    """Moves the clocks of one event loop and of discord.py's timers, while `active`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._offset = 0.0

    async def skip(self, seconds: float) -> None:
        """Let seconds pass, in steps that keep connections alive."""
        # What the sandbox has answered reaches the bot first: the time-out of a view begins with that.
        for _ in range(_SETTLE_TURNS):
            await asyncio.sleep(0.002)
        left = seconds
        while left > 0:
            step = min(left, _STEP_SECONDS)
            left -= step
            self._offset += step
            self._sandbox.skip(step)
            # What was due runs, and may begin a new wait of its own.
            for _ in range(5):
                await asyncio.sleep(0.001)

    @contextmanager
    def active(self) -> Generator[None]:
        """Put clocks that can be skipped in place of those of the running loop and of discord.py."""
        loop: Any = asyncio.get_running_loop()
        read: Callable[[], float] = loop.time
        real, offset = datetime.datetime, lambda: datetime.timedelta(seconds=self._offset)

        class Shifted(real):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> Any:
                return real.now(tz) + offset()

        dates = SimpleNamespace(**{**vars(datetime), "datetime": Shifted})
        clocks = SimpleNamespace(**{**vars(time), "monotonic": lambda: time.monotonic() + self._offset})
        with ExitStack() as stack:
            for module, name, value in (
                (discord.utils, "datetime", dates),
                (tasks, "datetime", dates),
                (discord.ui.view, "time", clocks),
                (loop, "time", lambda: read() + self._offset),
            ):
                stack.callback(setattr, module, name, getattr(module, name))
                setattr(module, name, value)
            yield
