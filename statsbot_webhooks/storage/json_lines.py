"""JSON lines in a private file that rotates: append lines, and delete single ones. The content of a line is not read here.

The files may be cut or foreign, so each line is handled by itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .private_files import create_new, exists, is_file, open_to_append, open_to_change, open_to_read

FILES: Final = 5


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file of at most `max_bytes`, and the four before it (`.1` to `.4`, the newest first). One thread at a time."""

    path: Path
    max_bytes: int

    def append(self, data: bytes, *, is_synced: bool = False) -> None:
        """Append whole lines, all or none, and with `is_synced` wait until they are on the disk. Raises `OSError`."""
        if exists(self.path) and (size := self.path.lstat().st_size) and size + len(data) > self.max_bytes:
            self._rotate()
        with os.fdopen(open_to_append(self.path), "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                # A line that was cut by a kill or a full disk must not merge with the next one.
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    data = b"\n" + data
            try:
                if file.write(data) != len(data):
                    raise OSError("the disk is full")
                if is_synced:
                    os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise

    def filter(self, keeps: Callable[[str], bool]) -> int:
        """Delete the lines for which `keeps` does not hold, in all files; returns how many. Raises `OSError`.

        A file is replaced as a whole, so that a kill leaves the old or the new one. On a full disk the lines are overwritten
        with blanks.
        """
        deleted = 0
        for file in self._files():
            if not is_file(file):
                continue
            with os.fdopen(open_to_read(file), "rb") as data:
                lines = data.read().splitlines(keepends=True)
            kept = [line for line in lines if keeps(line.decode("utf-8", "replace"))]
            deleted += len(lines) - len(kept)
            if not kept:
                file.unlink()
            elif len(kept) < len(lines):
                new = file.with_name(f"{file.name}.new")
                try:
                    with os.fdopen(create_new(new), "wb") as output:
                        output.writelines(kept)
                    new.replace(file)
                except OSError:
                    with contextlib.suppress(OSError):
                        new.unlink()
                    _blank(file, lines, keeps)
        return deleted

    def _rotate(self) -> None:
        names = list(self._files())
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            if exists(newer):
                newer.replace(older)

    def _files(self) -> Iterator[Path]:
        yield self.path
        for number in range(1, FILES):
            yield self.path.with_name(f"{self.path.name}.{number}")


def _blank(path: Path, lines: Iterable[bytes], keeps: Callable[[str], bool]) -> None:
    """Overwrite lines of a file with blanks, which needs no disk space."""
    with os.fdopen(open_to_change(path), "r+b", buffering=0) as file:
        place = 0
        for line in lines:
            if not keeps(line.decode("utf-8", "replace")):
                file.seek(place)
                file.write(b" " * (len(line) - 1) + b"\n")
            place += len(line)
        os.fsync(file.fileno())
