"""Rows of the database and what they hold: a row that cannot be read is an answer here, never an exception."""

from __future__ import annotations

import json
import logging
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..events.event import Event, EventKind, LogLevel, decode, encode
from ..events.plain_values import LATEST_TIME
from .base import DeadLetter

_log = logging.getLogger(__name__)
COLUMNS: Final = "id, destination, urgent, rank, time, size, event"
INSERT: Final = f"INSERT OR REPLACE INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our own
# What a row takes beside its event, and how much of it fits into a page of 2048 bytes; longer ones take whole pages.
_ROW_BYTES: Final = 64
_PAGE_BYTES: Final = 2048
# Longer than any window of Discord's limits.
_SENDS_SECONDS: Final = 300.0
# SQLite takes at least 999 values in a statement (sqlite.org/limits.html#max_variable_number).
_AT_ONCE: Final = 900
# No event comes near it; beyond 64 bits no sum holds it.
_LARGEST: Final = 2**40
_RANKS: Final = frozenset(level.number for level in LogLevel)
Row = tuple[int, str, bool, int, float, int, str]


def row_of(entry_id: int, destination: str, event: Event) -> Row:
    """Return the row of an event for a destination."""
    text = encode(event)
    return entry_id, destination, event.is_urgent, event.level.number, event.time, stored_bytes(len(text)), text


def stored_bytes(characters: int) -> int:
    """Return how much of a file the text of an event takes."""
    whole = characters + _ROW_BYTES
    return whole if whole < _PAGE_BYTES else -(-whole // _PAGE_BYTES) * _PAGE_BYTES


def read_event(text: object) -> Event | None:
    """Return a stored event; None when this version cannot read it."""
    try:
        return decode(text) if isinstance(text, str) else None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        return None


def numbers_meant(texts: Mapping[int, Any], is_meant: Callable[[Event], bool]) -> set[int]:
    """Return the numbers of the stored events that are meant; one that cannot be read is not."""
    return {number for number, text in texts.items() if (event := read_event(text)) is not None and is_meant(event)}


def read_letter(row: tuple[Any, ...]) -> DeadLetter | None:
    """Return a dead letter, with a note in place of an event that cannot be read; None for a row that is none at all."""
    number, destination, text, reason, time = row
    if not isinstance(number, int) or not isinstance(destination, str):
        return None
    event, when = read_event(text), time if is_time(time) else 0.0
    note = event or Event(EventKind.LOG, LogLevel.WARNING, "(a stored event that this version cannot read)", when)
    return DeadLetter(number, destination, note, str(reason), when, is_readable=event is not None)


def is_time(value: object) -> bool:
    """Whether a value of a column can be a time."""
    return isinstance(value, (int, float)) and 0.0 <= value < LATEST_TIME


def is_sound(row: tuple[Any, ...]) -> bool:
    """Whether the columns of an entry before its event have the types and the range that they should have."""
    entry_id, destination, urgent, rank, time, size = row
    # SQLite gives exact types.
    types_fit = type(entry_id) is int and type(destination) is str and type(size) is int
    return types_fit and urgent in (0, 1) and rank in _RANKS and is_time(time) and 0 < size < _LARGEST


def read_ids(text: object) -> list[int]:
    """Return the ids of a sealed batch; none when they cannot be read."""
    try:
        ids: Any = json.loads(text) if isinstance(text, str) and text else []
    except (ValueError, RecursionError):
        return []
    return [number for number in ids if isinstance(number, int)] if isinstance(ids, list) else []  # pyright: ignore[reportUnknownVariableType]


def key_of(text: str) -> str:
    """Return a key as it is stored: SQLite takes no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def read_value(text: str) -> Any:
    """Return what was stored as JSON; raises `ValueError`, `TypeError` or `RecursionError`.

    A number with which nothing can be reckoned, such as NaN or one of 400 digits, makes the whole unreadable.
    """
    return _json.decode(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


_json: Final = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_finite)


class StateRows:
    """State as JSON in a table. A value that cannot be read is left out, and said once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def read(self, rows: list[Any]) -> dict[str, Any]:
        """Return the values of (key, value) rows."""
        values: dict[str, Any] = {}
        for key, text in rows:
            try:
                values[str(key)] = read_value(text)
            except (ValueError, TypeError, RecursionError):
                if key not in self._said:
                    self._said.add(key)
                    _log.error("the stored value of %s cannot be read and is left out", str(key).partition("/")[0])
        return values

    def write(self, db: sqlite3.Connection, values: Mapping[str, Any]) -> None:
        """Set values; `None` deletes."""
        for key, value in values.items():
            name = key_of(key)
            if value is None:
                db.execute("DELETE FROM state WHERE key = ?", (name,))
            else:
                db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, json.dumps(value, default=str)))


def in_chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield as many values at a time as one statement takes."""
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def note_send(db: sqlite3.Connection, name: str, now: float, open_rows: Sequence[int], batch: str, ids: Sequence[int]) -> int:
    """Note that a message leaves; returns the id of its row. What is older than any window goes, but for open batches."""
    marks = ", ".join("?" * len(open_rows))
    db.execute(f"DELETE FROM sends WHERE time < ? AND id NOT IN ({marks})", (now - _SENDS_SECONDS, *open_rows))  # noqa: S608
    text = json.dumps(ids, separators=(",", ":")) if ids else ""
    found = db.execute("INSERT INTO sends (destination, time, batch, ids) VALUES (?, ?, ?, ?)", (name, now, batch, text))
    return found.lastrowid or 0
