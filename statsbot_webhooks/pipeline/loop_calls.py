"""Loop calls: calls from other threads to the event loop that delivers, if there is one. It knows nothing of what is called."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class LoopCalls:
    """Call functions on the loop of the current run; without one, calls are dropped."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0
        self.has_ended = False

    @property
    def is_on(self) -> bool:
        """Whether a run of this process has begun and not ended, and its loop is not closed."""
        return self._loop is not None and not self._loop.is_closed() and self._process == os.getpid()

    def begin(self) -> bool:
        """Begin a run on the running loop; True when the previous run was not ended."""
        was_left = self._loop is not None
        self._loop, self._process, self.has_ended = asyncio.get_running_loop(), os.getpid(), False
        return was_left

    def end(self) -> None:
        """End the run."""
        self._loop, self.has_ended = None, True

    def call(self, function: Callable[[T], object], argument: T) -> None:
        """Schedule a call on the loop; from any thread."""
        loop = self._loop
        # The loop may be closed when the host ended without stop().
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(function, argument)
