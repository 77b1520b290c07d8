"""Private files: only their owner may read them, from the first byte on, and no symbolic link is followed.

Otherwise a user who can write to the folder of the storage could redirect the bot to another file of its user, or make it wait
forever at a pipe.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

# Windows has no such flags, and lets only administrators make symbolic links. A pipe must not be waited for.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MODE = 0o600


def make_private(path: Path) -> None:
    """Create a file if it does not exist, and let only its owner read it; raises `OSError`, for a symbolic link too."""
    os.close(_open(path, os.O_CREAT | os.O_RDWR))


def open_to_append(path: Path) -> int:
    """Return a descriptor that writes at the end of a private file; raises `OSError`."""
    return _open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND)


def open_to_change(path: Path) -> int:
    """Return a descriptor that writes anywhere in an existing file; raises `OSError`."""
    return _open(path, os.O_RDWR)


def open_to_read(path: Path) -> int:
    """Return a descriptor that reads an existing file; raises `OSError`."""
    return _open(path, os.O_RDONLY)


def create_new(path: Path) -> int:
    """Return a descriptor of a new private file; an existing file of the name is deleted. Raises `OSError`."""
    path.unlink(missing_ok=True)
    return _open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)


def is_file(path: Path) -> bool:
    """Whether this is a file: no symbolic link to one, no pipe, and no device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def exists(path: Path) -> bool:
    """Whether something has this name, a symbolic link to nowhere included."""
    return os.path.lexists(path)


def _open(path: Path, flags: int) -> int:
    file = os.open(path, flags | _FLAGS, _MODE)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path.name} is not a regular file")
    if flags & os.O_CREAT and hasattr(os, "fchmod"):
        # It may have been there. A file system without modes, or a writable file of another user, can be used all the same.
        with contextlib.suppress(OSError):
            os.fchmod(file, _MODE)
    return file
