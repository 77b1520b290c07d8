"""What a fleet costs Redis: commands of events, and of processes that have nothing to do."""

from __future__ import annotations

import time

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import make_outbox

from ..redis_server import RedisServer


def commands(server: RedisServer) -> int:
    return int(server.client().info("stats")["total_commands_processed"])


def test_a_burst_costs_little_more_than_a_command_for_each_event(redis_server: RedisServer) -> None:
    outbox = make_outbox(redis_server.url(), 10_000, lambda _: None)
    outbox.open()
    try:
        before = commands(redis_server)
        for group in range(10):
            events = [Event(EventKind.LOG, LogLevel.INFO, f"{group} {number}", 1.0) for number in range(100)]
            outbox.put([("a", event) for event in events])
        entries = outbox.claim("a", 1000)
        outbox.seal(entries, "b", 1.0)
        assert outbox.ack(entries)
        assert len(entries) == 1000
        assert commands(redis_server) - before < 1500
    finally:
        outbox.close()


@pytest.mark.slow
def test_thirty_two_idle_processes_cause_less_than_ten_commands_a_second(redis_server: RedisServer) -> None:
    outboxes = [make_outbox(redis_server.url(), 100, lambda _: None, process_name=f"p{number}") for number in range(32)]
    try:
        for outbox in outboxes:
            outbox.open()
        assert [outbox.fleet.term is not None for outbox in outboxes].count(True) == 1
        # They greet each other.
        time.sleep(2)
        before, until = commands(redis_server), time.monotonic() + 10
        while time.monotonic() < until:
            for outbox in outboxes:
                if outbox.fleet.has_news:
                    outbox.maintain()
            time.sleep(0.05)
        assert commands(redis_server) - before < 100
    finally:
        for outbox in outboxes:
            outbox.close()
