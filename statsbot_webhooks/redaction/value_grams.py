"""Value grams: eight letters in a row by which forms of known values are found in a text, and how far they agree. Pure.

Many values may share a gram. The texts after it in all forms are sorted, so that the one that agrees furthest is found by
bisection.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import AnyStr, Final, NamedTuple

# Every piece of eleven letters contains a gram that begins at a multiple of four.
GRAM: Final = 8
SHIFT: Final = 4
PIECE: Final = GRAM + SHIFT - 1
_BETWEEN: Final = 32


class _GramGroup(NamedTuple):
    """The texts before and after one gram in the forms that contain it, each sorted; `forms` is in the order of `after`."""

    before: list[bytes]
    after: list[bytes]
    forms: list[tuple[bytes, int]]
    longest_before: int
    longest_after: int


class Grams:
    """The grams of all forms."""

    def __init__(self) -> None:
        self._places: dict[bytes, list[tuple[bytes, int]]] = {}
        self._groups: dict[bytes, _GramGroup] = {}

    def add(self, form: bytes) -> bool:
        """Add a form; False when all of its grams repeat a few letters."""
        begins = _begins(form)
        for begin in begins:
            for offset in range(begin, begin + SHIFT):
                self._places.setdefault(form[offset : offset + GRAM], []).append((form, offset))
        return bool(begins)

    def beginnings(self) -> Iterator[bytes]:
        """Yield the first four letters of each gram."""
        return (gram[:SHIFT] for gram in self._places)

    def places(self, text: bytes, starts: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the known grams of a text with their positions, among the positions `starts`."""
        grams = self._places
        return ((at, gram) for at in starts if (gram := text[at : at + GRAM]) in grams)

    def finds(self, text: bytes, places: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
        """Yield the parts of a text that agree with a form in 11 letters or more; with the form, when all of it is there."""
        done = 0
        for at, gram in places:
            if at + GRAM <= done:
                continue
            group = self._groups.get(gram) or self._group(gram)
            after, nearest = _same(group.after, text[at : at + group.longest_after])
            start = max(0, at - group.longest_before)
            before, _ = _same(group.before, text[start:at][::-1])
            form, offset = group.forms[nearest]
            if at >= offset and text.startswith(form, at - offset):
                yield at - offset, at - offset + len(form), form
            if before + after >= PIECE:
                yield at - before, at + after, b""
                done = at + after

    def _group(self, gram: bytes) -> _GramGroup:
        places = sorted((form[offset:], form, offset) for form, offset in self._places[gram])
        before = sorted(form[:offset][::-1] for _, form, offset in places)
        after = [rest for rest, _, _ in places]
        group = _GramGroup(before, after, [place[1:] for place in places], max(map(len, before)), max(map(len, after)))
        self._groups[gram] = group
        return group


def _same(known: list[bytes], text: bytes) -> tuple[int, int]:
    """Return how many letters at most a text shares with the beginning of a known text, and the index of that text."""
    at = bisect_right(known, text)
    best, nearest = 0, 0
    for number in (at - 1, at):
        if 0 <= number < len(known) and (size := common(known[number], text)) >= best:
            best, nearest = size, number
            if size == len(known[number]):
                break
    return best, nearest


def common(one: AnyStr, other: AnyStr) -> int:
    """Return the length of the common beginning of two texts."""
    high = min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _begins(form: bytes) -> set[int]:
    """Return the begins of the pieces by which a form is found: its beginning, its end and some in between.

    A piece of a few repeating letters is skipped for the next one, towards the middle.
    """
    last = len(form) - PIECE
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
    """Whether no gram of a piece repeats one to four letters, and the piece does not begin with four equal letters."""
    if form[begin : begin + 4] == form[begin : begin + 1] * 4:
        return False
    # The letters in the middle are in all four grams, and decide for most pieces.
    if form[begin + 3] != form[begin + 7] and (form[begin + 3] != form[begin + 6] or form[begin + 4] != form[begin + 7]):
        return True
    for offset in range(begin, begin + SHIFT):
        gram = form[offset : offset + GRAM]
        if gram[:4] == gram[4:] or gram[:5] == gram[3:]:
            return False
    return True
