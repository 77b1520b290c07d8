"""The only reader of time. Everything that needs a time takes a `Clock`, or `now` as an argument."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from; tests put their own in its place."""

    def now(self) -> float:
        """Return the wall clock time in seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return a time in seconds that never goes backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
