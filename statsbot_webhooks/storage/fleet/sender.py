"""Sender of a fleet: what the sending process knows of the entries in Redis, and its changes to them under the lease.

Which entries are ready, and their order, is known in memory, as for SQLite. Without the lease it knows nothing. Redis may fail
at any call: calls that only end something are queued for later, under the same lease; others are not begun.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from ...clock import Clock
from ...events.accounting import LossReason
from ...events.event import Event, encode, is_newer
from ..backlog import CHUNK, CHUNK_BYTES, Backlog
from ..base import Entry, LeaseLostError, Loss
from ..dead_letters import UNREADABLE
from ..ready_queue import LaneName, QueuePlace
from ..rows import numbers_meant, read_event
from ..rows import row_of as sqlite_row
from .keys import place_of, read_seal
from .leased_calls import LeasedCalls
from .redis_connection import RedisAwayError
from .sender_lease import Lease
from .streams import Found, Streams

_log = logging.getLogger(__name__)
# Texts that were read with their entries are kept up to this size, so that they need not be read twice.
_KEPT_BYTES: Final = 8_000_000
_READS_AT_ONCE: Final = 20


class Sender:
    """The entries under one lease. `on_moved(name, n)` counts entries that went to other processes (negative: came from them)."""

    def __init__(
        self,
        streams: Streams,
        calls: LeasedCalls,
        bounds: tuple[int, int],
        on_loss: Callable[[Loss], None],
        on_moved: Callable[[str, int], None],
        clock: Clock,
    ) -> None:
        self._streams, self._calls, self._clock = streams, calls, clock
        self._on_loss, self._on_moved = on_loss, on_moved
        self.backlog = Backlog(*bounds)
        self._texts: dict[int, Any] = {}
        self._kept = 0
        self._has_said_newer = False
        # Whether Redis may have handed out entries in an answer that was lost.
        self._is_in_doubt = False

    # -- the lease

    def begin(self, lease: Lease, *, is_restart: bool) -> None:
        """Read what waits. With `is_restart` it was left by an earlier run of the fleet, as after the restart of a bot."""
        self._calls.begin(lease)
        try:
            for name in self._streams.destinations():
                self._add(self._streams.take_over(lease.text, name), is_left=is_restart)
            while found := self._streams.read(lease.text):
                self._add(found, is_left=is_restart)
            for name, text in self._streams.seals().items():
                self._take_seal(name, text)
        except BaseException:
            self.end()
            raise

    def _take_seal(self, name: str, text: str) -> None:
        queue = self.backlog.queues[name]
        batch, numbers = read_seal(text)
        places = [place for number in numbers if (place := queue.take_id(number)) is not None]
        # Another process may have sent it, so it must be looked for before it is sent again.
        queue.sealed = {
            place.id: QueuePlace(place.id, LaneName.RECOVERED, place.rank, place.time, place.size) for place in places
        }
        queue.batch = batch if places else ""

    def end(self, *, is_lost: bool = False) -> None:
        """Forget everything: the entries belong to another process or, with `is_lost`, Redis lost them."""
        sending = Counter(entry.destination for entry, _ in self.backlog.leased.values())
        for name, queue in self.backlog.queues.items():
            lost = max(queue.entries - sending[name], 0) if is_lost else 0
            if lost:
                self._on_loss(Loss(name, LossReason.STORAGE_FAILED, lost))
            if queue.entries > lost:
                self._on_moved(name, queue.entries - lost)
        self.backlog.clear()
        self.backlog.leased.clear()
        self._texts.clear()
        self._kept = 0
        self._is_in_doubt = False
        self._calls.end()

    # -- what comes

    def read(self) -> tuple[set[str], bool]:
        """Read new entries; returns their destinations, and whether there are more. Raises `RedisAwayError`."""
        names: set[str] = set()
        if not self._calls.is_held:
            return names, False
        try:
            self._calls.settle()
            if self._is_in_doubt:
                names |= self._read_again()
            for _ in range(_READS_AT_ONCE):
                found = self._calls.ask(self._streams.read)
                if not found:
                    return names, False
                names |= self._add(found)
                self.make_room()
        except LeaseLostError:
            return names, False
        except RedisAwayError as error:
            self._is_in_doubt |= error.may_be_done
            raise
        return names, True

    def _read_again(self) -> set[str]:
        """Read the entries of lost answers again."""
        names: set[str] = set()
        for name in self._streams.destinations():
            queue = self.backlog.queues[name]
            found: list[Found] = self._calls.ask(lambda lease, name=name: self._streams.take_over(lease, name))
            names |= self._add([each for each in found if each[1] not in self.backlog.leased and not queue.has(each[1])])
        self._is_in_doubt = False
        return names

    def _add(self, found: Sequence[Found], *, is_left: bool = False) -> set[str]:
        counts: defaultdict[str, int] = defaultdict(int)
        for name, number, facts, text in found:
            place = (text is not None and place_of(number, facts)) or self._mend(name, number, text)
            if place is None:
                continue
            queue = self.backlog.queues[name]
            if is_left:
                place = QueuePlace(number, LaneName.RECOVERED, place.rank, place.time, place.size)
                queue.recovered_last = max(place.time, queue.recovered_last or 0.0)
            self.backlog.put(name, [place])
            counts[name] += 1
            if self._kept < _KEPT_BYTES:
                self._texts[number] = text
                self._kept += place.size
        for name, count in counts.items():
            self._on_moved(name, -count)
        return set(counts)

    def _mend(self, name: str, number: int, text: object) -> QueuePlace | None:
        """Return the place of an entry with wrong facts, derived from its event; an unreadable event is set aside."""
        event = read_event(text)
        if event is not None:
            _, _, is_urgent, rank, time, size, _ = sqlite_row(number, name, event)
            return QueuePlace(number, LaneName.URGENT if is_urgent else LaneName.CALM, rank, time, size)
        if not (isinstance(text, str) and is_newer(text)):
            self._set_aside(name, number, text, 0)
        else:
            self._say_newer()
        return None

    def _say_newer(self) -> None:
        if not self._has_said_newer:
            self._has_said_newer = True
            _log.warning(
                "a newer version of statsbot_webhooks stored events in this fleet; they wait for a process of that version"
            )

    def _set_aside(self, name: str, number: int, text: object, size: int) -> None:
        now = self._clock.now()

        def work(lease: str) -> None:
            letters = [text] if isinstance(text, str) else []
            self._streams.bury(lease, name, [number], size, unseals=False, letters=letters, why=UNREADABLE, now=now)

        self._calls.do(work)
        # It has not been counted anywhere yet.
        self._on_moved(name, -1)
        self._on_loss(Loss(name, LossReason.UNREADABLE, 1))
        _log.error("a stored event of webhook %s cannot be read; it is skipped", name)

    def make_room(self) -> None:
        """Drop the oldest entries of the lowest level while too much waits."""
        dropped, losses = self.backlog.make_room()
        by_name: defaultdict[str, list[QueuePlace]] = defaultdict(list)
        for name, place in dropped:
            by_name[name].append(place)
        for name, places in by_name.items():
            self._delete(name, places)
        for loss in losses:
            self._on_loss(loss)

    def _delete(self, name: str, places: Sequence[QueuePlace]) -> None:
        numbers, size = [place.id for place in places], sum(place.size for place in places)
        self._calls.do(lambda lease: self._streams.ack(lease, name, numbers, size, unseals=False, state={}))

    # -- what leaves

    def claim(self, name: str, limit: int) -> list[Entry]:
        """Lease up to `limit` entries; none when Redis does not answer."""
        queue = self.backlog.queues[name]
        while self._calls.is_held:
            places, batch = self.backlog.next_batch(queue, limit)
            entries = self._hand_out(name, places, batch)
            if entries is None:
                return []
            if entries or not places:
                return entries
        return []

    def _hand_out(self, name: str, places: Sequence[QueuePlace], batch: str) -> list[Entry] | None:
        """Lease and return the entries of places; None when their texts cannot be read from Redis."""
        missing = [place.id for place in places if place.id not in self._texts]
        try:
            texts = self._streams.texts(name, missing)
        except RedisAwayError:
            if not batch:
                self.backlog.queues[name].add(places)
            return None
        entries: list[Entry] = []
        for place in places:
            text = self._texts[place.id] if place.id in self._texts else texts.get(place.id)
            if (event := read_event(text)) is not None:
                entries.append(Entry(place.id, name, event, batch, place.lane == LaneName.RECOVERED))
                self.backlog.leased[place.id] = entries[-1], place
            else:
                self._leave_out(name, place, text)
        return entries

    def _leave_out(self, name: str, place: QueuePlace, text: object) -> None:
        self._forget_place(name, place)
        self._on_moved(name, 1)
        if isinstance(text, str) and is_newer(text):
            self._say_newer()
        elif text is not None:
            self._set_aside(name, place.id, text, place.size)

    def _forget_place(self, name: str, place: QueuePlace) -> None:
        self.backlog.end(name, place)
        if self._texts.pop(place.id, None) is not None:
            self._kept -= place.size

    def forget(self, name: str, numbers: Iterable[int]) -> int:
        """Forget deleted entries; returns how many this process knew."""
        places = [place for number in numbers if (place := self.backlog.queues[name].take_id(number)) is not None]
        for place in places:
            self._forget_place(name, place)
        return len(places)

    def forget_texts(self) -> None:
        """Drop the kept texts, because another process deleted some."""
        self._texts.clear()
        self._kept = 0

    def held(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries that are leased by this process under its present lease of the fleet."""
        return self.backlog.held(entries)

    @property
    def busy(self) -> set[int]:
        """The numbers of entries that are leased or sealed."""
        return {*self.backlog.leased, *(number for queue in self.backlog.queues.values() for number in queue.sealed)}

    def note_send(self, name: str, batch: str = "", entries: Sequence[Entry] = ()) -> None:
        """Note that a message leaves; raises `LeaseLostError` when it must not."""
        numbers = [entry.id for entry in entries]
        try:
            self._calls.ask(lambda lease: self._streams.note_send(lease, name, batch, numbers))
        except RedisAwayError:
            raise LeaseLostError from None
        if batch:
            self.backlog.seal(self.backlog.queues[name], entries, batch)

    def end_entries(self, entries: Sequence[Entry], state: Mapping[str, Any], letters: tuple[str, float] | None = None) -> bool:
        """Delete leased entries and write state; with `letters` (reason, time) they become dead letters. False without lease."""
        held = self.held(entries)
        if len(held) < len(entries) or not self._calls.is_held:
            return False
        for name in {entry.destination for entry in held} or {""}:
            some = [entry for entry in held if entry.destination == name]
            numbers, size = [entry.id for entry in some], sum(self.backlog.leased[entry.id][1].size for entry in some)
            queue = self.backlog.queues[name]
            unseals = bool(queue.sealed.keys() & set(numbers))
            texts = [encode(entry.event) for entry in some]
            if not self._calls.do(self._ending(name, numbers, size, unseals, state, letters, texts)):
                return False
            state = {}
            for entry in some:
                self._forget_place(name, self.backlog.leased[entry.id][1])
            if unseals:
                self.backlog.unseal(queue)
        return True

    def _ending(
        self,
        name: str,
        numbers: Sequence[int],
        size: int,
        unseals: bool,  # noqa: FBT001 - private
        state: Mapping[str, Any],
        letters: tuple[str, float] | None,
        texts: Sequence[str],
    ) -> Callable[[str], object]:
        if letters is None:
            return lambda lease: self._streams.ack(lease, name, numbers, size, unseals=unseals, state=state)
        why, now = letters
        return lambda lease: self._streams.bury(lease, name, numbers, size, unseals=unseals, letters=texts, why=why, now=now)

    def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        """Give leased entries back to their old places; with `unseal` their batches end."""
        held = self.held(entries)
        if unseal:
            self.unseal(held)
        self.backlog.give_back(held)

    def release_all(self, name: str) -> None:
        """Give back everything that is leased of a destination."""
        self.release(self.backlog.held_of(name))

    def unseal(self, entries: Sequence[Entry]) -> None:
        """End the sealed batches of entries, so that they may leave in other messages."""
        for name in {entry.destination for entry in entries}:
            queue = self.backlog.queues[name]
            if queue.sealed and self._calls.do(lambda lease, name=name: self._streams.unseal(lease, name)):
                self.backlog.unseal(queue)

    # -- many at a time

    def move(self, source: str, target: str, is_there: Callable[[Event], bool] | None) -> int:
        """Move some of the ready entries to another destination; returns how many. 0 when Redis fails."""
        origin = self.backlog.queues[source]
        if origin.sealed:
            ready = self.backlog.sealed_ready(origin)
            if not ready:
                return 0
            self._calls.do(lambda lease: self._streams.unseal(lease, source))
            self.backlog.unseal(origin)
        places = origin.take_any(CHUNK, CHUNK_BYTES)
        try:
            numbers = [place.id for place in places]
            there = set[int]() if is_there is None else numbers_meant(self._streams.texts(source, numbers), is_there)
            numbers = [place.id for place in places if place.id not in there]
            size = sum(place.size for place in places if place.id in there)
            move = partial(self._streams.move, source=source, target=target, numbers=numbers, there=sorted(there), size=size)
            moved = self._calls.ask(move) if places else 0
        except (RedisAwayError, LeaseLostError):
            origin.add(places)
            # It may have been done: with the texts read anew, moved entries are not sent from here too.
            self.forget_texts()
            return 0
        for place in places:
            self._forget_place(source, place)
        self._on_moved(target, moved)
        return moved

    def expire(self, before: float, *, only_recovered: bool) -> list[Entry]:
        """Lease some ready entries of events older than a time."""
        for name, places, batch in self.backlog.expired_batches(before, only_recovered=only_recovered):
            if found := self._hand_out(name, places, batch):
                return found
        return []
