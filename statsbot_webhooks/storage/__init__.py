"""Where accepted events wait until Discord has confirmed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .base import DeadLetter, Depth, Entry, Loss, Outbox, StateStore
from .sqlite import SqliteOutbox

__all__ = ["DeadLetter", "Depth", "Entry", "Loss", "Outbox", "SqliteOutbox", "StateStore", "make_outbox", "storage_path"]


def storage_path(url: str) -> Path | None:
    """Return the file of a storage URL, `None` for `memory://`; raises `ValueError` when it is neither."""
    if url == "memory://":
        return None
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise ValueError("must be sqlite:///file.sqlite3 or memory://")
    return Path(path)


def make_outbox(url: str, max_events: int, on_loss: Callable[[Loss], None]) -> Outbox:
    """Return the outbox of a storage URL, not opened yet."""
    return SqliteOutbox(storage_path(url), max_events, on_loss)
