"""A pattern that is tried near its signs finds what it finds in the whole text."""

from __future__ import annotations

import random
import re

import pytest

from statsbot_webhooks.redaction.scanner import matches_at


@pytest.mark.parametrize("fill", [2, 900])
def test_the_same_is_found_near_the_signs_as_everywhere(fill: int) -> None:
    rng = random.Random(1)
    pattern, signs = re.compile(rb"(?<!\w)(?:[a-z]{1,3}\d )?(?:LOGIN|key)[ =]\w+"), ("login", "key")
    words = (b"ab1 LOGIN x", b"LOGIN=y", b"key z key", b"monkey q", b"login", b"a1 key key=key", b"")
    data = b"".join(rng.choice(words) + b" ." * rng.randrange(fill) for _ in range(300))
    found = [match.span() for match in matches_at(signs, 6, pattern, data)]
    assert found == [match.span() for match in pattern.finditer(data)]
    assert len(found) > 100
    assert [match.span() for match in matches_at((), 6, pattern, data)] == found
