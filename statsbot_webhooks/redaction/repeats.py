"""Long texts that say the same again and again, such as a loop's output, or are full of secrets: cleaned by a part. Pure.

Which part of a text stands for the rest is said here; not what in it is secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .rules import KEPT_FINDS, MOST_FINDS, REST, Counts, mark
from .value_grams import common

_LONGEST_PIECE: Final = 4096
_SEED: Final = 64
# So many letters at least are read in a row.
_CONTEXT: Final = 500
_FEWEST_TURNS: Final = 18
_TRIES: Final = 3
# The beginning of a text by which it is told whether it is full of secrets: one for so many letters.
_HEAD: Final = 32_768
_SHORTEST: Final = 6 * _HEAD
_PER_SECRET: Final = 150
_LONGEST_LINE: Final = 2000


def clean_full(text: str, clean: Callable[[str, Counts], str], counts: Counts) -> str | None:
    """Return what `clean` makes of the beginning of a text that is full of secrets, its rest as one; None for other texts.

    A dump has one in each line, and no reader; an attack wants each of them looked for.
    """
    size = _HEAD
    if len(text) < _SHORTEST:
        return None
    # A secret that goes on behind the cut would stay in part.
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
    """Return what `clean` makes of a text that is nearly all one piece again and again; None for other texts.

    Only texts with one, two and three turns are cleaned. Where they differ by the same in the same place, more turns do too.
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
    """Return where the part around the middle begins that repeats itself, the length of a turn, and how many there are."""
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
        # What does not repeat itself is read three times.
        if len(text) - turns * size < len(text) // 8:
            return start, size, turns
        # A row of the same letters may be a part of what is repeated.
        at = end - _SEED // 2
    return 0, 0, 0
