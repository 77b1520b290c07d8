"""What is wrong in a storage costs itself only: rows, pages, locks, full disks, links; each loss is counted."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from statsbot_webhooks.events.accounting import LossReason
from statsbot_webhooks.events.event import encode
from statsbot_webhooks.storage import Loss, SqliteOutbox, schema

from .conftest import calls_of, drain, event

BOX = Path("box.sqlite3")


@pytest.fixture
def opened(losses: list[Loss], stack: ExitStack) -> Callable[..., SqliteOutbox]:
    def opener(path: Path | None = BOX, max_events: int = 100_000, max_mb: float | None = None) -> SqliteOutbox:
        outbox = SqliteOutbox(path, max_events, losses.append, max_mb)
        stack.callback(outbox.close)
        outbox.open()
        return outbox

    return opener


def change(*statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(BOX)) as db, db:
        for statement, values in statements:
            db.execute(statement, values)
    db.close()


ENTRY = "INSERT INTO entries (destination, urgent, rank, time, event) VALUES (?, ?, ?, ?, ?)"
GOOD = encode(event("mended"))
DAMAGE = {
    "cut": (ENTRY, ("a", 0, 20, 1.0, GOOD[:20])),
    "newer codec": (ENTRY, ("a", 0, 20, 1.0, GOOD.replace("[2,", "[99,", 1))),
    "unknown kind": (ENTRY, ("a", 0, 20, 1.0, GOOD.replace('"log"', '"new"', 1))),
    "blob": (ENTRY, ("a", 0, 20, 1.0, b"\xff\x00")),
    "foreign": (ENTRY, ("a", 0, 20, 1.0, '{"a": 1}')),
    "deep": (ENTRY, ("a", 0, 20, 1.0, "[" * 100_000)),
    "sealed ids cut": ("INSERT INTO sends (destination, time, batch, ids) VALUES ('a', 1, 'x', ?)", ("[1,2",)),
    "sealed ids of nothing": ("INSERT INTO sends (destination, time, batch, ids) VALUES ('a', 1, 'x', ?)", ("[999]",)),
    "sealed ids are text": ("INSERT INTO sends (destination, time, batch, ids) VALUES ('a', 1, 'x', ?)", ('{"a": "b"}',)),
    "send without a time": ("INSERT INTO sends (destination, time, batch, ids) VALUES ('a', 'soon', '', ?)", ("",)),
    "state": ("INSERT INTO state VALUES ('card/a/1', ?)", ('{"fold',)),
    "dead letter": ("INSERT INTO dead (destination, reason, time, event) VALUES ('a', 'why', 1, ?)", ("[2,",)),
}
MENDED = {
    "time is a text": (ENTRY, ("a", 0, 20, "2026-01-01", GOOD)),
    "time in milliseconds": (ENTRY, ("a", 0, 20, 1.8e12, GOOD)),
    "rank is a text": (ENTRY, ("a", 0, "high", 1.0, GOOD)),
    "urgent is a text": (ENTRY, ("a", "yes", 20, 1.0, GOOD)),
}


@pytest.mark.parametrize("name", [*DAMAGE, *MENDED])
def test_a_bad_row_costs_itself_only(name: str, opened: Callable[..., SqliteOutbox], losses: list[Loss]) -> None:
    first = opened()
    first.put([("a", event(number)) for number in range(3)])
    first.close()
    change((DAMAGE | MENDED)[name])
    outbox = opened()
    waiting = outbox.depth("a").entries
    outbox.put([("a", event("later", "ERROR"))])
    assert outbox.is_durable
    assert outbox.read_state("") == {}
    assert all(isinstance(time, float) for time in outbox.recent_sends("a", 0.0))
    found = drain(outbox)
    assert sorted(found) == sorted(["0", "1", "2", "later", *(["mended"] if name in MENDED else [])])
    assert len(found) - 1 + sum(loss.count for loss in losses) >= waiting
    is_entry = DAMAGE.get(name, ("",))[0] == ENTRY
    assert [(loss.destination, loss.reason) for loss in losses] == [("a", LossReason.UNREADABLE)] * is_entry
    assert not outbox.depths()
    letters = outbox.dead_letters(10)
    assert [(letter.destination, letter.is_readable) for letter in letters] == [("a", False)] * (
        is_entry or name == "dead letter"
    )
    # They are kept as long as others: what is known of the time of their events may be wrong.
    outbox.expire(time.time() - 60)
    assert len(outbox.dead_letters(10)) == is_entry
    assert not outbox.replay([letter.id for letter in letters])


def test_a_row_that_was_damaged_since_the_start_costs_itself_only(
    opened: Callable[..., SqliteOutbox], losses: list[Loss]
) -> None:
    outbox = opened()
    outbox.put([("a", event(number)) for number in range(3)])
    outbox._db.write(
        lambda db: db.execute("UPDATE entries SET event = ? WHERE id = (SELECT min(id) + 1 FROM entries)", (GOOD[:20],))
    )
    assert drain(outbox) == ["0", "2"]
    assert losses == [Loss("a", LossReason.UNREADABLE, 1)]
    assert not outbox.depths()
    assert [(letter.destination, letter.is_readable) for letter in outbox.dead_letters(10)] == [("a", False)]
    outbox.close()
    assert drain(opened()) == []


def test_what_a_newer_version_wrote_waits_for_it(opened: Callable[..., SqliteOutbox]) -> None:
    opened().close()
    change((ENTRY, ("a", 0, 20, 1.0, GOOD.replace("[2,", "[99,", 1))))
    outbox = opened()
    assert drain(outbox) == []
    outbox.close()
    change(("UPDATE dead SET event = replace(event, '[99,', '[2,')", ()))
    again = opened()
    assert [letter.event.message for letter in again.replay([again.dead_letters(1)[0].id])] == ["mended"]
    assert drain(again) == ["mended"]


@pytest.mark.parametrize("where", [0.25, 0.5, 0.9])
def test_what_is_behind_a_damaged_page_is_read(where: float, opened: Callable[..., SqliteOutbox], losses: list[Loss]) -> None:
    first = opened()
    first.put([("a", event(f"{number} " + "z" * 900)) for number in range(2000)])
    first.write_state({"key": 1})
    first.close()
    size = BOX.stat().st_size
    with BOX.open("r+b") as file:
        file.seek(int(size * where) // schema.PAGE_BYTES * schema.PAGE_BYTES)
        file.write(b"\xff" * schema.PAGE_BYTES)
    found = drain(opened())
    lost = sum(loss.count for loss in losses)
    assert (len(found) + lost, lost < 50) == (2000, True)
    assert Path("box.sqlite3.corrupt-1").exists()


def test_a_file_that_was_locked_at_the_start_is_used_when_it_is_free(opened: Callable[..., SqliteOutbox]) -> None:
    first = opened()
    first.put([("a", event("of the former run"))])
    first.write_state({"mask_key": "old", "kept": 1, "changed": 1})
    first.close()
    other = sqlite3.connect(BOX)
    other.execute("BEGIN EXCLUSIVE")
    outbox = opened()
    outbox.put([("a", event("while it was locked")), ("a", event("leased", "ERROR"))])
    (held,) = outbox.claim("a", 1)
    outbox.write_state({"mask_key": "new", "changed": 2})
    assert (outbox.is_durable, outbox.is_displaced, outbox.maintain()) == (False, True, False)
    other.rollback()
    other.close()
    assert outbox.maintain()
    assert outbox.is_durable
    assert outbox.read_state("") == {"mask_key": "old", "kept": 1, "changed": 2}
    outbox.ack([held])
    assert drain(outbox) == ["of the former run", "while it was locked"]


def test_no_id_is_ever_used_twice(opened: Callable[..., SqliteOutbox]) -> None:
    seen: set[int] = set()
    for life in range(3):
        outbox = opened()
        outbox.put([("a", event(number)) for number in range(5)])
        entries = outbox.claim("a", 10)
        assert not seen & {entry.id for entry in entries}
        seen |= {entry.id for entry in entries}
        outbox.ack(entries) if life else outbox.bury(entries, "why", 0.0)
        outbox.close()


@pytest.mark.parametrize("file", ["box.sqlite3", "box.sqlite3-wal", "box.sqlite3-shm", "box.sqlite3-journal"])
def test_a_symbolic_link_is_not_followed(
    file: str, opened: Callable[..., SqliteOutbox], caplog: pytest.LogCaptureFixture
) -> None:
    Path("other").write_text("of the user")
    Path(file).symlink_to("other")
    outbox = opened()
    outbox.put([("a", event(1))])
    assert not outbox.is_durable
    assert "symbolic link" in caplog.text
    assert Path("other").read_text() == "of the user"


def test_every_file_is_private_whatever_the_umask(opened: Callable[..., SqliteOutbox]) -> None:
    before = os.umask(0)
    try:
        outbox = opened()
        outbox.put([("a", event(1))])
        BOX.write_bytes(b"garbage" * 100)
        outbox.maintain()
        outbox.put([("a", event(2))])
        assert len(list(Path().glob("box.sqlite3*"))) > 2
        assert {stat.S_IMODE(path.stat().st_mode) for path in Path().iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_the_size_of_what_waits_is_bounded(opened: Callable[..., SqliteOutbox], losses: list[Loss]) -> None:
    outbox = opened(max_mb=1)
    for number in range(100):
        outbox.put([("a", event(f"{number} " + "x" * 50_000, "ERROR" if number < 5 else "INFO"))])
    assert outbox.depth("a").entries * 50_000 < 1024 * 1024
    assert outbox.depth("a").entries + sum(loss.count for loss in losses) == 100
    assert outbox.depth("a").urgent == 5
    outbox.put([("a", event("x" * 600_000))])
    assert (losses[-1].count, losses[-1].reason, outbox.depth("a").urgent) == (1, LossReason.STORAGE_FULL, 5)


@pytest.mark.parametrize(("path", "kept"), [(None, 2), (BOX, 3)])
def test_memory_keeps_less_than_a_file(
    path: Path | None, kept: int, opened: Callable[..., SqliteOutbox], losses: list[Loss]
) -> None:
    outbox = opened(path)
    for number in range(3):
        outbox.put([("a", event(f"{number}" + "x" * 12_000_000))])
    assert (outbox.depth("a").entries, len(losses)) == (kept, 3 - kept)


def test_what_is_handed_out_at_a_time_is_bounded_by_its_size(opened: Callable[..., SqliteOutbox]) -> None:
    def put(count: int, characters: int) -> None:
        outbox.put([("a", event("x" * characters)) for _ in range(count)])

    outbox = opened(None)
    put(5, 3_000_000)
    claims = [outbox.claim("a", 10) for _ in range(3)]
    assert [len(entries) for entries in claims] == [2, 2, 1]
    for entries in claims:
        outbox.ack(entries)
    put(6, 60_000)
    old = outbox.expire(99.0)
    assert len(old) == 2
    outbox.release(old)
    # At least one at a time, however large; and what is left of the room is used up.
    assert [outbox.move("a", "b") for _ in range(3)] == [3, 3, 0]
    put(1, 200_000)
    assert (len(outbox.expire(99.0)), outbox.depth("a").ready, outbox.depth("b").ready) == (1, 0, 6)


def test_the_file_shrinks_when_it_is_empty(opened: Callable[..., SqliteOutbox]) -> None:
    outbox = opened()
    for _ in range(20):
        outbox.put([("a", event("x" * 10_000)) for _ in range(100)])
    outbox.ack(outbox.claim("a", 5))
    assert sum(path.stat().st_size for path in Path().glob("box*")) > 15_000_000
    drain(outbox)
    outbox.maintain()
    assert sum(path.stat().st_size for path in Path().glob("box*")) < 1_000_000


def test_dead_letters_are_bounded_and_never_overwritten(
    opened: Callable[..., SqliteOutbox], caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened(max_events=10)
    for number in range(4):
        outbox.put([("a", event(f"{number} {each}")) for each in range(6)])
        outbox.bury(outbox.claim("a", 10), "why", float(number))
    assert [letter.event.message for letter in outbox.dead_letters(100)][:7] == [
        *(f"3 {each}" for each in range(5, -1, -1)),
        "2 5",
    ]
    assert len(outbox.dead_letters(100)) == 10
    assert "the oldest are deleted" in caplog.text
    for path in Path().glob("box*"):
        path.unlink()
    outbox.maintain()
    outbox.close()
    again = opened(max_events=100)
    again.put([("a", event("new"))])
    again.bury(again.claim("a", 1), "why", 9.0)
    assert len(again.dead_letters(100)) == 11


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts the writes of a process on Linux")
def test_a_quiet_event_writes_little(opened: Callable[..., SqliteOutbox]) -> None:
    def written() -> tuple[int, int]:
        values = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(values["wchar"]), int(values["syscw"])

    outbox = opened()
    before = after = written()
    for number in range(10):
        before = written()
        outbox.put([("a", event("request 17 took 3.1 ms " + "x" * 100))])
        entries = outbox.claim("a", 10)
        outbox.seal(entries, f"b{number}", float(number))
        outbox.ack(entries)
        after = written()
    assert after[0] - before[0] <= 12 * 1024
    assert after[1] - before[1] <= 6


def test_sealed_entries_make_no_room_and_expire_together(opened: Callable[..., SqliteOutbox], losses: list[Loss]) -> None:
    outbox = opened(max_events=4)
    outbox.put([("a", event(1, time=1.0)), ("a", event(2, time=20.0))])
    sealed = outbox.claim("a", 2)
    outbox.seal(sealed, "b", 0.0)
    assert not outbox.expire(100.0), "it is being sent"
    outbox.release(sealed)
    assert not outbox.expire(10.0), "a part of it is young"
    outbox.put([("a", event(number, "ERROR")) for number in range(3, 8)])
    assert sum(loss.count for loss in losses) == 3
    assert [entry.event.message for entry in outbox.claim("a", 9)] == ["1", "2"]
    outbox.release(sealed)
    old = outbox.expire(30.0)
    assert ([entry.event.message for entry in old], {entry.batch for entry in old}) == (["1", "2"], {"b"})
    outbox.ack(old)
    assert drain(outbox) == ["6", "7"]


def test_only_what_another_process_left_expires_when_asked_so(opened: Callable[..., SqliteOutbox]) -> None:
    first = opened()
    first.put([("a", event("left"))])
    first.close()
    outbox = opened()
    outbox.put([("a", event("own"))])
    assert [entry.event.message for entry in outbox.expire(100.0, only_recovered=True)] == ["left"]
    assert [entry.event.message for entry in outbox.expire(100.0)] == ["own"]


def test_replay_sends_the_oldest_first(opened: Callable[..., SqliteOutbox]) -> None:
    outbox = opened()
    outbox.put([("a", event(number)) for number in range(3)])
    outbox.bury(outbox.claim("a", 3), "why", 0.0)
    outbox.replay([letter.id for letter in outbox.dead_letters(3)])
    assert drain(outbox) == ["0", "1", "2"]


def test_one_call_moves_or_expires_a_part_of_much(opened: Callable[..., SqliteOutbox]) -> None:
    outbox = opened(None, max_mb=500)
    for _ in range(20):
        outbox.put([("a", event(number)) for number in range(500)])
    moved = [outbox.move("a", "b")]
    assert 0 < moved[0] < 1000
    while count := outbox.move("a", "b"):
        moved.append(count)
    assert (sum(moved), outbox.depth("b").ready) == (10_000, 10_000)
    assert 0 < len(outbox.expire(10.0)) < 1000


@pytest.mark.parametrize("is_full", [False, True])
def test_forget_leaves_no_byte_also_on_a_full_disk(
    is_full: bool, opened: Callable[..., SqliteOutbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened()
    outbox.put([("a", event(f"number {number} of user 123456789" + "x" * 300)) for number in range(50)])
    outbox.put([("a", event("kept"))])
    if is_full:
        whole = schema.shrink

        def full(db: sqlite3.Connection) -> None:
            monkeypatch.setattr(schema, "shrink", whole)
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(schema, "shrink", full)
    assert outbox.forget(["123456789"], lambda text: "123456789" in text).total == 50
    assert not [path for path in Path().iterdir() if b"123456789" in path.read_bytes()]
    assert outbox.is_durable
    assert drain(outbox) == ["kept"]


def test_a_file_that_fails_in_any_call_loses_nothing(opened: Callable[..., SqliteOutbox], losses: list[Loss]) -> None:
    """The file is overwritten before each sort of call; what was put is there, once."""
    outbox = opened()
    logging.disable(logging.CRITICAL)
    try:
        for call in calls_of(outbox).values():
            outbox.put([("a", event(number)) for number in range(5)])
            before = sum(depth.entries for depth in outbox.depths().values())
            lost, dead = sum(loss.count for loss in losses), len(outbox.dead_letters(100))
            for path in (BOX, Path("box.sqlite3-wal")):
                path.write_bytes(b"garbage" * 5000)
            call()
            depths = outbox.depths().values()
            assert sum(depth.entries for depth in depths) == sum(depth.ready for depth in depths)
            gained = sum(depth.entries for depth in depths) + sum(loss.count for loss in losses) - lost - before
            gained += len(outbox.dead_letters(100)) - dead
            assert gained in (-1, 0, 1), call
            found = drain(outbox) + drain(outbox, "c")
            assert not outbox.depths(), found
    finally:
        logging.disable(logging.NOTSET)
