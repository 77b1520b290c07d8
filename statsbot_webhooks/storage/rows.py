"""Rows of the database and their content. For an unreadable row functions return None; they do not raise."""

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
# Bytes of a row beside its event, and of a page: a row up to a page takes its own size, a longer one whole pages.
_ROW_BYTES: Final = 64
_PAGE_BYTES: Final = 2048
# Longer than any window of Discord's limits.
_SENDS_SECONDS: Final = 300.0
# SQLite takes at least 999 values in a statement (sqlite.org/limits.html#max_variable_number).
_AT_ONCE: Final = 900
# No event comes near it, and sums of such sizes fit into 64 bits.
_LARGEST: Final = 2**40
_RANKS: Final = frozenset(level.number for level in LogLevel)
Row = tuple[int, str, bool, int, float, int, str]


def row_of(entry_id: int, destination: str, event: Event) -> Row:
    """Return the row of an event for a destination."""
    text = encode(event)
    return entry_id, destination, event.is_urgent, event.level.number, event.time, stored_bytes(len(text)), text


def stored_bytes(characters: int) -> int:
    """Return how many bytes of a file an event takes whose text has so many characters."""
    whole = characters + _ROW_BYTES
    return whole if whole < _PAGE_BYTES else -(-whole // _PAGE_BYTES) * _PAGE_BYTES


def read_event(text: object) -> Event | None:
    """Return a stored event; None when this version cannot read it."""
    try:
        return decode(text) if isinstance(text, str) else None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        return None


def numbers_meant(texts: Mapping[int, Any], is_meant: Callable[[Event], bool]) -> set[int]:
    """Return the numbers of the stored events for which `is_meant` holds; unreadable ones are left out."""
    return {number for number, text in texts.items() if (event := read_event(text)) is not None and is_meant(event)}


def read_letter(row: tuple[Any, ...]) -> DeadLetter | None:
    """Return a dead letter, with a note in place of an unreadable event; None when the whole row is unreadable."""
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
    """Whether the columns of an entry, without its event, have valid types and values."""
    entry_id, destination, urgent, rank, time, size = row
    # SQLite returns exact types, so a bool or a subclass cannot occur.
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
    """Return a key as it is stored, because SQLite refuses half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def read_value(text: str) -> Any:
    """Return what was stored as JSON; raises `ValueError`, `TypeError` or `RecursionError`.

    A number that is not finite as a float, such as NaN or one of 400 digits, makes the whole value unreadable.
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
    """State as JSON in a table. An unreadable value is left out, and logged once."""

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
    """Insert a row for a message that leaves, and return its id. Rows older than any window are deleted, except `open_rows`."""
    marks = ", ".join("?" * len(open_rows))
    db.execute(f"DELETE FROM sends WHERE time < ? AND id NOT IN ({marks})", (now - _SENDS_SECONDS, *open_rows))  # noqa: S608
    text = json.dumps(ids, separators=(",", ":")) if ids else ""
    found = db.execute("INSERT INTO sends (destination, time, batch, ids) VALUES (?, ?, ?, ?)", (name, now, batch, text))
    return found.lastrowid or 0
