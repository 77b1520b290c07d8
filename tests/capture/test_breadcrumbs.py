"""What came before an error: the records of its own task first, bounded, and with nothing of the bot kept alive."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from statsbot_webhooks import WebhookLogHandler
from statsbot_webhooks.capture.breadcrumbs import Trail
from statsbot_webhooks.capture.breadcrumbs import trail as shared
from statsbot_webhooks.events.event import Event

NOW = 1_800_000_000.0


class Thing:
    def __str__(self) -> str:
        return "a thing"


ODD = (None, "yesterday", float("nan"), datetime(2027, 1, 1, tzinfo=UTC), Decimal(5), 10**400, Thing())


def record(level: int, text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("shop", level, __file__, 1, text, args, None)


async def test_the_last_twenty_of_the_same_task_come_before_those_of_others() -> None:
    trail = Trail()

    async def work(name: str, count: int) -> list[str]:
        for number in range(count):
            trail.note(NOW + number, "INFO", "shop", f"{name} {number}")
            await asyncio.sleep(0)
        return trail.before(NOW + 30)

    one, two, few = await asyncio.gather(*(asyncio.create_task(work(*args)) for args in (("a", 30), ("b", 30), ("c", 3))))
    assert [line.split()[-2:] for line in one] == [["a", str(number)] for number in range(10, 30)]
    assert [line.split()[-2:] for line in two] == [["b", str(number)] for number in range(10, 30)]
    # It has three of its own; the rest is the process's, and all of it in order.
    assert len([line for line in few if " c " in line]) == 3
    assert len(few) > 3
    assert one[-1] == "-1.0 s INFO shop: a 29"


async def test_a_task_that_is_dead_is_not_taken_for_a_new_one_at_its_place() -> None:
    trail = Trail()

    async def note(name: str) -> list[str]:
        trail.note(NOW, "INFO", "shop", name)
        return trail.before(NOW)

    # Tasks that end are freed, and the next one is made at the same address.
    for number in range(50):
        await asyncio.create_task(note(f"old {number}"))
    trail.most = 1
    trail.note(NOW, "INFO", "shop", "of the test itself")
    [line] = await asyncio.create_task(note("new"))
    assert line.endswith("new")


async def test_what_is_shared_counts_for_every_task() -> None:
    trail = Trail()
    trail.most = 2

    async def work() -> list[str]:
        trail.note(NOW + 1, "INFO", "shop", "mine")
        return trail.before(NOW + 2)

    trail.note(NOW, "command", "", "!buy", is_shared=True)
    for number in range(5):
        trail.note(NOW + 0.5, "INFO", "shop", f"other {number}")
    assert await asyncio.create_task(work()) == ["-2.0 s command !buy", "-1.0 s INFO shop: mine"]


def test_nothing_of_the_bot_is_kept_alive_and_all_is_bounded() -> None:
    trail, thing = Trail(), Thing()
    for number in range(5000):
        trail.note_record(record(logging.INFO, "%s " + "x" * 1000, thing) if number % 2 else record(logging.DEBUG, "a"))
    assert len(trail._crumbs) == 500
    assert max(len(crumb[3]) for crumb in trail._crumbs) <= 200
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    assert gone() is None


def test_a_payload_in_a_debug_record_is_not_made_a_text() -> None:
    class Payload:
        def __str__(self) -> str:
            raise AssertionError("it was made a text")

    trail = Trail()
    trail.note_record(record(logging.DEBUG, "payload %s", Payload()))
    trail.note_record(record(logging.DEBUG, "count %d", 3))
    assert [line.partition(": ")[2] for line in trail.before(trail._crumbs[-1][0])] == ["payload %s", "count 3"]


def test_a_flood_of_errors_takes_no_more_trails_along() -> None:
    trail = Trail()
    trail.note(NOW, "INFO", "shop", "text")
    assert sum(bool(trail.before(NOW + 1)) for _ in range(1000)) == 60
    assert trail.before(NOW + 100)


def test_what_is_long_ago_is_left_out_and_lines_are_lines() -> None:
    trail = Trail()
    trail.note(NOW - 3600, "INFO", "shop", "an hour ago")
    trail.note(NOW - 65, "INFO", "shop", "two\nlines")
    assert trail.before(NOW) == ["-1 min 5 s INFO shop: two lines"]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("name", ["created", "levelno", "name", "msg"])
@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_an_odd_record_spoils_no_later_one(odd: object, name: str, level: int) -> None:
    """It is among the crumbs of the errors that follow, and among the times by which a flood of errors is told."""
    events: list[Event] = []
    handler = WebhookLogHandler(lambda event: events.append(event), level=logging.INFO)
    shared.clear()
    before = record(level, "odd")
    vars(before)[name] = odd
    handler.handle(before)
    for number in range(70):
        handler.handle(record(logging.ERROR, "no song %d", number))
    shared.clear()
    assert [event.message for event in events[-70:]] == [f"no song {number}" for number in range(70)]
    assert "no song 0" in events[-69].facts["before"][-1]
    assert handler.failures <= 1


def test_the_handler_notes_what_it_reads_and_errors_take_it_along() -> None:
    events: list[Event] = []
    handler = WebhookLogHandler(events.append)
    handler.handle(record(logging.WARNING, "order %s", 17))
    handler.handle(record(logging.ERROR, "failed"))
    warning, error = events
    assert not warning.facts
    assert [line.partition(" s ")[2] for line in error.facts["before"]] == ["WARNING shop: order 17"]
    shared.most = 0
    try:
        handler.handle(record(logging.ERROR, "failed"))
    finally:
        shared.most = 20
    assert not events[-1].facts
