"""Exceptions as text: Python's own format, with the frames of the user's code marked. Pure."""

from __future__ import annotations

import functools
import os
import re
import sysconfig
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final, cast

# `traceback` prints "  File ..."; in an exception group a margin of bars goes before it.
_FRAME: Final = re.compile(r'^((?: *\|)? *)  File "([^"\n]+)", line ', re.MULTILINE)
_LIBRARIES: Final = tuple(
    os.path.join(path, "")
    for path in {
        *(sysconfig.get_path(name) or "" for name in ("stdlib", "platstdlib")),
        os.path.dirname(os.path.realpath(os.__file__)),
        # In a checkout of this repository, this package is not among the installed ones.
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    }
    if path
)
_INSTALLED: Final = re.compile(r"[\\/](?:site|dist)-packages[\\/]")
# A chain of exceptions may be a cycle made by hand, and ends somewhere.
_MAX_CHAIN: Final = 10


def format_traceback(error: BaseException, trace: TracebackType | None = None) -> str:
    """Return the traceback with causes, contexts and groups; `> ` stands before each frame of the user's own code.

    `trace` replaces the exception's own traceback. This is what an exception costs: about half a millisecond.
    """
    lines = traceback.format_exception(type(error), error, trace or error.__traceback__)
    return mark_own_frames("".join(lines))


def mark_own_frames(text: str) -> str:
    """Return a formatted traceback with `> ` before the frames that are neither of Python nor of an installed package."""
    return _FRAME.sub(lambda match: f'{match[1]}> File "{match[2]}", line ' if is_own_code(match[2]) else match[0], text)


@functools.lru_cache(maxsize=4096)
def is_own_code(filename: str) -> bool:
    """Whether a file belongs to the user's program: not to Python, an installed package, or code made at run time."""
    return not (filename.startswith(("<", *_LIBRARIES)) or _INSTALLED.search(filename))


def describe(error: BaseException) -> str:
    """Return the type and the text of an exception; one whose text fails says so. Never raises."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 - a user's __str__ may raise anything; the event must survive it
        text = f"(its text failed: {type(failure).__name__})"
    return f"{name}: {text}" if text else name


def chain_of(error: BaseException) -> list[BaseException]:
    """Return what led to an exception, the nearest first, as Python would print it."""
    found: list[BaseException] = []
    current = error
    while len(found) < _MAX_CHAIN:
        before = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if before is None or before is error or before in found:
            break
        found.append(before)
        current = before
    return found


def leaves(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """Yield the exceptions of a group and of the groups in it; nothing for any other exception."""
    if isinstance(error, BaseExceptionGroup) and depth < _MAX_CHAIN:
        group = cast("BaseExceptionGroup[BaseException]", error)
        for part in group.exceptions:
            yield part
            yield from leaves(part, depth + 1)
