"""Ready queue: the entries of a destination that may be claimed, and their order. Bookkeeping in memory; no I/O.

A waiting entry takes 24 bytes here; its event is only in the database.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain, islice, repeat
from operator import attrgetter
from typing import Final, NamedTuple

from ..clock import breathe

# How many rows of taken entries may stay at the head of a queue before they are removed.
_MAX_TAKEN: Final = 1024
# How many messages of errors may leave in a row while calm events wait.
_URGENT_TURNS: Final = 4


class LaneName(IntEnum):
    """The lanes, in the order in which they are claimed after a start."""

    RECOVERED = 0
    URGENT = 1
    CALM = 2


class QueuePlace(NamedTuple):
    """Where an entry waits: `size` is in bytes, `rank` is the number of its level."""

    id: int
    lane: LaneName
    rank: int
    time: float
    size: int


class IdQueue:
    """Ids in ascending order with their times and sizes, taken mostly from the front."""

    __slots__ = ("_head", "_ids", "_sizes", "_times")

    def __init__(self) -> None:
        self._ids = array("q")
        self._times = array("d")
        self._sizes = array("q")
        self._head = 0

    def __len__(self) -> int:
        return len(self._ids) - self._head

    @property
    def first_time(self) -> float:
        """The time of the entry with the smallest id; the queue must not be empty."""
        return self._times[self._head]

    def places(self, lane: LaneName, rank: int, limit: int) -> list[QueuePlace]:
        """Return the places of the smallest ids."""
        part = slice(self._head, self._head + limit)
        rows = zip(self._ids[part], repeat(lane), repeat(rank), self._times[part], self._sizes[part], strict=False)
        return list(map(QueuePlace._make, rows))

    def add(self, places: Sequence[QueuePlace]) -> None:
        """Insert places, given in ascending order of their ids."""
        ids, _, _, times, sizes = zip(*places, strict=True)
        columns = ((self._ids, ids), (self._times, times), (self._sizes, sizes))
        if not len(self) or ids[0] > self._ids[-1]:
            for column, values in columns:
                column.extend(values)
        elif ids[-1] < self._ids[self._head]:
            # Taken entries come back: in one insert, because everything behind it moves.
            for column, values in columns:
                column[: self._head] = array(column.typecode, values)
            self._head = 0
        else:
            for row, entry_id in enumerate(ids):
                index = self._index(entry_id)
                for column, values in columns:
                    column.insert(index, values[row])

    def remove(self, entry_id: int) -> bool:
        """Remove an id; False when it is not in the queue."""
        index = self._index(entry_id)
        if index >= len(self._ids) or self._ids[index] != entry_id:
            return False
        if index == self._head:
            self.drop_first(1)
        else:
            del self._ids[index], self._times[index], self._sizes[index]
        return True

    def drop_first(self, count: int) -> None:
        """Remove the `count` smallest ids; the queue must have as many."""
        self._head += count
        if self._head > _MAX_TAKEN and self._head * 2 > len(self._ids):
            self._drop_taken()

    def find(self, lane: LaneName, rank: int, entry_id: int) -> QueuePlace | None:
        """Return the place of an id; None when it is not in the queue."""
        index = self._index(entry_id)
        if index >= len(self._ids) or self._ids[index] != entry_id:
            return None
        return QueuePlace(entry_id, lane, rank, self._times[index], self._sizes[index])

    def older_than(self, time: float, lane: LaneName, rank: int, limit: int) -> list[QueuePlace]:
        """Return the places of entries older than a time."""
        times = self._times[self._head :]
        if not times or min(times) >= time:
            return []
        found = islice((index for index, each in enumerate(times, self._head) if each < time), limit)
        return [QueuePlace(self._ids[index], lane, rank, self._times[index], self._sizes[index]) for index in found]

    def _index(self, entry_id: int) -> int:
        return bisect_left(self._ids, entry_id, self._head)

    def _drop_taken(self) -> None:
        for values in (self._ids, self._times, self._sizes):
            del values[: self._head]
        self._head = 0


@dataclass(slots=True)
class DestinationQueue:
    """The ready entries of one destination, and how many of its entries exist, leased ones included.

    `floors` are the highest ids that were ever taken from each lane. `sealed` are the entries of the batch that leaves, or has
    left, under the id `batch`; they are in no lane, and `seal_row` is its row in the database. `urgent_turns` counts how often
    in a row errors were taken while calm entries waited.
    """

    lanes: dict[LaneName, dict[int, IdQueue]] = field(default_factory=lambda: {name: {} for name in LaneName})
    entries: int = 0
    recovered_last: float | None = None
    floors: dict[LaneName, int] = field(default_factory=lambda: dict.fromkeys(LaneName, 0))
    sealed: dict[int, QueuePlace] = field(default_factory=dict[int, QueuePlace])
    batch: str = ""
    seal_row: int = 0
    urgent_turns: int = 0

    def add(self, places: Iterable[QueuePlace]) -> None:
        """Make entries ready."""
        found: dict[tuple[LaneName, int], list[QueuePlace]] = {}
        for place in sorted(places):
            found.setdefault((place.lane, place.rank), []).append(place)
        for (lane, rank), some in found.items():
            self.lanes[lane].setdefault(rank, IdQueue()).add(some)

    def remove(self, place: QueuePlace) -> bool:
        """Remove a ready entry; False when it is not ready."""
        queue = self.lanes[place.lane].get(place.rank)
        return queue is not None and queue.remove(place.id)

    def take_id(self, entry_id: int) -> QueuePlace | None:
        """Remove a ready entry by its id, and return its place; None when it is not ready."""
        for lane, queues in self.lanes.items():
            for rank, queue in queues.items():
                if (place := queue.find(lane, rank, entry_id)) is not None:
                    queue.remove(entry_id)
                    return place
        return None

    def has(self, entry_id: int) -> bool:
        """Whether an entry is ready or sealed."""
        queues = ((lane, rank, queue) for lane, of_lane in self.lanes.items() for rank, queue in of_lane.items())
        return entry_id in self.sealed or any(queue.find(lane, rank, entry_id) for lane, rank, queue in queues)

    def ready(self, name: LaneName) -> int:
        """Return how many entries of a lane may be claimed."""
        return sum(map(len, self.lanes[name].values()))

    def next_lane(self) -> LaneName | None:
        """Return the lane that is claimed next. Lanes do not mix, so that errors are shown without the noise around them.

        The last events of the process before come first; once they have begun, a new error need not wait for the rest of
        them. When errors come faster than they can leave, a calm lane gets a turn now and then.
        """
        order = list(LaneName)
        if self.floors[LaneName.RECOVERED]:
            order = [LaneName.URGENT, LaneName.RECOVERED, LaneName.CALM]
        if self.urgent_turns >= _URGENT_TURNS:
            order.sort(key=LaneName.URGENT.__eq__)
        return next((name for name in order if self.ready(name)), None)

    def take(self, name: LaneName, limit: int, most_bytes: int) -> list[QueuePlace]:
        """Take the first entries of a lane, at most `limit` of `most_bytes` together, but at least one if there is any.

        Entries that were taken before and came back are not mixed with those that never were.
        """
        waiting = [queue.places(name, rank, limit) for rank, queue in self.lanes[name].items() if len(queue)]
        taken: list[QueuePlace] = []
        size, floor = 0, self.floors[name]
        for place in sorted(chain.from_iterable(waiting))[:limit]:
            size += place.size
            if taken and (size > most_bytes or taken[-1].id <= floor < place.id):
                break
            taken.append(place)
            breathe()
        for rank, count in Counter(place.rank for place in taken).items():
            self.lanes[name][rank].drop_first(count)
        if taken:
            self.floors[name] = max(floor, taken[-1].id)
            self.urgent_turns = self.urgent_turns + 1 if name == LaneName.URGENT and self.ready(LaneName.CALM) else 0
        return taken

    def take_any(self, limit: int, most_bytes: int) -> list[QueuePlace]:
        """Take entries of all lanes, in the order in which they would be claimed."""
        taken: list[QueuePlace] = []
        size = 0
        while len(taken) < limit and size < most_bytes and (name := self.next_lane()) is not None:
            taken += self.take(name, limit - len(taken), most_bytes - size)
            size = sum(place.size for place in taken)
        return taken

    def older_than(self, time: float, limit: int, lanes: Sequence[LaneName]) -> list[QueuePlace]:
        """Return ready entries that are older than a time, from each lane those with the smallest ids."""
        found: list[QueuePlace] = []
        for name in lanes:
            of_lane = [queue.older_than(time, name, rank, limit) for rank, queue in self.lanes[name].items()]
            found += sorted(chain.from_iterable(of_lane))[: limit - len(found)]
        return found

    def first_of_rank(self, rank: int) -> QueuePlace | None:
        """Return the ready entry of a level with the smallest id; None without any."""
        queues = [(queue, name) for name in LaneName if (queue := self.lanes[name].get(rank)) and len(queue)]
        return min((queue.places(name, rank, 1)[0] for queue, name in queues), key=attrgetter("id"), default=None)

    def ready_of_rank(self, rank: int) -> int:
        """Return how many entries of a level may be claimed."""
        return sum(len(queue) for queues in self.lanes.values() if (queue := queues.get(rank)) is not None)

    def ranks(self) -> Iterator[int]:
        """Yield the levels that have ready entries."""
        yield from {rank for queues in self.lanes.values() for rank, queue in queues.items() if len(queue)}

    def oldest(self) -> float | None:
        """Return the earliest time among the first entries of the lanes; None without any."""
        times = [queue.first_time for queues in self.lanes.values() for queue in queues.values() if len(queue)]
        return min(times, default=None)


def first_fitting(places: Sequence[QueuePlace], most_bytes: int) -> Sequence[QueuePlace]:
    """Return the first places, at least one, that take at most `most_bytes` together."""
    size = 0
    for index, place in enumerate(places):
        size += place.size
        if index and size > most_bytes:
            return places[:index]
    return places
