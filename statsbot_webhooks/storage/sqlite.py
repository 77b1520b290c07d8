"""An outbox in SQLite: a file, or memory when there is none. The contract is in `base`."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..events.accounting import LossReason
from ..events.event import Event, LogLevel, decode, encode
from .base import DeadLetter, Depth, Entry, Forgotten, Loss
from .connection import SteadyConnection
from .ready_queue import Lane, LaneName, Shelf

# A claim ends after so much text: its events are in memory several times over while a message is built, and fit into one file.
_CLAIM_CHARACTERS: Final = 8_000_000
_INSERT: Final = "INSERT OR REPLACE INTO entries (id, destination, urgent, rank, time, event) VALUES (?, ?, ?, ?, ?, ?)"
# SQLite takes at least 999 values in a statement (sqlite.org/limits.html#max_variable_number).
_AT_ONCE: Final = 900
# Longer than any window of Discord's limits.
_SENDS_SECONDS: Final = 300.0


class SqliteOutbox:
    """Keep at most `max_events` entries; `on_loss` is told of each that is dropped or cannot be read any more."""

    def __init__(self, path: Path | None, max_events: int, on_loss: Callable[[Loss], None]) -> None:
        self._db = SteadyConnection(path, self._count)
        self._max_events = max_events
        self._on_loss = on_loss
        self._shelves: defaultdict[str, Shelf] = defaultdict(Shelf)
        self._ranks: Counter[int] = Counter()
        self._leased: dict[int, Entry] = {}
        self._next_id = 1
        self._last_recovered = 0

    @property
    def is_durable(self) -> bool:
        return self._db.is_durable

    def open(self) -> None:
        if not self._db.is_open:
            self._db.open()
            rows = self._db.read("SELECT max(seq) FROM sqlite_sequence")
            self._last_recovered = rows[0][0] or 0
            self._next_id = self._last_recovered + 1
            self._count()

    def close(self) -> None:
        self._db.close()
        self._leased.clear()
        if not self.is_durable:
            self._shelves.clear()

    def after_fork(self) -> None:
        self._db.after_fork()
        self._leased.clear()
        self._shelves.clear()
        self._ranks.clear()

    def maintain(self) -> None:
        self._db.maintain()

    def put(self, items: Iterable[tuple[str, Event]]) -> None:
        rows = [_row(Entry(number, name, event)) for number, (name, event) in enumerate(items, self._next_id)]
        self._db.write(lambda db: db.executemany(_INSERT, rows))
        for _, name, is_urgent, rank, *_ in rows:
            shelf = self._shelves[name]
            shelf.entries += 1
            shelf.lanes[LaneName.URGENT if is_urgent else LaneName.CALM].fresh += 1
            self._ranks[rank] += 1
        self._next_id += len(rows)
        self._make_room()

    def claim(self, destination: str, limit: int) -> Sequence[Entry]:
        shelf = self._shelves[destination]
        if shelf.sealed:
            return self._lease(destination, self._load(self._sealed_ready(shelf)), shelf.batch)
        name = shelf.next_lane()
        return [] if name is None else self._lease(destination, self._take(destination, name, shelf.lanes[name], limit))

    def seal(self, entries: Sequence[Entry], batch: str, now: float) -> None:
        name, ids = entries[0].destination, [entry.id for entry in entries]

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?)", (name, batch, json.dumps(ids)))
            _note_send(db, name, now)

        self._db.write(work)
        shelf = self._shelves[name]
        self._break_seal(shelf)
        shelf.sealed, shelf.batch, shelf.is_batch_urgent = ids, batch, any(entry.event.is_urgent for entry in entries)

    def note_send(self, destination: str, now: float) -> None:
        self._db.write(lambda db: _note_send(db, destination, now))

    def recent_sends(self, destination: str, since: float) -> Sequence[float]:
        query = "SELECT time FROM sends WHERE destination = ? AND time >= ? ORDER BY time"
        return [row[0] for row in self._db.read(query, (destination, since))]

    def ack(self, entries: Sequence[Entry], state: Mapping[str, Any] | None = None) -> None:
        self._end(entries, lambda db: _write_state(db, state or {}))

    def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        held = self._held(entries)
        if unseal:
            self._unseal(held)
        for entry in held:
            del self._leased[entry.id]
            shelf = self._shelves[entry.destination]
            if entry.id not in shelf.sealed:
                shelf.lanes[self._lane_name(entry.id, entry.event.is_urgent)].add(entry.id)

    def release_all(self, destination: str) -> None:
        self.release([entry for entry in self._leased.values() if entry.destination == destination])

    def bury(self, entries: Sequence[Entry], reason: str, now: float) -> None:
        rows = [(entry.id, entry.destination, reason, now, encode(entry.event)) for entry in self._held(entries)]
        self._end(entries, lambda db: db.executemany("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?, ?)", rows))

    def unseal(self, entries: Sequence[Entry]) -> None:
        self._unseal(entries)

    def move(self, source: str, target: str, is_there: Callable[[Event], bool] = lambda event: False) -> int:
        moved = 0
        while claimed := self.claim(source, _AT_ONCE):
            there = [entry for entry in claimed if is_there(entry.event)]
            ended = {entry.id for entry in there}
            self._end(there, lambda db: None)
            entries = [entry for entry in claimed if entry.id not in ended]
            rows = [(target, entry.id) for entry in entries]
            self._unseal(entries)
            self._db.write(lambda db, rows=rows: db.executemany("UPDATE entries SET destination = ? WHERE id = ?", rows))
            last = self._shelves[source].recovered_last
            for entry in entries:
                del self._leased[entry.id]
                self._shelves[source].entries -= 1
                shelf = self._shelves[target]
                shelf.entries += 1
                shelf.recovered_last = shelf.recovered_last or last
                shelf.lanes[self._lane_name(entry.id, entry.event.is_urgent)].add(entry.id)
            moved += len(entries)
        return moved

    def expire(self, before: float) -> Sequence[Entry]:
        sealed = {number for shelf in self._shelves.values() for number in shelf.sealed}
        rows = self._db.read("SELECT id, destination, event FROM entries WHERE time < ?", (before,))
        old = [Entry(row[0], row[1], decode(row[2])) for row in rows if row[0] not in self._leased and row[0] not in sealed]
        for entry in old:
            self._shelves[entry.destination].lanes[self._lane_name(entry.id, entry.event.is_urgent)].drop(entry.id)
            self._leased[entry.id] = entry
        self._end(old, lambda db: db.execute("DELETE FROM dead WHERE time < ?", (before,)))
        return old

    def depth(self, destination: str) -> Depth:
        shelf = self._shelves[destination]
        waiting = self._sealed_ready(shelf)
        ready = sum(lane.ready for lane in shelf.lanes.values()) + len(waiting)
        recovered = shelf.lanes[LaneName.RECOVERED].ready + sum(number <= self._last_recovered for number in waiting)
        return Depth(
            entries=shelf.entries,
            ready=ready,
            urgent=shelf.lanes[LaneName.URGENT].ready,
            oldest=self._oldest(destination, shelf) if ready and self._db.is_open else None,
            recovered=recovered,
            recovered_last=shelf.recovered_last if recovered else None,
            is_urgent_next=shelf.is_batch_urgent if shelf.sealed else shelf.next_lane() == LaneName.URGENT,
        )

    def depths(self) -> dict[str, Depth]:
        return {name: self.depth(name) for name, shelf in list(self._shelves.items()) if shelf.entries}

    def dead_letters(self, limit: int, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        where = "" if ids is None else f"WHERE id IN ({', '.join('?' * len(ids))})"
        query = f"SELECT id, destination, event, reason, time FROM dead {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        rows = self._db.read(query, (*(ids or ()), limit))
        return [DeadLetter(number, name, decode(text), reason, time) for number, name, text, reason, time in rows]

    def replay(self, ids: Sequence[int]) -> Sequence[DeadLetter]:
        letters = sorted(self.dead_letters(len(ids), ids), key=lambda letter: letter.id)
        self.put([(letter.destination, letter.event) for letter in letters])
        self.purge([letter.id for letter in letters])
        return letters

    def purge(self, ids: Sequence[int]) -> int:
        before = self._db.read("SELECT count(*) FROM dead")[0][0]
        self._db.write(lambda db: db.executemany("DELETE FROM dead WHERE id = ?", [(number,) for number in ids]))
        return before - self._db.read("SELECT count(*) FROM dead")[0][0]

    def read_state(self, prefix: str) -> dict[str, Any]:
        # Not LIKE, whose wildcards a key may contain: every string that begins with the prefix is below this bound.
        query = "SELECT key, value FROM state WHERE key >= ? AND key < ? ORDER BY key"
        return {key: json.loads(value) for key, value in self._db.read(query, (prefix, f"{prefix}\U0010ffff"))}

    def write_state(self, values: Mapping[str, Any]) -> None:
        self._db.write(lambda db: _write_state(db, values))

    def forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        where = " OR ".join(["instr(event, ?)"] * len(words))
        rows = self._db.read(f"SELECT id, destination, event FROM entries WHERE {where}", words)  # noqa: S608
        meant = [Entry(number, name, decode(text)) for number, name, text in rows if is_meant(text)]
        free = [entry for entry in meant if entry.id not in self._leased]
        # A message that they were sealed for is not what it was any more: the others leave anew.
        self._unseal([entry for entry in free if entry.id in self._shelves[entry.destination].sealed])
        for entry in free:
            self._shelves[entry.destination].lanes[self._lane_name(entry.id, entry.event.is_urgent)].drop(entry.id)
            self._leased[entry.id] = entry
        letters = self._db.read(f"SELECT id, event || ' ' || reason FROM dead WHERE {where}", words)  # noqa: S608
        dead = [(number,) for number, text in letters if is_meant(text)]
        self._end(free, lambda db: db.executemany("DELETE FROM dead WHERE id = ?", dead))
        self._db.wipe()
        return Forgotten(Counter(entry.destination for entry in free), len(dead), len(meant) - len(free))

    def _lane_name(self, entry_id: int, is_urgent: bool) -> LaneName:
        if entry_id <= self._last_recovered:
            return LaneName.RECOVERED
        return LaneName.URGENT if is_urgent else LaneName.CALM

    def _sealed_ready(self, shelf: Shelf) -> list[int]:
        return [] if any(number in self._leased for number in shelf.sealed) else shelf.sealed

    def _held(self, entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if entry.id in self._leased]

    def _rows(self, destination: str, name: LaneName, floor: int) -> tuple[str, tuple[Any, ...]]:
        """Return the query for the rows of a lane that were never claimed."""
        if name == LaneName.RECOVERED:
            # In the order of their ids, which no index has for all levels together.
            where = "NOT INDEXED WHERE destination = ? AND id > ? AND id <= ?"
            return where, (destination, floor, self._last_recovered)
        is_urgent = name == LaneName.URGENT
        return "WHERE destination = ? AND urgent = ? AND id > ?", (destination, is_urgent, max(floor, self._last_recovered))

    def _take(self, destination: str, name: LaneName, lane: Lane, limit: int) -> list[tuple[int, str]]:
        """Take up to `limit` rows out of a lane."""
        rows = self._load(lane.returned[: min(limit, _AT_ONCE)])
        del lane.returned[: min(limit, _AT_ONCE)]
        if rows or not lane.fresh:
            return rows
        counter, characters = itertools.count(), 0

        def fits(row: tuple[int, str]) -> bool:
            nonlocal characters
            characters += len(row[1])
            return next(counter) == 0 or characters < _CLAIM_CHARACTERS

        where, values = self._rows(destination, name, lane.floor)
        rows = self._db.read(f"SELECT id, event FROM entries {where} ORDER BY id LIMIT ?", (*values, limit), until=fits)  # noqa: S608
        lane.fresh -= len(rows)
        lane.floor = rows[-1][0] if rows else lane.floor
        return rows

    def _load(self, ids: Sequence[int]) -> list[tuple[int, str]]:
        rows: list[tuple[int, str]] = []
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows += self._db.read(f"SELECT id, event FROM entries WHERE id IN ({marks}) ORDER BY id", some)  # noqa: S608
        return rows

    def _lease(self, destination: str, rows: list[tuple[int, str]], batch: str = "") -> list[Entry]:
        entries = [Entry(number, destination, decode(text), batch, number <= self._last_recovered) for number, text in rows]
        self._leased.update((entry.id, entry) for entry in entries)
        return entries

    def _end(self, entries: Sequence[Entry], work: Callable[[sqlite3.Connection], object]) -> None:
        """Take leased entries out for good, together with what else belongs to it."""
        held = self._held(entries)
        whole = {entry.destination for entry in held if entry.id in self._shelves[entry.destination].sealed}

        def end(db: sqlite3.Connection) -> None:
            work(db)
            db.executemany("DELETE FROM entries WHERE id = ?", [(entry.id,) for entry in held])
            db.executemany("DELETE FROM sealed WHERE destination = ?", [(name,) for name in whole])

        self._db.write(end)
        for entry in held:
            del self._leased[entry.id]
            shelf = self._shelves[entry.destination]
            shelf.entries -= 1
            self._ranks[entry.event.level.number] -= 1
        ended = {entry.id for entry in held}
        for name in whole:
            shelf = self._shelves[name]
            shelf.sealed = [number for number in shelf.sealed if number not in ended]
        for name in whole:
            self._break_seal(self._shelves[name])

    def _unseal(self, entries: Sequence[Entry]) -> None:
        names = {entry.destination for entry in entries}
        self._db.write(lambda db: db.executemany("DELETE FROM sealed WHERE destination = ?", [(name,) for name in names]))
        for name in names:
            self._break_seal(self._shelves[name])

    def _break_seal(self, shelf: Shelf) -> None:
        """Put what was sealed, and is not leased now, back into the lanes."""
        for number in shelf.sealed:
            if number not in self._leased:
                urgent = self._db.read("SELECT urgent FROM entries WHERE id = ?", (number,))
                shelf.lanes[self._lane_name(number, bool(urgent[0][0]))].add(number)
        shelf.sealed, shelf.batch = [], ""

    def _oldest(self, destination: str, shelf: Shelf) -> float | None:
        """Return the time of the oldest event that is ready."""
        times: list[float] = []
        for name, lane in shelf.lanes.items():
            if lane.fresh:
                where, values = self._rows(destination, name, lane.floor)
                times += [row[0] for row in self._db.read(f"SELECT time FROM entries {where} ORDER BY id LIMIT 1", values)]  # noqa: S608
        first = [lane.returned[0] for lane in shelf.lanes.values() if lane.returned] + shelf.sealed[:1]
        for number in first:
            times += [row[0] for row in self._db.read("SELECT time FROM entries WHERE id = ?", (number,))]
        return min(times, default=None)

    def _make_room(self) -> None:
        surplus = self._ranks.total() - self._max_events
        sealed = {number for shelf in self._shelves.values() for number in shelf.sealed}
        for rank in sorted(self._ranks) if surplus > 0 else ():
            query = "SELECT id, destination, urgent FROM entries WHERE rank = ? ORDER BY id LIMIT ?"
            found = self._db.read(query, (rank, surplus + len(sealed) + len(self._leased)))
            rows = [row for row in found if row[0] not in self._leased and row[0] not in sealed][:surplus]
            self._db.write(lambda db, rows=rows: db.executemany("DELETE FROM entries WHERE id = ?", [row[:1] for row in rows]))
            for number, name, is_urgent in rows:
                self._shelves[name].entries -= 1
                self._shelves[name].lanes[self._lane_name(number, bool(is_urgent))].drop(number)
            self._ranks[rank] -= len(rows)
            surplus -= len(rows)
            for name, count in Counter(row[1] for row in rows).items():
                self._on_loss(Loss(name, LossReason.STORAGE_FULL, count, LogLevel.from_number(rank)))

    def _count(self) -> None:
        """Count what the database holds: at the start, and when another one took over and rows may be missing."""
        before = {name: shelf.entries for name, shelf in self._shelves.items()}
        self._shelves.clear()
        # What is leased exists in memory, whatever could not be read.
        self._db.write(lambda db: db.executemany(_INSERT, [_row(entry) for entry in self._leased.values()]))
        self._ranks = Counter(dict(self._db.read("SELECT rank, count(*) FROM entries GROUP BY rank")))
        for name, batch, ids in self._db.read("SELECT destination, batch, ids FROM sealed"):
            self._shelves[name].sealed, self._shelves[name].batch = json.loads(ids), batch
        sealed = {number for shelf in self._shelves.values() for number in shelf.sealed}
        for number, name, urgent in self._db.read("SELECT id, destination, urgent FROM entries ORDER BY id"):
            shelf = self._shelves[name]
            shelf.entries += 1
            lane = shelf.lanes[self._lane_name(number, bool(urgent))]
            if not self._leased and number not in sealed:
                lane.fresh += 1
            elif self._leased:
                # Leases stand between the rows, so what is ready must be told one by one.
                lane.floor = number
                if number not in self._leased and number not in sealed:
                    lane.returned.append(number)
        recovered = "SELECT destination, max(time) FROM entries WHERE id <= ? GROUP BY destination"
        for name, last in self._db.read(recovered, (self._last_recovered,)):
            self._shelves[name].recovered_last = last
        for name, count in before.items():
            if count > self._shelves[name].entries:
                self._on_loss(Loss(name, LossReason.STORAGE_FAILED, count - self._shelves[name].entries))


def _note_send(db: sqlite3.Connection, name: str, now: float) -> None:
    db.execute("DELETE FROM sends WHERE time < ?", (now - _SENDS_SECONDS,))
    db.execute("INSERT INTO sends VALUES (?, ?)", (name, now))


def _write_state(db: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if value is None:
            db.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value)))


def _row(entry: Entry) -> tuple[int, str, bool, int, float, str]:
    event = entry.event
    return entry.id, entry.destination, event.is_urgent, event.level.number, event.time, encode(event)
