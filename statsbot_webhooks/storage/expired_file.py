"""Expired file: events that could not be delivered in time, as JSON lines in a rotating file beside the storage."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ..events.event import encode
from .base import Entry
from .json_lines import JsonLines

_BYTES: Final = 10 * 1024 * 1024


def write_expired(storage: Path, entries: Sequence[Entry]) -> Path:
    """Append entries, one JSON object a line, and return the file; raises `OSError`."""
    lines = [json.dumps({"destination": entry.destination, "event": json.loads(encode(entry.event))}) for entry in entries]
    file = _file(storage)
    file.append("".join(f"{line}\n" for line in lines).encode(), is_synced=True)
    return file.path


def filter_expired(storage: Path, keeps: Callable[[str], bool]) -> int:
    """Delete the lines for which `keeps` does not hold, in the rotated files too; returns how many. Raises `OSError`."""
    return _file(storage).filter(keeps)


def _file(storage: Path) -> JsonLines:
    return JsonLines(storage.with_name(f"{storage.name}.expired.jsonl"), _BYTES)
