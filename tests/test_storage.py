"""The outbox: order, leases, urgent first, bounded; and a property test of the books."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from statsbot_webhooks.config import LogLevel
from statsbot_webhooks.event import Event, EventKind
from statsbot_webhooks.storage import MemoryOutbox


def event(number: int, level: str = "INFO") -> Event:
    return Event(EventKind.LOG, LogLevel(level), str(number), float(number))


def texts(entries) -> list[str]:
    return [entry.event.message for entry in entries]


def test_released_entries_go_back_to_their_places() -> None:
    outbox = MemoryOutbox(100)
    outbox.put([("a", event(number)) for number in range(5)])
    first = outbox.claim("a", 3, 0)
    assert texts(outbox.claim("a", 3, 0)) == ["3", "4"]
    outbox.release(first, not_before=10)
    assert outbox.claim("a", 5, 9) == []
    again = outbox.claim("a", 5, 10)
    assert texts(again) == ["0", "1", "2"]
    assert [entry.attempt for entry in again] == [2, 2, 2]
    outbox.ack(again)
    assert outbox.depth("a").entries == 2


def test_urgent_entries_leave_first() -> None:
    outbox = MemoryOutbox(100)
    outbox.put([("a", event(0)), ("a", event(1, "ERROR")), ("a", event(2, "CRITICAL"))])
    assert texts(outbox.claim("a", 10, 0)) == ["1", "2"]
    assert texts(outbox.claim("a", 10, 0)) == ["0"]


def test_a_full_outbox_drops_the_oldest_calm_entry() -> None:
    outbox = MemoryOutbox(2)
    outbox.put([("a", event(0, "ERROR")), ("a", event(1))])
    assert outbox.put([("b", event(2))]) == {"a": 1}
    assert texts(outbox.claim("a", 10, 0)) == ["0"]


@given(st.lists(st.sampled_from(["put", "put_error", "claim", "ack", "release", "bury"]), max_size=60))
def test_nothing_appears_twice_or_vanishes(steps: list[str]) -> None:
    outbox = MemoryOutbox(1000)
    put, ended = 0, 0
    leased: list = []
    for step in steps:
        if step.startswith("put"):
            outbox.put([("a", event(put, "ERROR" if step == "put_error" else "INFO"))])
            put += 1
        elif step == "claim":
            leased += outbox.claim("a", 2, 0)
        elif leased:
            entry = leased.pop()
            if step == "release":
                outbox.release([entry])
            else:
                ended += 1
                outbox.ack([entry]) if step == "ack" else outbox.bury([entry], "why")
        assert outbox.depth("a").entries == put - ended
        assert len({entry.id for entry in leased}) == len(leased)
