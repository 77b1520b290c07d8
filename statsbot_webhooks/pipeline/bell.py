"""What wakes the intake's thread: any thread, a signal handler or `__del__` may ring."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Sized


class Bell:
    """Rung by what waits for the thread. An event rings only when it is the first to come while the thread sleeps."""

    def __init__(self) -> None:
        # Its `put` is reentrant (queue docs).
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_awaited = True

    def ring(self) -> None:
        """Wake the thread."""
        # First this: the thread may wait again before the next line.
        self.is_awaited = False
        self._rings.put(None)

    def wait(self, seconds: float | None, events: Sized) -> None:
        """Return when it was rung, after so many seconds, or at once when there are events."""
        # Before it looks for events, so that none comes between.
        self.is_awaited = True
        with contextlib.suppress(queue.Empty):
            self._rings.get(timeout=0 if len(events) else seconds)
        self.is_awaited = False
        while not self._rings.empty():
            self._rings.get()
