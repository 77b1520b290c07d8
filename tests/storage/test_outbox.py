"""The contract of `storage.base`, over every backend, and what only a file can do."""

from __future__ import annotations

import logging
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from statsbot_webhooks.events.accounting import LossReason
from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person
from statsbot_webhooks.storage import Entry, Loss, Outbox, make_outbox
from statsbot_webhooks.storage.expired_file import write_expired

from .conftest import drain

FILE = "sqlite:///box.sqlite3"
Opener = Callable[..., Outbox]


def event(number: int, level: str = "INFO") -> Event:
    return Event(EventKind.LOG, LogLevel(level), str(number), float(number))


def texts(entries: Sequence[Entry]) -> list[str]:
    return [entry.event.message for entry in entries]


@pytest.fixture
def opened(losses: list[Loss], stack: ExitStack) -> Opener:
    def opener(url: str = FILE, max_events: int = 100) -> Outbox:
        outbox = make_outbox(url, max_events, losses.append)
        stack.callback(outbox.close)
        outbox.open()
        return outbox

    return opener


@pytest.fixture(params=["memory://", FILE, "redis"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of each backend; that of a server of its own for the tests."""
    return request.getfixturevalue("redis_server").url() if request.param == "redis" else request.param


@pytest.fixture(params=[FILE, "redis"])
def durable(request: pytest.FixtureRequest) -> str:
    """The URL of each backend that outlives a restart."""
    return request.getfixturevalue("redis_server").url() if request.param == "redis" else request.param


@pytest.fixture
def outbox(url: str, opened: Opener) -> Outbox:
    return opened(url)


def test_an_event_comes_back_as_it_was(outbox: Outbox) -> None:
    whole = Event(
        EventKind.MEMBER, LogLevel.ERROR, "\ud800 text \0", 1.5, "join", {"a": [1, {"b": None}]}, "Trace", 7,
        (Person(5, ("x", "y")),), "%s text", "A title", "a card", 0, "https://x", (EventFile("a.png", "text", b"\0"),),
    )  # fmt: skip
    outbox.put([("a", whole)])
    assert outbox.claim("a", 1)[0].event == whole


def test_released_entries_go_back_to_their_places(outbox: Outbox) -> None:
    outbox.put([("a", event(number)) for number in range(6)])
    first, second = outbox.claim("a", 2), outbox.claim("a", 2)
    assert (texts(first), texts(second)) == (["0", "1"], ["2", "3"])
    outbox.release(second)
    outbox.release(first)
    assert texts(outbox.claim("a", 10)) == ["0", "1", "2", "3"]
    assert texts(outbox.claim("a", 10)) == ["4", "5"]
    outbox.ack(first)
    assert (outbox.depth("a").entries, outbox.depth("a").ready) == (4, 0)


def test_errors_that_wait_are_counted_wherever_they_are(outbox: Outbox) -> None:
    assert outbox.errors_waiting(["a", "b"]).since is None
    outbox.put([("a", event(3)), ("a", event(5, "ERROR")), ("b", event(9, "CRITICAL")), ("c", event(1, "ERROR"))])
    found = outbox.errors_waiting(["a", "b", "none"])
    assert (found.count, found.since) == (2, 5.0)
    entries = outbox.claim("a", 1)
    assert texts(entries) == ["5"]
    assert (outbox.errors_waiting(["a", "b"]).count, outbox.errors_waiting(["a", "b"]).since) == (2, 5.0)
    outbox.seal(entries, "batch", 1.0)
    assert outbox.errors_waiting(["a", "b"]).count == 2
    outbox.release(entries)
    assert outbox.errors_waiting(["a", "b"]).count == 2
    outbox.ack(outbox.claim("a", 1))
    found = outbox.errors_waiting(["a", "b"])
    assert (found.count, found.since) == (1, 9.0)


def test_urgent_entries_leave_first(outbox: Outbox) -> None:
    outbox.put([("a", event(0)), ("a", event(1, "ERROR")), ("a", event(2, "CRITICAL"))])
    depth = outbox.depth("a")
    assert (depth.entries, depth.ready, depth.urgent, depth.oldest) == (3, 3, 2, 0.0)
    assert texts(outbox.claim("a", 10)) == ["1", "2"]
    assert texts(outbox.claim("a", 10)) == ["0"]


def test_errors_without_end_let_something_else_through(outbox: Outbox) -> None:
    outbox.put([("a", event(number)) for number in range(4)])
    seen: list[str] = []
    for number in range(10, 22):
        # One error leaves, and the next one is there already.
        outbox.put([("a", event(number, "ERROR"))])
        is_urgent = outbox.depth("a").is_urgent_next
        entries = outbox.claim("a", 1)
        assert is_urgent == (entries[0].event.level == "ERROR")
        seen += texts(entries)
        outbox.ack(entries)
    assert [(index, text) for index, text in enumerate(seen) if int(text) < 10] == [(4, "0"), (9, "1")]
    while entries := outbox.claim("a", 1):
        seen += texts(entries)
    assert sorted(map(int, seen)) == [*range(4), *range(10, 22)]


def test_a_sealed_batch_is_claimed_together_and_alone(outbox: Outbox) -> None:
    outbox.put([("a", event(number)) for number in range(5)])
    sealed = outbox.claim("a", 2)
    outbox.seal(sealed, "b1", 0)
    assert outbox.claim("a", 5) == []
    outbox.release(sealed)
    outbox.put([("a", event(9, "CRITICAL"))])
    again = outbox.claim("a", 5)
    assert (texts(again), {entry.batch for entry in again}) == (["0", "1"], {"b1"})
    outbox.release(again, unseal=True)
    assert texts(outbox.claim("a", 5)) == ["9"]
    assert texts(outbox.claim("a", 2)) == ["0", "1"]


def test_a_full_outbox_drops_the_oldest_of_the_lowest_level(url: str, losses: list[Loss], opened: Opener) -> None:
    outbox = opened(url, 4)
    outbox.put([("a", event(0, "ERROR")), ("a", event(1)), ("b", event(2)), ("a", event(3, "DEBUG"))])
    outbox.put([("b", event(4, "WARNING")), ("b", event(5, "CRITICAL"))])
    assert [(loss.destination, loss.level, loss.count) for loss in losses] == [("a", "DEBUG", 1), ("a", "INFO", 1)]
    outbox.put([("a", event(number, "ERROR")) for number in range(6, 9)])
    assert losses[-1] == Loss("a", LossReason.STORAGE_FULL, 1, LogLevel.ERROR)
    assert texts(outbox.claim("a", 9)) == ["6", "7", "8"]


def test_buried_entries_can_be_read_replayed_and_purged(outbox: Outbox) -> None:
    outbox.put([("a", event(number)) for number in range(3)])
    outbox.bury(outbox.claim("a", 3), "400 Bad", 50.0)
    assert outbox.depth("a").entries == 0
    letters = outbox.dead_letters(10)
    assert [(letter.event.message, letter.reason, letter.time) for letter in letters[:1]] == [("2", "400 Bad", 50.0)]
    assert len(outbox.replay([letters[0].id, 999])) == 1
    assert texts(outbox.claim("a", 9)) == ["2"]
    assert outbox.purge([letters[1].id]) == 1
    assert texts(outbox.dead_letters(10)) == ["0"]


def test_dead_letters_expire_by_the_time_of_their_burying(outbox: Outbox) -> None:
    outbox.put([("a", event(0))])
    outbox.bury(outbox.claim("a", 1), "400 Bad", time.time())
    assert not outbox.expire(time.time() - 60)
    assert texts(outbox.dead_letters(10)) == ["0"]
    assert not outbox.expire(time.time() + 1)
    assert not outbox.dead_letters(10)


def test_a_destination_hands_over_what_is_ready(outbox: Outbox) -> None:
    outbox.put([("a", event(0)), ("b", event(1)), ("a", event(2, "ERROR")), ("a", event(3))])
    sealed = outbox.claim("a", 1)
    outbox.seal(sealed, "s", 0)
    outbox.claim("b", 1)
    assert outbox.move("a", "b") == 0, "a sealed batch that is leased holds the others back"
    outbox.release(sealed, unseal=True)
    assert outbox.move("a", "b") == 3
    assert texts(outbox.claim("b", 9)) == ["2"]
    assert texts(outbox.claim("b", 9)) + texts(outbox.claim("b", 9)) == ["0", "3"]
    assert outbox.depth("a").entries == 0


def test_old_events_are_taken_out(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put([("a", event(1)), ("a", event(10)), ("a", event(2, "ERROR"))])
    old = outbox.expire(5.0)
    assert sorted(texts(old)) == ["1", "2"]
    assert texts(outbox.claim("a", 9)) == ["10"]
    path = write_expired(tmp_path / "box", old)
    assert len(path.read_text().splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_not_acknowledged_is_there_after_a_restart(durable: str, opened: Opener) -> None:
    first = opened(durable)
    first.put([("a", event(number, "ERROR" if number == 3 else "INFO")) for number in range(6)])
    first.ack(first.claim("a", 1))
    claimed = first.claim("a", 2)
    first.seal(claimed, "b1", 77.0)
    first.close()
    again = opened(durable)
    again.put([("a", event(9, "CRITICAL"))])
    depth = again.depth("a")
    assert (depth.entries, depth.recovered, depth.recovered_last) == (6, 5, 5.0)
    sealed = again.claim("a", 9)
    assert ({entry.batch for entry in sealed}, sealed[0].is_recovered) == ({"b1"}, True)
    again.ack(sealed)
    rest = again.claim("a", 9)
    assert (texts(sealed), texts(rest)) == (["0", "1"], ["2", "4", "5"])
    assert texts(again.claim("a", 9)) == ["9"]
    # Redis has a time of its own.
    assert len(again.recent_sends("a", 70.0)) == 1


def test_the_file_is_private(opened: Opener) -> None:
    opened().put([("a", event(1))])
    assert {stat.S_IMODE(path.stat().st_mode) for path in Path().glob("box.sqlite3*")} == {0o600}


def test_a_second_user_of_the_file_goes_on_in_memory(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    first, second = opened(), opened()
    assert (first.is_durable, second.is_durable) == (True, False)
    assert "WEBHOOK_STORAGE: another process uses the storage file box.sqlite3" in caplog.text
    second.put([("a", event(1))])
    assert texts(second.claim("a", 1)) == ["1"]
    second.close()
    first.put([("a", event(2))])
    assert texts(first.claim("a", 9)) == ["2"]


def test_a_newer_schema_is_left_alone(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect("box.sqlite3")) as db, db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert not opened().is_durable
    assert "a newer version of statsbot_webhooks wrote" in caplog.text


def test_a_damaged_file_is_put_aside(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    Path("box.sqlite3").write_bytes(b"garbage" * 1000)
    outbox = opened()
    assert outbox.is_durable
    assert Path("box.sqlite3.corrupt-1").read_bytes()[:7] == b"garbage"
    assert caplog.text.count("was damaged") == 1


@pytest.mark.slow
def test_a_file_that_becomes_garbage_loses_nothing_that_is_held(opened: Opener, losses: list[Loss]) -> None:
    outbox = opened(FILE, 100_000)
    outbox.put([("a", event(number)) for number in range(20_000)])
    held = outbox.claim("a", 10)
    for path in (Path("box.sqlite3"), Path("box.sqlite3-wal")):
        path.write_bytes(b"garbage" * (path.stat().st_size // 7))
    outbox.ack(held[:5])
    outbox.put([("a", event(20_001))])
    outbox.release(held[5:])
    ready, lost = outbox.depth("a").ready, sum(loss.count for loss in losses)
    assert ready + lost == 20_000 - 5 + 1
    found = drain(outbox)
    assert len(found) == ready
    assert found[:5] == texts(held[5:])
    assert found[-1] == "20001"


def test_a_folder_that_cannot_be_written_to(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    outbox = opened("sqlite:///missing/folder/box.sqlite3")
    assert not outbox.is_durable
    assert "its folder missing/folder does not exist" in caplog.text
    outbox.put([("a", event(1))])
    Path("missing/folder").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        outbox.maintain()
    assert outbox.is_durable
    outbox.close()
    assert texts(opened("sqlite:///missing/folder/box.sqlite3").claim("a", 9)) == ["1"]


def test_state_is_found_by_prefix_and_written_with_an_ack(outbox: Outbox) -> None:
    outbox.write_state({"card/a/1": {"count": 2}, "card/b/1": [1], "mute%": "x"})
    assert outbox.read_state("card/") == {"card/a/1": {"count": 2}, "card/b/1": [1]}
    assert outbox.read_state("mute_") == {}
    outbox.put([("a", event(0))])
    outbox.ack(outbox.claim("a", 1), {"card/a/1": None, "mute%": "y"})
    assert outbox.read_state("") == {"card/b/1": [1], "mute%": "y"}


def test_state_outlives_a_restart(durable: str, opened: Opener) -> None:
    first = opened(durable)
    first.write_state({"key": 1})
    first.close()
    assert opened(durable).read_state("key") == {"key": 1}


def test_a_file_that_is_deleted_while_it_is_open_comes_back(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    outbox = opened()
    outbox.put([("a", event(1))])
    for path in Path().glob("box.sqlite3*"):
        path.unlink()
    outbox.maintain()
    outbox.put([("a", event(2))])
    outbox.close()
    assert caplog.text.count("box.sqlite3 was deleted; a new one takes over") == 1
    assert texts(opened().claim("a", 9)) == ["1", "2"]


def test_a_new_error_waits_for_the_first_of_the_last_words_only(durable: str, opened: Opener) -> None:
    first = opened(durable)
    first.put([("a", event(number)) for number in range(4)])
    first.close()
    again = opened(durable)
    again.put([("a", event(5)), ("a", event(6, "ERROR"))])
    assert not again.depth("a").is_urgent_next
    assert texts(again.claim("a", 2)) == ["0", "1"]
    assert again.depth("a").is_urgent_next
    assert [texts(again.claim("a", 9)) for _ in range(3)] == [["6"], ["2", "3"], ["5"]]
