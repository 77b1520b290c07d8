"""The last place of events that could not be delivered in time: JSON lines in a rotating file beside the storage.

Its files may be cut or foreign: each line is looked at by itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ..events.event import encode
from .base import Entry
from .private_files import create_new, exists, open_to_append

_BYTES: Final = 10 * 1024 * 1024
_FILES: Final = 5


def write_expired(storage: Path, entries: Sequence[Entry]) -> Path:
    """Append entries, one JSON object a line, and return the file; raises `OSError`."""
    path = _path(storage)
    lines = [json.dumps({"destination": entry.destination, "event": json.loads(encode(entry.event))}) for entry in entries]
    data = "".join(f"{line}\n" for line in lines).encode()
    if exists(path) and path.lstat().st_size + len(data) > _BYTES:
        _rotate(path)
    with os.fdopen(open_to_append(path), "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            # What was cut by a kill or a full disk must not become one line with the next.
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                data = b"\n" + data
        try:
            if file.write(data) != len(data):
                raise OSError("the disk is full")
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise
    return path


def filter_expired(storage: Path, keeps: Callable[[str], bool]) -> int:
    """Delete the lines that are not to be kept, of all files of this sort; returns how many. Raises `OSError`.

    A file is replaced as a whole, so that a kill on the way leaves the old one or the new one.
    """
    deleted = 0
    for file in _files(_path(storage)):
        if not file.is_file() or file.is_symlink():
            continue
        lines = file.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if keeps(line.decode("utf-8", "replace"))]
        deleted += len(lines) - len(kept)
        if not kept:
            file.unlink()
        elif len(kept) < len(lines):
            new = file.with_name(f"{file.name}.new")
            with os.fdopen(create_new(new), "wb") as output:
                output.writelines(kept)
            new.replace(file)
    return deleted


def _rotate(path: Path) -> None:
    names = _files(path)
    for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
        if exists(newer):
            newer.replace(older)


def _files(path: Path) -> list[Path]:
    """Return the names of the files, the newest first."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _FILES))]


def _path(storage: Path) -> Path:
    return storage.with_name(f"{storage.name}.expired.jsonl")
