"""A storage is moved to another backend and back: nothing is lost, and what is in use is left alone."""

from __future__ import annotations

import sqlite3

import pytest

from statsbot_webhooks.cli import main
from statsbot_webhooks.errors import StorageError
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Outbox, make_outbox, moving
from statsbot_webhooks.storage.moving import move_all

from ..redis_server import RedisServer
from .conftest import drain

FILE, OTHER = "sqlite:///box.sqlite3", "sqlite:///other.sqlite3"


def opened(url: str) -> Outbox:
    outbox = make_outbox(url, 10_000, lambda _: None)
    outbox.open()
    return outbox


def fill(url: str, count: int) -> None:
    outbox = opened(url)
    outbox.put([("a", Event(EventKind.LOG, LogLevel.INFO, f"refused {number}", 1.0)) for number in range(3)])
    outbox.bury(outbox.claim("a", 10), "why", 5.0)
    levels = (LogLevel.INFO, LogLevel.WARNING)
    outbox.put([("ab"[n % 2], Event(EventKind.LOG, levels[n % 3 == 0], f"number {n}", float(n))) for n in range(count)])
    sealed = outbox.claim("a", 5)
    outbox.seal(sealed, "b1", 9.0)
    outbox.write_state({"card/a/1": {"count": 2}, "switch/b": False})
    outbox.close()


def test_a_storage_is_moved_to_redis_and_on(redis_server: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    fill(FILE, 1000)
    assert main(["outbox", "move", FILE, redis_server.url()]) == 0
    assert "1,000 waiting events, 3 dead letters, 2 choices and cards" in capsys.readouterr().out
    assert main(["outbox", "--storage", redis_server.url(), "list"]) == 0
    assert "a: 500 events wait" in capsys.readouterr().out
    assert move_all(redis_server.url(), OTHER).entries == 1000
    outbox = opened(OTHER)
    try:
        for name, first in (("a", 0), ("b", 1)):
            assert drain(outbox, name) == [f"number {number}" for number in range(first, 1000, 2)]
        letter = outbox.dead_letters(10)[0]
        assert (letter.event.message, letter.reason, letter.time) == ("refused 2", "why", 5.0)
        assert outbox.read_state("") == {"card/a/1": {"count": 2}, "switch/b": False}
    finally:
        outbox.close()
    left = opened(FILE)
    assert (left.depths(), left.dead_letters(5)) == ({}, [])
    left.close()


@pytest.mark.parametrize("step", ["_keep_letters", "_move_entries"])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_move_that_ends_in_the_middle_loses_nothing(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, step: str, is_done: bool
) -> None:
    """Before or after a step. What was moved is in the target, the rest in the source; a second try moves it."""
    fill(FILE, 10)
    whole = getattr(moving, step)

    def ended(*args: object) -> None:
        if is_done:
            whole(*args)
        raise StorageError("the target is gone")

    with monkeypatch.context() as patch:
        patch.setattr(moving, step, ended)
        with pytest.raises(StorageError, match="the target is gone"):
            move_all(FILE, redis_server.url())
    move_all(FILE, redis_server.url())
    outbox = opened(redis_server.url())
    try:
        assert {letter.event.message for letter in outbox.dead_letters(10)} == {f"refused {number}" for number in range(3)}
        assert [drain(outbox, name) for name in "ab"] == [[f"number {n}" for n in range(first, 10, 2)] for first in (0, 1)]
    finally:
        outbox.close()


def test_dead_letters_of_a_newer_version_are_not_lost(redis_server: RedisServer) -> None:
    fill(FILE, 2)
    with sqlite3.connect("box.sqlite3") as db:
        db.execute("UPDATE dead SET event = '[99]' WHERE id = 2")
    db.close()
    with pytest.raises(StorageError, match="outbox purge 2"):
        move_all(FILE, redis_server.url())
    outbox = opened(FILE)
    try:
        assert len(outbox.dead_letters(10)) == 3
        assert outbox.depth("b").entries == 1
    finally:
        outbox.close()


def test_a_fleet_that_runs_is_not_moved(redis_server: RedisServer) -> None:
    running = opened(redis_server.url())
    try:
        running.put([("a", Event(EventKind.LOG, LogLevel.INFO, "waits", 1.0))])
        with pytest.raises(StorageError, match="a process of the fleet sends"):
            move_all(redis_server.url(), OTHER)
        assert running.depth("a").entries == 1
    finally:
        running.close()
