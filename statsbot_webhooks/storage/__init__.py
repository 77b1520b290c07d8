"""Where accepted events wait until Discord has confirmed them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import StorageError
from . import schema
from .base import DeadLetter, Depth, Entry, Forgotten, Loss, Outbox, StateStore
from .sqlite import DEFAULT_FILE_MB, DEFAULT_MEMORY_MB, SqliteOutbox

__all__ = [
    "DEFAULT_FILE_MB",
    "DEFAULT_MEMORY_MB",
    "INSTEAD",
    "DeadLetter",
    "Depth",
    "Entry",
    "Forgotten",
    "Loss",
    "Outbox",
    "SqliteOutbox",
    "StateStore",
    "make_outbox",
    "open_existing",
    "storage_path",
]


# Set by `sandbox --run`: the file that takes the place of every other, also where the bot's settings or code name another.
INSTEAD: Final = "STATSBOT_WEBHOOKS_SANDBOX_STORAGE"


def storage_path(url: str) -> Path | None:
    """Return the file of a storage URL, `None` for `memory://`; raises `ValueError` when it is neither."""
    if instead := os.environ.get(INSTEAD):
        return Path(instead)
    if url == "memory://":
        return None
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise ValueError("must be sqlite:///file.sqlite3 or memory://")
    return Path(path)


def make_outbox(url: str, max_events: int, on_loss: Callable[[Loss], None], max_mb: float | None = None) -> Outbox:
    """Return the outbox of a storage URL, not opened yet; without `max_mb` it has the size that suits its place."""
    return SqliteOutbox(storage_path(url), max_events, on_loss, max_mb)


def open_existing(url: str) -> SqliteOutbox:
    """Return the open outbox of a file that a bot has left; raises `StorageError` when there is none to be had."""
    try:
        path = storage_path(url)
    except ValueError as error:
        raise StorageError(f"the storage {error}") from None
    if path is None:
        raise StorageError("memory:// leaves nothing behind; name a file: --storage sqlite:///file.sqlite3")
    if not path.exists():
        raise StorageError(f"there is no storage file {path.name} here; name another: --storage sqlite:///path/file.sqlite3")
    try:
        # An outbox would go on with memory when the file fails, which is of no use here.
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
