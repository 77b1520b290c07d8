"""Damaged files that were put aside: one that names a forgotten person is deleted as a whole.

Its readable rows are in the file that replaced it; nothing is read back from here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from .private_files import is_file, open_to_read

# Size of the parts that are searched; they overlap, so that a name across an end is found in the next part.
_PART: Final = 1024 * 1024
_OVERLAP: Final = 512


def delete_damaged(storage: Path, is_meant: Callable[[str], bool]) -> int:
    """Delete damaged files, each with its log, when `is_meant` holds for their text; returns how many. Raises `OSError`."""
    deleted: set[str] = set()
    for file in _files(storage):
        name = file.name.removesuffix("-wal").removesuffix("-shm")
        if name not in deleted and any(map(is_meant, _texts(file))):
            deleted.add(name)
    for file in _files(storage):
        if file.name.removesuffix("-wal").removesuffix("-shm") in deleted:
            file.unlink()
    return len(deleted)


def _files(storage: Path) -> list[Path]:
    found = storage.parent.glob(f"{storage.name}.corrupt-*")
    return [file for file in found if is_file(file)]


def _texts(file: Path) -> Iterator[str]:
    with os.fdopen(open_to_read(file), "rb") as data:
        end = b""
        while part := data.read(_PART):
            yield (end + part).decode("latin-1")
            end = part[-_OVERLAP:]
