"""The SQLite file: opening it for this process alone, its schema and its migrations, and what can be saved from a bad one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# One script for each version of the schema; `PRAGMA user_version` says how many of them a file has seen.
_MIGRATIONS: Final = (
    """
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        destination TEXT NOT NULL,
        urgent INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        time REAL NOT NULL,
        event TEXT NOT NULL
    );
    CREATE INDEX entries_by_destination ON entries (destination, urgent, id);
    CREATE TABLE sealed (destination TEXT PRIMARY KEY, batch TEXT NOT NULL, ids TEXT NOT NULL);
    CREATE TABLE sends (destination TEXT NOT NULL, time REAL NOT NULL);
    CREATE TABLE dead (
        id INTEGER PRIMARY KEY,
        destination TEXT NOT NULL,
        reason TEXT NOT NULL,
        time REAL NOT NULL,
        event TEXT NOT NULL
    );
    """,
    "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);",
)
TABLES: Final = ("entries", "sealed", "sends", "dead", "state")
# A process that was just killed leaves no lock; one that is alive holds it for good, so waiting longer is no use.
_LOCK_SECONDS: Final = 0.5


class NewerSchemaError(sqlite3.DatabaseError):
    """The file has a schema that this version does not know."""


class DamagedFileError(sqlite3.DatabaseError):
    """Somebody deleted or overwrote the file while it was open."""


def open_database(path: Path | None) -> sqlite3.Connection:
    """Return a connection to a file that nobody else can use meanwhile, or to memory for `None`.

    Raises `sqlite3.Error` or `OSError`.
    """
    if path is not None:
        _make_private(path)
    # One thread at a time uses it, but not always the same one: it may be opened by the intake and read by a command.
    db = sqlite3.connect(path or ":memory:", timeout=_LOCK_SECONDS, check_same_thread=False)
    try:
        # Exclusive: the lock that the first write takes is kept, so that a second process fails at once, here.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        # Every commit reaches the WAL of the operating system: safe from a killed process. NORMAL does not wait for the
        # disk at each commit, so that the last moments before a power failure may be missing.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with contextlib.suppress(OSError):
        path.chmod(0o600)


def _migrate(db: sqlite3.Connection) -> None:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise NewerSchemaError(f"schema version {version}")
    for number, script in enumerate(_MIGRATIONS[version:], version + 1):
        db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


def is_intact(path: Path) -> bool:
    """Whether a file is there and begins as every SQLite file does (sqlite.org/fileformat.html); an empty one is new."""
    try:
        with path.open("rb") as file:
            return file.read(16) in (b"", b"SQLite format 3\0")
    except FileNotFoundError:
        return False
    except OSError:
        # That it cannot be read now says nothing of what is in it.
        return True


def put_aside(path: Path) -> Path:
    """Rename a damaged file, and its log, to the first free `.corrupt-N`; returns the new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        # A log that is left beside a new file of the same name would be played into it.
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


def copy_rows(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy every row that can be read; a damaged part ends the table it is in."""
    for table in TABLES:
        with contextlib.suppress(sqlite3.Error):
            for row in _rows(source, table):
                target.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608


def _rows(db: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    yield from db.execute(f"SELECT * FROM {table} NOT INDEXED")  # noqa: S608 - a name from TABLES
