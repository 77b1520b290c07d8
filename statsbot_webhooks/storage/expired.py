"""The last place of events that nobody could deliver in time: JSON lines in a rotating file beside the storage."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from logging import makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..event import encode
from .base import Entry

_BYTES = 10 * 1024 * 1024
_FILES = 5


def write_expired(storage: Path, entries: Sequence[Entry]) -> Path:
    """Append entries, one JSON object a line, and return the file; raises `OSError`."""
    path = storage.with_name(f"{storage.name}.expired.jsonl")
    os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES - 1, encoding="utf-8")
    try:
        for entry in entries:
            line = json.dumps({"destination": entry.destination, "event": json.loads(encode(entry.event))})
            handler.emit(makeLogRecord({"msg": line}))
    finally:
        handler.close()
    return path
