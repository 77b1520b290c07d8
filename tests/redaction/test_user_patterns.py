"""The user's patterns find what `re` finds, in linear time, or are refused with a reason that does not show them."""

from __future__ import annotations

import re

import pytest

from statsbot_webhooks.redaction.user_patterns import compile_user_pattern

from ..cpu_time import ratio

TEXT = "order-17 of Kunde Meier a1b a22b abab xx ab aab foo@bar.com [x] 4711 12 13 ab\n" * 3


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            r"order-\d+",
            r"(?i)kunde \w+",
            r"a.*b",
            r"\w+@\w+\.com",
            r"[a-z]{3,5}-\d{2,}",
            r"(?:ab|xd)+",
            r"(foo|bar)@",
            r"\d+\s+\d+",
        ),
        *(r"a\d{1,2}b", r"a?ab", r"[\]x]+", r"\bab\b", r"(?:ab){2}", r"a+?b", r"[^\s]+\d"),
    ],
)
def test_a_pattern_finds_what_re_finds(pattern: str) -> None:
    assert [m.span() for m in compile_user_pattern(pattern).finditer(TEXT)] == [
        m.span() for m in re.finditer(pattern, TEXT, re.ASCII)
    ]


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(?:a|ab)+c", "(?:a|aa)*b", r"\w+\w+x", "(?=a)b", "(?<!a)b", r"(a)\1", "(secretpart", "a*", "(?:a{1,9}){9}"],
)
def test_a_pattern_is_refused_and_not_shown(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        compile_user_pattern(pattern)
    assert pattern not in str(caught.value)
    assert "secretpart" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "piece"), [(r"a.*b", "a"), (r"\d+x", "1"), (r"\w+@\w+\.com", "a@"), (r"[^\s]+\d", "x"), (r"(?:ab)+c", "ab")]
)
def test_time_is_in_proportion(pattern: str, piece: str) -> None:
    compiled = compile_user_pattern(pattern)

    def read(size: int) -> str:
        return compiled.sub("", piece * (size // len(piece)))

    # Quadratic would be 64 times.
    assert ratio(lambda: read(160_000), lambda: read(20_000), 30, rounds=1) < 30
