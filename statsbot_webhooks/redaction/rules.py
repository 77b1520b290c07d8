"""Rules against secrets, in their order: each find is replaced by the name of its rule, and counted. Linear time.

A text with more than a thousand finds is a dump or an attack: after some hundreds, one mark stands for the whole rest.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice
from typing import Final

from . import command_lines, credentials, labelled_secrets, name_words, scanner, statements, tables
from .late_patterns import all_patterns
from .secret_strings import Span
from .signs import Found, SignRule, Signs, SignSearch

MOST_FINDS: Final = 1200
KEPT_FINDS: Final = 300
REST: Final = "the rest, full of secrets"
_LONGEST_LINE: Final = 2000
_SHORT_TEXT: Final = 4096
Counts = dict[str, int]
_Find = Callable[[bytes, Signs], Iterator[Found]]


def mark(rule: str) -> str:
    """Return the mark for a secret: it names the rule, so that a reader can report a false find."""
    return f"[redacted: {rule}]"


def warm_up(is_over: Callable[[], bool] = bool) -> threading.Thread | None:
    """Build the large patterns, which takes 170 ms of CPU time, in a thread, so that no text has to.

    Once `is_over()` holds, nothing more is built. Returns None when no thread can be started: then texts build the patterns.
    """

    def work() -> None:
        late = (pattern.build for pattern in all_patterns)
        for build in (_search, *scanner.LARGE_PATTERNS, *labelled_secrets.LARGE_PATTERNS, *late):
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
def _search() -> SignSearch:
    return SignSearch(word.encode() for words, _ in _all_rules() for word in words)


@cache
def _all_rules() -> tuple[tuple[tuple[str, ...], tuple[int, _Find]], ...]:
    """Return the words of all rules, each with the number of the step in which it is asked, and its search."""
    named = SignRule(name_words.ascii_forms(), _named)
    steps = (scanner.RULES, credentials.RULES, statements.RULES, (named,), command_lines.RULES)
    return tuple((words, (step, find)) for step, rules in enumerate(steps) for words, find in rules)


_NAMES: Final = 3


def _may_have_sign(lower: bytes) -> bool:
    return _search().may_be_in(lower) or name_words.may_have_other_word(lower)


def redact_bytes(data: bytes, counts: Counts) -> bytes:
    """Return UTF-8 without the secrets that are known by their shape or their surroundings; the same object without any."""
    if len(data) < _SHORT_TEXT and not _may_hold_other(data, data.lower()):
        return redact_keys(data, counts)
    text = _Redaction(data, counts)
    text.take(scanner.find_keys)
    # Each step works on the text that those before it left.
    steps: defaultdict[int, list[_Find]] = defaultdict(list)
    for step, find in text.signs().of(_all_rules()):
        steps[step].append(find)
    if _NAMES not in steps and name_words.may_have_other_word(text.signs().lower):
        steps[_NAMES].append(_named)
    for step in sorted(steps):
        text.take_by_signs(steps[step])
    text.take(command_lines.find_options)
    text.take(credentials.find_cards)
    return text.data


def redact_keys(data: bytes, counts: Counts) -> bytes:
    """Return UTF-8 without the keys that are known by their shape; the same object without any."""
    text = _Redaction(data, counts)
    text.take(scanner.find_keys)
    return text.data


def _named(data: bytes, signs: Signs) -> Iterator[Found]:
    if ends := list(name_words.places(signs)):
        yield from labelled_secrets.find_named(data, signs.lower, ends)
        yield from tables.find_in_tables(data, ends)


class _Redaction:
    """The redaction of one text, from which one rule after the other takes its finds."""

    def __init__(self, data: bytes, counts: Counts) -> None:
        self.data, self._counts = data, counts
        self._signs: Signs | None = None

    def signs(self) -> Signs:
        """Return where the signs stand in the text as it is now."""
        if self._signs is None:
            self._signs = _search().signs(self.data.lower())
        return self._signs

    def take_by_signs(self, finds: Sequence[_Find]) -> None:
        """Replace what rules find that need to know where the signs stand."""
        self.take(lambda data: chain.from_iterable(find(data, self.signs()) for find in finds))

    def take(self, find: Callable[[bytes], Iterable[Found]]) -> None:
        """Replace each find of a rule by its mark; overlapping finds are replaced as one, under the name of the first."""
        finds, rest = list(islice(find(self.data), MOST_FINDS)), b""
        while len(finds) == MOST_FINDS:
            at = sorted(finds)[KEPT_FINDS].start
            # A secret across the cut would no longer be found, and its part would stay: so whole lines go, or whole words.
            first = max(at - _LONGEST_LINE, 0)
            self.data = self.data[: self.data.rfind(b"\n", first, at) + 1 or self.data.rfind(b" ", first, at) + 1 or at]
            self._signs = None
            finds, rest = list(islice(find(self.data), MOST_FINDS)), mark(REST).encode()
        if finds or rest:
            self._replace(sorted(finds), rest)

    def _replace(self, finds: Iterable[Found], rest: bytes) -> None:
        spans: list[Span] = []
        marks: list[bytes] = []
        for found in finds:
            if spans and found.start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], found.end))
                continue
            spans.append((found.start, found.end))
            marks.append(mark(found.rule).encode())
            self._counts[found.rule] = self._counts.get(found.rule, 0) + 1
        pieces, done = list[bytes](), 0
        for (start, end), each in zip(spans, marks, strict=True):
            pieces += (self.data[done:start], each)
            done = end
        self.data = b"".join((*pieces, self.data[done:], rest))
        if self._signs is not None:
            self._signs = self._signs.moved(self.data.lower(), spans, list(map(len, marks)))
