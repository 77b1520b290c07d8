"""How often an issue came lately, and the counts of several processes as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from statsbot_webhooks.issues.issue import Issue, merged

HOUR = 3600.0
NOW = 500_000 * HOUR
NEW = Issue("2-1", "E-0001", "it failed", NOW, NOW)


@pytest.mark.parametrize(
    ("times", "after", "count"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.5, 4),
        # Half of the hour before lies in the last 60 minutes.
        ([0.1, 0.2, 0.3, 0.4, 1.1, 1.2], 1.5, 4),
        ([0.1, 0.2, 0.3, 0.4], 1.25, 3),
        ([0.1, 0.2, 0.3, 0.4], 2.1, 0),
        ([0.1, 0.2, 2.1], 2.5, 1),
        # A clock that was set back opens no hour of its own.
        ([1.1, 0.9, 1.2], 1.5, 3),
    ],
)
def test_how_many_came_in_the_last_hour(times: list[float], after: float, count: float) -> None:
    issue = replace(NEW)
    for time in times:
        issue.count_one(NOW + time * HOUR)
    assert issue.in_last_hour(NOW + after * HOUR) == pytest.approx(count)
    assert (issue.count, issue.last) == (len(times), NOW + max(times) * HOUR)


def test_what_two_processes_counted_is_added_once() -> None:
    before = replace(NEW, count=10, held=2, hour=7, in_hour=3, in_hour_before=1)
    stored = replace(before, count=14, held=3, in_hour=7, first=NOW - 5, last=NOW + 9)
    local = replace(before, count=12, held=5, in_hour=5, last=NOW + 4)
    both = merged(stored, local, before)
    assert (both.count, both.held, both.in_hour, both.in_hour_before) == (16, 6, 9, 1)
    assert (both.first, both.last) == (NOW - 5, NOW + 9)
    later = replace(local, hour=8, in_hour=1, in_hour_before=5)
    assert [(found.hour, found.in_hour) for found in (merged(stored, later, before), merged(later, stored, before))] == [
        (8, 1)
    ] * 2
    # An issue that is new here is counted whole.
    assert merged(stored, local, None).count == 26
