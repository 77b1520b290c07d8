"""Events that are too old: written before they leave the storage, one line each, behind what is in the file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.events.accounting import Counters, LossReason
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Entry, SqliteOutbox, expired_file
from statsbot_webhooks.storage.erasure import forget_old
from statsbot_webhooks.storage.expired_file import filter_expired, write_expired
from statsbot_webhooks.storage.maintenance import Upkeep

BOX = Path("statsbot_webhooks.sqlite3")
FILE = Path("statsbot_webhooks.sqlite3.expired.jsonl")


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.wall, self.passed = 1_800_000_000.0, 0.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


def entry(text: str, time: float = 5.0) -> Entry:
    return Entry(1, "a", Event(EventKind.LOG, LogLevel.INFO, text, time))


@pytest.mark.parametrize(
    "rest", [b'{"destination": "a", "ev', b"\xff\xfe half \xe2\x82", b"", b"foreign\n", b'"event": [2,"log","INFO",1.2.3']
)
def test_half_a_line_costs_itself_only(rest: bytes) -> None:
    write_expired(BOX, [entry("old")])
    FILE.write_bytes(FILE.read_bytes() + rest)
    write_expired(BOX, [entry("young", 100.0), entry("second", 100.0)])
    lines = FILE.read_bytes().splitlines()
    assert (b"old" in lines[0], b"young" in lines[-2], b"second" in lines[-1]) == (True, True, True)
    outbox = SqliteOutbox(None, 10, lambda _: None)
    outbox.open()
    forget_old(outbox, BOX, 110.0, 20.0)
    outbox.close()
    assert [b"young" in line or b"second" in line for line in FILE.read_bytes().splitlines()] == [True, True]


def test_lines_go_also_where_no_other_file_can_be_written() -> None:
    write_expired(BOX, [entry("anna, first"), entry("stays"), entry("anna, last")])
    FILE.write_bytes(FILE.read_bytes() + b"half a line of anna")
    size = FILE.stat().st_size
    # In the place of the new file stands what cannot be replaced, as when the disk is full.
    FILE.with_name(f"{FILE.name}.new").mkdir()
    for gone in (3, 0):
        assert filter_expired(BOX, lambda line: "anna" not in line) == gone
        assert (FILE.stat().st_size, b"anna" in FILE.read_bytes()) == (size, False)
    assert [b"stays" in line for line in FILE.read_bytes().splitlines() if line.strip()] == [True]


def test_files_are_private_from_their_first_byte_rotated_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expired_file, "_BYTES", 1000)
    before = os.umask(0)
    try:
        for number in range(30):
            write_expired(BOX, [entry(f"number {number} " + "x" * 200)])
        filter_expired(BOX, lambda line: "number 29" not in line)
    finally:
        os.umask(before)
    files = list(Path().iterdir())
    assert len(files) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert not [path for path in files if "number 29" in path.read_text()]


@pytest.mark.parametrize("name", [FILE.name, f"{FILE.name}.new", f"{FILE.name}.1"])
def test_no_symbolic_link_is_followed(name: str) -> None:
    Path("other").write_text("of the user\n")
    write_expired(BOX, [entry("one"), entry("two")])
    Path(name).unlink(missing_ok=True)
    Path(name).symlink_to("other")
    if name == FILE.name:
        with pytest.raises(OSError, match=r".*"):
            write_expired(BOX, [entry("three")])
    filter_expired(BOX, lambda line: "two" in line)
    assert Path("other").read_text() == "of the user\n"


def upkeep(clock: SetClock, counters: Counters) -> Upkeep:
    return Upkeep(WebhookConfig(max_age_hours=1), counters, clock)


def opened(counters: Counters, *texts: str, time: float = 5.0) -> SqliteOutbox:
    first = SqliteOutbox(BOX, 100, lambda _: None)
    first.open()
    first.put([("a", Event(EventKind.LOG, LogLevel.INFO, text, time)) for text in texts])
    first.close()
    outbox = SqliteOutbox(BOX, 100, lambda _: None)
    outbox.open()
    counters.add("a", "accepted", len(texts))
    return outbox


def test_events_are_in_the_file_before_they_leave_the_storage(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    outbox, keeper = opened(counters, "one", "two"), upkeep(SetClock(), counters)
    FILE.mkdir()
    for _ in range(2):
        assert not keeper.expire_some(outbox)
    assert (outbox.depth("a").ready, caplog.text.count("cannot be written to a file")) == (2, 1)
    FILE.rmdir()
    assert keeper.expire_some(outbox)
    assert not keeper.expire_some(outbox)
    assert len(FILE.read_text().splitlines()) == 2
    stats = counters.snapshot({"a": outbox.depth("a").entries}, 0)
    assert (stats.balanced, stats.pending, stats.destinations["a"].lost) == (True, 0, {LossReason.EXPIRED: 2})
    outbox.close()


def test_a_clock_that_is_set_makes_nothing_of_this_process_old() -> None:
    counters, clock = Counters(), SetClock()
    clock.wall -= 30 * 86400
    outbox, keeper = opened(counters), upkeep(clock, counters)
    outbox.put([("a", Event(EventKind.LOG, LogLevel.INFO, "stamped days ago", clock.now()))])
    clock.wall += 30 * 86400
    clock.passed += 60
    assert not keeper.expire_some(outbox)
    assert outbox.depth("a").ready == 1
    clock.wall -= 60 * 86400
    assert not keeper.expire_some(outbox)
    clock.wall += 60 * 86400
    clock.passed += 3600
    assert keeper.expire_some(outbox)
    outbox.close()


def test_how_many_lines_went_is_told_and_others_stay() -> None:
    write_expired(BOX, [entry("old"), entry("young", 100.0), entry("second", 5.0)])
    assert filter_expired(BOX, lambda line: "young" in line) == 2
    assert FILE.read_text().count("\n") == 1
    assert filter_expired(BOX, lambda _: True) == 0
    assert filter_expired(BOX, lambda _: False) == 1
    assert not FILE.exists()


@pytest.mark.parametrize(("age", "goes"), [(199.0, False), (200.0, False), (200.5, True)])
def test_a_line_goes_after_twice_the_time(age: float, goes: bool) -> None:
    outbox = SqliteOutbox(BOX, 100, lambda _: None)
    outbox.open()
    outbox.write_state({"card/a/b": {"shown": 1000.0 - 100.0}, "card/a/c": {"shown": 1000.0 - 101.0}, "card/a/d": 7})
    write_expired(BOX, [entry("line", 1000.0 - age)])
    # Cards that were shown longer ago than that, or at no time, go as well.
    assert forget_old(outbox, BOX, 1000.0, 100.0) == 2 + goes
    assert set(outbox.read_state("card/")) == {"card/a/b"}
    assert forget_old(outbox, None, 1000.0, 100.0) == 0
    assert FILE.exists() is not goes
    outbox.close()
