"""SQLite outbox: in a file, or in memory when there is none. The contract is in `base`.

The database holds the entries; `ready_queue` holds in memory which of them are ready, and their order.
"""

from __future__ import annotations

import logging
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from ..clock import Clock, SystemClock, breathe
from ..events.accounting import LossReason
from ..events.event import Event, encode
from .backlog import CHUNK, CHUNK_BYTES, Backlog
from .base import Alone, DeadLetter, Depth, Entry, ErrorsWaiting, Fleet, Forgotten, Loss
from .connection import SteadyConnection, steady
from .dead_letters import DeadLetters, insert_letters
from .loading import ReservedIds, find_entries, missing_entries, read_entries, read_events, read_seals, read_texts
from .ready_queue import LaneName, QueuePlace
from .rows import INSERT, Row, StateRows, in_chunks, key_of, note_send, numbers_meant, row_of

_log = logging.getLogger(__name__)
DEFAULT_FILE_MB: Final = 256
DEFAULT_MEMORY_MB: Final = 32
# Where ids begin when the file, which knows the used ids, cannot be read.
_UNKNOWN_IDS: Final = 2**48
# One entry may take at most this fraction (one half) of the allowed size.
_LARGEST_PART: Final = 2
_AT_A_TIME: Final = 1000
# Index: whether an entry is urgent.
_LANES: Final = (LaneName.CALM, LaneName.URGENT)


class SqliteOutbox:
    """Keep at most `max_events` entries of `max_mb` MiB; `on_loss` is called for dropped and unreadable ones."""

    def __init__(
        self,
        path: Path | None,
        max_events: int,
        on_loss: Callable[[Loss], None],
        max_mb: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._db = SteadyConnection(path, self._load)
        self._max_bytes = int((max_mb or (DEFAULT_FILE_MB if path is not None else DEFAULT_MEMORY_MB)) * 1024 * 1024)
        self._on_loss = on_loss
        self._state = StateRows()
        self._backlog = Backlog(max_events, self._max_bytes)
        self._dead = DeadLetters(self._db, max_events, clock or SystemClock())
        self._reserved = ReservedIds(self._db)
        self._first_id = self._next_id = 0
        self.fleet: Fleet = Alone()

    @property
    def is_durable(self) -> bool:
        return self._db.is_durable

    @property
    def is_displaced(self) -> bool:
        return self._db.is_displaced

    @property
    def is_empty(self) -> bool:
        return self._backlog.is_empty

    def open(self) -> None:
        if not self._db.is_open:
            self._first_id = self._next_id = 0
            self._db.open()

    def after_fork(self) -> None:
        self._db.after_fork()
        self._clear()

    def close(self) -> None:
        self._db.close()
        self._clear()

    def _clear(self) -> None:
        self._backlog.leased.clear()
        self._backlog.clear()

    def maintain(self) -> bool:
        return self._db.maintain()

    def put(self, items: Iterable[tuple[str, Event]]) -> None:
        self._insert(self._rows(items))
        self._make_room()

    @steady
    def _insert(self, rows: Sequence[Row], letters: Sequence[DeadLetter] = ()) -> None:
        """Store rows, and delete the dead letters that they come from, in one transaction."""
        self._reserved.reserve(self._next_id)
        self._db.write(lambda db: (db.executemany(INSERT, rows), self._dead.delete(db, [letter.id for letter in letters])))
        for name, places in self._by_destination(rows):
            self._backlog.put(name, places)

    def _rows(self, items: Iterable[tuple[str, Event]]) -> list[Row]:
        rows: list[Row] = []
        for name, event in items:
            row = row_of(self._next_id, name, event)
            if row[5] > self._max_bytes // _LARGEST_PART:
                self._on_loss(Loss(name, LossReason.STORAGE_FULL, 1, event.level))
                continue
            rows.append(row)
            self._next_id += 1
            breathe()
        return rows

    @steady
    def claim(self, destination: str, limit: int) -> Sequence[Entry]:
        queue = self._backlog.queues[destination]
        while True:
            places, batch = self._backlog.next_batch(queue, limit)
            entries = self._lease(destination, places, batch)
            # Unreadable entries have been set aside; entries behind them may be readable.
            if entries or not places:
                return entries

    def _lease(self, destination: str, places: Sequence[QueuePlace], batch: str) -> list[Entry]:
        texts = read_texts(self._db, [place.id for place in places])
        events = read_events(texts, [place.id for place in places])
        if unreadable := [place for place in places if events[place.id] is None]:
            self._set_aside(destination, unreadable, texts)
        entries: list[Entry] = []
        for place in places:
            if (event := events[place.id]) is not None:
                entry = Entry(place.id, destination, event, batch, place.lane == LaneName.RECOVERED)
                entries.append(entry)
                self._backlog.leased[place.id] = entry, place
                breathe()
        return entries

    def _set_aside(self, name: str, places: Sequence[QueuePlace], texts: Mapping[int, Any]) -> None:
        """Turn rows that this version cannot read into dead letters, which a newer version may read."""
        kept = [text for place in places if isinstance(text := texts.get(place.id), str)]

        def work(db: sqlite3.Connection) -> None:
            self._dead.add_unreadable(db, name, kept)
            db.executemany("DELETE FROM entries WHERE id = ?", [(place.id,) for place in places])

        self._db.write(work)
        self._dead.note(len(kept))
        for place in places:
            self._backlog.end(name, place)
        self._on_loss(Loss(name, LossReason.UNREADABLE, len(places)))
        _log.error("%d stored events of webhook %s cannot be read; they are skipped", len(places), name)

    def ack(self, entries: Sequence[Entry], state: Mapping[str, Any] | None = None) -> bool:
        self._end(entries, lambda db: self._state.write(db, state or {}))
        return True

    def bury(self, entries: Sequence[Entry], reason: str, now: float) -> bool:
        rows = [(entry.destination, reason, now, encode(entry.event)) for entry in self._backlog.held(entries)]
        self._end(entries, lambda db: insert_letters(db, rows))
        self._dead.note(len(rows))
        steady(self._dead.make_room)()
        return True

    @steady
    def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        held = self._backlog.held(entries)
        if unseal:
            self.unseal(held)
        self._backlog.give_back(held)

    @steady
    def unseal(self, entries: Sequence[Entry]) -> None:
        for name in {entry.destination for entry in entries}:
            self._break_seal(name)

    def release_all(self, destination: str) -> None:
        self.release(self._backlog.held_of(destination))

    @steady
    def _end(self, entries: Sequence[Entry], work: Callable[[sqlite3.Connection], object]) -> None:
        """Delete leased entries, in one transaction with `work`."""
        held = self._backlog.held(entries)
        ids = {entry.id for entry in held}
        # Only for batches that end in part: the row of one that ends as a whole names no existing entry any more.
        broken = [
            name
            for name in {entry.destination for entry in held}
            if (sealed := self._backlog.queues[name].sealed.keys()) & ids and not sealed <= ids
        ]
        rows = [self._backlog.queues[name].seal_row for name in broken]

        def end(db: sqlite3.Connection) -> None:
            work(db)
            db.executemany("DELETE FROM entries WHERE id = ?", [(entry.id,) for entry in held])
            db.executemany("UPDATE sends SET ids = '' WHERE id = ?", [(row,) for row in rows])

        self._db.write(end)
        for entry in held:
            self._backlog.end(entry.destination, self._backlog.leased[entry.id][1])
            breathe()
        for name in broken:
            self._backlog.unseal(self._backlog.queues[name])

    # -- sealed batches and the times of messages

    @steady
    def seal(self, entries: Sequence[Entry], batch: str, now: float) -> None:
        name, ids = entries[0].destination, [entry.id for entry in entries]
        queue = self._backlog.queues[name]
        open_rows = [each.seal_row for each in self._backlog.queues.values() if each.sealed and each is not queue]
        row = 0

        def work(db: sqlite3.Connection) -> None:
            nonlocal row
            if queue.sealed:
                db.execute("UPDATE sends SET ids = '' WHERE id = ?", (queue.seal_row,))
            row = note_send(db, name, now, open_rows, batch, ids)

        self._db.write(work)
        self._backlog.seal(queue, entries, batch)
        queue.seal_row = row

    @steady
    def note_send(self, destination: str, now: float) -> None:
        open_rows = [each.seal_row for each in self._backlog.queues.values() if each.sealed]
        self._db.write(lambda db: note_send(db, destination, now, open_rows, "", []))

    @steady
    def recent_sends(self, destination: str, since: float) -> Sequence[float]:
        query = "SELECT time FROM sends WHERE destination = ? AND time >= ? ORDER BY time"
        return [row[0] for row in self._db.read(query, (destination, since)) if isinstance(row[0], (int, float))]

    def _break_seal(self, name: str) -> None:
        queue = self._backlog.queues[name]
        if queue.sealed:
            self._db.write(lambda db: db.execute("UPDATE sends SET ids = '' WHERE id = ?", (queue.seal_row,)))
            self._backlog.unseal(queue)

    # -- many at a time

    @steady
    def move(self, source: str, target: str, is_there: Callable[[Event], bool] | None = None) -> int:
        origin, goal = self._backlog.queues[source], self._backlog.queues[target]
        if origin.sealed:
            if not self._backlog.sealed_ready(origin):
                return 0
            self._break_seal(source)
        places = origin.take_any(CHUNK, CHUNK_BYTES)
        there = set[int]() if is_there is None else numbers_meant(read_texts(self._db, [place.id for place in places]), is_there)
        rows = [(target, place.id) for place in places if place.id not in there]

        def work(db: sqlite3.Connection) -> None:
            db.executemany("UPDATE entries SET destination = ? WHERE id = ?", rows)
            db.executemany("DELETE FROM entries WHERE id = ?", [(number,) for number in there])

        self._db.write(work)
        goal.recovered_last = goal.recovered_last or origin.recovered_last
        for place in places:
            self._backlog.discount(source, place)
        self._backlog.put(target, [place for place in places if place.id not in there])
        return len(rows)

    @steady
    def expire(self, before: float, *, only_recovered: bool = False) -> Sequence[Entry]:
        self._dead.expire(before)
        for name, places, batch in self._backlog.expired_batches(before, only_recovered=only_recovered):
            if found := self._lease(name, places, batch):
                return found
        return []

    def forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        forgotten = self._forget(words, is_meant)
        self._db.wipe()
        return forgotten

    @steady
    def _forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        meant = find_entries(self._db, words, is_meant)
        free = [(number, name) for number, name in meant if number not in self._backlog.leased]
        # Their sealed message would not be the same without them, so the others leave in new ones.
        for name in {name for number, name in free if number in self._backlog.queues[name].sealed}:
            self._break_seal(name)
        dead = self._dead.find(words, is_meant)
        # Only unreadable values: `erasure.forget` has checked the readable ones.
        state = self._db.read("SELECT key, value FROM state")
        broken = [(key,) for key, text in state if is_meant(str(text)) and not self._state.read([(key, text)])]

        def work(db: sqlite3.Connection) -> None:
            self._dead.delete(db, dead)
            db.executemany("DELETE FROM state WHERE key = ?", broken)
            db.executemany("DELETE FROM entries WHERE id = ?", [(number,) for number, _ in free])

        self._db.write(work)
        self._dead.note(-len(dead))
        for number, name in free:
            if (place := self._backlog.queues[name].take_id(number)) is not None:
                self._backlog.discount(name, place)
        return Forgotten(Counter(name for _, name in free), len(dead), len(meant) - len(free))

    def depth(self, destination: str) -> Depth:
        return self._backlog.depth(destination)

    def depths(self) -> dict[str, Depth]:
        return {name: self.depth(name) for name in self._backlog.names()}

    def errors_waiting(self, destinations: Collection[str]) -> ErrorsWaiting:
        return self._backlog.errors_waiting(destinations)

    @steady
    def dead_letters(self, limit: int, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        return self._dead.read(limit, ids)

    def replay(self, ids: Sequence[int]) -> Sequence[DeadLetter]:
        letters = [letter for letter in self.dead_letters(len(ids), ids) if letter.is_readable][::-1]
        self._insert(self._rows((letter.destination, letter.event) for letter in letters), letters)
        self._dead.note(-len(letters))
        self._make_room()
        return letters

    @steady
    def purge(self, ids: Sequence[int]) -> int:
        return self._dead.purge(ids)

    @steady
    def read_state(self, prefix: str) -> dict[str, Any]:
        # Not LIKE, whose wildcards a key may contain: every string that begins with the prefix is below this bound.
        query = "SELECT key, value FROM state WHERE key >= ? AND key < ? ORDER BY key"
        return self._state.read(self._db.read(query, (key_of(prefix), key_of(f"{prefix}\U0010ffff"))))

    @steady
    def write_state(self, values: Mapping[str, Any]) -> None:
        if values:
            self._db.write(lambda db: self._state.write(db, values))

    def update_state(self, changes: Mapping[str, Callable[[Any], Any]], *, is_news: bool = True) -> dict[str, Any]:
        values = {key: change(self.read_state(key).get(key_of(key))) for key, change in changes.items()}
        self.write_state(values)
        return values

    @steady
    def _make_room(self) -> None:
        dropped, losses = self._backlog.make_room()
        for some in in_chunks([place.id for _, place in dropped]):
            self._db.write(lambda db, some=some: db.executemany("DELETE FROM entries WHERE id = ?", [(each,) for each in some]))
        for loss in losses:
            self._on_loss(loss)

    # -- after another database took over

    def _load(self, missing: Mapping[str, int]) -> None:
        """Read what the database holds, at the start and when another one took over."""
        before = {name: queue.entries for name, queue in self._backlog.queues.items()}
        self._backlog.clear()
        if self._next_id == 0:
            self._first_id = self._next_id = (
                _UNKNOWN_IDS + random.getrandbits(44) if self.is_displaced else self._reserved.read()  # noqa: S311 - no secret
            )
        self._reserved.reserve(max(self._next_id, self._reserved.read()), again=True)
        # Leased entries are known in memory, even when their rows could not be read.
        held = [row_of(entry.id, entry.destination, entry.event) for entry, _ in self._backlog.leased.values()]
        self._db.write(lambda db: db.executemany(INSERT, held))
        seals = read_seals(self._db)
        # Entries in no lane, because they are leased or sealed.
        sealed: dict[tuple[str, int], QueuePlace] = {}
        apart = {(seal.destination, number) for seal in seals for number in seal.ids}
        apart |= {(entry.destination, entry.id) for entry, _ in self._backlog.leased.values()}
        rows = read_entries(self._db, self._dead, self._on_loss)
        while some := list(islice(rows, _AT_A_TIME)):
            for name, places in self._by_destination(some):
                queue = self._backlog.queues[name]
                self._backlog.count(name, places)
                if left := [place.time for place in places if place.lane == LaneName.RECOVERED]:
                    queue.recovered_last = max(*left, queue.recovered_last or 0.0)
                if apart:
                    sealed |= {(name, place.id): place for place in places if (name, place.id) in apart}
                queue.add([place for place in places if (name, place.id) not in sealed] if sealed else places)
        for seal in reversed(seals):
            queue = self._backlog.queues[seal.destination]
            found = {number: sealed.pop(key) for number in seal.ids if (key := (seal.destination, number)) in sealed}
            if found and not queue.sealed:
                queue.sealed, queue.batch, queue.seal_row = found, seal.batch, seal.row
            else:
                queue.add(place for place in found.values() if place.id not in self._backlog.leased)
        self._dead.count()
        for loss in missing_entries(before, {name: queue.entries for name, queue in self._backlog.queues.items()}, missing):
            self._on_loss(loss)

    def _by_destination(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, list[QueuePlace]]]:
        """Yield each destination of the rows with their places."""
        first, end = self._first_id, self._next_id
        for name, some in groupby(sorted(rows, key=itemgetter(1)), key=itemgetter(1)):
            places = [
                QueuePlace(row[0], _LANES[row[2]] if first <= row[0] < end else LaneName.RECOVERED, row[3], row[4], row[5])
                for row in some
            ]
            yield name, places
