"""Which variables are nearly named like a setting. Pure; what it costs is decided in `loading`.

A bot may have variables of its own that begin with WEBHOOK_: of those nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from .destination import BUILT_IN
from .sources import PREFIX

# Measured on names that bots have for themselves and on names with one mistake (tests/config/test_misspelled.py).
_NEARLY: Final = 0.82
_NEARLY_WHOLE: Final = 0.93


def find_meant(variable: str, settings: Collection[str]) -> str:
    """Return the setting that a variable was probably meant to be; empty for any other name."""
    name = re.sub(r"\W", "_", variable.strip()).upper()
    if name in settings:
        return name if variable != name else ""
    if not ("HOOK" in name or name.startswith("WEB")):
        return ""
    rest = name.removeprefix(PREFIX)
    if rest == name:
        return nearest(name, settings, _NEARLY_WHOLE)
    rests = sorted((known.removeprefix(PREFIX) for known in settings), key=lambda known: (len(known), known))
    # A slip is rarely in the first letter; a name that lacks the first word may well be the bot's own.
    units = (known for known in rests if "_" in rest and known.startswith(f"{rest}_"))
    near = next(units, "") or nearest(rest, [known for known in rests if known[0] == rest[:1]], _NEARLY)
    return f"{PREFIX}{near}" if near else _with_words(rest.split("_"), rests)


def close_to_built_in(name: str) -> str:
    """Return the built-in name of a destination that a name is probably meant to be; empty for any other."""
    plain = name.replace("_", "")
    for built_in in BUILT_IN:
        whole = built_in.replace("_", "")
        if plain == whole or (len(plain) >= 4 and (whole.startswith(plain) or plain.startswith(whole))):
            return built_in
    return nearest(name, BUILT_IN, 0.7)


def nearest(name: str, names: Collection[str], cutoff: float) -> str:
    """Return the name that is most like another one; empty when none is at least `cutoff` alike (0 to 1)."""
    # It is wanted for what is written wrongly only.
    import difflib

    return next(iter(difflib.get_close_matches(name, names, 1, cutoff)), "")


def ask_for(variable: str, meant: str) -> str:
    """Return what to say of a variable whose name is nearly that of a setting."""
    return f"{variable} is not a setting and has no effect; did you mean {meant}?"


def _with_words(words: list[str], names: list[str]) -> str:
    """Return the shortest name that has all the words, if one of them is written wrongly and others are missing."""
    vocabulary = sorted({word for name in names for word in name.split("_")})
    right = [next((known for known in vocabulary if _is_slip(word, known)), word) for word in words]
    found = (name for name in names if right != words and set(right) <= set(name.split("_")))
    return next((f"{PREFIX}{name}" for name in found), "")


def _is_slip(word: str, right: str) -> bool:
    """Whether one letter is wrong, missing or too many in a long word, or two are exchanged; an S at the end is no slip."""
    if min(len(word), len(right)) < 5 or word == right or word in (f"{right}S", right[:-1]):
        return False
    same = next(
        (place for place, (one, other) in enumerate(zip(word, right, strict=False)) if one != other), min(len(word), len(right))
    )
    left, other = word[same:], right[same:]
    return (left[1:] in (other, other[1:])) or left == other[1:] or (left[2:] == other[2:] and left[:2] == other[:2][::-1])
