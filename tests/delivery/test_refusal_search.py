"""The search for refused events: it finds exactly those, keeps its halves, and costs few requests."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from statsbot_webhooks.delivery.refusal_search import RefusalSearch
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Entry

EVENT = Event(EventKind.LOG, LogLevel.INFO, "text", 0.0)


def entries(count: int) -> list[Entry]:
    return [Entry(number, "info", EVENT) for number in range(count)]


def run(count: int, bad: set[int], room: int = 10_000) -> tuple[list[int], list[int], int]:
    """Search among so many entries, of which a message holds `room`; returns what was refused, what passed, and the requests."""
    search, refused, passed = RefusalSearch(), list[int](), list[int]()
    first = search.refused(entries(count))
    requests = 1
    if first is not None:
        return [first.id], [], 1
    while search:
        requests += 1
        some = search.next()[:room]
        if any(entry.id in bad for entry in some):
            found = search.refused(some)
            refused += [] if found is None else [found.id]
        else:
            search.passed(some)
            passed += [entry.id for entry in some]
    return refused, passed, requests


@given(st.integers(1, 300), st.data())
def test_exactly_the_bad_ones_are_found(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=5))
    refused, passed, requests = run(count, bad, data.draw(st.integers(1, 400)))
    assert sorted(refused) == sorted(bad)
    assert sorted(passed) == [number for number in range(count) if number not in bad]
    assert requests <= 2 + count + len(bad) * 2 * (1 + math.ceil(math.log2(count + 1)))


def test_one_among_ten_thousand_costs_few_requests() -> None:
    for bad in (0, 4_711, 9_999):
        refused, passed, requests = run(10_000, {bad})
        assert (refused, len(passed)) == ([bad], 9_999)
        # The message itself, one request for each halving, and one for what is left.
        assert requests <= 2 + math.ceil(math.log2(10_000))


def test_a_half_that_must_hold_the_bad_one_is_not_sent_whole() -> None:
    search = RefusalSearch()
    search.refused(entries(8))
    assert [entry.id for entry in search.next()] == [0, 1, 2, 3]
    search.passed(search.next())
    assert [entry.id for entry in search.next()] == [4, 5]
    assert [entry.id for entry in search.entries] == [4, 5, 6, 7]


def test_a_half_that_left_in_part_is_not_taken_for_a_good_one() -> None:
    search = RefusalSearch()
    search.refused(entries(8))
    search.passed(search.next()[:2])
    assert [entry.id for entry in search.next()] == [2, 3]
    # The bad one is in here, so nothing is known of the other half.
    search.refused(search.next())
    search.passed(search.next())
    assert search.refused(search.next()) == entries(8)[3]
    assert [entry.id for entry in search.next()] == [4, 5, 6, 7]
