"""Dead letters that are sent again leave the letters in the same step in which they wait again."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from statsbot_webhooks.storage import DeadLetter, Outbox, make_outbox, open_existing
from statsbot_webhooks.storage.fleet.redis_connection import RedisAwayError, RedisLink

from ...redis_server import RedisServer
from ..conftest import drain, event

pytestmark = [pytest.mark.real_time, pytest.mark.slow]


@pytest.fixture
def outbox(redis_server: RedisServer) -> Any:
    outbox = make_outbox(redis_server.url(), 100, lambda _: None)
    outbox.open()
    yield outbox
    outbox.close()


def bury(outbox: Outbox) -> list[int]:
    for name in "ab":
        outbox.put([(name, event(f"{name} {number}")) for number in range(3)])
        outbox.bury(outbox.claim(name, 9), "refused", 5.0)
    return [letter.id for letter in outbox.dead_letters(9)]


def sums(server: RedisServer) -> tuple[int, int]:
    """The stored sum of entries, and how many there are."""
    client = server.client()
    return int(client.hget("test:sums", "entries")), sum(client.xlen(key) for key in client.keys("test:in:*"))


@pytest.mark.parametrize("is_done", [False, True])
def test_a_redis_that_fails_at_any_call_leaves_each_in_one_place(
    outbox: Outbox, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    run, failing, calls = RedisLink.run, 0, 0

    def fail_once(link: RedisLink, work: Any) -> Any:
        nonlocal calls
        if threading.current_thread() is not threading.main_thread():
            return run(link, work)
        calls += 1
        if calls != failing:
            return run(link, work)
        if is_done:
            run(link, work)
        raise RedisAwayError("does not answer", may_be_done=is_done)

    while calls >= failing:
        ids, failing, calls = bury(outbox), failing + 1, 0
        with monkeypatch.context() as patch:
            patch.setattr(RedisLink, "run", fail_once)
            outbox.replay(ids)
        until = time.monotonic() + 20
        while outbox.is_displaced:
            assert time.monotonic() < until
            outbox.maintain()
            time.sleep(0.01)
        stored, counted = sums(redis_server)
        assert (stored, counted + len(outbox.dead_letters(9))) == (counted, 6)
        outbox.replay(ids)
        assert [drain(outbox, name) for name in "ab"] == [[f"{name} {number}" for number in range(3)] for name in "ab"]


def test_two_that_do_so_at_once_send_each_once(outbox: Outbox, redis_server: RedisServer) -> None:
    ids = bury(outbox)
    lookers = [open_existing(redis_server.url()) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as threads:
            found: list[Sequence[DeadLetter]] = list(threads.map(lambda looker: looker.replay(ids), lookers))
    finally:
        for looker in lookers:
            looker.close()
    assert sum(map(len, found)) == 6
    assert sums(redis_server) == (6, 6)
    assert not outbox.dead_letters(9)
