"""Unicode text: make deceptive text plain, which is invisible, changes the reading order or stacks marks on a line. Pure.

This is the only list of invisible characters: the presenter leaves them out, and the redactor looks through them. Letters,
marks and emoji of real languages stay. Useless characters are removed; those whose removal would change the meaning are shown
by their number, such as U+202E.
"""

from __future__ import annotations

import functools
import re
from itertools import chain
from typing import Final

from .late_patterns import late

_LINE_ENDS: Final = late("\r\n?|[\x85\u2028\u2029]")
# Combining marks for any script: letters carry one, phonetic script up to three. Marks of one script: vowels, accents and tones
# of Hebrew, Arabic or Thai add up to four.
_MARKS: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SCRIPT_MARKS: Final = (
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    "\u06ea-\u06ed\u0900-\u0902\u093c\u0941-\u0948\u094d\u0951-\u0957\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
)
# Embeddings, overrides and isolates: the text after them is shown in another order than it is written.
_TURNS: Final = "\u202a-\u202e\u2066-\u2069"
_NUMBERED: Final = (range(0x80, 0xA0), range(0x202A, 0x202F), range(0x2066, 0x206A), range(0xD800, 0xE000))
# Left-to-right and right-to-left marks, which Hebrew and Arabic need beside Latin text.
_SIDES: Final = "\u200e\u200f\u061c"
_UNSEEN: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_JOINERS: Final = "\u200c\u200d"
_SUSPECT: Final = late(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
    f"{_UNSEEN}{_TURNS}{_SIDES}{_JOINERS}{_MARKS}{_SCRIPT_MARKS}\ufe00-\ufe0f\ud800-\udfff]"
)
_RULES: Final = late(
    # The flags of England, Scotland and Wales are a black flag followed by invisible letters.
    "(?P<keep>\U0001f3f4[\U000e0020-\U000e007e]{2,6}\U000e007f"
    # Between letters of other scripts, and between emoji, a joiner changes what is shown.
    f"|(?<=[^\x00-\u02ff{_JOINERS}])[{_JOINERS}](?=[^\x00-\u02ff])"
    "|(?<=[^\x00-\x1f\x21-\x22\x24-\x29\x2b-\x2f\x3a-\xa8])[\ufe00-\ufe0f])"
    f"|(?P<marks>[{_MARKS}]{{3}})[{_MARKS}]+|(?P<script>[{_SCRIPT_MARKS}]{{4}})[{_SCRIPT_MARKS}]+"
    f"|(?P<side>[{_SIDES}])"
    f"|(?P<gone>[{_UNSEEN}{_JOINERS}\ufe00-\ufe0f]+)"
)
INVISIBLE: Final = f"{_UNSEEN}{_TURNS}{_SIDES}{_JOINERS}\ufe00-\ufe0f"
"""Invisible characters, as ranges of a character class."""
_INVISIBLE: Final = late(f"[{INVISIBLE}]+")
_RIGHT_TO_LEFT: Final = late("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_MOST_NUMBERS: Final = 8


def without_invisible(text: str) -> str:
    """Return a text without its invisible characters; the same object when it has none."""
    return _INVISIBLE.sub("", text) if _INVISIBLE.search(text) is not None else text


def visible(text: str) -> str:
    """Return a text in which every character is visible, and none changes the layout around it."""
    is_ascii = text.isascii()
    if text.replace("\n", "").replace("\t", "").isprintable() if is_ascii else not _SUSPECT.search(text):
        return text
    text = _LINE_ENDS.sub("\n", text).translate(_pictures())
    if is_ascii or not _SUSPECT.search(text):
        return text
    keeps_sides = _RIGHT_TO_LEFT.search(text) is not None

    def shown(match: re.Match[str]) -> str:
        kind, found = match.lastgroup, match[0]
        if kind == "keep" or (kind == "side" and keeps_sides):
            return found
        return match[kind] if kind in ("marks", "script") else ""

    plain = _RULES.sub(shown, text)
    # A name that would become blank is shown by its numbers.
    return plain if plain.strip() or not text.strip() else "".join(map(_number, text.strip()[:_MOST_NUMBERS]))


@functools.cache
def _pictures() -> dict[int, int | str]:
    """Return what stands for control characters but tab and line feed: Unicode's pictures, as editors show them, or numbers.

    Made when it is needed, for it takes a third of a megabyte.
    """
    return {
        **{code: 0x2400 + code for code in range(32) if code not in (9, 10)},
        127: 0x2421,
        **{code: _number(chr(code)) for code in chain(*_NUMBERED)},
    }


def _number(char: str) -> str:
    return f"‹U+{ord(char):04X}›"
