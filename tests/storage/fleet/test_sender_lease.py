"""The thread of a process in a fleet: what it hears of the others, however late it listens."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import make_outbox
from statsbot_webhooks.storage.fleet.presence import Presence

from ...redis_server import RedisServer

pytestmark = pytest.mark.real_time


def test_what_was_said_before_a_process_listened_is_known(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    start, late = threading.Thread.start, []

    def start_late(thread: threading.Thread) -> None:
        if thread.name == "statsbot_webhooks-fleet" and not late:
            # As on a busy machine.
            late.append(thread)
        else:
            start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    first, second = (make_outbox(redis_server.url(), 10, lambda _: None, process_name=name) for name in ("first", "second"))
    first.open()
    second.open()
    try:
        assert (first.fleet.has_others, second.fleet.has_others) == (False, True)
        second.put([("a", Event(EventKind.LOG, LogLevel.INFO, "hello", 1.0))])
        start(late[0])
        until = time.monotonic() + 5
        while not (first.fleet.has_others and first.depth("a").entries) and time.monotonic() < until:
            first.maintain()
            time.sleep(0.01)
        assert first.fleet.has_others
        assert [entry.event.message for entry in first.claim("a", 5)] == ["hello"]
    finally:
        second.close()
        first.close()


def test_no_sign_of_life_follows_the_goodbye(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next start takes a process that has ended for another one of the fleet, and what it left for fresh."""
    say, leave = Presence.say, Presence.leave
    speaks, has_left = threading.Event(), threading.Event()

    def say_late(presence: Presence, client: Any, instance: str) -> bool:
        if threading.current_thread().name == "statsbot_webhooks-fleet":
            speaks.set()
            # As on a busy machine.
            has_left.wait(0.3)
        return say(presence, client, instance)

    def leave_and_tell(presence: Presence, client: Any, instance: str) -> None:
        leave(presence, client, instance)
        has_left.set()

    monkeypatch.setattr(Presence, "say", say_late)
    monkeypatch.setattr(Presence, "leave", leave_and_tell)
    first, second = (make_outbox(redis_server.url(), 10, lambda _: None) for _ in range(2))
    first.open()
    first.put([("a", Event(EventKind.LOG, LogLevel.INFO, "left", 1.0))])
    assert speaks.wait(5)
    first.close()
    try:
        second.open()
        assert (second.depth("a").entries, second.depth("a").recovered) == (1, 1)
        assert not second.fleet.has_others
    finally:
        second.close()
    assert redis_server.client().hkeys("test:processes") == []
