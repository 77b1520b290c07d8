"""Files that only their owner may read, from their first byte on; no symbolic link is followed.

A person who may write to the folder of the storage could otherwise lead us to another file of the bot's user.
"""

from __future__ import annotations

import os
from pathlib import Path

# Windows has no such flag, and lets only administrators make symbolic links.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_MODE = 0o600


def make_private(path: Path) -> None:
    """Make a file, if it is not there, and let only its owner read it; raises `OSError`, for a symbolic link too."""
    file = os.open(path, os.O_CREAT | os.O_RDWR | _NO_LINK, _MODE)
    try:
        os.fchmod(file, _MODE) if hasattr(os, "fchmod") else None
    except OSError:
        # A file system without modes, or a file of another user that we may write to: it works all the same.
        pass
    finally:
        os.close(file)


def open_to_append(path: Path) -> int:
    """Return a descriptor that writes at the end of a private file; raises `OSError`."""
    make_private(path)
    return os.open(path, os.O_RDWR | os.O_APPEND | _NO_LINK)


def open_to_change(path: Path) -> int:
    """Return a descriptor that writes anywhere in a file that is there; raises `OSError`."""
    return os.open(path, os.O_RDWR | _NO_LINK)


def create_new(path: Path) -> int:
    """Return a descriptor of a new private file; what had its name before is deleted. Raises `OSError`."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_LINK, _MODE)


def exists(path: Path) -> bool:
    """Whether something has this name, a symbolic link to nowhere included."""
    return os.path.lexists(path)
