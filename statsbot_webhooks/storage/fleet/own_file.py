"""Own file of a process of a fleet: events that it accepted while Redis was away, in order, also over a restart.

A process keeps its file locked, so that another one on the same machine takes another name.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import socket
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from ...events.event import Event
from .. import schema
from ..base import Entry, ErrorsWaiting, Forgotten, Loss
from ..private_files import is_file
from ..sqlite import SqliteOutbox

_PATTERN: Final = "statsbot_webhooks-*.sqlite3"
_MOST_NAMES: Final = 1000
# Key of the state with the Redis prefix that the file belongs to; a bot's own storage may have such a name too.
_PREFIX: Final = "fleet"


def default_name() -> str:
    """Return the name of a process without a configured one: that of its host."""
    return socket.gethostname() or "process"


def file_of(name: str) -> Path:
    """Return the file of a process."""
    return Path(f"statsbot_webhooks-{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:64]}.sqlite3")


class OwnFile:
    """Events of this process that Redis did not take. Its name is the first free one of `name`, `name-2`, and so on.

    `prefix` is that of the keys in Redis: only files of the same prefix are adopted.
    """

    def __init__(self, name: str, prefix: str, max_events: int, on_loss: Callable[[Loss], None], max_mb: float | None) -> None:
        self._wanted = self.name = name
        self._prefix = prefix
        self._max_events, self._max_mb, self._on_loss = max_events, max_mb, on_loss
        self._outbox: SqliteOutbox | None = None

    @property
    def path(self) -> Path:
        return file_of(self.name)

    @property
    def is_durable(self) -> bool:
        return self._outbox is not None and self._outbox.is_durable

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits; from any thread, because the event loop asks whether the storage is displaced."""
        outbox = self._outbox
        return outbox is None or outbox.is_empty

    def open(self) -> None:
        """Open the first file that no other process has locked."""
        names = [self._wanted, *(f"{self._wanted}-{number}" for number in range(2, _MOST_NAMES))]
        self.name = next((name for name in names if _is_free(file_of(name))), self._wanted)
        self._outbox = self._make(self.path)

    def _make(self, path: Path) -> SqliteOutbox:
        outbox = SqliteOutbox(path, self._max_events, self._on_loss, self._max_mb)
        outbox.open()
        outbox.write_state({_PREFIX: self._prefix})
        return outbox

    def close(self) -> None:
        """Close the file; an empty one is deleted."""
        if self._outbox is not None:
            is_empty = self._outbox.is_durable and self._outbox.is_empty
            self._outbox.close()
            if is_empty:
                for file in schema.files_of(self.path):
                    file.unlink(missing_ok=True)
        self._outbox = None

    def after_fork(self) -> None:
        """Drop, in a child process, the parent's file."""
        if self._outbox is not None:
            self._outbox.after_fork()
        self._outbox = None

    def maintain(self) -> None:
        """Return to the file when memory stood in for it and it works again."""
        if self._outbox is not None:
            self._outbox.maintain()

    def put(self, items: Sequence[tuple[str, Event]]) -> None:
        """Append events to those that wait."""
        if self._outbox is not None:
            self._outbox.put(items)

    def counts(self) -> dict[str, int]:
        """Return how many events wait, by destination."""
        return {} if self._outbox is None else {name: depth.entries for name, depth in self._outbox.depths().items()}

    def errors_waiting(self, destinations: Collection[str]) -> ErrorsWaiting:
        """Return how many errors wait in the file, and since when."""
        return ErrorsWaiting() if self._outbox is None else self._outbox.errors_waiting(destinations)

    def take(self) -> Sequence[Entry]:
        """Lease some entries of one destination, in order; call `end` or `give_back` after it."""
        return [] if self._outbox is None else self._outbox.expire(math.inf)

    def take_all(self, ids: Collection[int]) -> Sequence[Entry]:
        """Lease the entries with these ids."""
        found: list[Entry] = []
        others: list[Entry] = []
        while len(found) < len(ids) and (entries := self.take()):
            found += [entry for entry in entries if entry.id in ids]
            others += [entry for entry in entries if entry.id not in ids]
        self.give_back(others)
        return found

    def ids(self) -> frozenset[int]:
        """Return the ids of all entries. It reads all of them: for a file with few entries."""
        entries: list[Entry] = []
        while some := self.take():
            entries += some
        self.give_back(entries)
        return frozenset(entry.id for entry in entries)

    def end(self, entries: Sequence[Entry]) -> None:
        """Delete entries that are in Redis now."""
        if self._outbox is not None:
            self._outbox.ack(entries)

    def give_back(self, entries: Sequence[Entry]) -> None:
        """Give entries back that Redis did not take."""
        if self._outbox is not None:
            self._outbox.release(entries)

    def forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        """Delete what names a person."""
        return Forgotten({}) if self._outbox is None else self._outbox.forget(words, is_meant)

    def left_by_others(self) -> Iterator[tuple[Path, SqliteOutbox]]:
        """Yield the files of ended processes, opened, because no process may ever use their names again."""
        for path in sorted(Path().glob(_PATTERN)):
            # An empty one stays, because a process may begin to use it at the moment of its deletion.
            if path.name != self.path.name and is_file(path) and _prefix_if_full(path) == self._prefix and _is_free(path):
                with contextlib.closing(self._make(path)) as outbox:
                    yield path, outbox


def _prefix_if_full(path: Path) -> str | None:
    """Return the Redis prefix of a file that has entries, else None; without changing it."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=0, uri=True)) as db:
            row = db.execute("SELECT value FROM state WHERE key = ? AND EXISTS (SELECT 1 FROM entries)", (_PREFIX,)).fetchone()
        return str(json.loads(row[0])) if row else None
    except (sqlite3.Error, OSError, ValueError, TypeError):
        return None


def _is_free(path: Path) -> bool:
    if not path.exists():
        return True
    try:
        schema.open_database(path, 0.0).close()
    except sqlite3.OperationalError as error:
        return (error.sqlite_errorcode & 0xFF) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    except (sqlite3.Error, OSError):
        # Damaged or foreign: `OwnFile.open` reports it.
        return True
    return True
