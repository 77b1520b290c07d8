"""An outbox in memory: bounded, and gone with the process."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..event import Event
from .base import Depth, Entry

# Dead letters are for reading; a webhook that refuses everything must not fill the memory with them.
_MAX_DEAD = 1000


@dataclass(slots=True)
class _Shelf:
    """The entries of one destination by id, oldest first, in two lanes so that ERROR and above leave first."""

    urgent: dict[int, Entry] = field(default_factory=dict[int, Entry])
    calm: dict[int, Entry] = field(default_factory=dict[int, Entry])
    leased: dict[int, Entry] = field(default_factory=dict[int, Entry])
    not_before: float = 0.0

    def lane(self, entry: Entry) -> dict[int, Entry]:
        return self.urgent if entry.event.is_urgent else self.calm


class MemoryOutbox:
    """Keep at most `max_events` entries; the oldest of the lowest lane goes first when full."""

    def __init__(self, max_events: int) -> None:
        self._max_events = max_events
        self._shelves: dict[str, _Shelf] = {}
        self._ids = itertools.count(1)
        self._size = 0
        self.dead: deque[tuple[Entry, str]] = deque(maxlen=_MAX_DEAD)

    def put(self, items: Iterable[tuple[str, Event]]) -> Mapping[str, int]:
        dropped: Counter[str] = Counter()
        for destination, event in items:
            shelf = self._shelves.setdefault(destination, _Shelf())
            entry = Entry(next(self._ids), destination, event)
            shelf.lane(entry)[entry.id] = entry
            self._size += 1
            if self._size > self._max_events:
                dropped[self._drop_oldest()] += 1
        return dropped

    def _drop_oldest(self) -> str:
        lanes = [(name, shelf.calm) for name, shelf in self._shelves.items() if shelf.calm]
        lanes = lanes or [(name, shelf.urgent) for name, shelf in self._shelves.items() if shelf.urgent]
        name, lane = min(lanes, key=lambda pair: next(iter(pair[1])))
        del lane[next(iter(lane))]
        self._size -= 1
        return name

    def claim(self, destination: str, limit: int, now: float) -> Sequence[Entry]:
        shelf = self._shelves.get(destination)
        if shelf is None or now < shelf.not_before:
            return []
        # While urgent entries wait they leave alone: a reader sees them without the noise around them.
        lane = shelf.urgent or shelf.calm
        claimed = [replace(entry, attempt=entry.attempt + 1) for entry in itertools.islice(lane.values(), limit)]
        for entry in claimed:
            del lane[entry.id]
            shelf.leased[entry.id] = entry
        return claimed

    def ack(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if self._shelves[entry.destination].leased.pop(entry.id, None) is not None:
                self._size -= 1

    def release(self, entries: Iterable[Entry], not_before: float = 0.0) -> None:
        entries = list(entries)
        for name in {entry.destination for entry in entries}:
            shelf = self._shelves[name]
            shelf.not_before = not_before
            for is_urgent in (True, False):
                back = {e.id: e for e in entries if e.destination == name and e.event.is_urgent is is_urgent}
                lane = shelf.urgent if is_urgent else shelf.calm
                merged = dict(sorted({**back, **lane}.items())) if back else lane
                if is_urgent:
                    shelf.urgent = merged
                else:
                    shelf.calm = merged
                for entry_id in back:
                    shelf.leased.pop(entry_id, None)

    def bury(self, entries: Iterable[Entry], reason: str) -> None:
        for entry in entries:
            self.dead.append((entry, reason))
            self.ack([entry])

    def depth(self, destination: str) -> Depth:
        shelf = self._shelves.get(destination)
        if shelf is None:
            return Depth()
        lanes = (shelf.urgent, shelf.calm, shelf.leased)
        oldest = [next(iter(lane.values())).event.time for lane in lanes if lane]
        count = sum(len(lane) for lane in lanes)
        return Depth(count, len(shelf.urgent), min(oldest, default=None))
