"""Rules against secrets, in their order: each find is replaced by the name of its rule, and counted. Linear time.

A text with more than a thousand finds is a dump or an attack: after some hundreds, one mark stands for the whole rest.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, islice
from typing import Final

from . import command_lines, credentials, labelled_secrets, name_words, scanner, statements, tables
from .late_patterns import all_patterns
from .scanner import Found
from .secret_strings import Span

MOST_FINDS: Final = 1200
KEPT_FINDS: Final = 300
REST: Final = "the rest, full of secrets"
_LONGEST_LINE: Final = 2000
_SHORT_TEXT: Final = 4096
_MOST_SIGNS: Final = 4000
_LONGEST_SIGN: Final = 30
Counts = dict[str, int]


def mark(rule: str) -> str:
    """Return the mark for a secret: it names the rule, so that a reader can report a false find."""
    return f"[redacted: {rule}]"


def warm_up(is_over: Callable[[], bool] = bool) -> threading.Thread | None:
    """Build the large patterns, which takes 170 ms of CPU time, in a thread, so that no text has to.

    Once `is_over()` holds, nothing more is built. Returns None when no thread can be started: then texts build the patterns.
    """

    def work() -> None:
        late = (pattern.build for pattern in all_patterns)
        for build in (_signs, *scanner.LARGE_PATTERNS, *labelled_secrets.LARGE_PATTERNS, *late):
            if not is_over():
                build()

    thread = threading.Thread(target=work, name="statsbot_webhooks-warm-up", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # The system's limit is reached or, from Python 3.12 on, the interpreter ends.
        return None
    return thread


def may_hold_secret(data: bytes, lower: bytes) -> bool:
    """Whether any rule may find something in UTF-8; False is certain. `lower` is the same text in lower case.

    For most texts this is all: one search for the words and signs of which every secret has one.
    """
    return _may_hold_other(data, lower) or scanner.may_have_key(data)


def _may_hold_other(data: bytes, lower: bytes) -> bool:
    """Whether any rule except that of keys may find something; False is certain."""
    return _may_have_sign(lower) or command_lines.may_have_option(data) or credentials.may_have_card(data)


@cache
def _signs() -> re.Pattern[bytes]:
    signs = (*scanner.SIGNS, *credentials.SIGNS, *statements.SIGNS, *command_lines.SIGNS)
    return name_words.any_of((*map(str.encode, signs), *name_words.ascii_forms()))


def _may_have_sign(lower: bytes) -> bool:
    return _signs().search(lower) is not None or name_words.may_have_other_word(lower)


def _around_signs(lower: bytes) -> list[Span]:
    """Return the parts of a lower-case text around signs, by which each rule decides whether to search.

    For a short text, and one full of signs, that is the whole text.
    """
    whole = [(0, len(lower))]
    if len(lower) < _SHORT_TEXT:
        return whole if _signs().search(lower) is not None else []
    spans = [match.span() for match in islice(_signs().finditer(lower), _MOST_SIGNS)]
    parts: list[Span] = []
    for start, end in spans if len(spans) < _MOST_SIGNS else whole:
        first = max(start - _LONGEST_SIGN, 0)
        parts.append((parts.pop()[0] if parts and first <= parts[-1][1] else first, end + _LONGEST_SIGN))
    return parts


def redact_bytes(data: bytes, counts: Counts) -> bytes:
    """Return UTF-8 without the secrets that are known by their shape or their surroundings; the same object without any."""
    lower = data.lower()
    if len(data) < _SHORT_TEXT and not _may_hold_other(data, lower):
        return redact_keys(data, counts)
    whole = redact_keys(data, counts)
    data, lower = whole, lower if whole is data else whole.lower()
    text, parts = "", _around_signs(lower)
    has_word = name_words.may_have_other_word(lower)
    if parts:
        near = b"\n".join([lower[start:end] for start, end in parts])
        text, has_word = near.decode("utf-8", "replace"), has_word or name_words.ascii_words().search(near) is not None
        data = _replace(data, lambda data: scanner.find_addresses(data, text), counts)
        data = _replace(data, lambda data: credentials.find_credentials(data, text), counts)
        data = _replace(data, lambda data: statements.find_in_statements(data, text), counts)
    if has_word:
        # Replacements have moved the parts.
        data = _replace(data, lambda data: _find_named(data, parts if data is whole else [(0, len(data))]), counts)
    data = _replace(data, lambda data: command_lines.find_options(data, text), counts)
    return _replace(data, credentials.find_cards, counts)


def redact_keys(data: bytes, counts: Counts) -> bytes:
    """Return UTF-8 without the keys that are known by their shape; the same object without any."""
    return _replace(data, scanner.find_keys, counts)


def _find_named(data: bytes, parts: Sequence[Span]) -> Iterable[Found]:
    lower = data.lower()
    return chain(labelled_secrets.find_named(data, lower, parts), tables.find_in_tables(data, lower, parts))


def _replace(data: bytes, find: Callable[[bytes], Iterable[Found]], counts: Counts) -> bytes:
    """Return the bytes with each find replaced; overlapping finds are replaced as one, under the name of the first."""
    finds, rest = list(islice(find(data), MOST_FINDS)), b""
    while len(finds) == MOST_FINDS:
        at = sorted(finds)[KEPT_FINDS].start
        # A secret across the cut would no longer be found, and its part would stay: so whole lines go, or whole words.
        first = max(at - _LONGEST_LINE, 0)
        data = data[: data.rfind(b"\n", first, at) + 1 or data.rfind(b" ", first, at) + 1 or at]
        finds, rest = list(islice(find(data), MOST_FINDS)), mark(REST).encode()
    if not finds and not rest:
        return data
    pieces: list[bytes] = []
    done = 0
    for found in sorted(finds):
        if found.start >= done:
            pieces += (data[done : found.start], mark(found.rule).encode())
            counts[found.rule] = counts.get(found.rule, 0) + 1
        done = max(done, found.end)
    return b"".join((*pieces, data[done:], rest))
