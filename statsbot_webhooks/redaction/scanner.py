"""Scanner: find keys by their shape in the bytes of a text. The shapes are in `token_patterns`; here is only the search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from .token_patterns import ADDRESSES, ANCHORED, KINDS, Anchored


class Found(NamedTuple):
    """The bytes from `start` to `end` are secret; `rule` says which rule found them."""

    start: int
    end: int
    rule: str


# Nearly every key has a run of this many characters of the class below; a text without such a run is not searched.
_SHORTEST_RUN: Final = 16
_RUN: Final = b"a" * _SHORTEST_RUN
_RUNS: Final = bytes(97 if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "_-+") else 32 for code in range(256))
# Each key has six letters and digits in a row.
_SOLID: Final = bytes(97 if chr(code).isascii() and chr(code).isalnum() else 32 for code in range(256))
_LETTERS: Final = re.compile(b"aaaaaa" + b"a*+")
_SHORT_TEXT: Final = 4096
# An id of Discord, or a UUID without its first part, standing alone: digits and hyphens are rare, so most text is skipped.
_ID: Final = re.compile(
    rb"(?:[0-9](?<![\w.+-][0-9])[0-9]{15,19}"
    rb"|-(?<=[0-9A-Fa-f]{8}-)(?<![\w.+-][0-9A-Fa-f]{8}-)(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})(?![\w+-])"
)
# An escaped character before a key, though its last letter or digit could belong to the key: JSON and repr, URLs,
# quoted-printable, colours of terminals, PowerShell, control characters in caret form, of rsyslog, of IRC.
_ESCAPE: Final = (
    r"(?:%(?:25){0,3}[0-9A-Fa-f]{2}|\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3}|[abefnrtv])"
    r"|=[0-9A-F]{2}|\[[\d;:]{0,18}+[mK]|`[abefnrtv0]|\^[@-_]|#[0-3][0-7]{2}|\x03\d{1,2}(?:,\d{1,2})?)"
)


# A text with more than one sign per this many letters is read faster as a whole.
_LETTERS_PER_SIGN: Final = 400


def matches_at(signs: Sequence[str], back: int, pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    """Return the matches of a pattern, given that each has one of the signs, if any, at most `back` bytes after its begin.

    Signs are lower case, and stand for upper case too.
    """
    if not signs:
        return pattern.finditer(data)
    lower, known = data.lower(), [sign.encode() for sign in signs]
    if sum(map(lower.count, known)) * _LETTERS_PER_SIGN > len(data):
        return pattern.finditer(data)
    return _matches_at(lower, known, back, pattern, data)


def _matches_at(
    lower: bytes, signs: Sequence[bytes], back: int, pattern: re.Pattern[bytes], data: bytes
) -> Iterator[re.Match[bytes]]:
    at = 0
    for place in sorted(at for sign in signs for at in positions(lower, sign)):
        at = max(at, place - back)
        while at <= place:
            if (match := pattern.match(data, at)) is None:
                at += 1
            else:
                yield match
                at = max(match.end(), at + 1)


def positions(data: bytes, sign: bytes) -> Iterator[int]:
    """Yield the positions of a sign."""
    at = data.find(sign)
    while at >= 0:
        yield at
        at = data.find(sign, at + 1)


class _Node:
    """A node of the tree of prefixes."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.rests: list[str] = []

    def add(self, prefix: str, rest: str) -> None:
        """Add the pattern of what may follow a prefix."""
        node = self
        for char in prefix:
            node = node.children.setdefault(char, _Node())
        node.rests.append(rest)

    def pattern(self) -> str:
        """Return the pattern of all prefixes below, in which the longer prefix is tried first."""
        branches = [re.escape(char) + node.pattern() for char, node in self.children.items()]
        branches += self.rests
        return branches[0] if len(branches) == 1 and not self.rests else f"(?:{'|'.join(branches)})"


@cache
def _prefixes() -> str:
    tree = _Node()
    for kind in KINDS:
        for prefix in kind.prefixes.split(" "):
            tree.add(prefix, kind.rest)
    return tree.pattern()


_LABELS: Final = {prefix.encode(): kind.label for kind in reversed(KINDS) for prefix in kind.prefixes.split(" ")}
_LENGTHS: Final = sorted({len(prefix) for prefix in _LABELS}, reverse=True)
# Most words are too short for a key, and are rejected before the tree is tried.
_LONG_WORD: Final = r"(?=[A-Za-z0-9][\w.:$~/+=|%-]{15})"


# The patterns of all prefixes are built by the first text or by `warm_up`: each takes as long as the rest of an import of this
# package.
@cache
def _behind_boundary() -> re.Pattern[bytes]:
    return re.compile(f"[^A-Za-z0-9]{_LONG_WORD}({_prefixes()})".encode())


@cache
def _behind_escape() -> re.Pattern[bytes]:
    return re.compile(f"{_ESCAPE}{_LONG_WORD}({_prefixes()})".encode())


class _Within(NamedTuple):
    anchor: str
    needle: bytes
    pattern: re.Pattern[bytes]
    before: re.Pattern[bytes]
    label: str


def _within(rows: Sequence[Anchored]) -> tuple[_Within, ...]:
    return tuple(
        _Within(
            row.anchor,
            row.anchor.encode(),
            re.compile(row.pattern.encode()),
            re.compile(f"(?:{row.before})\\Z".encode()),
            row.label,
        )
        for row in rows
    )


# One search for all anchors.
_ANCHORS: Final = re.compile("|".join(re.escape(row.anchor) for row in ANCHORED).encode())


@cache
def _anchored() -> tuple[_Within, ...]:
    return _within(ANCHORED)


@cache
def _addresses() -> tuple[_Within, ...]:
    return _within(ADDRESSES)


# Needed by most texts; each is built at its first call.
LARGE_PATTERNS: Final = (_behind_boundary, _behind_escape, _anchored, _addresses)


# Each URL that is secret as a whole contains one of these.
SIGNS: Final = ("hook", "interactions", "hc-ping", "/push", "with/key")


def find_addresses(data: bytes, text: str) -> Iterable[Found]:
    """Return the URLs that are secret as a whole; `text` is the same in lower case."""
    if any(sign in text for sign in SIGNS):
        return (found for each in _addresses() if each.anchor in text for found in _find_within(each, data))
    return ()


def may_have_key(data: bytes) -> bool:
    """Whether a text may have a key; False is certain."""
    if data.translate(_RUNS).find(_RUN) < 0:
        return False
    return len(data) > _SHORT_TEXT or _ID.sub(b" ", data).translate(_RUNS).find(_RUN) >= 0


def find_keys(data: bytes) -> Iterable[Found]:
    """Return the keys of a text, in any order; some may lie within others."""
    return _find_keys(data) if may_have_key(data) else ()


def _find_keys(data: bytes) -> Iterator[Found]:
    text = b"\n" + data
    for start, end in _regions(text):
        for match in _behind_boundary().finditer(text, start, end):
            yield Found(match.start(1) - 1, match.end() - 1, _label(match[1]))
        for match in _behind_escape().finditer(text, start, end):
            yield Found(match.start(1) - 1, match.end() - 1, _label(match[1]))
    if _ANCHORS.search(data) is not None:
        for each in [each for each in _anchored() if each.needle in data]:
            yield from _find_within(each, data)


def _regions(text: bytes) -> list[tuple[int, int]]:
    """Return the parts of a long text in which a key may begin, from a little before a row of letters and digits.

    Without this, a text of short words with hyphens, which has no key, would cost more than any other.
    """
    if len(text) < _SHORT_TEXT:
        return [(0, len(text))]
    runs = [match.span() for match in islice(_LETTERS.finditer(text.translate(_SOLID)), len(text) // 400 + 1)]
    if len(runs) > len(text) // 400:
        return [(0, len(text))]
    regions: list[tuple[int, int]] = []
    for start, end in runs:
        start = max(0, start - 64)
        if regions and start <= regions[-1][1]:
            regions[-1] = (regions[-1][0], end + 400)
        else:
            regions.append((start, end + 400))
    return regions


def _find_within(each: _Within, data: bytes) -> Iterator[Found]:
    for match in each.pattern.finditer(data):
        start = match.start()
        if each.before.pattern != b"(?:)\\Z":
            before = data[max(0, start - 100) : start]
            found = each.before.search(before)
            if found is None:
                continue
            start -= len(before) - found.start()
        yield Found(start, match.end(), each.label)


def _label(key: bytes) -> str:
    return next((_LABELS[key[:length]] for length in _LENGTHS if key[:length] in _LABELS), "key")
