"""The SQLite file: open it for this process alone, its schema and its migrations. `salvage` reads damaged files."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Final

from .private_files import exists, make_private, open_to_read

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
    # For speed, an event that comes and goes while nothing else waits writes three pages: `put`, `seal` and `ack` change one
    # B-tree each. So there is no index, and no AUTOINCREMENT on entries (it writes to sqlite_sequence; `reserved` reserves
    # many ids at once). `sends` holds when each message left and, while it may have to be sent again, its entries. `size`
    # comes before `event`, so that reading it does not read the event's overflow pages.
    """
    ALTER TABLE entries RENAME TO old_entries;
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        destination TEXT NOT NULL,
        urgent INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        time REAL NOT NULL,
        size INTEGER NOT NULL DEFAULT 0,
        event TEXT NOT NULL
    );
    INSERT OR IGNORE INTO entries SELECT id, destination, urgent, rank, time, length(event), event FROM old_entries;
    CREATE TABLE reserved (below INTEGER NOT NULL);
    INSERT INTO reserved SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'old_entries';
    DROP TABLE old_entries;
    ALTER TABLE sends RENAME TO old_sends;
    CREATE TABLE sends (
        id INTEGER PRIMARY KEY,
        destination TEXT NOT NULL,
        time REAL NOT NULL,
        batch TEXT NOT NULL,
        ids TEXT NOT NULL
    );
    INSERT OR IGNORE INTO sends (destination, time, batch, ids) SELECT destination, time, '', '' FROM old_sends;
    INSERT OR IGNORE INTO sends (destination, time, batch, ids) SELECT destination, 0, batch, ids FROM sealed;
    DROP TABLE old_sends;
    DROP TABLE sealed;
    ALTER TABLE dead RENAME TO old_dead;
    CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        destination TEXT NOT NULL,
        reason TEXT NOT NULL,
        time REAL NOT NULL,
        event TEXT NOT NULL
    );
    INSERT OR IGNORE INTO dead SELECT id, destination, reason, time, event FROM old_dead;
    DROP TABLE old_dead;
    ALTER TABLE state RENAME TO old_state;
    CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO state SELECT key, value FROM old_state;
    DROP TABLE old_state;
    """,
)
# Each changed page is written to the log as a whole, so pages are small; one holds a usual event.
PAGE_BYTES: Final = 2048
_LOG_PAGES: Final = 2000
_LOG_BYTES: Final = 4 * 1024 * 1024
# A file of an earlier version gets the small pages when it is small enough to be rewritten in a moment.
_SMALL_BYTES: Final = 4 * 1024 * 1024
# A killed process leaves no lock, and a living one never gives it up, so waiting longer is useless.
LOCK_SECONDS: Final = 0.5


class NewerSchemaError(sqlite3.DatabaseError):
    """The file has a schema that this version does not know."""


class DamagedFileError(sqlite3.DatabaseError):
    """The file was deleted or overwritten while it was open."""


class LinkedFileError(OSError):
    """The file, or one that belongs to it, is a symbolic link."""


def open_database(path: Path | None, lock_seconds: float = LOCK_SECONDS) -> sqlite3.Connection:
    """Return a connection to a file, locked against other processes, or to memory for `None`.

    Raises `sqlite3.Error` or `OSError`.
    """
    if path is not None:
        refuse_links(path)
        make_private(path)
    db = connect(path, lock_seconds)
    try:
        # Both have no effect on a database that has pages already.
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        # Exclusive: the lock of the first write is kept, so that a second process fails here at once.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        # NORMAL: a commit survives a killed process, because it is handed to the operating system. It does not wait for the
        # disk, so the last moments before a power failure may be lost.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
        if _migrate(db) and path is not None:
            _use_small_pages(db)
    except BaseException:
        db.close()
        raise
    return db


def connect(path: Path | None, lock_seconds: float = LOCK_SECONDS) -> sqlite3.Connection:
    """Return a connection without changing schema or settings of the file; raises `sqlite3.Error`."""
    # One thread at a time uses it, but not always the same one: opened by the intake, say, and read by a command.
    # SQLite must not make the file: others could read it.
    name = ":memory:" if path is None else f"{path.absolute().as_uri()}?mode=rw"
    db = sqlite3.connect(name, timeout=lock_seconds, check_same_thread=False, uri=True)
    if path is not None and os.name != "nt":
        # SQLite follows a symbolic link when it opens a file, and not after that; this tells what it has open.
        db.text_factory = bytes
        if db.execute("PRAGMA database_list").fetchone()[2] != os.fsencode(path.absolute().parent.resolve() / path.name):
            db.close()
            raise LinkedFileError(f"{path.name} is a symbolic link, which is not followed")
    # With a flipped bit in a text the rest of the row can still be read.
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    return db


def refuse_links(path: Path) -> None:
    """Raise `LinkedFileError` when the file or its log is a symbolic link: it might lead to another file of this user."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(path.name + suffix)
        if exists(file) and file.is_symlink():
            raise LinkedFileError(f"{file.name} is a symbolic link, which is not followed")


def _migrate(db: sqlite3.Connection) -> bool:
    """Bring the schema up to date; returns whether it changed."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise NewerSchemaError(f"schema version {version}")
    for number, script in enumerate(_MIGRATIONS[version:], version + 1):
        db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    return version < len(_MIGRATIONS)


def _use_small_pages(db: sqlite3.Connection) -> None:
    bytes_of_page, pages = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count"))
    if bytes_of_page == PAGE_BYTES or bytes_of_page * pages > _SMALL_BYTES:
        return
    # The page size cannot change in WAL mode.
    db.execute("PRAGMA journal_mode = DELETE").fetchall()
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    db.execute("VACUUM")
    db.execute("PRAGMA journal_mode = WAL").fetchall()
    db.execute("BEGIN IMMEDIATE")
    db.execute("COMMIT")


def shrink(db: sqlite3.Connection) -> None:
    """Rewrite the database without its free pages, and empty its log; raises `sqlite3.Error`."""
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def free_and_used_bytes(db: sqlite3.Connection) -> tuple[int, int]:
    """Return how many bytes of the database are free, and how many are used."""
    size, pages, free = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count"))
    return free * size, (pages - free) * size


def is_intact(path: Path) -> bool:
    """Whether a file exists and is empty or begins like every SQLite file (sqlite.org/fileformat.html)."""
    try:
        with os.fdopen(open_to_read(path), "rb") as file:
            return file.read(16) in (b"", b"SQLite format 3\0")
    except FileNotFoundError:
        return False
    except OSError:
        # It cannot be read now, which says nothing about its content.
        return True


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the paths of the file and of those that SQLite puts beside it."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal"))


def put_aside(path: Path) -> Path:
    """Rename a damaged file, and its log, to the first free `.corrupt-N`; returns the new name. Nothing may have it open."""
    number = 1
    while exists(aside := path.with_name(f"{path.name}.corrupt-{number}")):
        number += 1
    for file in files_of(path):
        # SQLite would apply a log that is left behind to a new file of the same name.
        if exists(file):
            file.rename(aside.with_name(aside.name + file.name.removeprefix(path.name)))
    return aside
