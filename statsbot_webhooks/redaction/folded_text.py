"""Folded text: one spelling for all that a reader takes for the same letters, and the way back to the text. Pure.

Letters are small, without accents, and of usual width, and what JSON, Python, HTML and URLs escape is itself again. So a name is
found however it is spelled. It is only searched, never shown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from typing import Final
from unicodedata import normalize

from .late_patterns import late
from .unicode_text import INVISIBLE

_HEX: Final = "[0-9A-Fa-f]"
_BYTE: Final = late(rf"(?:%(?:25)*|\\+x)({_HEX}{{2}})")
_UNIT: Final = late(rf"\\+(?:u({_HEX}{{4}})|U({_HEX}{{8}}))")
# The sign comes first, so that nothing is tried at other characters. Digits behind a percent sign may be an id.
_ESCAPES: Final = late(
    rf"[\\%&](?:(?<=%)(?![0-9]{{17,18}}(?![0-9]))(?P<url>(?:25)*{_HEX}{{2}}(?:%(?:25)*{_HEX}{{2}})*)"
    rf"|(?<=\\)(?<!\\\\)(?>\\*)(?:(?P<bytes>x{_HEX}{{2}}(?:\\+x{_HEX}{{2}})*)"
    rf"|(?P<units>(?:u{_HEX}{{4}}|U{_HEX}{{8}})(?:\\+(?:u{_HEX}{{4}}|U{_HEX}{{8}}))*))"
    r"|(?<=&)(?:amp;)*(?P<entity>#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};))"
)
# In one text; a text with more of them is a dump, and would take too long.
_MOST_RUNS: Final = 20_000
_CHUNK: Final = 1024
_ACCENTS: Final = late(f"[\u0300-\u036f{INVISIBLE}]+")


class Folded:
    """A text and its folded form, `text`."""

    def __init__(self, original: str) -> None:
        self._original = self._plain = original
        # Runs of escapes: where what they stand for begins in the text without escapes.
        self._runs: list[tuple[int, re.Match[str], str]] = []
        if "\\" in original or "%" in original or "&" in original:
            self._unescape()
        self._last: tuple[int, list[int]] = (-1, [])
        self._is_ascii = self._plain.isascii()
        self.text = self._plain.lower() if self._is_ascii else _letters(self._plain)

    def _unescape(self) -> None:
        pieces: list[str] = []
        done = length = 0
        for match in islice(_ESCAPES.finditer(self._original), _MOST_RUNS):
            decoded = _decoded(match)
            pieces += (self._original[done : match.start()], decoded)
            length += match.start() - done
            self._runs.append((length, match, decoded))
            length += len(decoded)
            done = match.end()
        self._plain = "".join((*pieces, self._original[done:]))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the folded text stands in the text, with the accents that follow it."""
        if not self._is_ascii:
            start, end = self._unfolded(start), self._unfolded(end - 1) + 1
        elif not self._runs:
            return start, end
        if self._runs:
            start, end = self._place(start)[0], self._place(end - 1)[1]
        follows = None if self._original[end : end + 1].isascii() else _ACCENTS.match(self._original, end)
        return start, end if follows is None else follows.end()

    def _unfolded(self, index: int) -> int:
        """Return the position in the text without escapes of a character of the folded text."""
        number = bisect_right(self._chunks, index) - 1
        begin = number * _CHUNK
        if number != self._last[0]:
            # Kept for the next find, which is mostly in the same part.
            lengths = map(_LENGTHS.__getitem__, self._plain[begin : begin + _CHUNK])
            self._last = (number, list(accumulate(lengths)))
        return begin + bisect_right(self._last[1], index - self._chunks[number])

    @cached_property
    def _chunks(self) -> list[int]:
        """Where in the folded text each part of the text without escapes begins."""
        parts = (self._plain[at : at + _CHUNK] for at in range(0, len(self._plain), _CHUNK))
        lengths = (len(part) if part.isascii() else sum(map(_LENGTHS.__getitem__, part)) for part in parts)
        return list(accumulate(lengths, initial=0))

    @cached_property
    def _starts(self) -> list[int]:
        return [run[0] for run in self._runs]

    def _place(self, index: int) -> tuple[int, int]:
        """Return begin and end in the text of a character of the text without escapes."""
        number = bisect_right(self._starts, index) - 1
        if number < 0:
            return index, index + 1
        begins, match, decoded = self._runs[number]
        if (within := index - begins) < len(decoded):
            first, last = _places(match, decoded)[within]
            return match.start() + first, match.start() + last
        behind = match.end() + within - len(decoded)
        return behind, behind + 1


def _letters(text: str) -> str:
    return _ACCENTS.sub("", normalize("NFKD", text).casefold()).replace("\u0131", "i")


class _Lengths(dict[str, int]):
    """How many characters the folded form of a character has."""

    def __missing__(self, char: str) -> int:
        self[char] = length = len(_letters(char))
        return length


_LENGTHS: Final = _Lengths()
_LATIN: Final = {0xDC00 + code: chr(code) for code in range(0x80, 0x100)}


def _decoded(match: re.Match[str]) -> str:
    """Return what a run of escapes stands for; bytes that are no UTF-8 count as Latin-1."""
    run, kind = match[0], match.lastgroup
    if kind in ("url", "bytes"):
        return bytes.fromhex("".join(_BYTE.findall(run))).decode("utf-8", "surrogateescape").translate(_LATIN)
    if kind == "units":
        text = "".join([chr(int(four or eight, 16) % 0x110000) for four, eight in _UNIT.findall(run)])
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    # Imported here, because it takes a third of a megabyte.
    from html import unescape

    return unescape("&" + match["entity"])


@lru_cache(maxsize=1)
def _places(match: re.Match[str], decoded: str) -> list[tuple[int, int]]:
    """Return begin and end within a run of escapes of each character that it stands for."""
    run, kind = match[0], match.lastgroup
    if kind not in ("url", "bytes", "units"):
        return [(0, len(run))] * len(decoded)
    units = list((_UNIT if kind == "units" else _BYTE).finditer(run))
    raw = b"" if kind == "units" else bytes.fromhex("".join(unit[1] for unit in units))
    places: list[tuple[int, int]] = []
    at = 0
    for char in decoded:
        if raw:
            count = len(coded) if raw.startswith(coded := char.encode(), at) else 1
        else:
            count = 2 if char > "\uffff" and units[at][1] else 1
        places.append((units[at].start(), units[at + count - 1].end()))
        at += count
    return places
