"""Read a `.env` file as editors of every system write it. The only place that does; says what is wrong, never a value."""

from __future__ import annotations

import codecs
import errno
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

_LARGEST: Final = 1_000_000
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file holds, and what is wrong with it."""

    values: dict[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()


def read_env_file(path: Path | str) -> EnvFile:
    """Return the variables of a file; none when there is no file. What cannot be read is named, with its line."""
    path = Path(path)
    try:
        text, wrong_line = read_text(path)
    except FileNotFoundError:
        return EnvFile()
    except OSError as error:
        return EnvFile({}, (f"{path.name} cannot be read: {error.strerror or type(error).__name__}",))
    problems: list[str] = []
    if wrong_line:
        problems.append(f"{path.name}, line {wrong_line}: not UTF-8. The line was read as Windows-1252; save the file as UTF-8")
    values = dotenv_values(stream=io.StringIO(text))
    return EnvFile({key: value for key, value in values.items() if value is not None}, tuple(problems))


def read_text(path: Path) -> tuple[str, int]:
    """Return the text of a file in UTF-8, UTF-16 or UTF-32, and the first line that is none of them, 0 when all is well.

    Raises `OSError`, also for a file that is too large to hold settings.
    """
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise OSError(errno.EFBIG, "it is larger than 1 MB")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), 0
    # PowerShell writes a mark; other programs write UTF-16 without one, where every other byte of ASCII is 0.
    if data[1:64:2].count(0) > len(data[1:64:2]) // 2:
        return data.decode("utf-16-le", "replace"), 0
    if data[0:64:2].count(0) > len(data[0:64:2]) // 2:
        return data.decode("utf-16-be", "replace"), 0
    try:
        return data.decode("utf-8"), 0
    except UnicodeDecodeError as error:
        wrong_line = data.count(b"\n", 0, error.start) + 1
    # Line by line: the others may well be UTF-8.
    lines = re.split(rb"(?<=\n)", data)
    return "".join(map(_decode_line, lines)), wrong_line


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
