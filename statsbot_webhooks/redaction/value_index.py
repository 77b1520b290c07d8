"""Known values, found in every form that a text may carry them in; which values there are says `known_values`. Pure.

A text is read eight letters at a time, and each eight are looked up among those of all values at once. So the time is the same
for one value and for hundreds, for any text. The beginning or end of a value is found too, from 12 characters on.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple

from .value_forms import bones, forms, spellings

RULE: Final = "known value"
# Shorter values are words that a text has by chance.
_SHORTEST: Final = 6
# Two rows of eight, four apart, meet each piece of eleven.
_GRAM: Final = 8
_SHIFT: Final = 4
_PIECE: Final = _GRAM + _SHIFT - 1
_BETWEEN: Final = 32
_SHORT_GRAM: Final = 4
_SHORT_PIECE: Final = 7
_MOST_FORMS: Final = 60_000
_CHUNK: Final = 1024
_BONE: Final = re.compile(rb"[A-Za-z0-9\x80-\xff]")
_SPACE: Final = re.compile(rb"\s")


class _Place(NamedTuple):
    """Where a gram stands in a form."""

    form: bytes
    offset: int


class KnownValues:
    """Values that no text may show. Immutable; build a new one for more values."""

    def __init__(self, values: Iterable[str]) -> None:
        self._grams: dict[int, list[_Place]] = {}
        self._short: dict[int, list[_Place]] = {}
        self._values: dict[bytes, str] = {}
        self._tiny: list[bytes] = []
        # Values of punctuation, of which hardly a letter remains.
        self._exact: list[bytes] = []
        known: set[bytes] = set()
        for value in sorted(values):
            for line in value.splitlines():
                if len(line := line.strip()) >= _SHORTEST and len(known) < _MOST_FORMS:
                    if len(bones(line.encode("utf-8", "replace"))) < _SHORTEST:
                        self._exact += spellings(line)
                    for form in forms(line):
                        if form not in known:
                            known.add(form)
                            self._add(form, line)
        self._keys, self._short_keys = frozenset(self._grams), frozenset(self._short)

    def __bool__(self) -> bool:
        return bool(self._values or self._exact)

    def _add(self, form: bytes, value: str) -> None:
        self._values[form] = value
        size = len(form)
        if size < _SHORT_PIECE:
            self._tiny.append(form)
        elif size < _PIECE:
            for offset in range(size - _SHORT_GRAM + 1):
                self._short.setdefault(int.from_bytes(form[offset : offset + _SHORT_GRAM], sys.byteorder), []).append(
                    _Place(form, offset)
                )
        else:
            for begin in {0, size - _PIECE, *range(_BETWEEN, size - _PIECE, _BETWEEN)}:
                for offset in range(begin, begin + _SHIFT):
                    self._grams.setdefault(int.from_bytes(form[offset : offset + _GRAM], sys.byteorder), []).append(
                        _Place(form, offset)
                    )

    def redact(self, data: bytes, mark: bytes) -> tuple[bytes, int]:
        """Return the bytes without the values, and how many were found; the same object for none."""
        count = 0
        for spelling in self._exact:
            if spelling in data:
                data, count = data.replace(spelling, mark), count + 1
        text = bones(data)
        if not self._may_have(text):
            return data, count
        values = {self._values[form] for form in {place.form for _, place in self._places(text)}}
        for spelling in {spelling for value in values for spelling in spellings(value)}:
            if len(spelling) >= _SHORTEST and (times := data.count(spelling)):
                data, count = data.replace(spelling, mark), count + times
        finds = self._find(data)
        if not finds:
            return data, count
        pieces: list[bytes] = []
        done = 0
        for start, end in finds:
            if start >= done:
                # Pieces of one long secret that follow each other are one.
                pieces += (data[done:start], mark) if start > done or not pieces else ()
                count += 1
            done = max(done, end)
        return b"".join([*pieces, data[done:]]), count

    def is_in(self, data: bytes) -> bool:
        """Whether the bytes hold a value in any form."""
        return bool(self._values) and self._may_have(bones(data)) and bool(self._find(data))

    def _may_have(self, text: bytes) -> bool:
        size = len(text)
        if self._keys and size >= _PIECE:
            # Twice, eight letters each, the second time four further on.
            if not self._keys.isdisjoint(memoryview(text[: size & -_GRAM]).cast("Q")):
                return True
            if not self._keys.isdisjoint(memoryview(text[_SHIFT : _SHIFT + (size - _SHIFT & -_GRAM)]).cast("Q")):
                return True
        if self._short_keys and not self._short_keys.isdisjoint(memoryview(text[: size & -_SHORT_GRAM]).cast("I")):
            return True
        return any(form in text for form in self._tiny) if self._tiny else False

    def _places(self, text: bytes) -> list[tuple[int, _Place]]:
        """Return where a gram of a value stands in the bones of a text."""
        found: list[tuple[int, _Place]] = []
        for grams, size, rows in (
            (self._grams, _GRAM, _rows(text, bool(self._grams))),
            (self._short, _SHORT_GRAM, _short_rows(text, bool(self._short))),
        ):
            for begin, row in rows:
                found += [(begin + at * size, place) for at, gram in enumerate(row) if gram in grams for place in grams[gram]]
        for form in self._tiny:
            found += [(match.start(), _Place(form, 0)) for match in re.finditer(re.escape(form), text)]
        return found

    def _find(self, data: bytes) -> list[tuple[int, int]]:
        """Return the parts of the bytes that are of a value, sorted."""
        text = bones(data)
        spans: set[tuple[int, int, bool]] = set()
        for at, place in self._places(text):
            form = place.form
            start, end, is_short = at - place.offset, at - place.offset + len(form), len(form) < _PIECE
            if start >= 0 and text.startswith(form, start):
                spans.add((start, end, is_short))
            elif not is_short:
                left = _same_before(text, at, form, place.offset)
                right = _same_after(text, at, form, place.offset)
                if left + right >= _PIECE:
                    spans.add((at - left, at + right, False))
        if not spans:
            return []
        where = _Positions(data)
        found: list[tuple[int, int]] = []
        for start, end, is_short in sorted(spans):
            first, last = where.of(start), where.of(end - 1) + 1
            # A short value is no sentence whose letters happen to follow each other.
            if not is_short or _SPACE.search(data[first:last]) is None:
                found.append((first, last))
        return sorted(found)


def _rows(text: bytes, wanted: bool) -> list[tuple[int, memoryview[int]]]:
    """Return a text as numbers of eight letters each, twice, and where each row begins."""
    if not wanted or len(text) < _GRAM:
        return []
    begins = (0, _SHIFT) if len(text) >= _GRAM + _SHIFT else (0,)
    return [(begin, memoryview(text[begin : begin + (len(text) - begin) // _GRAM * _GRAM]).cast("Q")) for begin in begins]


def _short_rows(text: bytes, wanted: bool) -> list[tuple[int, memoryview[int]]]:
    if not wanted or len(text) < _SHORT_GRAM:
        return []
    return [(0, memoryview(text[: len(text) // _SHORT_GRAM * _SHORT_GRAM]).cast("I"))]


def _same_before(text: bytes, at: int, form: bytes, offset: int) -> int:
    count = 0
    while count < min(at, offset) and text[at - count - 1] == form[offset - count - 1]:
        count += 1
    return count


def _same_after(text: bytes, at: int, form: bytes, offset: int) -> int:
    count, most = 0, min(len(text) - at, len(form) - offset)
    while count < most and text[at + count] == form[offset + count]:
        count += 1
    return count


class _Positions:
    """Where the letters and digits of a text stand in it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._before: list[int] = [0]
        for begin in range(0, len(data), _CHUNK):
            self._before.append(self._before[-1] + len(bones(data[begin : begin + _CHUNK])))
        self._chunk, self._here = -1, list[int]()

    def of(self, number: int) -> int:
        """Return where in the text the letter or digit of this number stands."""
        chunk = bisect_right(self._before, number) - 1
        if chunk != self._chunk:
            begin = chunk * _CHUNK
            self._chunk, self._here = (
                chunk,
                [match.start() + begin for match in _BONE.finditer(self._data[begin : begin + _CHUNK])],
            )
        return self._here[number - self._before[chunk]]
