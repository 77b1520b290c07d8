"""Bell: wakes the intake's thread. Any thread, a signal handler or `__del__` may ring it. It carries no data."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Sized


class Bell:
    """Rung when there is work for the thread. Of events, only the first one that comes while the thread sleeps rings."""

    def __init__(self) -> None:
        # Its `put` is reentrant (queue docs).
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_awaited = True

    def ring(self) -> None:
        """Wake the thread."""
        # Set first: the thread may wait again before the next line.
        self.is_awaited = False
        self._rings.put(None)

    def wait(self, seconds: float | None, events: Sized) -> None:
        """Return when the bell rings, after `seconds` (None: no limit), or at once when there are events."""
        # Set before it looks for events, so that an event that comes in between rings.
        self.is_awaited = True
        with contextlib.suppress(queue.Empty):
            self._rings.get(timeout=0 if len(events) else seconds)
        self.is_awaited = False
        while not self._rings.empty():
            self._rings.get()
