"""Salvage: copy the readable rows of one database into another, from a damaged file, or to and from memory.

It reads the schema of every version. Unreadable rows are counted, and raise nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from .base import LEFT_CARDS

_ENTRY: Final = "id, destination, urgent, rank, time, event"
_DEAD: Final = "id, destination, reason, time, event"
# Keys whose value in the file wins over that of a memory which had not read the file.
_KEPT: Final = ("mask_key", "button_key", "versions", "issue/")
# This many ids after the last readable one are looked up one by one; further ones in growing steps.
_ONE_BY_ONE: Final = 200_000
_MARKED: Final = "CREATE TEMP TABLE copied (part TEXT NOT NULL, key NOT NULL, PRIMARY KEY (part, key)) WITHOUT ROWID"


def copy_rows(source: sqlite3.Connection, target: sqlite3.Connection) -> dict[str, int]:
    """Copy every readable row into an empty database; returns how many entries were unreadable, by destination.

    The destination of an unreadable entry is not known: it counts for that of the entry before it. `target` remembers
    which rows it got, for `merge_back`.
    """
    with contextlib.suppress(sqlite3.OperationalError):
        target.execute(_MARKED)
    missing: Counter[str] = Counter()
    destination = ""
    for row in _by_id(source, "entries", _ENTRY):
        if isinstance(row, int):
            missing[destination] += row
            continue
        destination = str(row[1])
        _insert(target, "entries", "id, destination, urgent, rank, time, size, event", (*row[:5], _size(row[5]), row[5]))
    for row in _by_id(source, "dead", _DEAD):
        if not isinstance(row, int):
            _insert(target, "dead", _DEAD, row)
    for key, value in _by_key(source):
        _insert(target, "state", "key, value", (key, value))
    for row in _sends(source):
        with contextlib.suppress(sqlite3.Error):
            target.execute("INSERT INTO sends (destination, time, batch, ids) VALUES (?, ?, ?, ?)", row)
    target.execute("DELETE FROM reserved")
    target.execute("INSERT INTO reserved VALUES (?)", (_last_id(source, "entries") + 1,))
    target.commit()
    return dict(missing)


def merge_back(memory: sqlite3.Connection, file: sqlite3.Connection) -> None:
    """Write the rows of memory into the file from which it was copied, or which it could not read, in one transaction.

    Rows that memory had copied are replaced by their present state. Rows that it never saw stay, and so do stored keys, and
    issues with their decisions. Raises `sqlite3.Error`; then the file is unchanged.
    """
    with file:
        for part, key in memory.execute("SELECT part, key FROM copied") if _is_marked(memory) else ():
            file.execute(f"DELETE FROM {part} WHERE {'key' if part == 'state' else 'id'} = ?", (key,))  # noqa: S608
        columns = "id, destination, urgent, rank, time, size, event"
        for row in memory.execute(f"SELECT {columns} FROM entries"):  # noqa: S608 - names of our own
            file.execute(f"INSERT OR REPLACE INTO entries ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608
        for row in memory.execute(f"SELECT {_DEAD} FROM dead ORDER BY id"):  # noqa: S608 - as above
            is_free = file.execute("SELECT 1 FROM dead WHERE id = ?", row[:1]).fetchone() is None
            file.execute("INSERT INTO dead VALUES (?, ?, ?, ?, ?)", row if is_free else (None, *row[1:]))
        # Cards that memory never saw, and may have begun anew: what they had not shown yet must still be shown.
        file.execute("UPDATE OR IGNORE state SET key = ? || substr(key, 6) WHERE key GLOB 'card/*'", (LEFT_CARDS,))
        for key, value in memory.execute("SELECT key, value FROM state"):
            how = "IGNORE" if key.startswith(_KEPT) else "REPLACE"
            file.execute(f"INSERT OR {how} INTO state VALUES (?, ?)", (key, value))  # noqa: S608 - as above
        if _is_marked(memory):
            file.execute("DELETE FROM sends")
        for row in memory.execute("SELECT destination, time, batch, ids FROM sends"):
            file.execute("INSERT INTO sends (destination, time, batch, ids) VALUES (?, ?, ?, ?)", row)


def _is_marked(memory: sqlite3.Connection) -> bool:
    return memory.execute("SELECT 1 FROM sqlite_temp_master WHERE name = 'copied'").fetchone() is not None


def _insert(target: sqlite3.Connection, table: str, columns: str, row: tuple[Any, ...]) -> None:
    # A row of impossible types, with a destination that is NULL, say, is skipped.
    with contextlib.suppress(sqlite3.Error):
        marks = ", ".join("?" * len(row))
        target.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - names of our own
        target.execute("INSERT OR REPLACE INTO copied VALUES (?, ?)", (table, row[0]))


def _size(event: object) -> int:
    return len(event) if isinstance(event, (str, bytes)) else 0


def _by_id(db: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...] | int]:
    """Yield every readable row and, between the rows, the number of unreadable ids."""
    last, end = -(2**63), _last_id(db, table)
    while True:
        try:
            query = f"SELECT {columns} FROM {table} NOT INDEXED WHERE id > ? ORDER BY id"  # noqa: S608 - names of our own
            for row in db.execute(query, (last,)):
                last = row[0]
                yield row
            return
        except sqlite3.Error as error:
            if "no such table" in str(error):
                return
        missing = 0
        for entry_id in _ids_after(max(last, 0), end):
            try:
                row = db.execute(f"SELECT {columns} FROM {table} NOT INDEXED WHERE id = ?", (entry_id,)).fetchone()  # noqa: S608
            except sqlite3.Error:
                missing += 1
                continue
            if row is not None:
                break
        else:
            yield missing
            return
        yield missing
        last = entry_id
        yield row


def _ids_after(last: int, end: int) -> Iterator[int]:
    yield from range(last + 1, min(last + _ONE_BY_ONE, end + 1))
    step, entry_id = 1, last + _ONE_BY_ONE
    while entry_id <= end:
        yield entry_id
        entry_id += step
        step *= 2


def _last_id(db: sqlite3.Connection, table: str) -> int:
    """Return the largest id that may be in use, as far as the database can be read."""
    known = [0]
    queries = (
        f"SELECT max(id) FROM {table}",  # noqa: S608 - a name of our own
        "SELECT max(below) - 1 FROM reserved",
        f"SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'",  # noqa: S608 - as above
    )
    for query in queries:
        with contextlib.suppress(sqlite3.Error):
            found = db.execute(query).fetchone()[0]
            known.append(found if isinstance(found, int) else 0)
    return max(known)


def _by_key(db: sqlite3.Connection) -> Iterator[tuple[Any, Any]]:
    """Yield the state, from the front up to a damaged part, and then from the end down to it."""
    seen: set[Any] = set()
    for order in ("ASC", "DESC"):
        try:
            for key, value in db.execute(f"SELECT key, value FROM state ORDER BY key {order}"):  # noqa: S608 - as above
                if key in seen:
                    return
                seen.add(key)
                yield key, value
            return
        except sqlite3.Error:
            continue


def _sends(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    queries = ("SELECT destination, time, batch, ids FROM sends ORDER BY id",)
    older = ("SELECT destination, time, '', '' FROM sends", "SELECT destination, 0, batch, ids FROM sealed")
    try:
        db.execute(queries[0]).fetchone()
    except sqlite3.OperationalError:
        queries = older
    except sqlite3.Error:
        pass
    for query in queries:
        with contextlib.suppress(sqlite3.Error):
            yield from db.execute(query)
