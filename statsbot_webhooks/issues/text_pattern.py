"""A log text without what changes from one time to the next: numbers, ids, addresses, dates, quoted parts. Pure; linear."""

from __future__ import annotations

import re
from typing import Final

from ..redaction.late_patterns import late

# What stands in the place of everything that was taken out.
HOLE: Final = "#"
# A text is known by its beginning.
_LONGEST: Final = 2000
_BLANKS: Final = late(r"\s+")
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?"
# Each expression begins where no word does yet and gives nothing back (`++`), so that no character is looked at more than a
# few times. A hole counts as a letter of a word: a text in which everything is taken out stays as it is.
_QUOTED: Final = late(
    r"""
      "(?<![\w#]")[^"]*+"(?![\w#])
    | '(?<![\w#]')[^']*+'(?![\w#])
    | `(?<![\w#]`)[^`]*+`(?![\w#])
    | “[^“”]*+” | «[^«»]*+» | ‘(?<![\w#]‘)[^‘’]*+’(?![\w#])
    """,
    re.VERBOSE,
)
_DATED: Final = late(
    rf"""
      (?<![\w#])(?:{_DAY}\ )?\d{{1,2}}(?:st|nd|rd|th)?[\ -]{_MONTH},?[\ -]\d{{2,4}}(?!\d)
    | (?<![\w#])(?:{_DAY}\ )?{_MONTH}\ \d{{1,2}}(?:st|nd|rd|th)?(?:,?\ \d{{4}})?(?!\d)
    """,
    re.VERBOSE,
)
_HAS_MONTH: Final = late(_MONTH)
# Words without a digit or an @ say what they say.
_CANDIDATE: Final = late(r"(?<!\S)[^\s\d@]*+[\d@]\S*+")
_VARIABLE: Final = late(
    r"""
      (?<![\w.+%\-#@])[\w.+%\-#]++(?>@[\w.\-#]++)++
    | (?<![\w#])\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?![\w#])
    | (?<![\w#])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w#])
    | (?<![\w#])0[xX][0-9a-fA-F]++(?![\w#])
    | (?<![\w#:])[0-9a-fA-F]{0,4}+(?>:[0-9a-fA-F]{0,4}+){2,7}+(?![\w#:])
    | (?<![\w#])(?=[a-fA-F]*+\d)[0-9a-fA-F]{4,}+(?![\w#])
    | (?<![\w#])(?=\w{8})(?>[a-zA-Z]*+\d++[a-zA-Z]++){2,}+\d*+(?![\w#])
    | (?<![\w#])[-+]?\d++(?>[.,_]\d++)*+(?:[eE][-+]?\d++(?![\w#]))?%?
    | \d++
    """,
    re.VERBOSE,
)
# A list is known by what it is a list of, not by how long it is.
_HOLES: Final = late(r"#(?>[ ,.:;/|+-]*+#)++")
# What `%` and `str.format` put in, in a template.
_PLACE: Final = late(r"%(?:\([^)\n]{0,100}+\))?[-+# 0-9.*hlL]{0,20}+[a-zA-Z%]|\{[^{}\n]{0,100}+\}")
# What was taken out may leave something like an address: one more look finds it, and very rarely yet another.
_LOOKS: Final = 8
_WORD: Final = late(r"[^\W\d_]{2}")


def text_pattern(text: str) -> str:
    """Return a text with holes for what changes, on one line. The pattern of a pattern is the pattern."""
    pattern = _BLANKS.sub(" ", text[:_LONGEST]).strip()
    for _ in range(_LOOKS):
        before, pattern = pattern, _once(pattern)
        if pattern == before:
            break
    return pattern


def _once(text: str) -> str:
    text = _QUOTED.sub(HOLE, text)
    if _HAS_MONTH.search(text):
        text = _DATED.sub(HOLE, text)
    return _HOLES.sub(HOLE, _CANDIDATE.sub(lambda match: _VARIABLE.sub(HOLE, match[0]), text))


def has_words(template: str) -> bool:
    """Whether a template says something besides the values that are put in: `"%s: %s"` does not."""
    return _WORD.search(_PLACE.sub(" ", template[:_LONGEST])) is not None
