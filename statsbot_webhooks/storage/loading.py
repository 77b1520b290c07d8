"""Loading: read what a database holds when it is opened: entries, sealed batches, and the ids that were ever in use.

A wrong row is mended from its event, or becomes a dead letter; nothing here raises for the content of a row.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..clock import breathe
from ..events.accounting import LossReason
from ..events.event import Event
from .base import Loss
from .connection import SteadyConnection
from .dead_letters import DeadLetters
from .rows import INSERT, in_chunks, is_sound, read_event, read_ids, row_of

_log = logging.getLogger(__name__)
# How many ids are reserved at a time.
_AT_A_TIME: Final = 10_000


@dataclass(frozen=True, slots=True)
class Seal:
    """A batch that may have to be sent again: its row in the table `sends`, and the ids of its entries."""

    row: int
    destination: str
    batch: str
    ids: Sequence[int]


class ReservedIds:
    """The ids that were ever used: none may be used twice, because a batch id is derived from the id of its first entry."""

    def __init__(self, db: SteadyConnection) -> None:
        self._db = db
        self._below = 0

    def read(self) -> int:
        """Return the first id above all that were ever in use."""
        used = self._db.read("SELECT max(below) FROM reserved UNION ALL SELECT max(id) + 1 FROM entries")
        return max((row[0] for row in used if isinstance(row[0], int)), default=1)

    def reserve(self, next_id: int, *, again: bool = False) -> None:
        """Store that ids below `next_id`, and many above it, are used, so that few calls write; `again` always writes."""
        if next_id > self._below or again:
            self._below = next_id + _AT_A_TIME
            self._db.write(self._write)

    def _write(self, db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM reserved")
        db.execute("INSERT INTO reserved VALUES (?)", (self._below,))


def read_entries(
    db: SteadyConnection, dead: DeadLetters, on_loss: Callable[[Loss], None]
) -> Iterator[tuple[int, str, int, int, float, int]]:
    """Yield the columns of the entries without the event, in the order of their ids; mended rows come last."""
    # Read at once, so that nothing has been yielded when the file fails half way.
    rows = db.read("SELECT id, destination, urgent, rank, time, size FROM entries ORDER BY id")
    unsound = [row for row in rows if not is_sound(row)]
    yield from filter(is_sound, rows) if unsound else rows
    for number, *_ in unsound:
        ((name, text),) = db.read("SELECT destination, event FROM entries WHERE id = ?", (number,))
        event = read_event(text)
        if isinstance(name, str) and event is not None:
            row = row_of(number, name, event)
            db.write(lambda connection, row=row: connection.execute(INSERT, row))
            yield row[:6]
        else:
            _drop(db, dead, number, name if isinstance(name, str) else "", str(text))
            on_loss(Loss(name if isinstance(name, str) else "", LossReason.UNREADABLE, 1))


def _drop(db: SteadyConnection, dead: DeadLetters, number: int, name: str, text: str) -> None:
    def work(connection: sqlite3.Connection) -> None:
        dead.add_unreadable(connection, name, [text])
        connection.execute("DELETE FROM entries WHERE id = ?", (number,))

    db.write(work)
    _log.error("a stored event cannot be read; it is skipped")


def read_seals(db: SteadyConnection) -> list[Seal]:
    """Return the batches that may have to be sent again, oldest first."""
    rows = db.read("SELECT id, destination, batch, ids FROM sends WHERE ids != '' ORDER BY id")
    return [Seal(row, name, str(batch), read_ids(text)) for row, name, batch, text in rows]


def missing_entries(before: Mapping[str, int], after: Mapping[str, int], missing: Mapping[str, int]) -> Iterator[Loss]:
    """Yield the losses after another database took over: entries known before, and entries known to be missing from it."""
    lost = Counter(missing)
    for name, count in before.items():
        # The number known before is exact, and that of a damaged page is a guess.
        lost[name] = max(count - after.get(name, 0), 0)
    yield from (Loss(name, LossReason.STORAGE_FAILED, count) for name, count in lost.items() if count)


def read_texts(db: SteadyConnection, ids: Sequence[int]) -> dict[int, Any]:
    """Return the stored texts of entries; an entry that does not exist is left out."""
    texts: dict[int, Any] = {}
    for some in in_chunks(ids):
        marks = ", ".join("?" * len(some))
        texts |= dict(db.read(f"SELECT id, event FROM entries WHERE id IN ({marks})", some))  # noqa: S608 - question marks
    return texts


def read_events(texts: Mapping[int, Any], ids: Sequence[int]) -> dict[int, Event | None]:
    """Return the events of stored texts; `None` for one that does not exist or cannot be read."""
    events: dict[int, Event | None] = {}
    for entry_id in ids:
        events[entry_id] = read_event(texts.get(entry_id))
        breathe()
    return events


def find_entries(db: SteadyConnection, words: Sequence[str], is_meant: Callable[[str], bool]) -> list[tuple[int, str]]:
    """Return id and destination of entries whose stored text holds one of the words, and for which `is_meant` holds."""
    where = " OR ".join(["instr(event, ?)"] * len(words))
    rows = db.read(f"SELECT id, destination, event FROM entries WHERE {where}", words)  # noqa: S608 - question marks
    return [(number, name) for number, name, text in rows if is_meant(str(text))]
