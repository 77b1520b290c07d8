"""The clock of a sandbox: the only place in this folder that reads the time or waits for it to pass.

What the time is used for does not live here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any


class Timer:
    """A call that is due at a time of the sandbox's clock."""

    def __init__(self, clock: SandboxClock, due: float, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.due = due
        self._clock = clock
        self._function = function
        self._args = args
        self._handle: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Wait again for what is left of the time, since some of it may have been skipped."""
        self.cancel()
        left = max(0.0, self.due - self._clock.monotonic())
        self._handle = asyncio.get_running_loop().call_later(left, self._run)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _run(self) -> None:
        self._clock.timers.discard(self)
        self._function(*self._args)


class SandboxClock:
    """Real time, and what a test has skipped on top of it. Timers belong to the server's thread."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self.timers: set[Timer] = set()

    def monotonic(self) -> float:
        """Return seconds that only differences have a meaning of."""
        return time.monotonic() + self._skipped

    def time(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self._skipped

    def clear(self) -> None:
        """Forget every timer: the loop that they belong to has ended."""
        self.timers.clear()

    def skip(self, seconds: float) -> None:
        """Let time pass at once; timers that are due by then run in the order of their times."""
        self._skipped += seconds
        for timer in sorted(self.timers, key=lambda timer: timer.due):
            timer.arm()

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call a function after some seconds, unless the timer is cancelled."""
        timer = Timer(self, self.monotonic() + seconds, function, args)
        self.timers.add(timer)
        timer.arm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait for seconds to pass, or to be skipped."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: done.done() or done.set_result(None))
        try:
            await done
        finally:
            timer.cancel()
            self.timers.discard(timer)


def iso(seconds: float) -> str:
    """Return a time as Discord writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
