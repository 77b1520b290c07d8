"""Value index: find known values in a text, in every form. `known_values` says which values are secret. Pure.

A text is read four letters at a time, which are looked up among those of all values at once; where they are known,
`value_grams` says how far the text agrees. So the time does not depend on the number of values. The beginning or end of a value
is found too, from 12 characters on; but not by `xxxxxxxx` or `abababab`, because rows of these occur in any text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from .rules import mark
from .value_forms import bones, forms, spellings
from .value_grams import PIECE, Grams

RULE: Final = "known value"
# Shorter values occur in texts by chance.
_SHORTEST: Final = 6
_FOUR: Final = 4
_SHORT_PIECE: Final = 7
_PART: Final = 12
_MOST_FORMS: Final = 60_000
_CHUNK: Final = 1024
_BLOCK: Final = 512
_LONG_TEXT: Final = 4096
_BONE: Final = re.compile(rb"[A-Za-z0-9\x80-\xff]")
_SPACE: Final = re.compile(rb"\s")
# A text with known letters in more places is a flood: the first finds are replaced everywhere in it.
_MOST_PLACES: Final = 1000
_MOST_PARTS: Final = 24
_ROUNDS: Final = 3


class _Find(NamedTuple):
    """A part of the bones of a text that belongs to a value; `form` is the whole form when all of it was found, else empty."""

    start: int
    end: int
    form: bytes


class KnownValues:
    """The values that no text may show. It does not change; build another one for more values."""

    def __init__(self, values: Iterable[str]) -> None:
        self._grams = Grams()
        # Forms of 7 to 10 letters, and the offsets of the fours by which they are found.
        self._short: set[bytes] = set()
        self._short_grams: dict[bytes, set[tuple[int, int]]] = {}
        self._values: dict[bytes, str] = {}
        # Forms that count only when the exact spelling is in the text.
        self._ends: set[bytes] = set()
        # Forms that are searched as they are, because they are too short for grams or repeat a few letters.
        self._whole: list[bytes] = []
        self._spellings: dict[str, list[tuple[bytes, int]]] = {}
        # Spellings of values of punctuation, which have too few letters for a form.
        self._exact: list[bytes] = []
        for value in sorted(values):
            for line in value.splitlines():
                if len(line := line.strip()) >= _SHORTEST and len(self._values) < _MOST_FORMS:
                    if len(bones(line.encode("utf-8", "replace"))) < _SHORTEST:
                        self._exact += spellings(line)
                    for form in forms(line):
                        self._know(form, line)
                    # A beginning or end with punctuation in it has too few letters for a gram.
                    for part in {line[:_PART].strip(), line[-_PART:].strip()} if len(line) > _PART else ():
                        if (
                            _SHORT_PIECE <= len(form := bones(part.encode("utf-8", "replace"))) < PIECE
                            and form not in self._values
                        ):
                            self._know(form, part)
                            self._ends.add(form)
        self._whole.sort(key=len)
        self._fours = frozenset(_row(gram)[0] for gram in {*self._short_grams, *self._grams.beginnings()})

    def _know(self, form: bytes, value: str) -> None:
        if form not in self._values:
            self._values[form] = value
            self._add(form)

    def _add(self, form: bytes) -> None:
        size = len(form)
        if size < _SHORT_PIECE:
            self._whole.append(form)
        elif size < PIECE:
            self._short.add(form)
            for offset in range(size - _FOUR + 1):
                gram = form[offset : offset + _FOUR]
                self._short_grams.setdefault(gram, set()).add((offset, size))
        elif not self._grams.add(form):
            self._whole.append(form)

    def redact(self, data: bytes, mark: bytes) -> tuple[bytes, int]:
        """Return the bytes with the values replaced by `mark`, and how many were found; the same object for none."""
        count = 0
        for spelling in self._exact:
            if spelling in data:
                data, count = data.replace(spelling, mark), count + 1
        text = bones(data)
        if len(text) < _LONG_TEXT and not self.may_be_in(text):
            return data, count
        for most in (*[_MOST_PLACES] * _ROUNDS, None):
            finds, is_flood = self._finds(data, text, most)
            if not finds:
                return data, count
            parts = {data[start:end] for start, end in finds} if is_flood else ()
            if not is_flood or len(parts) > _MOST_PARTS:
                break
            for part in sorted(parts, key=len, reverse=True):
                count += data.count(part)
                data = data.replace(part, mark)
            text = bones(data)
        else:
            finds, is_flood = self._finds(data, text, None)
        if is_flood:
            finds, _ = self._finds(data, text, None)
        return _replaced(data, finds, mark, count)

    def redact_text(self, text: str) -> str:
        """Return a text without the values; other secrets stay."""
        return self.redact(text.encode("utf-8", "replace"), mark(RULE).encode())[0].decode("utf-8", "replace")

    def may_be_in(self, text: bytes) -> bool:
        """Whether letters of a value are in the `bones` of a text; False is certain."""
        if not self._fours.isdisjoint(_row(text)):
            return True
        size = len(text)
        for form in self._whole:
            if len(form) > size:
                break
            if form in text:
                return True
        return False

    def _finds(self, data: bytes, text: bytes, most: int | None) -> tuple[list[tuple[int, int]], bool]:
        """Return the sorted parts of the bytes that belong to a value, and whether `most` places were not enough."""
        starts = list(self._starts(_row(text)))
        places = list(islice(self._grams.places(text, starts), most))
        short = list(islice(self._short_finds(text, starts), most))
        if not places and not short and not self._whole:
            return [], False
        finds = self._grams.finds(text, places)
        found = [_Find(start, end, form) for start, end, form in finds] + short
        found += [_Find(*match.span(), form) for form in self._whole for match in re.finditer(re.escape(form), text)]
        where = _Positions(data)
        spans = [span for each in sorted(set(found)) if (span := self._span(data, where, each)) is not None]
        return sorted(spans), most is not None and (len(places) == most or len(short) == most)

    def _starts(self, row: memoryview[int]) -> Iterator[int]:
        """Yield the positions of known letters. Most blocks have none, which is seen faster than where they are."""
        fours = self._fours
        for begin in range(0, len(row), _BLOCK):
            block = row[begin : begin + _BLOCK]
            if not fours.isdisjoint(block):
                yield from ((begin + number) * _FOUR for number, four in enumerate(block) if four in fours)

    def _short_finds(self, text: bytes, starts: Iterable[int]) -> Iterator[_Find]:
        """Yield the finds of short forms, by the fours in them."""
        known = self._short_grams
        for at, places in ((at, known.get(text[at : at + _FOUR], ())) for at in starts):
            for offset, size in places:
                if at >= offset and (form := text[at - offset : at - offset + size]) in self._short:
                    yield _Find(at - offset, at - offset + len(form), form)

    def _span(self, data: bytes, where: _Positions, find: _Find) -> tuple[int, int] | None:
        """Return the extent of a find, with the punctuation around its letters when a whole spelling is there; None for none."""
        first, last = where.of(find.start), where.of(find.end - 1) + 1
        if find.form:
            for spelling, lead in self._spellings_of(self._values[find.form]):
                if data.startswith(spelling, first - lead) and lead <= first and first - lead + len(spelling) >= last:
                    return first - lead, first - lead + len(spelling)
            # The letters of a short value may follow each other by chance, across the words of a sentence.
            if find.form in self._ends or (find.end - find.start < PIECE and _SPACE.search(data[first:last]) is not None):
                return None
        return first, last

    def _spellings_of(self, value: str) -> list[tuple[bytes, int]]:
        """Return the spellings of a value, the longest first, each with the position of its first letter."""
        found = self._spellings.get(value)
        if found is None:
            leads = [(each, _BONE.search(each)) for each in sorted(spellings(value), key=len, reverse=True)]
            found = self._spellings[value] = [(each, first.start()) for each, first in leads if first is not None]
        return found


def _replaced(data: bytes, finds: list[tuple[int, int]], mark: bytes, count: int) -> tuple[bytes, int]:
    pieces: list[bytes] = []
    done = 0
    for start, end in finds:
        if start >= done:
            # Adjacent pieces of one long secret get one mark.
            pieces += (data[done:start], mark) if start > done or not pieces else ()
            count += 1
        done = max(done, end)
    return b"".join([*pieces, data[done:]]), count


def _row(text: bytes) -> memoryview[int]:
    """Return a text as integers of four letters each."""
    return memoryview(text[: len(text) // _FOUR * _FOUR]).cast("I")


class _Positions:
    """The positions of the letters and digits of a text."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._before: list[int] = []
        self._chunk, self._here = -1, list[int]()

    def of(self, number: int) -> int:
        """Return the position in the text of its letter or digit with this number."""
        if not self._before:
            self._before.append(0)
            for begin in range(0, len(self._data), _CHUNK):
                self._before.append(self._before[-1] + len(bones(self._data[begin : begin + _CHUNK])))
        chunk = bisect_right(self._before, number) - 1
        if chunk != self._chunk:
            begin = chunk * _CHUNK
            self._chunk, self._here = (
                chunk,
                [match.start() + begin for match in _BONE.finditer(self._data[begin : begin + _CHUNK])],
            )
        return self._here[number - self._before[chunk]]
