"""An event in full as readable text: what stands in the attached files. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from ..events.event import Event
from ..events.folding import paced
from ..events.time_text import format_count
from . import limits
from .markdown import visible
from .message import FileAttachment
from .own_markup import revealed

_INDENT: Final = "\n    "
_SHORT: Final = 80
_NAMES: Final = {"guild": "server"}


def format_text(event: Event) -> str:
    """Return the whole event: one line with its short details, then what is long and its traceback, indented.

    Only the first line of an event begins at the margin, so no message can look like an event of its own.
    """
    stamp = datetime.fromtimestamp(event.time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    origin = f" {event.origin}" if event.origin else ""
    title = f" [{event.title}]" if event.title else ""
    details = [f"{_NAMES.get(key, key)}: {detail_text(key, value)}" for key, value in event.context.items()]
    if event.process:
        details.append(f"process: {event.process}")
    short = [detail for detail in details if len(detail) <= _SHORT and "\n" not in detail]
    parts = [" · ".join([f"{stamp} {event.level.value}{origin}{title}: {event.message}", *filter(None, [event.issue]), *short])]
    parts += [detail for detail in details if len(detail) > _SHORT or "\n" in detail]
    if event.traceback is not None:
        parts.append(event.traceback.rstrip())
    for file in event.files:
        parts.append(f"{file.name} ({format_count(len(file.data), 'byte')})" if file.data else f"{file.name}:\n{file.text}")
    if before := lines_before(event):
        parts.append("\n  ".join(["Before it:", *before]))
    return revealed("\n".join(map(visible, parts))).replace("\n", _INDENT)


def lines_before(event: Event) -> list[str]:
    """Return what came before an error, as far as it is known."""
    before: Any = event.facts.get("before")
    return [line for line in before if isinstance(line, str)] if isinstance(before, (list, tuple)) else []  # pyright: ignore[reportUnknownVariableType]


def text_file(name: str, events: Sequence[Event], pause: Callable[[], object], most: int = limits.FILE_BYTES) -> FileAttachment:
    """Return a file of at most so many bytes with every event in full, in the order given."""
    data, count = full_text(events, pause)
    rest = [to_bytes(format_text(event) + "\n") for event in events[count:]]
    return FileAttachment(name, cut(b"".join([data, *rest]) if rest else data, most))


def full_text(events: Sequence[Event], pause: Callable[[], object]) -> tuple[bytes, int]:
    """Return the text of as many events as fit into one file, at least one, and how many these are."""
    texts: list[bytes] = []
    size = 0
    for event in paced(events, pause, 5):
        text = to_bytes(format_text(event) + "\n")
        size += len(text)
        if texts and size > limits.FILE_BYTES:
            break
        texts.append(text)
    return b"".join(texts), len(texts)


def to_bytes(text: str) -> bytes:
    """Return a text as UTF-8; half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace")


def cut(data: bytes, most: int) -> bytes:
    """Return what fits into one file; where something is missing, it says how much."""
    if len(data) <= most:
        return data
    note = f"\n… {len(data) - most:,} bytes are missing here: Discord takes no larger file …\n".encode()
    first = (most - len(note)) // 2
    whole = data[:first] + note + data[len(note) + first - most :]
    # A character cut in two would make Discord show the file as binary.
    return whole.decode("utf-8", "ignore").encode()


def detail_text(key: str, value: object) -> str:
    """Return a detail as text: the options of a command as `name: value`; values that hold others stay JSON."""
    if key != "options" or not isinstance(value, Mapping):
        return value_text(value)
    options = cast("Mapping[str, object]", value)
    if any(isinstance(each, (Mapping, list)) for each in options.values()):
        return value_text(options)
    return ", ".join(f"{name}: {value_text(each)}" for name, each in options.items())


def value_text(value: object) -> str:
    """Return a value of the context as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
