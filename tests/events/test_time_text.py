"""Durations and times as a reader reads them."""

from __future__ import annotations

import pytest

from statsbot_webhooks.events import time_text


@pytest.mark.parametrize(
    ("seconds", "words", "short", "exact"),
    [
        (0, "0 seconds", "0.0 s", "0 s"),
        (1.44, "1 second", "1.4 s", "1 s"),
        (59, "59 seconds", "59 s", "59 s"),
        (200, "3 minutes 20 seconds", "3 min 20 s", "3 min 20 s"),
        (1800, "30 minutes", "30 min", "30 min"),
        (5400, "1 hour 30 minutes", "1 h 30 min", "1 h 30 min"),
        (18_000, "5 hours", "5 h", "5 h"),
        (48 * 3600, "2 days", "2 d", "2 d"),
        (200_000, "2 days 7 hours", "2 d 7 h", "2 d 7 h"),
        (400 * 86400, "1 year 1 month", "400 d", "400 d"),
        (-5, "0 seconds", "0.0 s", "0 s"),
    ],
)
def test_a_duration(seconds: float, words: str, short: str, exact: str) -> None:
    assert time_text.format_duration(seconds) == words
    assert time_text.format_span(seconds) == short
    assert time_text.format_exact_span(seconds) == exact


def test_counts_and_times() -> None:
    assert [time_text.format_count(count, "member") for count in (0, 1, 3000)] == ["0 members", "1 member", "3,000 members"]
    assert time_text.discord_time(1_800_000_000.9, "R") == "<t:1800000000:R>"
    assert time_text.date_text(1_800_000_000) == "2027-01-15 08:00:00"
    assert time_text.clock_text(1_800_000_000) == "08:00:00"
