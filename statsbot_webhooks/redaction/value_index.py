"""Known values, found in every form that a text may carry them in; which values there are says `known_values`. Pure.

A text is read eight letters at a time, and each eight are looked up among those of all values at once. So the time is the same
for one value and for hundreds, for any text. The beginning or end of a value is found too, from 12 characters on; but not
by `xxxxxxxx` or `abababab`: a text may have rows of these, which say nothing of a value.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter
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
        # Forms that are looked for as they are: too short for grams, or nothing but the same few letters again and again.
        self._whole: list[bytes] = []
        self._spellings: dict[str, list[bytes]] = {}
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
            self._whole.append(form)
        elif size < _PIECE:
            for offset in range(size - _SHORT_GRAM + 1):
                self._short.setdefault(int.from_bytes(form[offset : offset + _SHORT_GRAM], sys.byteorder), []).append(
                    _Place(form, offset)
                )
        else:
            begins = _begins(form)
            if not begins:
                self._whole.append(form)
            for begin in begins:
                for offset in range(begin, begin + _SHIFT):
                    self._grams.setdefault(_gram(form, offset), []).append(_Place(form, offset))

    def _spellings_of(self, value: str) -> list[bytes]:
        """Return how writers put a value, the longest first, so that none leaves a part of another."""
        found = self._spellings.get(value)
        if found is None:
            found = self._spellings[value] = sorted((each for each in spellings(value) if len(each) >= _SHORTEST), key=len)[::-1]
        return found

    def redact(self, data: bytes, mark: bytes) -> tuple[bytes, int]:
        """Return the bytes without the values, and how many were found; the same object for none."""
        count = 0
        for spelling in self._exact:
            if spelling in data:
                data, count = data.replace(spelling, mark), count + 1
        text = bones(data)
        if not self._may_have(text):
            return data, count
        places, before = self._places(text), count
        for value in {self._values[form] for form in {place.form for _, place in places}}:
            for spelling in self._spellings_of(value):
                if times := data.count(spelling):
                    data, count = data.replace(spelling, mark), count + times
        if count != before:
            text = bones(data)
            places = self._places(text)
        finds = _find(data, text, places)
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
        text = bones(data)
        return self._may_have(text) and bool(_find(data, text, self._places(text)))

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
        return any(form in text for form in self._whole) if self._whole else False

    def _places(self, text: bytes) -> list[tuple[int, _Place]]:
        """Return where a gram of a value stands in the bones of a text."""
        found: list[tuple[int, _Place]] = []
        for grams, size, rows in (
            (self._grams, _GRAM, _rows(text, bool(self._grams))),
            (self._short, _SHORT_GRAM, _short_rows(text, bool(self._short))),
        ):
            for begin, row in rows:
                found += [(begin + at * size, place) for at, gram in enumerate(row) if gram in grams for place in grams[gram]]
        for form in self._whole:
            found += [(match.start(), _Place(form, 0)) for match in re.finditer(re.escape(form), text)]
        return found


def _find(data: bytes, text: bytes, places: Iterable[tuple[int, _Place]]) -> list[tuple[int, int]]:
    """Return the parts of the bytes that are of a value, sorted; `text` is their bones, `places` where a gram stands in them."""
    spans: set[tuple[int, int, bool]] = set()
    # How far the parts of a form are known: what repeats itself is not compared again from each of its places.
    known: dict[bytes, int] = {}
    for at, (form, offset) in sorted(places, key=itemgetter(0)):
        start, is_short = at - offset, len(form) < _PIECE
        if start >= 0 and text.startswith(form, start):
            spans.add((start, start + len(form), is_short))
        elif not is_short and at + _GRAM > known.get(form, 0):
            left = _same_before(text, at, form, offset)
            right = _same_after(text, at, form, offset)
            if left + right >= _PIECE:
                spans.add((at - left, at + right, False))
                known[form] = at + right
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


def _gram(form: bytes, offset: int) -> int:
    return int.from_bytes(form[offset : offset + _GRAM], sys.byteorder)


def _begins(form: bytes) -> set[int]:
    """Return where the pieces of a form begin by which it is found: its beginning, its end and some between.

    A piece in which a few letters repeat themselves is left for the next one, towards the middle.
    """
    last = len(form) - _PIECE
    found: set[int] = set()
    for begin in {0, *range(_BETWEEN, last, _BETWEEN)}:
        for at in range(begin, min(begin + _BETWEEN, last + 1)):
            if _is_piece(form, at):
                found.add(at)
                break
    for at in range(last, max(-1, last - _BETWEEN), -1):
        if _is_piece(form, at):
            found.add(at)
            break
    return found


def _is_piece(form: bytes, begin: int) -> bool:
    """Whether none of the grams of a piece is one to three letters, or four, again and again."""
    # The letters in the middle are in all four: most pieces are told by them.
    if form[begin + 3] != form[begin + 7] and (form[begin + 3] != form[begin + 6] or form[begin + 4] != form[begin + 7]):
        return True
    for offset in range(begin, begin + _SHIFT):
        gram = _gram(form, offset)
        if gram >> 32 == gram & 0xFFFFFFFF or gram >> 24 == gram & 0xFFFFFFFFFF:
            return False
    return True


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
