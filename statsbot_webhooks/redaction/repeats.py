"""Repeats: redact long texts that repeat one piece, such as a loop's output, or are full of secrets, by a part. Pure.

This module chooses the part that stands for the rest; the rules say what in it is secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .rules import KEPT_FINDS, MOST_FINDS, REST, Counts, mark
from .value_grams import common

_LONGEST_PIECE: Final = 4096
_SEED: Final = 64
# A turn has at least this many letters, so that every secret is seen with its surroundings.
_CONTEXT: Final = 500
_FEWEST_TURNS: Final = 18
_TRIES: Final = 3
# Whether a text is full of secrets is decided by its beginning: one secret in `_PER_SECRET` letters.
_HEAD: Final = 32_768
_SHORTEST: Final = 6 * _HEAD
_PER_SECRET: Final = 150
_LONGEST_LINE: Final = 2000


def clean_full(text: str, clean: Callable[[str, Counts], str], counts: Counts) -> str | None:
    """Return the redacted beginning of a text that is full of secrets, with one mark for its rest; None for other texts.

    Such a text is a dump, which is not read line by line, or an attack with the time that each find takes.
    """
    size = _HEAD
    if len(text) < _SHORTEST:
        return None
    # Cut at a line or a word: of a secret across the cut a part would stay.
    at = text.rfind("\n", size - _LONGEST_LINE, size) + 1 or text.rfind(" ", size - _LONGEST_LINE, size) + 1 or size
    found = Counts()
    head = clean(text[:at], found)
    is_cut = head.endswith(mark(REST))
    if not is_cut and sum(found.values()) * _PER_SECRET < size:
        return None
    for rule, count in found.items():
        counts[rule] = counts.get(rule, 0) + count
    return head if is_cut else head + mark(REST)


def clean_repeated(text: str, clean: Callable[[str, Counts], str], counts: Counts) -> str | None:
    """Return the redacted form of a text that is mostly one repeated piece; None for other texts.

    Only texts with one, two and three turns are redacted. When each adds the same text in the same place, further turns do too.
    """
    start, size, turns = _turns(text)
    if turns < _FEWEST_TURNS:
        return None
    rest = text[start + turns * size :]
    first, second, third = Counts(), Counts(), Counts()
    one, two, three = (
        clean(text[: start + number * size] + rest, found) for number, found in enumerate((first, second, third), start=1)
    )
    at = common(one, two)
    turn = two[at : at + len(two) - len(one)]
    if two != one[:at] + turn + one[at:] or three != two[:at] + turn + two[at:]:
        return None
    end, finds = two[at:], sum(second.values()) - sum(first.values())
    if finds * turns > MOST_FINDS:
        turns, end = KEPT_FINDS // finds + 1, mark(REST)
    for rule, count in second.items():
        counts[rule] = counts.get(rule, 0) + count + (turns - 2) * (count - first.get(rule, 0))
    return two[:at] + turn * (turns - 2) + end


def _turns(text: str) -> tuple[int, int, int]:
    """Return the begin of the repeating part around the middle, the length of a turn, and the number of turns."""
    at = len(text) // 2
    for _ in range(_TRIES):
        again = text.find(text[at : at + _SEED], at + 1, at + _SEED + _LONGEST_PIECE)
        if again < 0:
            break
        piece = again - at
        start = at - common(text[:at][::-1], text[piece : at + piece][::-1])
        end = again + common(text[at:], text[again:])
        size = piece * (_CONTEXT // piece + 1)
        turns = (end - start) // size
        # The part that does not repeat is read three times, so it must be short.
        if len(text) - turns * size < len(text) // 8:
            return start, size, turns
        # A row of equal letters may be part of a longer repeated piece.
        at = end - _SEED // 2
    return 0, 0, 0
