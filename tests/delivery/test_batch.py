"""When a batch leaves, and how tight it is: at the edges of each rule."""

from __future__ import annotations

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.delivery.batch import Batcher, Presentation, choose
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Entry

CARDS, LINES, DIGEST = Presentation


@pytest.mark.parametrize(
    ("backlog", "budget", "age", "current", "chosen"),
    [
        # One message at a time, two while there is budget for ten and nothing is late: five cards or 25 lines each.
        *((5, 30, 0, CARDS, CARDS), (10, 30, 0, CARDS, CARDS), (11, 30, 0, CARDS, LINES), (50, 30, 0, CARDS, LINES)),
        *((51, 30, 0, CARDS, DIGEST), (10, 10, 0, CARDS, CARDS), (10, 9, 0, CARDS, LINES), (5, 0, 0, CARDS, CARDS)),
        *((6, 4, 0, CARDS, LINES), (25, 9, 0, CARDS, LINES), (26, 9, 0, CARDS, DIGEST)),
        # Behind by ten seconds.
        *((10, 30, 9.9, CARDS, CARDS), (10, 30, 10, CARDS, LINES), (25, 30, 10, CARDS, LINES), (26, 30, 10, CARDS, DIGEST)),
        # Back to a roomier one when half of what it takes is there.
        *((6, 30, 0, LINES, LINES), (5, 30, 0, LINES, CARDS), (50, 30, 0, LINES, LINES), (26, 30, 0, DIGEST, DIGEST)),
        *((25, 30, 0, DIGEST, LINES), (5, 30, 0, DIGEST, CARDS), (51, 30, 0, LINES, DIGEST)),
    ],
)
def test_the_roomiest_presentation_that_clears_the_backlog(
    backlog: int, budget: int, age: float, current: Presentation, chosen: Presentation
) -> None:
    assert choose(backlog, budget, age, current) == chosen


def batcher() -> Batcher:
    return Batcher(MessageFormatter(WebhookConfig()), batch_size=5, batch_timeout_seconds=10.0)


@pytest.mark.parametrize(
    ("entries", "urgent", "oldest", "wait"),
    [
        *((0, 0, None, None), (0, 0, 90.0, None), (1, 0, None, None)),
        *((1, 0, 100.0, 10.0), (4, 0, 95.0, 5.0), (4, 0, 90.0, 0.0), (4, 0, 10.0, 0.0)),
        *((5, 0, 100.0, 0.0), (6, 0, 100.0, 0.0), (1, 1, 100.0, 0.0), (1, 0, 5000.0, 10.0)),
    ],
)
def test_how_long_a_batch_may_wait(entries: int, urgent: int, oldest: float | None, wait: float | None) -> None:
    assert batcher().wait_seconds(entries, urgent, oldest, 100.0) == wait


def entries(count: int, *, batch: str = "", size: int = 5, repeats: int = 1) -> list[Entry]:
    """Events in turn, each `repeats` times."""
    found = [
        Event(EventKind.LOG, LogLevel.INFO, f"number {n} " + chr(97 + n % 26) * size, 100.0, template=f"{n}")
        for n in range(count)
    ]
    return [Entry(number, "a", each, batch) for number, each in enumerate(found * repeats, 1)]


def test_repeats_are_shown_by_the_first_and_are_folded() -> None:
    batch = batcher().build(entries(3, repeats=4))
    assert (len(batch.entries), batch.rest, batch.folded, batch.presentation) == (12, [], 9, CARDS)
    assert len(batch.message.embeds) == 3


def test_what_does_not_fit_is_left_unless_it_was_one_message_before() -> None:
    # Each card has 2,000 units of its own.
    batch = batcher().build(entries(5, size=3000))
    assert (batch.presentation, len(batch.entries) + len(batch.rest)) == (CARDS, 5)
    assert 1 <= len(batch.entries) < 5
    assert [entry.id for entry in (*batch.entries, *batch.rest)] == [1, 2, 3, 4, 5]
    again = batcher().build(entries(5, size=3000, batch="b"))
    assert (len(again.entries), again.rest) == (5, [])


def test_what_waited_too_long_is_shown_tighter() -> None:
    waiting = entries(8)
    assert batcher().build(waiting, now=119.0).presentation == CARDS
    assert batcher().build(waiting, now=121.0).presentation == LINES
    assert batcher().build(waiting, now=121.0, budget_left=0).presentation == LINES
    assert batcher().build(waiting).presentation == CARDS
    assert batcher().build(entries(60)).presentation == DIGEST
    assert batcher().build(entries(60)).rest == []
    assert batcher().build(entries(20), current=DIGEST).presentation == LINES
    assert batcher().build(entries(5), current=LINES).presentation == CARDS


def test_the_note_and_the_id_are_in_the_message() -> None:
    for count in (1, 20, 60):
        batch = batcher().build(entries(count), note="a line above", batch_id="abc123")
        shown = str(batch.message.to_payload())
        assert ("a line above" in shown, "abc123" in shown) == (True, True), count
