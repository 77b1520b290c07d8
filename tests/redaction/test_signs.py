"""Signs are found wherever they stand, and a pattern that is tried near its signs finds what it finds in the whole text."""

from __future__ import annotations

import random
import re

import pytest

from statsbot_webhooks.redaction.signs import SignSearch, positions

WORDS = ("login", "key", "/login", "login ", "=x", "pass")


@pytest.mark.parametrize("fill", [2, 90, 900])
def test_the_same_is_found_near_the_signs_as_everywhere(fill: int) -> None:
    rng = random.Random(1)
    pattern, search = re.compile(rb"(?<!\w)(?:[a-z]{1,3}\d )?(?:LOGIN|key)[ =]\w+"), SignSearch(map(str.encode, WORDS))
    words = (b"ab1 LOGIN x", b"LOGIN=y", b"key z key", b"monkey q", b"login", b"a1 key key=key", b"")
    data = b"".join(rng.choice(words) + b" ." * rng.randrange(fill) for _ in range(3000))
    found = [match.span() for match in search.signs(data.lower()).matches(pattern, data, ("login", "key"), 6)]
    assert found == [match.span() for match in pattern.finditer(data)]
    assert len(found) > 100


@pytest.mark.parametrize("fill", [2, 200])
def test_signs_that_overlap_are_all_found_and_those_in_what_is_replaced_go(fill: int) -> None:
    rng = random.Random(2)
    words = (b"/login ", b"keypass", b"passkey=x", b"monkey", b"passpass", b"log", b"/login key")
    data = b"".join(rng.choice(words) + b"." * rng.randrange(fill) for _ in range(2000))
    signs = SignSearch(map(str.encode, WORDS)).signs(data)
    spans = [(at, at + 9) for at in range(100, len(data) - 100, 500)]
    marks = [b"[" + b"-" * rng.randrange(20) + b"]" for _ in spans]
    parts, done = list[bytes](), 0
    for (start, end), each in zip(spans, marks, strict=True):
        parts += (data[done:start], each)
        done = end
    replaced = b"".join([*parts, data[done:]])
    moved = signs.moved(replaced, spans, list(map(len, marks)))
    for word in (*WORDS, "passkey", "monkey", "absent"):
        assert signs.positions((word,)) == list(positions(data, word.encode()))
        assert moved.positions((word,)) == list(positions(replaced, word.encode()))
        assert (word in signs) == (word.encode() in data)
