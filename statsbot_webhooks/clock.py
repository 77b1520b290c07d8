"""The only reader of time. Everything that needs a time takes a `Clock`, or `now` as an argument."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Final, Protocol

_SLICE_SECONDS: Final = 0.001
# Until when each thread may go on without a breath.
_slice = threading.local()


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


def loop_time() -> float:
    """Return the time of the running event loop, by which `asyncio.timeout_at` goes."""
    return asyncio.get_running_loop().time()


async def wait_for_event(clock: Clock, event: asyncio.Event, seconds: float | None) -> None:
    """Wait until an event is set, and not longer than so many seconds by the clock; `None` sets no limit."""
    if seconds is None or event.is_set():
        await event.wait()
        return
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def breathe() -> None:
    """Let other threads have the interpreter, once a millisecond: long work in a thread calls it between its pieces.

    The event loop would wait a whole switch interval (5 ms) else. A sleep of zero gives the lock away and mostly takes it
    back before a waiting thread has woken up; a sleep of some microseconds is long enough for the event loop to go first.
    """
    if time.monotonic() > getattr(_slice, "end", 0.0):
        time.sleep(0.00002)
        _slice.end = time.monotonic() + _SLICE_SECONDS


def give_way() -> None:
    """Let a thread that waits for the interpreter have it, without a pause when there is none."""
    time.sleep(0)
