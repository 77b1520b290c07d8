"""A Redis that lost its data: what waited counts as lost, the choices are there again, the fleet knows its processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from statsbot_webhooks.events.accounting import LossReason
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Loss, Outbox, make_outbox

from ...redis_server import RedisServer

pytestmark = [pytest.mark.real_time, pytest.mark.slow]


def wait(outboxes: list[Outbox], condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        for outbox in outboxes:
            if outbox.fleet.has_news:
                outbox.maintain()
        time.sleep(0.01)


def test_what_waited_is_told_lost_and_choices_come_back(redis_server: RedisServer) -> None:
    losses: list[Loss] = []
    outboxes = [make_outbox(redis_server.url(), 10, losses.append, process_name=name) for name in ("first", "second")]
    first, second = outboxes
    try:
        for outbox in outboxes:
            outbox.open()
        wait(outboxes, lambda: first.fleet.has_others)
        second.write_state({"level/destination/a": "ERROR", "switch/b": False})
        first.write_state({"card/a/1": {"count": 2}})
        second.update_state({"switch/b": lambda _: None, "issue/1": lambda _: {"count": 7}})
        first.put([("a", Event(EventKind.LOG, LogLevel.INFO, "waits", float(n))) for n in range(3)])
        sending = first.claim("a", 1)
        redis_server.client().flushall()
        wait(outboxes, lambda: "issue/1" in first.read_state(""))
        # What was being sent may have arrived.
        assert losses == [Loss("a", LossReason.STORAGE_FAILED, 2)]
        assert not first.ack(sending)
        assert first.read_state("") == {"level/destination/a": "ERROR", "issue/1": {"count": 7}}
        wait(outboxes, lambda: first.fleet.may_send or second.fleet.may_send)
        second.put([("a", Event(EventKind.LOG, LogLevel.INFO, "comes", 9.0))])
        wait(outboxes, lambda: any(outbox.depth("a").entries for outbox in outboxes))
        # A sign of life every 20 s.
        for outbox in outboxes:
            outbox.fleet.thread.hurry()  # type: ignore[attr-defined]
        wait(outboxes, lambda: [member.name for member in first.fleet.members()] == ["first", "second"])
    finally:
        for outbox in outboxes:
            outbox.close()
