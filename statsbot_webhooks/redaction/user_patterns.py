"""User patterns: regular expressions of the user that take linear time, or are refused with a reason. Pure.

The syntax is that of Python's `re`, with ASCII classes, without look-around, backreferences and nested repeats. An open-ended
repeat is limited to 256 characters; it does not backtrack when what follows cannot match what is repeated. So a pattern takes
a bounded number of steps at each position of a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FURTHEST: Final = 256
_REPEAT: Final = re.compile(r"(?:[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})(?P<mode>[?+]?)")
_FLAGS: Final = re.compile(r"\(\?[aimsx]+\)")
_GROUP: Final = re.compile(r"\((?:\?(?:[aimsx]*(?:-[imsx]+)?:|P<\w+>))?")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\\\]])*\]", re.S)
_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.S)
_SAMPLE: Final = "".join(map(chr, range(128))) + "éß日🎉\u2028"


@dataclass(slots=True)
class _Item:
    """A part of a sequence: its pattern, whether its length varies, and the characters that it may begin with."""

    text: str
    varies: bool
    chars: frozenset[str]
    is_single: bool
    is_ambiguous: bool = False
    """Whether one text can be matched in two ways, as by `a|ab`."""


def compile_user_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern of the user; raises a `ValueError` that names the fault, but does not quote the pattern."""
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        # After a quotation mark `re` quotes the pattern, which may be the secret itself.
        fault = error.msg if isinstance(error, re.error) else "too deep"
        raise ValueError(re.split("['\"]", fault)[0].strip() or "it is not a regular expression") from None
    compiled = re.compile(_PatternReader(pattern).read(), re.ASCII)
    if compiled.search("") is not None:
        raise ValueError("it matches the empty text, so it would redact everything")
    return compiled


class _PatternReader:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        flags = _FLAGS.match(pattern)
        self._flags = flags[0] if flags else ""
        if "x" in self._flags:
            raise ValueError("the flag for comments is not supported")
        self._rest = pattern
        self._at = len(self._flags)
        self._going_back = 0

    def read(self) -> str:
        """Return the pattern with its repeats bounded; raises `ValueError`."""
        item = self._alternatives()
        return self._flags + item.text

    def _alternatives(self) -> _Item:
        branches = [self._sequence()]
        while self._rest.startswith("|", self._at):
            self._at += 1
            branches.append(self._sequence())
        chars = frozenset[str]().union(*(branch.chars for branch in branches))
        ambiguous = sum(len(branch.chars) for branch in branches) > len(chars) or any(branch.is_ambiguous for branch in branches)
        varies = any(branch.varies for branch in branches)
        return _Item("|".join(branch.text for branch in branches), varies, chars, False, ambiguous)

    def _sequence(self) -> _Item:
        items: list[tuple[_Item, re.Match[str] | None]] = []
        while self._at < len(self._rest) and self._rest[self._at] not in "|)":
            item = self._item()
            repeat = _REPEAT.match(self._rest, self._at)
            if repeat is not None and repeat[0] == "{" + "}":
                repeat = None
            if repeat is not None:
                self._at = repeat.end()
            items.append((item, repeat))
        text, varies = "", False
        following: frozenset[str] | None = None
        for item, repeat in reversed(items):
            repeated, may_be_empty = self._repeated(item, repeat, following)
            text = repeated + text
            varies = varies or item.varies or (repeat is not None and len(set(_limits(repeat))) == 2)
            following = item.chars.union(following or ()) if may_be_empty else item.chars
        return _Item(text, varies, following or frozenset(), False, any(item.is_ambiguous for item, _ in items))

    def _repeated(self, item: _Item, repeat: re.Match[str] | None, following: frozenset[str] | None) -> tuple[str, bool]:
        """Return an item with its repeat, and whether it may be empty."""
        if repeat is None:
            return item.text, not item.chars
        least, most = _limits(repeat)
        if most > 1 and item.is_ambiguous:
            raise ValueError("a repeat of alternatives that begin alike may take too long")
        if most > 1 and item.varies:
            raise ValueError("a repeat within a repeat may take too long")
        if most > 1000 or (not item.is_single and most > 32 and repeat["most"]):
            raise ValueError("a repeat of more than 1000 times may take too long")
        if not item.is_single and most > 32:
            most = 32
        # Only a single item can be possessive: the last round of a group may have to be given back in part.
        stays = item.is_single and (following is None or item.chars.isdisjoint(following))
        mode = "+" if stays or repeat["mode"] == "+" else repeat["mode"]
        if mode != "+" and item.is_single and most > 8 and least != most:
            self._going_back += 1
            if self._going_back > 1:
                raise ValueError(
                    "two repeats that can share characters may take too long: let what follows differ from what repeats"
                )
        if mode == "+" and repeat["mode"] == "?":
            mode = "?"
        return f"{item.text}{{{least},{most}}}{mode}", least == 0

    def _item(self) -> _Item:
        char = self._rest[self._at]
        if char == "(":
            return self._group()
        for kind in (_CLASS, _ESCAPE):
            if char == kind.pattern[1] and (found := kind.match(self._rest, self._at)) is not None:
                self._at = found.end()
                return self._one(found[0])
        self._at += 1
        if char in "^$":
            return _Item(char, False, frozenset(), True)
        return self._one(char)

    def _one(self, text: str) -> _Item:
        if re.fullmatch(r"\\[1-9]", text):
            raise ValueError("backreferences may take too long")
        if text in (r"\b", r"\B", r"\A", r"\Z"):
            return _Item(text, False, frozenset(), True)
        found = re.compile(self._flags + text, re.ASCII)
        return _Item(text, False, frozenset(char for char in _SAMPLE if found.fullmatch(char)) or frozenset({text}), True)

    def _group(self) -> _Item:
        head = _GROUP.match(self._rest, self._at)
        if head is None or self._rest.startswith(("(?=", "(?!", "(?<=", "(?<!", "(?P=", "(?(", "(?#", "(?>"), self._at):
            raise ValueError("look-around, conditions and backreferences may take too long")
        self._at = head.end()
        inner = self._alternatives()
        # `re` has accepted the pattern, so a closing parenthesis follows.
        self._at += 1
        return _Item(f"{head[0]}{inner.text})", inner.varies, inner.chars, False, inner.is_ambiguous)


def _limits(repeat: re.Match[str]) -> tuple[int, int]:
    sign = repeat[0][0]
    if sign != "{":
        return {"*": (0, _FURTHEST), "+": (1, _FURTHEST), "?": (0, 1)}[sign]
    least = int(repeat["least"] or 0)
    if not repeat["comma"]:
        return least, least
    return least, int(repeat["most"]) if repeat["most"] else max(least, _FURTHEST)
