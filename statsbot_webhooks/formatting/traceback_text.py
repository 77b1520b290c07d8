"""Tracebacks as a card shows them: own frames in full, runs of library frames as one line, short paths. Pure.

The whole traceback, as Python prints it, is in the attached file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..events.time_text import format_count

# `traceback` prints two blanks, or `> ` in the place of them before an own frame; a group has a margin of bars.
_FRAME: Final = re.compile(r'(?P<margin>(?: *\|)? *)(?P<mark>> |  )File "(?P<path>[^"\n]+)", (?P<rest>line \d+.*)')
_PACKAGE: Final = re.compile(r".*[\\/](?:site|dist)-packages[\\/](?P<inside>.+)")
_STANDARD: Final = re.compile(r".*[\\/]lib(?:64)?[\\/]python3(?:\.\d+)?[\\/](?P<inside>.+)|.*[\\/]Lib[\\/](?P<windows>.+)")
_FROZEN: Final = re.compile(r"<frozen (?P<module>[^>]+)>")
# Names under which a package is known, where its folder has another one.
_KNOWN_AS: Final = {"discord": "discord.py"}


@dataclass(frozen=True, slots=True)
class _ShownFrame:
    """A frame: its lines as Python printed them, and what its first line says."""

    lines: Sequence[str]
    margin: str
    path: str
    rest: str
    is_own: bool


def program_folder() -> str:
    """Return the folder of the file that was started, or the working directory where none was (an interpreter, `python -m`)."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(main, str) and _PACKAGE.fullmatch(main) is None and _STANDARD.fullmatch(main) is None:
        return os.path.dirname(os.path.abspath(main))
    return os.getcwd()


def shorten_traceback(trace: str, root: str = "") -> str:
    """Return a traceback with its library frames folded, and paths relative to `root` or to the installed packages.

    Where no frame is the user's own, the last library frame of a run stays: it says what raised.
    """
    lines: list[str] = []
    for part in _parts(trace.splitlines()):
        if isinstance(part, str):
            lines.append(part)
        else:
            lines += _show_run(part, root)
    return "\n".join(lines)


def _parts(lines: Sequence[str]) -> Iterator[str | list[_ShownFrame]]:
    """Yield the lines that are no frames, and the runs of frames between them."""
    run: list[_ShownFrame] = []
    index = 0
    while index < len(lines):
        match = _FRAME.fullmatch(lines[index])
        if match is None:
            if run:
                yield run
                run = []
            yield lines[index]
            index += 1
            continue
        end = index + 1
        # Source lines and their markers are indented further than the frame; a repeated frame is said in one such line.
        indent = match["margin"] + "    "
        while end < len(lines) and (lines[end].startswith(indent) or lines[end].startswith(f"{match['margin']}  [")):
            end += 1
        run.append(_ShownFrame(lines[index:end], match["margin"], match["path"], match["rest"], match["mark"] == "> "))
        index = end
    if run:
        yield run


def _show_run(run: Sequence[_ShownFrame], root: str) -> Iterator[str]:
    has_own = any(frame.is_own for frame in run)
    folded: list[_ShownFrame] = []
    for index, frame in enumerate(run):
        is_shown = frame.is_own or (not has_own and index == len(run) - 1)
        if not is_shown:
            folded.append(frame)
            continue
        if folded:
            yield _fold(folded)
            folded = []
        mark = "> " if frame.is_own else "  "
        yield f'{frame.margin}{mark}File "{short_path(frame.path, root)}", {frame.rest}'
        yield from frame.lines[1:]
    if folded:
        yield _fold(folded)


def _fold(frames: Sequence[_ShownFrame]) -> str:
    names = list(dict.fromkeys(package_of(frame.path) for frame in frames))
    return f"{frames[0].margin}  ... {format_count(len(frames), 'frame')} of {', '.join(names[:3])}{' ...' if names[3:] else ''}"


def package_of(path: str) -> str:
    """Return whose code a file is: the name of an installed package, or Python."""
    if (match := _PACKAGE.fullmatch(path)) is None:
        return "Python"
    name = re.split(r"[\\/]", match["inside"])[0].removesuffix(".py")
    return _KNOWN_AS.get(name, name)


def short_path(path: str, root: str) -> str:
    """Return the path of a file relative to the installed packages, to Python's library or to the program's folder."""
    if match := _PACKAGE.fullmatch(path):
        return match["inside"]
    if root and path.startswith(root) and path[len(root) :].startswith(("/", "\\")):
        return path[len(root) + 1 :]
    if match := _STANDARD.fullmatch(path):
        return match["inside"] or match["windows"]
    if match := _FROZEN.fullmatch(path):
        return match["module"]
    return path
