"""Scanner: find keys by their shape in the bytes of a text. The shapes are in `token_patterns`; here is only the search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

from .secret_strings import Span
from .signs import Found, SignRule, Signs, positions
from .token_patterns import ADDRESSES, ANCHORED, KINDS, Anchored

# Nearly every key has a run of this many characters of the class below; a text without such a run is not searched.
_SHORTEST_RUN: Final = 16
_RUN: Final = b"a" * _SHORTEST_RUN
_RUNS: Final = bytes(97 if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "_-+") else 32 for code in range(256))
# Behind its prefix a key has a run of this length of more characters too.
_KEY_BYTES: Final = bytes(chr(code).isascii() and (chr(code).isalnum() or chr(code) in "_.:$~/+=|%-") for code in range(256))
_LETTERS: Final = bytes(chr(code).isascii() and chr(code).isalnum() for code in range(256))
# Where more keys may begin than one in so many letters, `re` goes through the text faster by itself.
_LETTERS_PER_TRY: Final = 50
# How far before such a run the escape before a key begins, and how far behind its begin a key ends.
_BEFORE: Final = 24
_BEHIND: Final = 400
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


@cache
def _anchored() -> tuple[_Within, ...]:
    return _within(ANCHORED)


@cache
def _addresses() -> tuple[_Within, ...]:
    return _within(ADDRESSES)


# Needed by most texts; each is built at its first call.
LARGE_PATTERNS: Final = (_behind_boundary, _behind_escape, _anchored, _addresses)


# Each URL that is secret as a whole contains one of these.
_ADDRESS_SIGNS: Final = ("hook", "interactions", "hc-ping", "/push", "with/key")


def _find_addresses(data: bytes, signs: Signs) -> Iterator[Found]:
    """Return the URLs that are secret as a whole."""
    return (found for each in _addresses() if each.anchor in signs for found in _find_within(each, data))


RULES: Final = (SignRule(_ADDRESS_SIGNS, _find_addresses),)


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
    begins, regions = _places(text) if len(text) >= _SHORT_TEXT else (None, [(0, len(text))])
    boundaries = _behind_boundary()
    if begins is None:
        matches = boundaries.finditer(text)
    else:
        matches = (match for at in begins if (match := boundaries.match(text, at - 1)) is not None)
    for match in chain(matches, *(_behind_escape().finditer(text, *region) for region in regions)):
        yield Found(match.start(1) - 1, match.end() - 1, _label(match[1]))
    for each in _anchored():
        # In a long text `re` finds the first letters faster than `in`.
        if len(data) > _SHORT_TEXT or each.needle in data:
            yield from _find_within(each, data)


def _places(text: bytes) -> tuple[Iterator[int] | None, list[Span]]:
    """Return where a key may begin in a long text, None for nearly everywhere, and the parts with keys or escapes before them.

    The text becomes an integer of a byte per character, in which one shift and one `&` treat all characters at once.
    """
    size = len(text)
    runs, letters = (int.from_bytes(text.translate(table), "little") for table in (_KEY_BYTES, _LETTERS))
    for step in (1, 2, 4, 8):
        runs &= runs >> (8 * step)
    begins = runs & letters & ~(letters << 8)
    places = None if begins.bit_count() * _LETTERS_PER_TRY > size else positions(begins.to_bytes(size, "little"), b"\1")
    return places, _around_runs(runs.to_bytes(size, "little"))


def _around_runs(runs: bytes) -> list[Span]:
    regions: list[Span] = []
    at = runs.find(1)
    while at >= 0:
        last = at
        while (further := runs.rfind(1, last + 1, last + _BEHIND)) >= 0:
            last = further
        regions.append((max(0, at - _BEFORE), last + _SHORTEST_RUN + _BEHIND))
        at = runs.find(1, last + 1)
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
