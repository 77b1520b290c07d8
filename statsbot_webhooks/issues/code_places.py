"""Where in the code an exception happened, in words that a deploy does not change: no line numbers, no folders. Pure."""

from __future__ import annotations

import functools
import linecache
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from traceback import TracebackException
from typing import Final, NamedTuple

from ..events.tracebacks import NotedException, NotedFrame, is_own_code
from .text_pattern import text_pattern

# Where libraries lie: what follows is the same in every environment.
_INSTALLED: Final = re.compile(r".*/(?:site|dist)-packages/|.*/lib/python\d[\d.]*/")
# One of these is in each text with a margin.
_MARGINS: Final = ("| ", "+-", "++")
# A frame with its source line, the line between the parts of a group, or another line at the margin.
_LINES: Final = re.compile(
    r'^(?:(?:> |  )File "([^"\n]+)", line \d+(?:, in (.*))?(?:\n    [^\S\n]*(?!\[Previous line)(\S.*))?|(-)|([^ \n].*))',
    re.MULTILINE,
)


class Frame(NamedTuple):
    """A frame as a traceback tells of it: the file, the source line, and the function where there is no source."""

    file: str
    source: str
    function: str

    @property
    def is_own(self) -> bool:
        """Whether it is of the user's program. What was made at run time is; modules that Python holds frozen are not."""
        if self.file.startswith("<"):
            return not self.file.startswith("<frozen")
        return is_own_code(self.file)


@dataclass(frozen=True, slots=True)
class Part:
    """One exception of a chain or a group: the name of its class as Python prints it, and its frames, outermost first."""

    kind: str
    frames: Sequence[Frame]


def places_of_exception(noted: NotedException) -> list[str]:
    """Return the sorted names of the classes and of the places of an exception, if it can be read. Reads source files."""
    try:
        parts = [Part(_name_of(part.kind), [*map(_frame, part.frames), *_syntax_error(part.text)]) for part in noted.parts]
        return _places(parts)
    except Exception:  # noqa: BLE001 - a guard: loaders of source lines and the classes of errors are the host's
        return []


def places_of_text(text: str) -> list[str]:
    """Return the same of a formatted traceback."""
    return _places(list(_parts(text)))


def has_frames(places: Sequence[str]) -> bool:
    """Whether places name code, and not classes alone."""
    return any("\t" in place for place in places)


def _places(parts: Sequence[Part]) -> list[str]:
    frames = [frame for part in parts for frame in _without_end_of_recursion(part)]
    # What a library does inside is its own affair, and changes with its version.
    frames = [frame for frame in frames if frame.is_own] or frames
    # Python passes over what is no text there, as a Path (the docs of sys.path).
    roots = tuple(root for root in sys.path if type(root) is str)
    files = _shorten(tuple(sorted({frame.file for frame in frames})), roots)
    lines = {f"{files[frame.file]}\t{frame.source or frame.function}" for frame in frames}
    # In the order of the alphabet: tasks of a group fail in any order, and how often one line occurs says nothing.
    return [*sorted({part.kind for part in parts}), *sorted(lines)]


def _without_end_of_recursion(part: Part) -> Sequence[Frame]:
    """Return the frames of a part; of an endless recursion without those in which it happened to end."""
    if part.kind != "RecursionError":
        return part.frames
    seen: set[Frame] = set()
    last = len(part.frames)
    for number, frame in enumerate(part.frames, 1):
        if frame in seen:
            last = number
        seen.add(frame)
    return part.frames[:last]


def _name_of(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ in ("__main__", "builtins") else f"{kind.__module__}.{kind.__qualname__}"


def _frame(frame: NotedFrame) -> Frame:
    code = frame.code
    # Since Python 3.13 the lines of "<string>" are those of `python -c`, and what exec() runs has the same name.
    source = "" if code.co_filename == "<string>" else linecache.getline(code.co_filename, frame.line).strip()
    return Frame(code.co_filename, source, "" if source else code.co_qualname)


def _syntax_error(text: TracebackException) -> Iterator[Frame]:
    """Yield the line that could not be compiled: it stands in the text of the exception, and in no frame."""
    file = getattr(text, "filename", None)
    if isinstance(file, str):
        yield Frame(file, str(text.text or "").strip(), "")


@functools.lru_cache(maxsize=128)
def _shorten(files: tuple[str, ...], roots: tuple[str, ...]) -> Mapping[str, str]:
    """Return each file's path from the folder that it was imported from."""
    found = {file: _from_root(file, roots) for file in files}
    loose = {file: file.replace("\\", "/") for file, short in found.items() if not short}
    # Loaded by hand, or the text of another machine: from the folder that they have in common.
    base = os.path.commonprefix([path.rpartition("/")[0] + "/" for path in loose.values()]).rpartition("/")[0]  # noqa: RUF071 - cut at a slash
    return {file: short or (loose[file][len(base) :].lstrip("/")) for file, short in found.items()}


@functools.lru_cache(maxsize=4096)
def _from_root(file: str, roots: tuple[str, ...]) -> str:
    """Return the path from the nearest root of imports; empty for a file in none."""
    if file.startswith("<"):
        return text_pattern(file)
    path = os.path.normpath(file).replace("\\", "/")
    if not os.path.isabs(file) and ":" not in file[:3]:
        return path
    if match := _INSTALLED.match(path):
        return path[match.end() :]
    inside = [length for root in roots if (length := _length(root)) and path.startswith(_folder(root))]
    return path[max(inside) :] if inside else ""


def _folder(root: str) -> str:
    return os.path.abspath(root).replace("\\", "/").rstrip("/") + "/"


def _length(root: str) -> int:
    return len(_folder(root))


def _parts(text: str) -> Iterator[Part]:
    """Yield the exceptions of a formatted traceback.

    The text of an exception may go on for lines that look like anything. Its class stands on the first line at the margin
    after the frames.
    """
    frames: list[Frame] = []
    awaits_kind = True
    lines = text.splitlines()
    if any(sign in text for sign in _MARGINS):
        lines = [_without_margin(line) for line in lines]
    for match in _LINES.finditer("\n".join(lines)):
        file, function, source, between, first = match.groups()
        if file:
            awaits_kind = True
            frames.append(Frame(file, source.rstrip() if source else "", "" if source else function or ""))
        elif between:
            awaits_kind = True
        elif awaits_kind and not first.endswith("(most recent call last):"):
            awaits_kind = False
            yield Part(first.partition(":")[0], frames)
            frames = []
    if frames:
        yield Part("", frames)


def _without_margin(line: str) -> str:
    """Return a line without the bars that stand left of the parts of a group."""
    bare = line.lstrip(" ")
    if bare.startswith("| "):
        return bare[2:]
    return bare[1:].lstrip("+") if bare.startswith("+") and bare[1:2] in ("-", "+") else line
