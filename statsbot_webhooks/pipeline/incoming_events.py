"""Incoming events: a queue that any thread or signal handler may fill, bounded by number and size. It files nothing."""

from __future__ import annotations

import contextlib
import queue
from typing import Final

from ..events.draft import RecordNote, as_event
from ..events.event import Event, encode
from ..issues.fingerprint import finish

# Size is counted in pieces of 4096 characters; most events have less than one.
PIECE_BITS: Final = 12
_MEGABYTE: Final = 1024 * 1024


class IncomingEvents:
    """Hold at most `max_events` events and `max_mb` MiB (a character counts as a byte); others are refused and counted."""

    def __init__(self, max_events: int, max_mb: float) -> None:
        self._max_events = max_events
        self.refuses = False
        self._max_pieces = int(max_mb * _MEGABYTE) >> PIECE_BITS
        # No lock: a signal handler that interrupts a submit of its own thread would deadlock. So every count is the length of
        # a SimpleQueue, whose `put` is reentrant (queue docs).
        self._events: queue.SimpleQueue[Event | RecordNote] = queue.SimpleQueue()
        self._pieces: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._refusals: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __len__(self) -> int:
        return self._events.qsize()

    @property
    def refusals(self) -> int:
        """How many events were refused since the last `take_refusals`."""
        return self._refusals.qsize()

    def add(self, event: Event | RecordNote, pieces: int) -> bool:
        """Add an event of so many pieces; False, and counted, when too much waits or `refuses` is set."""
        if self.refuses or self._events.qsize() >= self._max_events or (pieces and not self._has_room(pieces)):
            self._refusals.put(None)
            return False
        self._events.put(event)
        return True

    def _has_room(self, pieces: int) -> bool:
        if self._pieces.qsize() + pieces > self._max_pieces:
            return False
        for _ in range(pieces):
            self._pieces.put(None)
        return True

    def take(self, limit: int) -> list[Event]:
        """Remove and return the oldest events. One thread at a time."""
        group = [as_event(self._events.get()) for _ in range(min(self._events.qsize(), limit))]
        # An event may have changed its size since `add`: with an empty queue no pieces remain.
        count = sum(map(pieces_of, group)) if group else self._pieces.qsize()
        with contextlib.suppress(queue.Empty):
            for _ in range(count):
                self._pieces.get_nowait()
        return group

    def take_encoded(self) -> list[str]:
        """Remove and return all events, encoded; one that cannot be encoded is refused. One thread at a time."""
        texts: list[str] = []
        for event in self.take(len(self)):
            try:
                event.__post_init__()
                texts.append(encode(finish(event)))
            except Exception:  # noqa: BLE001 - a guard: a bad event affects no other
                self._refusals.put(None)
        return texts

    def take_refusals(self) -> int:
        """Return how many events were refused since the last call."""
        count = 0
        with contextlib.suppress(queue.Empty):
            while True:
                self._refusals.get_nowait()
                count += 1
        return count


def pieces_of(event: Event) -> int:
    """Return the size of an event in whole pieces; 0 for an object that is no event."""
    try:
        size = len(event.message) + len(event.traceback or "")
        if event.context:
            size += sum(len(value) for value in event.context.values() if type(value) is str)
        for file in event.files:
            size += len(file.text) + len(file.data)
        return size >> PIECE_BITS
    except Exception:  # noqa: BLE001 - a guard: an object that is no event is refused and counted by the intake's thread
        return 0
