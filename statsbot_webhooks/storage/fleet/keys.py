"""Keys and values in Redis: ids of a stream as numbers, facts of an entry, the hashes of state. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...events.event import Event, encode
from ..ready_queue import LaneName, QueuePlace
from ..rows import is_sound, stored_bytes

# The lower 20 bits of an id count within a millisecond; the bits above are Redis' time in milliseconds.
_SEQUENCE_BITS: Final = 20
_ID: Final = re.compile(r"(\d{1,14})-(\d{1,6})", re.ASCII)
_PARTS: Final = 2
# State that only the sender may write, because it is about its channels: cards, pings, posts, channels, reminders.
SENDER_STATE: Final = ("card/", "left/", "ping/", "thread/", "channel/", "reminder/")


def number_of(stream_id: str) -> int:
    """Return the number of a stream id; 0 for one that was not made by this package."""
    match = _ID.fullmatch(stream_id)
    if match is None or int(match[2]) >= 2**_SEQUENCE_BITS:
        return 0
    return int(match[1]) << _SEQUENCE_BITS | int(match[2])


def id_of(number: int) -> str:
    """Return the stream id of a number."""
    return f"{number >> _SEQUENCE_BITS}-{number & (2**_SEQUENCE_BITS - 1)}"


def row_of(event: Event) -> tuple[str, int, str]:
    """Return the facts that the sender needs before it reads the event, the size in bytes, and the event's text."""
    text = encode(event)
    size = stored_bytes(len(text))
    return json.dumps([int(event.is_urgent), event.level.number, event.time, size]), size, text


def place_of(number: int, facts: object) -> QueuePlace | None:
    """Return the place of an entry in the queue; None when its facts cannot be read."""
    try:
        values: Any = json.loads(facts) if isinstance(facts, str) else ()
        urgent, rank, time, size = values
        if not is_sound((number, "", urgent, rank, time, size)):
            return None
    except (ValueError, TypeError, RecursionError):
        return None
    return QueuePlace(number, LaneName.URGENT if urgent else LaneName.CALM, rank, float(time), size)


def seal_text(batch: str, numbers: Iterable[int]) -> str:
    """Return a sealed batch as text."""
    return json.dumps({"batch": batch, "ids": [id_of(number) for number in numbers]})


def read_seal(text: object) -> tuple[str, list[int]]:
    """Return the batch id and the entries of a seal; both empty when it cannot be read."""
    try:
        seal: Any = json.loads(text) if isinstance(text, str) else {}
        return str(seal["batch"]), [number_of(str(each)) for each in seal["ids"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", []


def bucket_of(key: str) -> str:
    """Return the hash that holds a key of the state: its first parts, at most two, so that there are few hashes."""
    return "/".join(key.split("/")[:-1][:_PARTS])


def may_hold(bucket: str, prefix: str) -> bool:
    """Whether a hash may hold keys that begin with `prefix`."""
    return not bucket or f"{bucket}/".startswith(prefix) or prefix.startswith(f"{bucket}/")


def state_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return state as arguments of a script: hash, key and JSON in turn; an empty text deletes."""
    arguments: list[str] = []
    for key, value in values.items():
        # Half of a surrogate pair cannot be encoded.
        name = key.encode("utf-8", "replace").decode()
        arguments += [bucket_of(name), name, "" if value is None else json.dumps(value, default=str)]
    return arguments
