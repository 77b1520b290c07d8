"""The last place of events that nobody could deliver in time: JSON lines in a rotating file beside the storage."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from logging import makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..events.event import encode
from .base import Entry

_BYTES = 10 * 1024 * 1024
_FILES = 5


def write_expired(storage: Path, entries: Sequence[Entry]) -> Path:
    """Append entries, one JSON object a line, and return the file; raises `OSError`."""
    path = _path(storage)
    os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES - 1, encoding="utf-8")
    try:
        for entry in entries:
            line = json.dumps({"destination": entry.destination, "event": json.loads(encode(entry.event))})
            handler.emit(makeLogRecord({"msg": line}))
    finally:
        handler.close()
    return path


def filter_expired(storage: Path, keeps: Callable[[str], bool]) -> int:
    """Delete the lines that are not to be kept, of all files of this sort; returns how many. Raises `OSError`.

    A file is replaced as a whole, so that a kill on the way leaves the old one or the new one.
    """
    path, deleted = _path(storage), 0
    for file in [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _FILES))]:
        if not file.exists():
            continue
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if keeps(line)]
        deleted += len(lines) - len(kept)
        if not kept:
            file.unlink()
        elif len(kept) < len(lines):
            new = file.with_name(f"{file.name}.new")
            with open(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
                output.writelines(kept)
            new.replace(file)
    return deleted


def _path(storage: Path) -> Path:
    return storage.with_name(f"{storage.name}.expired.jsonl")
