"""Dead letters of an outbox in SQLite: events that Discord refuses, and unreadable rows. It counts no losses."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ..clock import Clock
from .base import DeadLetter
from .connection import SteadyConnection
from .rows import in_chunks, read_letter

_log = logging.getLogger(__name__)
_MOST: Final = 1000
_INSERT: Final = "INSERT INTO dead (destination, reason, time, event) VALUES (?, ?, ?, ?)"
UNREADABLE: Final = "the stored row cannot be read"
# Destination, reason, time of burying, and the stored text of the event.
Letter = tuple[str, str, float, str]


class DeadLetters:
    """Keep at most `most` letters, and never more than 1,000; the oldest are deleted, which counts as no further loss."""

    def __init__(self, db: SteadyConnection, most: int, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._most = min(_MOST, most)
        self._count = 0
        self._has_said = False

    def add_unreadable(self, db: sqlite3.Connection, name: str, texts: Iterable[str]) -> None:
        """Add unreadable rows, inside a transaction. Their age counts from now, as their events' times may be unknown."""
        now = self._clock.now()
        insert_letters(db, [(name, UNREADABLE, now, text) for text in texts])

    def note(self, added: int) -> None:
        """Add to the count, after a transaction that inserted or deleted letters."""
        self._count += added

    def make_room(self) -> None:
        """Delete the oldest when there are too many."""
        if self._count <= self._most:
            return
        self.count()
        surplus = self._count - self._most
        query = "DELETE FROM dead WHERE id IN (SELECT id FROM dead ORDER BY id LIMIT ?)"
        self._db.write(lambda db: db.execute(query, (max(surplus, 0),)))
        self.count()
        if not self._has_said:
            self._has_said = True
            _log.warning("there are more than %d dead letters: the oldest are deleted", self._most)

    def read(self, limit: int, ids: Sequence[int] | None = None) -> list[DeadLetter]:
        """Return at most `limit` letters, newest first; with `ids`, only those."""
        query = "SELECT id, destination, event, reason, time FROM dead"
        rows: list[Any] = []
        if ids is None:
            rows = self._db.read(f"{query} ORDER BY id DESC LIMIT ?", (limit,))
        else:
            for some in in_chunks(ids):
                marks = ", ".join("?" * len(some))
                rows += self._db.read(f"{query} WHERE id IN ({marks})", some)
            rows = sorted(rows, key=lambda row: -row[0])[:limit]
        return [letter for row in rows if (letter := read_letter(row)) is not None]

    def purge(self, ids: Sequence[int]) -> int:
        """Delete letters; returns how many existed."""
        before = self.count()
        self._db.write(lambda db: self.delete(db, ids))
        return before - self.count()

    def delete(self, db: sqlite3.Connection, ids: Iterable[int]) -> None:
        """Delete letters inside a transaction."""
        db.executemany("DELETE FROM dead WHERE id = ?", [(number,) for number in ids])

    def expire(self, before: float) -> None:
        """Delete letters that were buried before a time."""
        if self._count:
            self._db.write(lambda db: db.execute("DELETE FROM dead WHERE time < ?", (before,)))
            self.count()

    def find(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> list[int]:
        """Return the ids of letters whose event or reason holds one of the words, and for which `is_meant` holds."""
        where = " OR ".join(["instr(event || ' ' || reason, ?)"] * len(words))
        rows = self._db.read(f"SELECT id, event || ' ' || reason FROM dead WHERE {where}", words)  # noqa: S608
        return [number for number, text in rows if is_meant(str(text))]

    def count(self) -> int:
        """Count the stored letters, and return their number."""
        self._count = self._db.read("SELECT count(*) FROM dead")[0][0]
        return self._count


def insert_letters(db: sqlite3.Connection, letters: Iterable[Letter]) -> None:
    """Add letters inside a transaction; call `DeadLetters.note` and `make_room` after it."""
    db.executemany(_INSERT, letters)
