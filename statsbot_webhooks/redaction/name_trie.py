"""Name trie: one pattern for many names, as a tree of prefixes, because a raid has thousands of names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from os.path import commonprefix
from typing import Final

# Word boundaries for ASCII only, because Japanese, for one, has no spaces. The first letter comes before what stands behind it,
# so that nothing is tried at other letters.
_BEGIN: Final = "{0}(?<![a-z0-9]{0})"
_AFTER: Final = r"(?![a-z0-9])"
# The letter of an escape and of a colour does not belong to the word behind it.
_ESCAPED_BEGIN: Final = r"{0}(?:(?<![a-z0-9]{0})|(?<=\\[abfnrtv0]{0})|(?<=\[[0-9]m{0})|(?<=\[[0-9][0-9]m{0}))"
_WORD: Final = re.compile(r"[a-z0-9]")
_SIGNS: Final = re.compile(r"[!-/:-@\[-`{-~]+\Z")
GAP: Final = r"(?:\\*[\s_+.-]|\\+[nrt])+"
"""What may stand for a space in a name, as in URLs and names of files."""
# Signs may have backslashes before them, as in JSON and in Markdown.
_OWN_FORMS: Final = {" ": GAP, "\\": r"\\+"} | {sign: rf"\\*{re.escape(sign)}" for sign in "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"}


def any_of(names: Iterable[str], *, escaped: bool) -> str:
    """Return a pattern that matches any of the folded names as a whole word, the longest that fits; empty names are skipped.

    `escaped` is whether the text holds escapes. The cost at one position of a text grows with the length of the names, not
    with their number.
    """
    words: list[str] = []
    others: list[str] = []
    signs: list[str] = []
    for name in sorted({name for name in names if name}):
        # A sign such as a full stop stands in every text: only alone it may be a name.
        is_sign = _SIGNS.match(name) is not None
        (words if _WORD.match(name) else signs if is_sign else others).append(name)
    begin = _ESCAPED_BEGIN if escaped else _BEGIN
    parts = [begin.format(first) + _tree(list(group), 1) for first, group in groupby(words, itemgetter(0))]
    parts += [_tree(others, 0)] if others else []
    parts += [rf"(?<!\S)(?:{'|'.join(_escaped(name, 0) for name in signs)})(?!\S)"] if signs else []
    return "|".join(parts)


def _escaped(text: str, at: int) -> str:
    """Return the pattern of the part of a name that begins at a place in it."""
    if text.isascii() and text.isalnum():
        return text
    pattern = "".join([_OWN_FORMS.get(char) or char for char in text])
    # A name does not begin within or before a run of backslashes, in which each place would be tried.
    if at or not pattern.startswith("\\"):
        return pattern
    return rf"(?<!\\){pattern}" if text[0] == "\\" else pattern.removeprefix(r"\\*")


def _tree(names: Sequence[str], at: int) -> str:
    """Return the pattern of the rest of sorted names that agree in the first `at` characters."""
    first, branches, start = names[0], list[str](), 0
    is_name = len(first) == at
    if is_name:
        start = 1
    while start < len(names):
        end = start + 1
        while end < len(names) and names[end][at] == names[start][at]:
            end += 1
        # In a sorted group the common prefix of the first and the last is that of all.
        shared = len(commonprefix([names[start], names[end - 1]]))  # noqa: RUF071 - texts, not paths
        branches.append(_escaped(names[start][at:shared], at) + _tree(names[start:end], shared))
        start = end
    if is_name:
        # Last, so that a longer name is found first.
        branches.append(_AFTER if _WORD.match(first[-1]) else "")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
