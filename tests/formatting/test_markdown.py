"""Cuts of escaped texts: at any limit, no escape and no character is cut in two, and what is too long fits."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsbot_webhooks.formatting import limits
from statsbot_webhooks.formatting.markdown import escape_markdown, safe_username, shorten

_WHOLE = re.compile(r"(?:\\[\\*`|~]|[a🎉])*")


@given(st.text("\\*`|~🎉a", max_size=60), st.integers(0, 140), st.sampled_from([0.25, 2 / 3, 1]))
@example("*" * 40, 41, 2 / 3)
@example("*" * 40, 42, 2 / 3)
@example("🎉" * 40, 42, 2 / 3)
def test_no_cut_splits_an_escape(text: str, limit: int, first: float) -> None:
    escaped = escape_markdown(text)
    assert _WHOLE.fullmatch(escaped)
    short = shorten(escaped, limit, more="…", first=first)
    if limits.length(escaped) <= limit:
        assert short == escaped
        return
    head, more, tail = short.partition("…")
    assert (more, escaped.startswith(head), escaped.endswith(tail)) == ("…", True, True)
    assert limits.length(short) <= max(limit, 1)
    # Half of an escape and half of a character at each side of the mark, and what was left over by rounding.
    assert limits.length(short) >= min(limit - 6, limits.length(escaped))
    assert _WHOLE.fullmatch(head)
    assert _WHOLE.fullmatch(tail)
    assert first < 1 or not tail


@pytest.mark.parametrize("mark", ["#", "##", "-#", ">", "-", "+", "1.", "12.", "\uff03"])
def test_what_begins_a_line_only_by_a_cut_is_no_markup(mark: str) -> None:
    for end in range(12):
        short = shorten(escape_markdown("x" + f" {mark} zq" * 2000 + "y" * end), 1024)
        assert not re.search(r"(?m)^\s*(?:[#>+\uff03-]|\d+\.)", short), short


def test_a_text_is_shortened_where_it_is_asked_to() -> None:
    text = "b" * 300 + "e" * 300
    assert shorten(text, 101, more="…") == "b" * 66 + "…" + "e" * 34
    assert shorten(text, 101, more="…", first=1 / 4) == "b" * 25 + "…" + "e" * 75
    assert shorten(text, 600) == text
    assert shorten(text, 599).startswith("bbb")


def test_a_name_of_a_sender_is_one_that_discord_takes() -> None:
    assert safe_username("My Discord  clyde\n") == "My Dis-cord cly-de"
    assert safe_username("DISCORD.gateway") == "DIS-CORD.gateway"
    assert limits.length(safe_username("🎉" * 60)) <= 80
    assert safe_username(" ") == "bot"


def test_of_a_long_text_is_escaped_what_a_message_may_show() -> None:
    text = "*" * 90_000 + "b" * 1_000_000 + "_" * 50_000 + "end"
    escaped = escape_markdown(text)
    assert len(escaped) < 200_000
    whole = r"\*" * 4096 + "b" * 5000 + r"\_" * 4096 + "end"
    for limit in (256, 1024, 4096):
        assert shorten(escaped, limit) == shorten(whole, limit)
    assert escape_markdown("*" * 90_000) == r"\*" * 90_000
