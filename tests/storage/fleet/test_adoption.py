"""The file of a process that ended is emptied by another one, also when Redis fails meanwhile; each event arrives once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from statsbot_webhooks.storage import SqliteOutbox, make_outbox
from statsbot_webhooks.storage.fleet import streams
from statsbot_webhooks.storage.fleet.own_file import file_of
from statsbot_webhooks.storage.fleet.redis_connection import RedisAwayError

from ...redis_server import RedisServer
from ..conftest import drain, event

pytestmark = [pytest.mark.real_time, pytest.mark.slow]


@pytest.mark.parametrize("failing", [1, 2, 3])
@pytest.mark.parametrize(("is_done", "may_be_done"), [(False, False), (False, True), (True, True)])
def test_a_file_is_adopted_although_redis_fails(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, failing: int, is_done: bool, may_be_done: bool
) -> None:
    """At the first, second or third group; with `is_done` Redis stored it, with `may_be_done` its answer was lost."""
    file = SqliteOutbox(file_of("ended"), 100, lambda _: None)
    file.open()
    file.write_state({"fleet": "test"})
    for name in "abc":
        file.put([(name, event(f"{name} {number}")) for number in range(2)])
    file.close()
    calls, put = 0, streams.Streams.put

    def failing_put(self: streams.Streams, *args: Any) -> None:
        nonlocal calls
        calls += 1
        if is_done or calls != failing:
            put(self, *args)
        if calls == failing:
            raise RedisAwayError("does not answer", may_be_done=may_be_done)

    monkeypatch.setattr(streams.Streams, "put", failing_put)
    outbox = make_outbox(redis_server.url(), 100, lambda _: None, process_name="heir")
    outbox.open()
    try:
        assert outbox.is_displaced
        # It goes to Redis before the rest of the adopted file.
        outbox.put([("own", event("meanwhile"))])
        until = time.monotonic() + 20
        while sum(depth.entries for depth in outbox.depths().values()) < 7:
            assert time.monotonic() < until
            outbox.maintain()
            time.sleep(0.01)
        assert not outbox.is_displaced
        assert drain(outbox, "own") == ["meanwhile"]
        assert [drain(outbox, name) for name in "abc"] == [[f"{name} {number}" for number in range(2)] for name in "abc"]
        outbox.maintain()
        assert not outbox.depths()
    finally:
        outbox.close()
