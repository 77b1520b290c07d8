"""A connection that survives its file: when the file fails, memory takes over, and goes back to it when it works again."""

from __future__ import annotations

import ctypes
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from . import schema

_log = logging.getLogger(__name__)
_SETTING = "WEBHOOK_STORAGE"
_T = TypeVar("_T")


class SteadyConnection:
    """Run transactions on a file (or in memory for `path=None`) that never fail for the caller.

    `on_replaced` is called after another database took over; rows that could not be read are missing from it.
    """

    def __init__(self, path: Path | None, on_replaced: Callable[[], None]) -> None:
        self._path = path
        self._on_replaced = on_replaced
        self._db: sqlite3.Connection | None = None
        self._is_in_file = False
        self._may_return = False
        self._was_read = False

    @property
    def is_open(self) -> bool:
        return self._db is not None

    @property
    def is_durable(self) -> bool:
        """Whether the rows outlive the process."""
        return self._is_in_file

    def open(self) -> None:
        """Open the file; when that fails, say why and use memory."""
        try:
            self._db = schema.open_database(self._path)
            self._is_in_file = self._was_read = self._path is not None
        except (sqlite3.Error, OSError) as error:
            self._db = self._replacement(error)

    def close(self) -> None:
        """Bring rows back to the file if they are in memory, and let go of it."""
        if self._db is not None:
            self.maintain()
            self._db.close()
            self._db = None

    def after_fork(self) -> None:
        """Forget the parent's connection without closing it: that would remove the parent's write-ahead log.

        https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
        """
        if self._db is not None:
            # One reference more than there will ever be: the interpreter closes a connection when it frees it.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._db))
        self._db, self._is_in_file, self._may_return, self._was_read = None, False, False, False

    def read(self, statement: str, values: Sequence[Any] = (), *, until: Callable[[Any], bool] | None = None) -> list[Any]:
        """Return the rows of a query, up to the first for which `until` says no."""

        def work(db: sqlite3.Connection) -> list[Any]:
            rows: list[Any] = []
            for row in db.execute(statement, values):
                if until is not None and not until(row):
                    break
                rows.append(row)
            return rows

        return self._steadily(work)

    def write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run statements in one transaction."""
        self._steadily(work)

    def wipe(self) -> None:
        """Write the database anew without the pages of deleted rows, whose bytes would still be readable in the file."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        self._steadily(work)

    def _steadily(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        assert self._db is not None
        try:
            with self._db:
                return work(self._db)
        except sqlite3.Error as error:
            db = self._replace(error)
        with db:
            return work(db)

    def _replace(self, error: sqlite3.Error) -> sqlite3.Connection:
        assert self._db is not None
        failed, self._db = self._db, self._replacement(error)
        schema.copy_rows(failed, self._db)
        self._db.commit()
        failed.close()
        self._on_replaced()
        return self._db

    def _replacement(self, error: sqlite3.Error | OSError) -> sqlite3.Connection:
        self._is_in_file = False
        self._may_return = False
        if self._path is None:
            return schema.open_database(None)
        # The low byte is the primary code (sqlite.org/rescode.html).
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or isinstance(error, schema.DamagedFileError):
            return self._fresh_file(self._path)
        name = self._path.name
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            _log.error(
                "%s: another process uses the storage file %s. This one goes on with storage in memory; "
                "give it a file of its own: %s=sqlite:///another-name.sqlite3",
                *(_SETTING, name, _SETTING),
            )
        elif isinstance(error, schema.NewerSchemaError):
            _log.error(
                "%s: a newer version of statsbot_webhooks wrote the storage file %s (%s). This one goes on with "
                "storage in memory; update the package, or give it a file of its own: %s=sqlite:///another-name.sqlite3",
                *(_SETTING, name, error, _SETTING),
            )
        else:
            self._may_return = True
            _log.error(
                "%s: the storage file %s cannot be used (%s). Memory takes over and the file is tried again each minute; "
                "look at the free space and the permissions of its folder, or name another: %s=sqlite:///path/name.sqlite3",
                *(_SETTING, name, error.strerror if isinstance(error, OSError) else error, _SETTING),
            )
        return schema.open_database(None)

    def _fresh_file(self, path: Path) -> sqlite3.Connection:
        try:
            aside = schema.put_aside(path) if path.exists() else None
            db = schema.open_database(path)
        except (sqlite3.Error, OSError):
            _log.error("%s: the storage file %s is damaged and cannot be renamed. Memory takes over.", _SETTING, path.name)
            return schema.open_database(None)
        self._is_in_file = self._was_read = True
        what = "was deleted" if aside is None else f"was damaged and is kept as {aside.name}"
        _log.error("%s: the storage file %s %s; a new one takes over with what could be read.", _SETTING, path.name, what)
        return db

    def maintain(self) -> None:
        """Go back to the file if it failed and works again; replace it if somebody deleted or overwrote it."""
        if self._is_in_file and self._path is not None and not schema.is_intact(self._path):
            # SQLite holds an open file and its own pages, so it may not notice for long: until a crash, when all is gone.
            self._replace(schema.DamagedFileError())
            return
        if not self._may_return or self._path is None or self._db is None:
            return
        try:
            file = schema.open_database(self._path)
        except (sqlite3.Error, OSError):
            return
        try:
            if not self._was_read and file.execute("SELECT EXISTS (SELECT * FROM entries)").fetchone()[0]:
                # Entries that this process has never seen: they wait for the next start.
                file.close()
                return
            with file:
                # What the file holds was copied when memory took over; only what is left of that is still waiting.
                for table in schema.TABLES:
                    file.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of our own
                schema.copy_rows(self._db, file)
        except sqlite3.Error:
            file.close()
            return
        self._db.close()
        self._db, self._is_in_file, self._may_return = file, True, False
        _log.warning("the storage file %s works again; nothing that waited in memory is missing", self._path.name)
