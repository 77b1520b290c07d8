"""The git checkout that the program runs from, read without git: commit, tag, remote, and which files are as committed.

Everything is read from files, and at most once or twice in a process. What is missing, broken or of a newer format reads as
unknown: nothing here raises. What a version or a link is made of is decided elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COMMIT: Final = re.compile(r"[0-9a-f]{40}\Z")
_SHORT_FILE: Final = 4096
_MOST_BYTES: Final = 32 * 2**20
_MOST_TAGS: Final = 2000
_SECTION: Final = re.compile(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
# https://git-scm.com/docs/index-format: what stands before the path of an entry, and its last two parts.
_ENTRY: Final = 62
_HASH: Final = slice(40, 60)
_EXTENDED: Final = 0x4000
_STAGE: Final = 0x3000
_LENGTH: Final = 0x0FFF


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree. `folder` is its own git directory, and `common` that of the repository: in a linked worktree two."""

    root: Path
    folder: Path
    common: Path

    def commit(self) -> str:
        """Return the hash of the commit that is checked out; empty when it cannot be told."""
        text = _first_line(self.folder / "HEAD")
        for _ in range(5):
            if not text.startswith("ref:"):
                return text if _COMMIT.match(text) else ""
            name = text.removeprefix("ref:").strip()
            if not name.startswith("refs/") or ".." in name:
                return ""
            text = _first_line(self.folder / name) or _first_line(self.common / name) or self._packed().get(name, "")
        return ""

    def tags(self, commit: str) -> list[str]:
        """Return the names of the tags of a commit."""
        packed, folder = self._packed(), self.common / "refs" / "tags"
        found = {name.removeprefix("refs/tags/") for name, value in packed.items() if value == commit and "refs/tags/" in name}
        for path in _files_below(folder, _MOST_TAGS):
            value = _first_line(path)
            if commit in (value, self._tagged(value)):
                found.add(path.relative_to(folder).as_posix())
        return sorted(found)

    def remote(self) -> str:
        """Return the address of the remote `origin`, or else of the only one there is, as it is written."""
        urls = {name: values["url"] for name, values in _read_config(self.common / "config") if "url" in values}
        return urls.get("origin") or (next(iter(urls.values())) if len(urls) == 1 else "")

    def blob(self, path: Path) -> str:
        """Return the hash that git's index has for a file of the working tree; empty for one that is not tracked."""
        name = self._name(path)
        return _find_entry(_read_bytes(self.folder / "index"), name) if name else ""

    def has_unchanged(self, path: Path) -> bool:
        """Whether a file is, byte by byte, as git's index has it."""
        known, data = self.blob(path), _read_bytes(path)
        # Git names a blob so; it is no protection of anything.
        return bool(known) and hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == known

    def name_of(self, path: Path) -> str:
        """Return the path of a file in the repository; empty for one outside."""
        return self._name(path).decode("utf-8", "replace")

    def _name(self, path: Path) -> bytes:
        try:
            return path.resolve().relative_to(self.root).as_posix().encode("utf-8", "surrogateescape")
        except (OSError, ValueError, RuntimeError):
            return b""

    def _packed(self) -> Mapping[str, str]:
        """Return the references of `packed-refs`; an annotated tag leads to its commit."""
        found: dict[str, str] = {}
        last = ""
        for line in _read_bytes(self.common / "packed-refs").decode("utf-8", "replace").splitlines():
            value, _, name = line.partition(" ")
            if line.startswith("^") and last:
                found[last] = line[1:].strip()
            elif _COMMIT.match(value):
                last = name.strip()
                found[last] = value
        return found

    def _tagged(self, value: str) -> str:
        """Return what an annotated tag leads to, as far as it is an object of its own file."""
        if not _COMMIT.match(value):
            return ""
        try:
            data = zlib.decompressobj().decompress(_read_bytes(self.common / "objects" / value[:2] / value[2:]), _SHORT_FILE)
        except zlib.error:
            return ""
        match = re.match(rb"tag \d+\0object ([0-9a-f]{40})\n", data)
        return match[1].decode() if match else ""


def find_checkout(file: str | os.PathLike[str]) -> Checkout | None:
    """Return the checkout that a file is tracked in, in which it lies nearest; None when there is none."""
    try:
        path = Path(file).resolve()
        root = next((folder for folder in path.parents if (folder / ".git").exists()), None)
        if root is None:
            return None
        folder = root / ".git"
        if folder.is_file():
            # A linked worktree or a submodule.
            line = _first_line(folder)
            if not line.startswith("gitdir:"):
                return None
            folder = (root / line.removeprefix("gitdir:").strip()).resolve()
        shared = _first_line(folder / "commondir")
        found = Checkout(root, folder, (folder / shared).resolve() if shared else folder)
    except (OSError, ValueError, RuntimeError):
        return None
    # A program may lie in a repository that is another one's, such as that of a home folder.
    return found if found.blob(path) else None


@functools.cache
def program_checkout() -> Checkout | None:
    """Return the checkout of the file that was started; None for a program without one, such as a console script."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return find_checkout(main) if isinstance(main, str) else None


def _find_entry(data: bytes, name: bytes) -> str:
    """Return the hash of a path in an index of git; empty when it is not there or the format is not known."""
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        return ""
    if version == 4:
        return next((value for path, value in _entries_of_version_4(data) if path == name), "")
    at = 0
    while (at := data.find(name + b"\0", at + 1)) > 0:
        for more in (0, 2):
            start = at - _ENTRY - more
            flags = int.from_bytes(data[start + 60 : start + 62], "big") if start >= 12 else 0
            if bool(flags & _EXTENDED) == bool(more) and flags & _LENGTH == min(len(name), _LENGTH) and not flags & _STAGE:
                return data[start:][_HASH].hex()
    return ""


def _entries_of_version_4(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield paths and hashes; each path is written as the difference to the one before."""
    at, path = 12, b""
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        value = data[at + 40 : at + 60].hex()
        at += _ENTRY + (2 if flags & _EXTENDED else 0)
        removed = data[at] & 0x7F if at < len(data) else 0
        while at < len(data) and data[at] & 0x80:
            at += 1
            removed = ((removed + 1) << 7) | (data[at] & 0x7F)
        end = data.find(b"\0", at + 1)
        if end < 0:
            return
        path = path[: len(path) - removed] + data[at + 1 : end]
        at = end + 1
        if not flags & _STAGE:
            yield path, value


def _read_config(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the names and values of the remotes in a configuration of git."""
    remotes: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for raw in _read_bytes(path).decode("utf-8", "replace").splitlines():
        line = raw.strip()
        if match := _SECTION.match(line):
            current = remotes.setdefault(match[2], {}) if match[1].lower() == "remote" and match[2] else {}
        elif "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            current.setdefault(key.strip().lower(), value.strip().strip('"'))
    yield from remotes.items()


def _files_below(folder: Path, most: int) -> Iterator[Path]:
    try:
        for number, path in enumerate(sorted(folder.rglob("*"))):
            if number >= most:
                return
            if path.is_file():
                yield path
    except OSError:
        return


def _first_line(path: Path) -> str:
    return _read_bytes(path, _SHORT_FILE).decode("utf-8", "replace").partition("\n")[0].strip()


def _read_bytes(path: Path, most: int = _MOST_BYTES) -> bytes:
    """Return the contents of a file; nothing for one that is not there, or larger than what is read of it."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError):
        return b""
    return data if len(data) <= most else b""
