"""The rules against secrets in their order: what each finds is replaced by its name, and counted. Pure; linear time.

Finds are replaced one by one, however many: what a rule finds once must go a thousand times, too. Only rows of thousands of cards
are replaced in one go, which says less of each.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from typing import Final

from . import command_lines, credentials, labelled_secrets, name_words, scanner, statements, tables
from .scanner import Found

_MOST_CARDS: Final = 1000
Counts = dict[str, int]


def mark(rule: str) -> str:
    """Return what stands for a secret: it names the rule, so that a reader can report a false find."""
    return f"[redacted: {rule}]"


def warm_up(is_over: Callable[[], bool] = bool) -> threading.Thread:
    """Build the large patterns, which takes 130 ms of a core, on a thread of their own, so that no text has to.

    Once `is_over` nothing more is built.
    """

    def work() -> None:
        for build in (_signs, *scanner.LARGE_PATTERNS, *labelled_secrets.LARGE_PATTERNS):
            if not is_over():
                build()

    thread = threading.Thread(target=work, name="statsbot_webhooks-warm-up", daemon=True)
    thread.start()
    return thread


def may_hold_secret(data: bytes, lower: bytes) -> bool:
    """Whether any rule may find something in UTF-8; False is sure. `lower` is the same text in lower case.

    This is what most texts cost: one look for the words and signs that stand in every secret.
    """
    return (
        _may_have_sign(lower)
        or scanner.may_have_key(data)
        or command_lines.may_have_option(data)
        or credentials.may_have_card(data)
    )


@cache
def _signs() -> re.Pattern[bytes]:
    signs = (*scanner.SIGNS, *credentials.SIGNS, *statements.SIGNS, *command_lines.SIGNS)
    return name_words.any_of((*map(str.encode, signs), *name_words.ascii_forms()))


def _may_have_sign(lower: bytes) -> bool:
    return _signs().search(lower) is not None or name_words.may_have_other_word(lower)


def redact_bytes(data: bytes, counts: Counts) -> bytes:
    """Return UTF-8 without the secrets that their shape or what stands before them gives away; the same object for none."""
    data = redact_keys(data, counts)
    lower = data.lower()
    text = lower.decode("utf-8", "replace") if _may_have_sign(lower) else ""
    if text:
        data = replace(data, scanner.find_addresses(data, text), counts)
        data = replace(data, credentials.find_credentials(data, text), counts)
        data = replace(data, statements.find_in_statements(data, text), counts)
        if name_words.may_have_word(lower):
            data = replace(data, [*labelled_secrets.find_named(data), *tables.find_in_tables(data)], counts)
    data = replace(data, command_lines.find_options(data, text), counts)
    return _redact_cards(data, counts)


def redact_keys(data: bytes, counts: Counts) -> bytes:
    """Return UTF-8 without the keys that their shape gives away; the same object for none."""
    return replace(data, scanner.find_keys(data), counts)


def _redact_cards(data: bytes, counts: Counts) -> bytes:
    cards = list(islice(credentials.find_cards(data), _MOST_CARDS + 1))
    if len(cards) <= _MOST_CARDS:
        return replace(data, cards, counts)
    counts[cards[0].rule] = counts.get(cards[0].rule, 0) + len(cards)
    return credentials.replace_cards(data)


def replace(data: bytes, finds: Iterable[Found], counts: Counts) -> bytes:
    """Return the bytes with each find replaced; of finds that overlap the first counts, as far as any of them goes."""
    pieces: list[bytes] = []
    done = 0
    for found in sorted(finds):
        if found.start >= done:
            pieces += (data[done : found.start], mark(found.rule).encode())
            counts[found.rule] = counts.get(found.rule, 0) + 1
        done = max(done, found.end)
    return b"".join([*pieces, data[done:]]) if pieces else data
