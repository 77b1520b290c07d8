"""The terminal: colours, a line that is written over while something takes its time, and arguments that are numbers."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final, TextIO

_COLORS: Final = {"red": "31", "yellow": "33", "green": "32", "dim": "2"}


def is_terminal(stream: TextIO) -> bool:
    """Whether people see a stream at once, in a terminal that can do more than print lines."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def color(text: str, name: str, stream: TextIO | None = None) -> str:
    """Return a text in a colour on a terminal, as it is elsewhere or where NO_COLOR says so (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or not is_terminal(stream or sys.stdout):
        return text
    return f"\x1b[{_COLORS[name]}m{text}\x1b[0m"


def number(text: str) -> int:
    """Return a number that was given as an argument."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a number")
    return int(text)


def show_progress(text: str) -> None:
    """Write over the last progress line on a terminal; an empty text takes it away. Elsewhere nothing is printed."""
    if is_terminal(sys.stderr):
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
