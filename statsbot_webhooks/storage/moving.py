"""Moving: move everything from one storage to another, from a file to Redis, say. It is stored there, then deleted here.

Sealed batches are not kept: a message that Discord may already have is sent again, under another id.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..clock import SystemClock
from ..config.redis_address import is_redis_url, parse_redis_url
from ..errors import StorageError
from ..events.event import encode
from . import open_existing, schema, storage_path
from .base import DeadLetter, Outbox
from .dead_letters import insert_letters
from .fleet.detour import Told
from .fleet.outbox import RedisOutbox
from .fleet.redis_connection import RedisAwayError, RedisLink
from .fleet.streams import Streams
from .sqlite import SqliteOutbox

_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Moved:
    """How many entries, dead letters and state values were moved."""

    entries: int
    letters: int
    state: int


def move_all(source_url: str, target_url: str) -> Moved:
    """Move entries, dead letters and state; on a `StorageError` the rest stays in the source."""
    if source_url == target_url:
        raise StorageError("source and target are the same storage")
    source = _open_source(source_url)
    try:
        letters = source.dead_letters(_MOST)[::-1]
        if unreadable := [str(letter.id) for letter in letters if not letter.is_readable]:
            ids = " ".join(unreadable[:10])
            raise StorageError(f"dead letters that this version cannot read: update it, or delete them: outbox purge {ids}")
        with contextlib.closing(_open_target(target_url)) as target:
            state = _copy_state(source, target)
        # Before the entries, whose move deletes the dead letters of the source.
        _keep_letters(target_url, letters)
        source.purge([letter.id for letter in letters])
        with contextlib.closing(_open_target(target_url)) as target:
            return Moved(_move_entries(source, target), len(letters), state)
    finally:
        source.close()


def _open_source(url: str) -> Outbox:
    if not is_redis_url(url):
        return open_existing(url)
    outbox = _redis(url)
    outbox.open()
    if outbox.fleet.term is None:
        problem = outbox.problem or "is in use: a process of the fleet sends. Stop the bots first"
        outbox.close()
        raise StorageError(f"{parse_redis_url(url)} {problem}")
    return outbox


def _open_target(url: str) -> Outbox:
    if is_redis_url(url):
        return open_existing(url)
    path = _file(url)
    with contextlib.closing(schema.open_database(path)):
        # Checked first, because an outbox would use memory when its file fails or is locked.
        pass
    outbox = SqliteOutbox(path, _MOST, _refuse, max_mb=2**40)
    outbox.open()
    return outbox


def _file(url: str) -> Path:
    try:
        path = storage_path(url)
    except ValueError as error:
        raise StorageError(f"the storage {error}") from None
    if path is None:
        raise StorageError("memory:// keeps nothing")
    return path


def _redis(url: str) -> RedisOutbox:
    try:
        address = parse_redis_url(url)
    except ValueError as error:
        raise StorageError(f"the storage {error}") from None
    told = Told(_refuse, lambda _name, _count: None, lambda _text: None)
    return RedisOutbox(address, "move", _MOST, told, SystemClock(), max_mb=2**20)


def _refuse(_: object) -> None:
    """Ignore losses: no room is made during a move, and unreadable rows are logged."""


def _copy_state(source: Outbox, target: Outbox) -> int:
    """Copy state such as choices and cards; keys that the target has already, such as its mask key, stay."""
    state = source.read_state("")
    changes: dict[str, Callable[[Any], Any]] = {key: partial(_unless_there, value) for key, value in state.items()}
    if changes and not target.update_state(changes):
        raise StorageError("the target does not take the choices; nothing was moved")
    return len(state)


def _unless_there(value: Any, stored: Any) -> Any:
    return value if stored is None else stored


def _move_entries(source: Outbox, target: Outbox) -> int:
    moved = 0
    # This also deletes dead letters of the source.
    while entries := source.expire(math.inf):
        target.put([(entry.destination, entry.event) for entry in entries])
        if target.is_displaced or not target.is_durable:
            source.release(entries)
            raise StorageError(f"the target takes no more events; {moved} were moved, the others are where they were")
        source.ack(entries)
        moved += len(entries)
    return moved


def _keep_letters(url: str, letters: Sequence[DeadLetter]) -> None:
    rows = [(letter.destination, letter.reason, letter.time, encode(letter.event)) for letter in letters]
    if not is_redis_url(url):
        with contextlib.closing(schema.open_database(_file(url))) as db, db:
            insert_letters(db, rows)
        return
    link = RedisLink(parse_redis_url(url), SystemClock())
    try:
        for row in rows:
            Streams(link, "move").add_letter(*row)
    except RedisAwayError as error:
        raise StorageError(f"{link.address} {error.reason}; the dead letters are not moved") from None
    finally:
        link.close()
