"""What others put into the storage's folder is not followed, written to or waited for, not even when it comes at a bad moment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from statsbot_webhooks.storage import Entry, SqliteOutbox, schema
from statsbot_webhooks.storage.expired_file import filter_expired, write_expired

from .conftest import drain, event

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make links, and has no such pipes")
BOX = Path("box.sqlite3")


@pytest.fixture
def opened(stack: ExitStack) -> Callable[..., SqliteOutbox]:
    def opener(path: Path = BOX) -> SqliteOutbox:
        outbox = SqliteOutbox(path, 100, lambda _: None)
        stack.callback(outbox.close)
        outbox.open()
        return outbox

    return opener


@pytest.mark.parametrize("planted", ["link", "nothing"])
def test_a_file_that_is_exchanged_while_it_is_opened_is_not_used(
    planted: str, opened: Callable[..., SqliteOutbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("other").write_bytes(b"")
    make = schema.make_private

    def make_and_lose(path: Path) -> None:
        make(path)
        path.unlink()
        path.symlink_to("other") if planted == "link" else None

    monkeypatch.setattr(schema, "make_private", make_and_lose)
    outbox = opened()
    outbox.put([("a", event(1))])
    assert not outbox.is_durable
    assert Path("other").read_bytes() == b""
    assert not BOX.exists() or planted == "link"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("nowhere")])
@pytest.mark.parametrize("name", ["box.sqlite3", "box.sqlite3-wal", "box.sqlite3-journal", "box.sqlite3.expired.jsonl"])
def test_nothing_waits_at_what_is_no_file(make: Callable[[Path], None], name: str, opened: Callable[..., SqliteOutbox]) -> None:
    make(Path(name))
    outbox = opened()
    outbox.put([("a", event(1))])
    outbox.maintain()
    with contextlib.suppress(OSError):
        write_expired(BOX, [Entry(1, "a", event(1))])
    filter_expired(BOX, lambda _: False)
    assert drain(outbox) == ["1"]
    assert not Path("nowhere").exists()


def test_a_pipe_that_takes_the_place_of_the_file_is_not_waited_for(opened: Callable[..., SqliteOutbox]) -> None:
    outbox = opened()
    outbox.put([("a", event(1))])
    BOX.unlink()
    os.mkfifo(BOX)
    outbox.maintain()
    assert drain(outbox) == ["1"]


def test_a_path_of_odd_characters_is_one(opened: Callable[..., SqliteOutbox]) -> None:
    for number, name in enumerate(("a b?c#d%41.sqlite3", "é日\u202e&x=1;.sqlite3", os.fsdecode(b"\xff\xfe.sqlite3"))):
        folder = Path(name + ".d")
        folder.mkdir()
        Path(f"link{number}").symlink_to(folder)
        outbox = opened(Path(f"link{number}", name))
        outbox.put([("a", event(1))])
        assert outbox.is_durable
        assert (folder / name).exists()
