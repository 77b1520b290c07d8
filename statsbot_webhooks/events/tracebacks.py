"""Exceptions as text: noted where they happen, formatted later, with the frames of the user's code marked. Pure."""

from __future__ import annotations

import functools
import itertools
import linecache
import os
import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Final, cast

# `traceback` prints "  File ..."; in an exception group a margin of bars goes before it.
_FRAME: Final = re.compile(r'^((?: *\|)? *)  File "([^"\n]+)", line ', re.MULTILINE)
_INSTALLED: Final = re.compile(r"[\\/](?:site|dist)-packages[\\/]")
# A chain of exceptions may be a cycle made by hand, and ends somewhere.
_MAX_CHAIN: Final = 10
# More frames than Python's own recursion limit allows come from a program that raised it; the middle of them is left out.
_MAX_FRAMES: Final = 2000


@dataclass(frozen=True, slots=True)
class NotedFrame:
    """Where a frame stood. Its code knows the file and the names; the frame itself, with all its values, is not kept (G3)."""

    code: CodeType
    instruction: int
    line: int


@dataclass(frozen=True, slots=True)
class NotedPart:
    """One exception of a chain or a group: its class, its text as Python prints it, and its frames, outermost first."""

    kind: type[BaseException]
    text: traceback.TracebackException
    frames: Sequence[NotedFrame]


@dataclass(frozen=True, slots=True)
class NotedException:
    """An exception as it was when it was caught: enough to print it later, on another thread, and to tell it from others.

    `parts` holds the exception itself first, then those of its chain and its groups. Without `is_shown` it is not printed.
    """

    parts: Sequence[NotedPart] = field(repr=False)
    is_shown: bool = True

    def format(self) -> str:
        """Return what Python would print, with `> ` before each frame of the user's own code; as much as can be read.

        Reads source files.
        """
        try:
            return mark_own_frames(self._print())
        except Exception as failure:  # noqa: BLE001 - a guard: loaders of source lines and the classes of errors are the host's
            places = [(frame.code.co_filename, frame.line, frame.code.co_name) for frame in self.parts[0].frames]
            lines = [f'  File "{file}", line {line}, in {function}\n' for file, line, function in places]
            said = f"(The rest of this traceback could not be printed: {type(failure).__name__})"
            return mark_own_frames("".join(["Traceback (most recent call last):\n", *lines, said]))

    def _print(self) -> str:
        for name in {frame.code.co_filename for part in self.parts for frame in part.frames}:
            linecache.checkcache(name)
        for part in self.parts:
            part.text.stack = traceback.StackSummary.from_list([_summary(frame) for frame in part.frames])
        return "".join(self.parts[0].text.format())


def note_exception(error: BaseException, trace: TracebackType | None = None, *, is_shown: bool = True) -> NotedException:
    """Note an exception with its causes, contexts and groups; `trace` replaces its own traceback.

    This is what an exception costs where it is caught: its texts, which may change, and a few words for each frame. Source
    lines are looked up, and the text is put together, by `NotedException.format`.
    """
    text = _text_of(error, trace or error.__traceback__)
    parts: list[NotedPart] = []
    waiting: list[tuple[traceback.TracebackException, BaseException, TracebackType | None]] = [(text, error, trace)]
    while waiting:
        text, error, trace = waiting.pop()
        parts.append(NotedPart(type(error), text, _note_frames(trace or error.__traceback__)))
        for below, before in ((text.__cause__, error.__cause__), (text.__context__, error.__context__)):
            if below is not None and before is not None:
                waiting.append((below, before, None))
        if text.exceptions and isinstance(error, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", error)
            waiting += [(below, each, None) for below, each in zip(text.exceptions, group.exceptions, strict=False)]
    return NotedException(tuple(parts), is_shown)


def _text_of(error: BaseException, trace: TracebackType | None) -> traceback.TracebackException:
    # Without frames (limit=0) Python's own class costs little, and knows what each version prints below them.
    try:
        return traceback.TracebackException(type(error), error, trace, limit=0, lookup_lines=False, compact=True)
    except Exception as failure:  # noqa: BLE001 - a user's exception class may fail at any question
        said = RuntimeError(f"{describe(error)} (it could not be read: {type(failure).__name__})")
        return traceback.TracebackException(RuntimeError, said, None)


def _note_frames(trace: TracebackType | None) -> list[NotedFrame]:
    frames: list[NotedFrame] = []
    known = linecache.cache
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename not in known:
            # What was imported from a zip, say, is only found through the loader that the module knows.
            linecache.lazycache(code.co_filename, trace.tb_frame.f_globals)
        frames.append(NotedFrame(code, trace.tb_lasti, trace.tb_lineno))
        trace = trace.tb_next
    return frames if len(frames) <= _MAX_FRAMES else frames[: _MAX_FRAMES // 2] + frames[-_MAX_FRAMES // 2 :]


def _summary(frame: NotedFrame) -> traceback.FrameSummary:
    code = frame.code
    end_line = first = last = None
    if frame.instruction >= 0:
        # One entry for each code unit of two bytes (`codeobject.co_positions`).
        found = next(itertools.islice(code.co_positions(), frame.instruction // 2, None), None)
        if found is not None:
            _, end_line, first, last = found
    return traceback.FrameSummary(
        code.co_filename, frame.line, code.co_name, lookup_line=False, end_lineno=end_line, colno=first, end_colno=last
    )


def mark_own_frames(text: str) -> str:
    """Return a formatted traceback with `> ` before the frames that are neither of Python nor of an installed package."""
    return _FRAME.sub(lambda match: f'{match[1]}> File "{match[2]}", line ' if is_own_code(match[2]) else match[0], text)


@functools.cache
def _libraries() -> tuple[str, ...]:
    """Return the folders of Python's own modules, and of this package."""
    # With the first traceback: it reads how Python was built, which takes milliseconds.
    import sysconfig

    paths = {
        *(sysconfig.get_path(name) or "" for name in ("stdlib", "platstdlib")),
        os.path.dirname(os.path.realpath(os.__file__)),
        # In a checkout of this repository, this package is not among the installed ones.
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    }
    return tuple(os.path.join(path, "") for path in paths if path)


@functools.lru_cache(maxsize=4096)
def is_own_code(filename: str) -> bool:
    """Whether a file belongs to the user's program: not to Python, an installed package, or code made at run time."""
    return not (filename.startswith(("<", *_libraries())) or _INSTALLED.search(filename))


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
