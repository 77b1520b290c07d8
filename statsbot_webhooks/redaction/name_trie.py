"""Name trie: one pattern for many names, as a tree of prefixes, because a raid has thousands of names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from os.path import commonprefix
from typing import Final

# Word boundaries for ASCII only, because Japanese, for one, has no spaces.
_BEFORE: Final = r"(?<![A-Za-z0-9])"
_AFTER: Final = r"(?![A-Za-z0-9])"
_WORD: Final = re.compile(r"[A-Za-z0-9]")


def any_of(names: Iterable[str]) -> str:
    """Return a pattern that matches any of the names as a whole word, the longest that fits; empty names are skipped.

    Its cost at one position of a text grows with the length of the names, not with their number.
    """
    known = sorted({name for name in names if name})
    words = [name for name in known if _WORD.match(name)]
    others = [name for name in known if not _WORD.match(name)]
    trees = [_BEFORE + _tree(words, 0)] if words else []
    return "|".join([*trees, _tree(others, 0)] if others else trees)


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
        branches.append(re.escape(names[start][at:shared]) + _tree(names[start:end], shared))
        start = end
    if is_name:
        # Last, so that a longer name is found first.
        branches.append(_AFTER if _WORD.match(first[-1]) else "")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
