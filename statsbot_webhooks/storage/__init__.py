"""Storage of accepted events until Discord has confirmed them. It knows no message and no Discord."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ..clock import Clock, SystemClock
from ..config.redis_address import is_redis_url, parse_redis_url
from ..config.sources import INSTEAD
from ..errors import StorageError
from . import schema
from .base import (
    LEFT_CARDS,
    Alone,
    DeadLetter,
    Depth,
    Entry,
    Fleet,
    Forgotten,
    LeaseLostError,
    Loss,
    Member,
    Outbox,
    StateStore,
)
from .fleet.own_file import default_name, file_of
from .sqlite import DEFAULT_FILE_MB, DEFAULT_MEMORY_MB, SqliteOutbox

__all__ = [
    "DEFAULT_FILE_MB",
    "DEFAULT_MEMORY_MB",
    "INSTEAD",
    "LEFT_CARDS",
    "Alone",
    "DeadLetter",
    "Depth",
    "Entry",
    "Fleet",
    "Forgotten",
    "LeaseLostError",
    "Loss",
    "Member",
    "Outbox",
    "SqliteOutbox",
    "StateStore",
    "make_outbox",
    "open_existing",
    "storage_path",
]


def storage_path(url: str, process_name: str = "") -> Path | None:
    """Return the file of a storage URL, `None` for `memory://`; for Redis, the file that stands in while Redis is away.

    Raises `ValueError` for any other URL.
    """
    if instead := os.environ.get(INSTEAD):
        return Path(instead)
    if url == "memory://":
        return None
    if is_redis_url(url):
        return file_of(process_name or default_name())
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise ValueError("must be sqlite:///file.sqlite3, memory:// or redis://host:6379/0")
    return Path(path)


def make_outbox(
    url: str,
    max_events: int,
    on_loss: Callable[[Loss], None],
    max_mb: float | None = None,
    *,
    process_name: str = "",
    clock: Clock | None = None,
    on_moved: Callable[[str, int], None] = lambda _name, _count: None,
    on_notice: Callable[[str], object] = lambda _text: None,
) -> Outbox:
    """Return the outbox of a storage URL, not opened yet. `max_mb` is 256 by default, 32 in memory.

    When several processes share it, `on_moved(name, n)` is called with how many entries went to another process (negative:
    came from others), and `on_notice` with texts for people.
    """
    if is_redis_url(url) and INSTEAD not in os.environ:
        # Imported here, because only a fleet needs it.
        from .fleet.detour import Told
        from .fleet.outbox import RedisOutbox

        told = Told(on_loss, on_moved, on_notice)
        name = process_name or default_name()
        return RedisOutbox(parse_redis_url(url), name, max_events, told, clock or SystemClock(), max_mb)
    return SqliteOutbox(storage_path(url), max_events, on_loss, max_mb, clock)


def open_existing(url: str) -> Outbox:
    """Return the outbox of a stopped bot or a running fleet, opened; raises `StorageError` when there is none."""
    try:
        if is_redis_url(url) and INSTEAD not in os.environ:
            return _open_redis(url)
        path = storage_path(url)
    except ValueError as error:
        raise StorageError(f"the storage {error}") from None
    if path is None:
        raise StorageError("memory:// leaves nothing behind; name a file: --storage sqlite:///file.sqlite3")
    if not path.exists():
        raise StorageError(f"there is no storage file {path.name} here; name another: --storage sqlite:///path/file.sqlite3")
    try:
        # Checked first, because an outbox would use memory when its file fails.
        schema.open_database(path).close()
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = "is in use: a bot runs with it. Stop the bot first, or use /webhooks deadletters in Discord"
        else:
            reason = f"cannot be read ({error.strerror if isinstance(error, OSError) else error})"
        raise StorageError(f"the storage file {path.name} {reason}") from None
    outbox = SqliteOutbox(path, 2**62, lambda _loss: None, max_mb=2**40)
    outbox.open()
    return outbox


def _open_redis(url: str) -> Outbox:
    from .fleet.detour import Told
    from .fleet.outbox import RedisOutbox
    from .fleet.redis_connection import RedisAwayError

    address = parse_redis_url(url)
    told = Told(lambda _: None, lambda _name, _count: None, lambda _: None)
    outbox = RedisOutbox(address, "command line", 2**40, told, SystemClock())
    try:
        outbox.open_to_look()
    except RedisAwayError as error:
        raise StorageError(f"{address} {error.reason}") from None
    return outbox
