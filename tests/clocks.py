"""Clocks that tests set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import CoroutineType
from typing import Any

from statsbot_webhooks.clock import SystemClock


class WallClock(SystemClock):
    """A clock whose wall time a test gives; everything else is the machine's."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now  # type: ignore[method-assign]


class SkippingClock(SystemClock):
    """The machine's clock, which a test sets forward: what sleeps until then wakes at once. `wall` is only its wall time's."""

    def __init__(self) -> None:
        self.shift = 0.0
        self.wall = 0.0
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> float:
        return super().now() + self.shift + self.wall

    def monotonic(self) -> float:
        return super().monotonic() + self.shift

    def sleep(self, seconds: float) -> CoroutineType[Any, Any, None]:
        # From the call on, not from when the coroutine first runs: a skip may come between.
        return self._sleep_until(self.monotonic() + seconds)

    async def _sleep_until(self, until: float) -> None:
        while (left := until - self.monotonic()) > 0:
            self._sleepers.add(skipped := asyncio.Event())
            try:
                async with asyncio.timeout(left):
                    await skipped.wait()
            except TimeoutError:
                pass
            finally:
                self._sleepers.discard(skipped)

    def skip(self, seconds: float) -> None:
        """Let time pass. Call it on the loop."""
        self.shift += seconds
        for skipped in self._sleepers:
            skipped.set()


class StillClock(SkippingClock):
    """A clock that goes only where a test sets it: what is computed from it is exact however slow the machine is."""

    def monotonic(self) -> float:
        return 1000.0 + self.shift
