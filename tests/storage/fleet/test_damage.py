"""What is wrong in Redis costs itself only, as in a file: entries, seals, letters, state, processes; each loss is counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from statsbot_webhooks.events.accounting import LossReason
from statsbot_webhooks.events.event import encode
from statsbot_webhooks.storage import Loss, Outbox, make_outbox
from statsbot_webhooks.storage.fleet.redis_connection import RedisAwayError

from ...redis_server import RedisServer
from ..conftest import calls_of, drain, event

pytestmark = [pytest.mark.real_time, pytest.mark.slow]
FACTS = "[0, 20, 5.0, 100]"


GOOD = encode(event("mended"))


def entry(facts: Any = FACTS, text: Any = GOOD) -> Callable[[Any], object]:
    return lambda client: client.xadd("test:in:a", {"m": facts, "e": text})


# What costs itself: it is counted as lost, and kept among the dead letters as far as it is a text.
LOST = {
    "cut": entry(text=GOOD[:20]),
    "unknown kind": entry(text=GOOD.replace('"log"', '"new"', 1)),
    "bytes": entry(text=b"\xff\x00"),
    "foreign": entry(text='{"a": 1}'),
    "deep": entry(text="[" * 100_000),
    "no text": lambda client: client.xadd("test:in:a", {"m": FACTS}),
    "no field of ours": lambda client: client.xadd("test:in:a", {"payload": "1"}),
}
# What is read all the same.
MENDED = {
    "no facts": lambda client: client.xadd("test:in:a", {"e": GOOD}),
    "facts cut": entry(FACTS[:5]),
    "facts are bytes": entry(b"\xff"),
    "time is a text": entry('[0, 20, "2026-01-01", 100]'),
    "time in milliseconds": entry("[0, 20, 1.8e12, 100]"),
    "time is no number": entry("[0, 20, NaN, 100]"),
    "rank is a text": entry('[0, "high", 5.0, 100]'),
    "rank is a list": entry("[0, [], 5.0, 100]"),
    "facts are deep": entry("[" * 100_000),
    "size is huge": entry(f"[0, 20, 5.0, {10**400}]"),
    "size is negative": entry("[0, 20, 5.0, -100]"),
}
HARMLESS = {
    "seal cut": lambda client: client.hset("test:seals", "a", '{"batch": "x", "ids": ["1'),
    "seal of nothing": lambda client: client.hset("test:seals", "a", '{"batch": "x", "ids": ["1-1", "z"]}'),
    "seal is bytes": lambda client: client.hset("test:seals", "a", b"\xff"),
    "seal is a list": lambda client: client.hset("test:seals", "a", "[1]"),
    "state": lambda client: client.sadd("test:buckets", "card/a") and client.hset("test:state:card/a", "card/a/1", '{"fold'),
    "state is bytes": lambda client: client.sadd("test:buckets", "x") and client.hset("test:state:x", "x/1", b"\xff"),
    "process": lambda client: client.hset("test:processes", "odd", "[1]") and client.set("test:process:odd", b"\xff"),
    "sums are texts": lambda client: client.hset("test:sums", mapping=dict.fromkeys(("entries", "bytes", "ms", "seq"), "many")),
    "sums are too high": lambda client: client.hset("test:sums", "entries", 10**9),
}


@pytest.fixture
def opened(redis_server: RedisServer, losses: list[Loss], stack: ExitStack) -> Callable[[], Outbox]:
    def opener() -> Outbox:
        outbox = make_outbox(redis_server.url(), 100, losses.append)
        stack.callback(outbox.close)
        outbox.open()
        return outbox

    return opener


@pytest.mark.parametrize("name", [*LOST, *MENDED, *HARMLESS])
def test_what_is_wrong_costs_itself_only(
    name: str, redis_server: RedisServer, opened: Callable[[], Outbox], losses: list[Loss]
) -> None:
    first = opened()
    first.put([("a", event(number)) for number in range(3)])
    first.close()
    (LOST | MENDED | HARMLESS)[name](redis_server.client())
    outbox = opened()
    outbox.put([("a", event("later", "ERROR"))])
    assert outbox.read_state("") == {}
    assert all(isinstance(sent, float) for sent in outbox.recent_sends("a", 0.0))
    assert outbox.fleet.members()
    found = drain(outbox)
    assert sorted(found) == sorted(["0", "1", "2", "later", *(["mended"] if name in MENDED else [])])
    assert [loss.reason for loss in losses] == [LossReason.UNREADABLE] * (name in LOST)
    assert not outbox.depths()
    assert not outbox.is_displaced  # type: ignore[attr-defined]
    assert all(not letter.is_readable for letter in outbox.dead_letters(10))
    assert len(outbox.dead_letters(10)) == (name in LOST and not name.startswith("no "))
    outbox.close()
    again = opened()
    assert drain(again) == []
    assert len(losses) == (name in LOST)


@pytest.mark.parametrize("facts", [FACTS, FACTS[:5]])
def test_what_a_newer_version_wrote_waits_for_it_and_is_said_once(
    facts: str, redis_server: RedisServer, opened: Callable[[], Outbox], losses: list[Loss], caplog: pytest.LogCaptureFixture
) -> None:
    first = opened()
    first.put([("a", event("readable"))])
    first.close()
    for _ in range(2):
        entry(facts, GOOD.replace("[2,", "[99,", 1))(redis_server.client())
    outbox = opened()
    assert drain(outbox) == ["readable"]
    assert caplog.text.count("a newer version of statsbot_webhooks stored events in this fleet") == 1
    assert losses == []
    assert not outbox.dead_letters(10)
    outbox.close()
    assert redis_server.client().xlen("test:in:a") == 2


def test_a_letter_that_cannot_be_read_stays_and_the_others_go(redis_server: RedisServer, opened: Callable[[], Outbox]) -> None:
    outbox = opened()
    outbox.put([("a", event("readable"))])
    outbox.bury(outbox.claim("a", 1), "why", time.time())
    for text in ("[2,", b"\xff", "{}"):
        redis_server.client().xadd("test:dead", {"d": "a", "e": text, "why": "w", "at": "soon"})
    letters = outbox.dead_letters(10)
    assert sorted(letter.is_readable for letter in letters) == [False] * 3 + [True]
    assert [letter.event.message for letter in outbox.replay([letter.id for letter in letters])] == ["readable"]
    assert drain(outbox) == ["readable"]


@pytest.mark.parametrize("is_done", [False, True])
def test_a_redis_that_fails_in_any_call_loses_nothing(
    is_done: bool, redis_server: RedisServer, opened: Callable[[], Outbox], losses: list[Loss]
) -> None:
    """Its answer is missing once in each sort of call, with what was asked done or not; what was put is there, once."""
    outbox: Any = opened()
    ask, left = outbox._link.run, 0

    def run(work: Callable[[Any], Any]) -> Any:
        nonlocal left
        left -= 1
        if left != 0:
            return ask(work)
        if is_done:
            ask(work)
        raise RedisAwayError("does not answer", may_be_done=True)

    outbox._link.run = run
    for name, call in calls_of(outbox).items():
        for nth in (1, 2, 3):
            outbox.put([("a", event(f"{name} {nth} {number}")) for number in range(5)])
            put = [f"{name} {nth} {number}" for number in range(5)] + ["new"] * (name == "put")
            dead = len(outbox.dead_letters(100))
            left = nth
            call()
            left = 0
            until = time.monotonic() + 10
            while outbox.is_displaced or outbox.fleet.has_news:
                assert time.monotonic() < until, name
                outbox.maintain()
                time.sleep(0.005)
            found = drain(outbox, "a") + drain(outbox, "c")
            gone = len(outbox.dead_letters(100)) - dead
            assert len(found) == len(set(found)), (name, nth)
            assert len(put) - len(found) - gone in ((0, 1) if name == "ack" else (0,)), (name, nth, found)
            assert not outbox.depths(), (name, nth)
    assert losses == []
    assert outbox.read_state("") == {"key": 2}
