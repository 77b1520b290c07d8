"""Files that were put aside because they were damaged: what of a person stands in them goes with the whole file.

What could be read of it is in the file that took its place; here is only what a specialist might still find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

# As much is looked at a time; a name or an id that lies across the end of a part is in the next one too.
_PART: Final = 1024 * 1024
_OVERLAP: Final = 512


def delete_damaged(storage: Path, is_meant: Callable[[str], bool]) -> int:
    """Delete damaged files that hold what is meant, each with its log; returns how many there were. Raises `OSError`."""
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
    return [file for file in found if file.is_file() and not file.is_symlink()]


def _texts(file: Path) -> Iterator[str]:
    with file.open("rb") as data:
        end = b""
        while part := data.read(_PART):
            yield (end + part).decode("latin-1")
            end = part[-_OVERLAP:]
