"""Private files: only their owner may read them, from the first byte on, and no symbolic link is followed.

Otherwise a user who can write to the folder of the storage could redirect the bot to another file of its user.
"""

from __future__ import annotations

import os
from pathlib import Path

# Windows has no such flag, and lets only administrators make symbolic links.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_MODE = 0o600


def make_private(path: Path) -> None:
    """Create a file if it does not exist, and let only its owner read it; raises `OSError`, for a symbolic link too."""
    file = os.open(path, os.O_CREAT | os.O_RDWR | _NO_LINK, _MODE)
    try:
        os.fchmod(file, _MODE) if hasattr(os, "fchmod") else None
    except OSError:
        # A file system without modes, or a writable file of another user: it can be used all the same.
        pass
    finally:
        os.close(file)


def open_to_append(path: Path) -> int:
    """Return a descriptor that writes at the end of a private file; raises `OSError`."""
    make_private(path)
    return os.open(path, os.O_RDWR | os.O_APPEND | _NO_LINK)


def open_to_change(path: Path) -> int:
    """Return a descriptor that writes anywhere in an existing file; raises `OSError`."""
    return os.open(path, os.O_RDWR | _NO_LINK)


def create_new(path: Path) -> int:
    """Return a descriptor of a new private file; an existing file of the name is deleted. Raises `OSError`."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_LINK, _MODE)


def exists(path: Path) -> bool:
    """Whether something has this name, a symbolic link to nowhere included."""
    return os.path.lexists(path)
