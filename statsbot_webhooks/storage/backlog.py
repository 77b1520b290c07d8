"""Backlog: the waiting entries of all destinations, their number and size, and which of them make room. No I/O."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from ..events.accounting import LossReason
from ..events.event import LogLevel
from .base import Depth, Entry, ErrorsWaiting, Loss
from .ready_queue import DestinationQueue, LaneName, QueuePlace, first_fitting

_ERROR: Final = LogLevel.ERROR.number
# A claim ends after this much text, because its events are in memory several times while a message is built from them.
_CLAIM_BYTES: Final = 8_000_000
# How much one call moves or expires: at most 10 ms of CPU time, so that the intake does other work in between.
CHUNK: Final = 150
CHUNK_BYTES: Final = 150_000


class Backlog:
    """The queues of the destinations, their sums, and the entries that are leased from them."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        # The leased entries, each with its old place.
        self.leased: dict[int, tuple[Entry, QueuePlace]] = {}
        self._entries = self._bytes = 0
        self.queues: defaultdict[str, DestinationQueue] = defaultdict(DestinationQueue)

    @property
    def is_full(self) -> bool:
        """Whether more entries or bytes wait than allowed."""
        return self._entries > self._max_events or self._bytes > self._max_bytes

    @property
    def is_empty(self) -> bool:
        """Whether no entry exists; from any thread."""
        return not self._entries

    def clear(self) -> None:
        """Forget what waits, except for leased entries."""
        self.queues = defaultdict(DestinationQueue)
        self._entries = self._bytes = 0

    def count(self, name: str, places: Sequence[QueuePlace]) -> None:
        """Count entries that exist, but are not ready."""
        self._change(name, len(places), sum(place.size for place in places))

    def put(self, name: str, places: Sequence[QueuePlace]) -> None:
        """Add new entries, ready to be claimed."""
        self.count(name, places)
        self.queues[name].add(places)

    def discount(self, name: str, place: QueuePlace) -> None:
        """Subtract an entry that no longer exists from the sums."""
        self._change(name, -1, -place.size)

    def end(self, name: str, place: QueuePlace) -> None:
        """Forget an entry that no longer exists."""
        self.leased.pop(place.id, None)
        self.queues[name].sealed.pop(place.id, None)
        self.discount(name, place)

    def _change(self, name: str, entries: int, size: int) -> None:
        self.queues[name].entries += entries
        self._entries += entries
        self._bytes += size

    def held(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries that are leased."""
        return [entry for entry in entries if entry.id in self.leased]

    def held_of(self, name: str) -> list[Entry]:
        """Return the leased entries of a destination."""
        return [entry for entry, _ in self.leased.values() if entry.destination == name]

    def give_back(self, held: Iterable[Entry]) -> None:
        """Return leased entries to their old places; sealed ones return to their batch."""
        back: defaultdict[str, list[QueuePlace]] = defaultdict(list)
        for entry in held:
            _, place = self.leased.pop(entry.id)
            if entry.id not in self.queues[entry.destination].sealed:
                back[entry.destination].append(place)
        for name, places in back.items():
            self.queues[name].add(places)

    def seal(self, queue: DestinationQueue, entries: Iterable[Entry], batch: str) -> None:
        """Seal leased entries under a batch id; the batch that was sealed before ends."""
        self.unseal(queue)
        queue.sealed = {entry.id: self.leased[entry.id][1] for entry in self.held(entries)}
        queue.batch = batch

    def sealed_ready(self, queue: DestinationQueue) -> Sequence[QueuePlace]:
        """Return the entries of the sealed batch, unless any of them is leased."""
        return [] if any(number in self.leased for number in queue.sealed) else list(queue.sealed.values())

    def next_batch(self, queue: DestinationQueue, limit: int) -> tuple[Sequence[QueuePlace], str]:
        """Take the next entries, up to `limit`, or the sealed batch with its id."""
        if queue.sealed:
            return self.sealed_ready(queue), queue.batch
        lane = queue.next_lane()
        return [] if lane is None else queue.take(lane, limit, _CLAIM_BYTES), ""

    def expired_batches(self, before: float, *, only_recovered: bool) -> Iterator[tuple[str, Sequence[QueuePlace], str]]:
        """Yield destination, entries and batch id of entries older than `before`; they are removed from their queues."""
        lanes = [LaneName.RECOVERED] if only_recovered else list(LaneName)
        for name, queue in list(self.queues.items()):
            places, batch = self.sealed_ready(queue), queue.batch
            if not places or not all(place.time < before and place.lane in lanes for place in places):
                places, batch = list(first_fitting(queue.older_than(before, CHUNK, lanes), CHUNK_BYTES)), ""
                for place in places:
                    queue.remove(place)
            yield name, places, batch

    def unseal(self, queue: DestinationQueue) -> None:
        """End the sealed batch: its entries return to their lanes, unless they are leased."""
        queue.add(place for place in queue.sealed.values() if place.id not in self.leased)
        queue.sealed, queue.batch = {}, ""

    def make_room(self) -> tuple[list[tuple[str, QueuePlace]], list[Loss]]:
        """Remove the oldest entries of the lowest level until there is room; returns them, and the losses."""
        dropped: list[tuple[str, QueuePlace]] = []
        counts: Counter[tuple[int, str]] = Counter()
        while self.is_full:
            ranks = {rank for queue in self.queues.values() for rank in queue.ranks()}
            if not ranks:
                # All that is left is leased or sealed.
                break
            self._drop(min(ranks), dropped, counts)
        losses = [Loss(name, LossReason.STORAGE_FULL, n, LogLevel.from_number(rank)) for (rank, name), n in counts.items()]
        return dropped, losses

    def _drop(self, rank: int, dropped: list[tuple[str, QueuePlace]], counts: Counter[tuple[int, str]]) -> None:
        while self.is_full:
            heads = [(place.id, name, place) for name, queue in self.queues.items() if (place := queue.first_of_rank(rank))]
            if not heads:
                return
            _, name, place = min(heads, key=lambda head: head[0])
            self.queues[name].remove(place)
            self.discount(name, place)
            dropped.append((name, place))
            counts[rank, name] += 1

    def depth(self, name: str) -> Depth:
        """Return how much waits for a destination."""
        if name not in self.queues:
            return Depth()
        queue = self.queues[name]
        waiting = self.sealed_ready(queue)
        recovered = queue.ready(LaneName.RECOVERED) + sum(place.lane == LaneName.RECOVERED for place in waiting)
        times = [place.time for place in waiting[:1]] + [time for time in (queue.oldest(),) if time is not None]
        if queue.sealed:
            is_urgent_next = any(place.lane == LaneName.URGENT for place in queue.sealed.values())
        else:
            is_urgent_next = queue.next_lane() == LaneName.URGENT
        return Depth(
            entries=queue.entries,
            ready=sum(map(queue.ready, LaneName)) + len(waiting),
            urgent=queue.ready(LaneName.URGENT),
            oldest=min(times, default=None),
            recovered=recovered,
            recovered_last=queue.recovered_last if recovered else None,
            is_urgent_next=is_urgent_next,
        )

    def names(self) -> list[str]:
        """Return the destinations that have entries."""
        return [name for name, queue in self.queues.items() if queue.entries]

    def errors_waiting(self, names: Collection[str]) -> ErrorsWaiting:
        """Return how many errors wait for some destinations, plus all leased ones."""
        times: dict[int, float] = {place.id: place.time for _, place in self.leased.values() if place.rank >= _ERROR}
        count = 0
        for name in names:
            if name not in self.queues:
                continue
            queue = self.queues[name]
            times |= {place.id: place.time for place in queue.sealed.values() if place.rank >= _ERROR}
            ranks = [rank for rank in queue.ranks() if rank >= _ERROR]
            count += sum(queue.ready_of_rank(rank) for rank in ranks)
            times |= {place.id: place.time for rank in ranks if (place := queue.first_of_rank(rank)) is not None}
            count -= sum(queue.first_of_rank(rank) is not None for rank in ranks)
        return ErrorsWaiting(count + len(times), min(times.values(), default=None))
