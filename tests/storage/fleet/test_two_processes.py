"""Two processes on one Redis: what each knows of the other, what may be done where, and what the second takes over."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.config.redis_address import parse_redis_url
from statsbot_webhooks.events.accounting import Counters, LossReason
from statsbot_webhooks.storage import Loss, make_outbox, open_existing
from statsbot_webhooks.storage.base import LeaseLostError
from statsbot_webhooks.storage.dead_letters import UNREADABLE
from statsbot_webhooks.storage.erasure import trace_of
from statsbot_webhooks.storage.fleet.keys import row_of
from statsbot_webhooks.storage.fleet.outbox import RedisOutbox
from statsbot_webhooks.storage.fleet.redis_connection import RedisAwayError, RedisLink
from statsbot_webhooks.storage.fleet.streams import Streams
from statsbot_webhooks.storage.maintenance import Upkeep

from ...redis_server import RedisServer
from ..conftest import drain, event

pytestmark = pytest.mark.real_time


class Process:
    """A process of the fleet, and what its outbox told: losses, notices, and entries that went (or with less than 0 came)."""

    def __init__(self, url: str, name: str) -> None:
        self.losses: list[Loss] = []
        self.notices: list[str] = []
        self.moved: Counter[str] = Counter()
        outbox = make_outbox(
            url, 1000, self.losses.append, process_name=name, on_moved=self._on_moved, on_notice=self.notices.append
        )
        assert isinstance(outbox, RedisOutbox)
        self.outbox = outbox

    def _on_moved(self, name: str, count: int) -> None:
        self.moved[name] += count

    def put(self, *texts: str, name: str = "a", level: str = "INFO") -> None:
        self.outbox.put([(name, event(text, level)) for text in texts])


@pytest.fixture
def pair(redis_server: RedisServer) -> Iterator[tuple[Process, Process]]:
    """The one that sends, and another one; each knows of the other."""
    pair = Process(redis_server.url(), "one"), Process(redis_server.url(), "two")
    for process in pair:
        process.outbox.fleet.describe(f"1.{process.outbox.fleet.name}", "0-3")
        process.outbox.open()
    try:
        look_until(pair, lambda: all(process.outbox.fleet.has_others for process in pair))
        yield pair
    finally:
        for process in pair:
            process.outbox.close()


def look_until(pair: tuple[Process, ...], condition: Callable[[], Any]) -> None:
    """Let each look at its news, as the intake does, until something is so."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        for process in pair:
            if process.outbox.fleet.has_news:
                process.outbox.maintain()
        time.sleep(0.01)


def test_each_knows_who_is_there(pair: tuple[Process, Process], redis_server: RedisServer) -> None:
    one, two = (process.outbox for process in pair)
    members = two.fleet.members()
    assert [member.name for member in members] == ["one", "two"]
    assert [(m.host, m.pid, m.version, m.shards, m.waiting) for m in members] == [
        (socket.gethostname(), os.getpid(), f"1.{name}", "0-3", 0) for name in ("one", "two")
    ]
    assert all(0 <= member.seen < 30 for member in members)
    assert [member.is_sender for member in members] == [True, False]
    assert (one.fleet.term is None, two.fleet.term, one.fleet.may_send, two.fleet.may_send) == (False, None, True, False)
    assert (one.fleet.label, two.fleet.label) == tuple(f"{name} on {socket.gethostname()}" for name in ("one", "two"))
    # A sign of life that has ended is told once, by the one that sends.
    client = redis_server.client()
    client.hset("test:processes", "ended", '{"name": "three", "host": "h", "pid": 7, "version": "9", "waiting": 4}')
    assert two.fleet.take_departed() == ()
    assert [(m.name, m.host, m.pid, m.version, m.waiting, m.seen) for m in one.fleet.take_departed()] == [
        ("three", "h", 7, "9", 4, 60.0)
    ]
    assert one.fleet.take_departed() == []
    assert client.hlen("test:processes") == 2


def test_what_one_learned_of_limits_is_known_to_the_other(pair: tuple[Process, Process]) -> None:
    one, two = (process.outbox.fleet for process in pair)
    one.keep_limits("5", "text")
    two.keep_limits("5", "of one that does not send")
    text, age = two.kept_limits("5") or ("", 0.0)
    assert (text, 0 <= age < 30, two.kept_limits("6")) == ("text", True, None)


def test_what_another_one_stores_arrives_at_the_one_that_sends(pair: tuple[Process, Process]) -> None:
    one, two = pair
    two.put("calm", "more", name="b")
    two.put("bad", name="b", level="ERROR")
    two.put("x")
    assert dict(two.moved) == {"a": 1, "b": 3}
    look_until(pair, lambda: one.outbox.depth("b").entries == 3 and one.outbox.depth("a").entries == 1)
    assert one.outbox.fleet.take_arrivals() == {"a", "b"}
    assert one.outbox.fleet.take_arrivals() == set()
    assert dict(one.moved) == {"a": -1, "b": -3}
    assert (two.outbox.depth("b").entries, two.outbox.claim("b", 9)) == (0, [])
    assert one.outbox.fleet.backlog() == two.outbox.fleet.backlog() == {"a": 1, "b": 3}
    assert drain(one.outbox, "b") == ["bad", "calm", "more"]
    with pytest.raises(LeaseLostError):
        two.outbox.note_send("a", 1.0)
    assert not two.outbox.ack(one.outbox.claim("a", 1))


def test_choices_hold_for_both_and_what_belongs_to_sending_is_the_senders(pair: tuple[Process, Process]) -> None:
    one, two = (process.outbox for process in pair)
    one.write_state({"card/a/1": {"n": 1}, "switch/a": True})
    two.write_state({"switch/b": False, "level/logger/x": "INFO"})
    look_until(pair, lambda: "switch/b" in one.read_state(""))
    assert two.read_state("") == {"card/a/1": {"n": 1}, "level/logger/x": "INFO", "switch/a": True, "switch/b": False}
    assert two.read_state("switch/") == {"switch/a": True, "switch/b": False}
    assert one.read_state("level/logger/") == {"level/logger/x": "INFO"}
    with pytest.raises(LeaseLostError):
        two.write_state({"card/a/2": 1})
    two.write_state({"card/a/1": None})
    assert one.read_state("card/") == {}
    assert two.update_state({"switch/a": lambda value: not value, "new": lambda value: [value]}) == {
        "switch/a": False,
        "new": [None],
    }
    assert one.update_state({"new": lambda value: None}) == {"new": None}
    assert two.read_state("") == {"level/logger/x": "INFO", "switch/a": False, "switch/b": False}


def test_a_choice_that_no_one_must_know_at_once_is_told_to_no_one(
    pair: tuple[Process, Process], redis_server: RedisServer
) -> None:
    one, _ = pair
    instance = one.outbox.fleet.thread.instance  # type: ignore[union-attr]
    with redis_server.client().pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("test:news:0")
        listener.get_message(timeout=5)
        one.outbox.update_state({"quiet": lambda _: 1}, is_news=False)
        one.outbox.update_state({"loud": lambda _: 1})
        told: list[str] = []
        while not any(text.startswith("state") for text in told):
            told.append(str((listener.get_message(timeout=5) or {"data": ""})["data"]))
        # The count, too, by which a beat tells those that missed a message.
        assert told[-1] == f"state {instance} 1"


@pytest.mark.parametrize("is_fleet", [True, False])
def test_the_other_takes_over_what_is_left(pair: tuple[Process, Process], redis_server: RedisServer, *, is_fleet: bool) -> None:
    one, two = pair
    third = Process(redis_server.url(), "three")
    if is_fleet:
        third.outbox.open()
    try:
        one.put("0", "1", "2", "3")
        one.put("4", level="ERROR")
        assert [entry.event.message for entry in one.outbox.claim("a", 1)] == ["4"]
        sealed = one.outbox.claim("a", 2)
        one.outbox.seal(sealed, "batch", 1.0)
        assert len(two.outbox.recent_sends("a", 0.0)) == 1
        one.outbox.close()
        assert dict(one.moved) == {"a": 5}
        look_until((two, third), lambda: two.outbox.fleet.may_send or third.outbox.fleet.may_send)
        sender = two if two.outbox.fleet.may_send else third
        assert dict(sender.moved) == {"a": -5}
        # Of one that is alone it was the life before; where others went on these are no last words.
        assert sender.outbox.depth("a").recovered_last == (None if is_fleet else 5.0)
        again = sender.outbox.claim("a", 9)
        assert [(entry.event.message, entry.batch, entry.is_recovered) for entry in again] == [
            (text, "batch", True) for text in ("0", "1")
        ]
        sender.outbox.ack(again[:1])
        assert drain(sender.outbox) == (["4", "2", "3"] if is_fleet else ["2", "3", "4"])
        assert sender.outbox.depth("a").entries == 1
        sender.outbox.release(again)
        assert drain(sender.outbox) == ["1"]
        assert sender.outbox.recent_sends("a", time.time() + 60) == []
    finally:
        third.outbox.close()


@pytest.mark.parametrize("is_sender", [True, False])
def test_a_person_is_forgotten_in_any_process(pair: tuple[Process, Process], *, is_sender: bool) -> None:
    one, two = pair
    one.put(*(f"user 77 {number}" for number in range(4)), "kept")
    one.put("user 77 refused", "other", name="b")
    one.outbox.bury(one.outbox.claim("b", 9), "why", 5.0)
    one.put("harmless", name="c")
    one.outbox.bury(one.outbox.claim("c", 9), "said user 77", 5.0)
    (leased,) = one.outbox.claim("a", 1)
    sealed = one.outbox.claim("a", 1)
    one.outbox.seal(sealed, "batch", 1.0)
    one.outbox.release(sealed)
    process = one if is_sender else two
    before = dict(two.moved)
    forgotten = process.outbox.forget(["77"], lambda text: "user 77" in text)
    # Which ones are being sent only the sender knows; that a batch may have left every process does.
    assert (dict(forgotten.entries), forgotten.dead, forgotten.busy) == ({"a": 2 + (not is_sender)}, 2, 1 + is_sender)
    assert [letter.event.message for letter in two.outbox.dead_letters(9)] == ["other"]
    look_until(pair, lambda: one.outbox.fleet.has_news is False)
    one.outbox.ack([leased])
    one.outbox.release(one.outbox.claim("a", 9), unseal=True)
    assert drain(one.outbox) == ["user 77 1", "kept"]
    assert two.moved["a"] - before.get("a", 0) == (0 if is_sender else -3)
    assert one.outbox.fleet.backlog() == {"a": 0, "b": 0, "c": 0}


def test_what_was_forgotten_before_redis_failed_is_counted(
    pair: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = pair
    for name in "ab":
        one.put("user 77 left", "kept", name=name)
    drop, calls = Streams.drop, 0

    def drop_once(self: Streams, *args: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise RedisAwayError("does not answer")
        return drop(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Streams, "drop", drop_once)
        first = one.outbox.forget(["77"], lambda text: "user 77" in text)
    look_until(pair, lambda: not one.outbox.is_displaced)
    second = one.outbox.forget(["77"], lambda text: "user 77" in text)
    assert Counter(first.entries) + Counter(second.entries) == {"a": 1, "b": 1}
    assert [drain(one.outbox, name) for name in "ab"] == [["kept"], ["kept"]]


def test_of_two_processes_of_one_name_each_has_files_of_its_own(redis_server: RedisServer) -> None:
    pair = Process(redis_server.url(), "same"), Process(redis_server.url(), "same")
    upkeep = Upkeep(WebhookConfig(storage=redis_server.url(), process_name="same"), Counters(), SystemClock())
    files = [Path(f"statsbot_webhooks-{name}.sqlite3.expired.jsonl") for name in ("same", "same-2")]
    for file in files:
        file.write_text('{"event": "user 77 left"}\n')
    try:
        for process in pair:
            process.outbox.open()
        assert [process.outbox.fleet.name for process in pair] == ["same", "same-2"]
        for process, file in zip(pair, files, strict=True):
            assert file.exists()
            assert upkeep.forget(process.outbox, trace_of(77, [], b"key")) == (1, 0)
            assert not file.exists()
    finally:
        for process in pair:
            process.outbox.close()


def test_what_cannot_be_read_is_kept_with_its_reason(pair: tuple[Process, Process], redis_server: RedisServer) -> None:
    one, two = pair
    client = redis_server.client()
    client.xadd("test:in:a", {"m": "[0, 20, 5.0, 100]", "e": "[2,"})
    client.sadd("test:destinations", "a")
    two.put("behind")
    look_until(pair, lambda: one.outbox.depth("a").entries == 2)
    assert drain(one.outbox) == ["behind"]
    assert one.losses == [Loss("a", LossReason.UNREADABLE, 1)]
    (letter,) = two.outbox.dead_letters(9)
    assert (letter.destination, letter.reason, letter.is_readable, letter.time > 1e9) == ("a", UNREADABLE, False, True)
    assert client.xrange("test:dead")[0][1]["e"] == "[2,"
    assert (dict(one.moved), dict(two.moved)) == ({"a": -2}, {"a": 1})


def test_what_is_moved_or_expires_is_right_in_the_sums(pair: tuple[Process, Process], redis_server: RedisServer) -> None:
    one, two = pair
    for number in range(4):
        two.outbox.put([("a", event(f"text {number}", time=float(number)))])
    look_until(pair, lambda: one.outbox.depth("a").entries == 4)
    sealed = one.outbox.claim("a", 2)
    one.outbox.seal(sealed, "batch", 1.0)
    assert one.outbox.move("a", "b") == 0
    one.outbox.release(sealed)
    assert one.outbox.move("a", "b", lambda each: each.message == "text 2") == 3
    assert (redis_server.client().hlen("test:seals"), one.outbox.fleet.backlog()) == (0, {"a": 0, "b": 3})
    assert [entry.event.message for entry in one.outbox.expire(1.0)] == ["text 0"]
    assert two.outbox.expire(99.0) == []
    one.outbox.release_all("b")
    assert drain(one.outbox, "b") == ["text 0", "text 1", "text 3"]
    assert redis_server.client().hmget("test:sums", "entries", "bytes") == ["0", "0"]


def test_one_that_only_looks_changes_nothing_it_is_not_asked_to(pair: tuple[Process, Process], redis_server: RedisServer) -> None:
    one, _ = pair
    one.put("0", "1")
    one.outbox.put([("a", event("2", "ERROR", 3.0)), ("b", event("3"))])
    one.outbox.bury(one.outbox.claim("b", 1), "why", 7.0)
    looker = open_existing(redis_server.url())
    try:
        depths = looker.depths()
        assert {name: (d.entries, d.ready, d.urgent, d.oldest) for name, d in depths.items()} == {"a": (3, 3, 1, 3.0)}
        assert (looker.fleet.term, looker.claim("a", 9), looker.expire(99.0)) == (None, [], [])
        (letter,) = looker.dead_letters(5)
        assert (letter.reason, letter.time) == ("why", 7.0)
        assert [each.event.message for each in looker.replay([letter.id])] == ["3"]
        assert (looker.dead_letters(5), looker.purge([letter.id])) == ([], 0)
        assert len(one.outbox.fleet.members()) == 2
    finally:
        looker.close()
    look_until(pair, lambda: one.outbox.depth("b").entries == 1)


def test_what_comes_while_redis_is_away_follows_in_order(pair: tuple[Process, Process], redis_server: RedisServer) -> None:
    one, two = pair
    two.put("before")
    redis_server.hang()
    try:
        two.put("meanwhile 1")
        two.put("meanwhile 2", level="ERROR")
        two.outbox.write_state({"switch/x": True})
        assert (two.outbox.problem, two.outbox.is_displaced, two.outbox.is_durable) == ("does not answer", True, True)
        assert (two.outbox.depth("a").entries, two.outbox.errors_waiting(["a"]).count) == (2, 1)
        assert two.outbox.update_state({"switch/y": lambda _: 1}) == {}
        assert (two.outbox.dead_letters(5), two.outbox.purge([1]), two.outbox.replay([1])) == ([], 0, [])
    finally:
        redis_server.go_on()
    look_until(pair, lambda: one.outbox.depth("a").entries == 3 and not two.outbox.is_displaced)
    assert (len(two.notices), "takes events again after" in two.notices[0]) == (1, True)
    assert dict(two.moved) == {"a": 3}
    look_until(pair, lambda: one.outbox.fleet.may_send and one.outbox.read_state("switch/") == {"switch/x": True})
    assert drain(one.outbox) == ["meanwhile 2", "before", "meanwhile 1"]


def test_a_group_that_comes_after_it_was_asked_for_is_not_stored_beside_the_one_that_follows(redis_server: RedisServer) -> None:
    client = redis_server.client()
    link = RedisLink(parse_redis_url(redis_server.url()), SystemClock())
    streams = Streams(link, "instance")
    rows = [("a", row_of(event("accepted while Redis hung")))]
    # Also when the answer to the question was lost, and it is asked again.
    assert [streams.is_put(7), streams.is_put(7)] == [False, False]
    # It arrives at last; what it holds has been given the next number.
    streams.put(7, rows, 100, 10**6)
    assert client.xlen("test:in:a") == 0
    streams.put(8, rows, 100, 10**6)
    assert (client.xlen("test:in:a"), streams.is_put(8)) == (1, True)
    link.close()
