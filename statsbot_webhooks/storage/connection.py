"""Steady connection: when its file fails, memory takes over, until the file works again. It knows no entries."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from ..events.time_text import format_count
from . import salvage, schema
from .private_files import exists

_log = logging.getLogger(__name__)
_SETTING: Final = "WEBHOOK_STORAGE"
# A nearly empty file with more free space than this is rewritten, which takes some milliseconds.
_FREE_BYTES: Final = 1024 * 1024
_SMALL_BYTES: Final = 4 * 1024 * 1024
_P = ParamSpec("_P")
_T = TypeVar("_T")


class ReplacedError(Exception):
    """The database failed and another one has taken over; `on_replaced` has been called. The step must be repeated."""


def steady(step: Callable[_P, _T]) -> Callable[_P, _T]:
    """Repeat a step when the database was replaced meanwhile, because the bookkeeping in memory was loaded anew.

    So a step writes once, or what may be written twice, and changes the bookkeeping after that.
    """

    @functools.wraps(step)
    def again(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return step(*args, **kwargs)
        except ReplacedError:
            return step(*args, **kwargs)

    return again


class SteadyConnection:
    """Run transactions on a file, or in memory for `path=None`.

    `on_replaced` is called after another database took over, with the number of entries by destination that are known to be
    missing from it. `read` and `write` then raise `ReplacedError`, because the step may not fit the other database.
    """

    def __init__(self, path: Path | None, on_replaced: Callable[[Mapping[str, int]], None]) -> None:
        self._path = path
        self._on_replaced = on_replaced
        self._db: sqlite3.Connection | None = None
        self._is_in_file = False
        # Whether memory holds everything that the file holds, so that the file may be deleted.
        self._has_copy = False

    @property
    def is_open(self) -> bool:
        return self._db is not None

    @property
    def is_durable(self) -> bool:
        """Whether rows outlive the process."""
        return self._is_in_file

    @property
    def is_displaced(self) -> bool:
        """Whether memory stands in for the file."""
        return self._db is not None and self._path is not None and not self._is_in_file

    def open(self) -> None:
        """Open the file; when that fails, log why and use memory. Calls `on_replaced`."""
        missing: Mapping[str, int] = {}
        try:
            self._db = schema.open_database(self._path)
            self._is_in_file = self._path is not None
        except (sqlite3.Error, OSError) as error:
            if self._path is not None and _is_damage(error):
                self._db, missing = self._fresh_file(self._path, None)
            else:
                self._db = self._memory(error)
        with contextlib.suppress(ReplacedError):
            self._on_replaced(missing)

    def close(self) -> None:
        """Write rows that are in memory back to the file, and close it."""
        if self._db is not None:
            self.maintain()
            self._db.close()
            self._db, self._is_in_file = None, False

    def after_fork(self) -> None:
        """Forget the parent's connection without closing it: that would remove the parent's write-ahead log.

        https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
        """
        if self._db is not None:
            # A reference that is never dropped: the interpreter would close the connection when it frees it.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._db))
        self._db, self._is_in_file, self._has_copy = None, False, False

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query."""
        return self._steadily(lambda db: db.execute(statement, values).fetchall())

    def write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run statements in one transaction."""
        self._steadily(work)

    def wipe(self) -> None:
        """Leave no byte of deleted rows in the file.

        The file is rewritten. When there is no space for that, memory takes over, and the file is deleted first.
        """
        assert self._db is not None
        try:
            schema.shrink(self._db)
        except sqlite3.Error as error:
            with contextlib.suppress(ReplacedError):
                self._replace(error)
        if self.is_displaced and self._has_copy and self._path is not None:
            try:
                for file in schema.files_of(self._path):
                    file.unlink(missing_ok=True)
            except OSError as error:
                _log.error("%s: the file %s could not be wiped: %s", _SETTING, self._path.name, error.strerror)
            self._go_back(self._path)

    def maintain(self) -> bool:
        """Return to a failed file that works again; replace one that was deleted or overwritten; shrink it.

        Returns whether it returned to the file, which then may hold rows that this process has not seen before.
        """
        if self._db is None or self._path is None:
            return False
        if not self._is_in_file:
            return self._go_back(self._path)
        if not schema.is_intact(self._path):
            # SQLite has the file open and its pages in memory, so it may not notice until a crash, when everything is lost.
            with contextlib.suppress(ReplacedError):
                self._replace(schema.DamagedFileError())
            return False
        with contextlib.suppress(sqlite3.Error):
            free, used = schema.free_and_used_bytes(self._db)
            if free > _FREE_BYTES and used < _SMALL_BYTES:
                schema.shrink(self._db)
        return False

    def _steadily(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        assert self._db is not None
        try:
            with self._db:
                return work(self._db)
        except sqlite3.Error as error:
            if isinstance(error, (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.InterfaceError)):
                # The statement is wrong, not the file: it would fail on another database too.
                raise
            self._replace(error)
            raise ReplacedError from error

    def _replace(self, error: sqlite3.Error) -> None:
        assert self._db is not None
        failed = self._db
        if self._path is not None and self._is_in_file and _is_damage(error):
            self._db, missing = self._fresh_file(self._path, failed)
        else:
            was_in_file = self._is_in_file
            self._db = self._memory(error)
            missing = salvage.copy_rows(failed, self._db)
            self._has_copy = was_in_file and not missing
            failed.close()
        self._on_replaced(missing)

    def _go_back(self, path: Path) -> bool:
        assert self._db is not None
        try:
            file = schema.open_database(path, lock_seconds=0.0)
        except (sqlite3.Error, OSError):
            return False
        try:
            salvage.merge_back(self._db, file)
        except sqlite3.Error:
            file.close()
            return False
        self._db.close()
        self._db, self._is_in_file, self._has_copy = file, True, False
        _log.warning("the storage file %s works again; what waited in memory is in it", path.name)
        with contextlib.suppress(ReplacedError):
            self._on_replaced({})
        return True

    def _memory(self, error: sqlite3.Error | OSError) -> sqlite3.Connection:
        """Return an empty database in memory, and log why it takes over from the file."""
        self._is_in_file = self._has_copy = False
        if self._path is not None:
            _log.error("%s: %s", _SETTING, _explain(self._path, error))
        return schema.open_database(None)

    def _fresh_file(self, path: Path, failed: sqlite3.Connection | None) -> tuple[sqlite3.Connection, Mapping[str, int]]:
        """Put a damaged file aside and return a new one with its readable rows; memory when that fails."""
        self._is_in_file = self._has_copy = False
        new = path.with_name(f"{path.name}.new")
        missing: Mapping[str, int] = {}
        try:
            for file in schema.files_of(new):
                file.unlink(missing_ok=True)
            source = failed or schema.connect(path)
            target = schema.open_database(new)
            try:
                missing = salvage.copy_rows(source, target)
            finally:
                # Closed before the rename, which writes its log into the file.
                target.close()
            aside = _put_aside(path, source)
            new.rename(path)
            db = schema.open_database(path)
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            _log.error(
                "%s: the storage file %s is damaged and cannot be replaced (%s). Memory takes over.", _SETTING, path.name, reason
            )
            return schema.open_database(None), missing
        self._is_in_file = True
        what = "was deleted" if aside is None else f"was damaged and is kept as {aside.name}"
        lost = sum(missing.values())
        tail = f"; {format_count(lost, 'entry', 'entries')} could not be read" if lost else ""
        _log.error("%s: the storage file %s %s; a new one takes over with what could be read%s.", _SETTING, path.name, what, tail)
        return db, missing


def _put_aside(path: Path, damaged: sqlite3.Connection) -> Path | None:
    """Close a damaged file and put it aside with its log; None when it no longer exists."""
    if os.name == "nt":
        # Windows does not rename an open file.
        damaged.close()
    try:
        return schema.put_aside(path) if exists(path) else None
    finally:
        # On other systems after the rename, because closing deletes the log beside the file's name.
        damaged.close()


def _is_damage(error: sqlite3.Error | OSError) -> bool:
    # The low byte is the primary code (sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or isinstance(error, schema.DamagedFileError)


def _explain(path: Path, error: sqlite3.Error | OSError) -> str:
    """Return why a file cannot be used, what happens instead, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    way_out = f"give it a file of its own: {_SETTING}=sqlite:///another-name.sqlite3"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return (
            f"another process uses the storage file {path.name}. This one goes on with storage in memory until the file is "
            f"free; if that is another bot, {way_out}"
        )
    if isinstance(error, schema.NewerSchemaError):
        return (
            f"a newer version of statsbot_webhooks wrote the storage file {path.name} ({error}). This one goes on with "
            f"storage in memory; update the package, or {way_out}"
        )
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        reason, advice = f"its folder {path.parent} does not exist", "create the folder"
    else:
        reason = str(error.strerror or error) if isinstance(error, OSError) else str(error)
        advice = "look at the free space and the permissions of its folder"
    return (
        f"the storage file {path.name} cannot be used: {reason}. Memory takes over and the file is tried again every few "
        f"seconds; {advice}, or name another: {_SETTING}=sqlite:///path/name.sqlite3"
    )
