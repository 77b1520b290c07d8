"""The keys that the storage keeps for pseudonyms and buttons, and which storage a URL means."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from statsbot_webhooks.errors import StorageError
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.storage import INSTEAD, SqliteOutbox, make_outbox, open_existing, storage_path
from statsbot_webhooks.storage.button_key import BUTTON_KEY, ButtonKeys
from statsbot_webhooks.storage.fleet.outbox import RedisOutbox
from statsbot_webhooks.storage.mask_key import MASK_KEY, keep_mask_key, read_mask_key

from .conftest import event


@pytest.fixture
def outbox() -> Iterator[SqliteOutbox]:
    outbox = SqliteOutbox(None, 10, lambda _: None)
    outbox.open()
    yield outbox
    outbox.close()


def test_pseudonyms_keep_their_key(outbox: SqliteOutbox) -> None:
    first, second = Redactor(), Redactor()
    assert read_mask_key(outbox) is None
    keep_mask_key(outbox, first)
    assert outbox.read_state("") == {MASK_KEY: first.mask_key.hex()}
    keep_mask_key(outbox, second)
    assert (second.mask_key, read_mask_key(outbox)) == (first.mask_key, first.mask_key)
    for odd in ("", "xyz", 7, None, [1]):
        outbox.write_state({MASK_KEY: odd})
        third = Redactor()
        before = third.mask_key
        keep_mask_key(outbox, third)
        assert third.mask_key == before == read_mask_key(outbox)


def test_buttons_are_signed_by_the_stored_key_and_older_ones_stay_known(outbox: SqliteOutbox) -> None:
    keys = ButtonKeys()
    assert (keys.current, keys.all) == (None, ())
    keys.load(outbox)
    first = keys.current
    assert first is not None
    assert (len(first), outbox.read_state(""), keys.all) == (32, {BUTTON_KEY: first.hex()}, (first,))
    keys.load(outbox)
    assert keys.all == (first,)
    outbox.write_state({BUTTON_KEY: "ab" * 32})
    keys.load(outbox)
    assert keys.all == (b"\xab" * 32, first)
    outbox.write_state({BUTTON_KEY: first.hex()})
    keys.load(outbox)
    assert keys.all == (first, b"\xab" * 32)
    # A short one could be guessed.
    for odd in ("ab" * 31, "xyz", 7, None):
        outbox.write_state({BUTTON_KEY: odd})
        other = ButtonKeys()
        other.load(outbox)
        assert len(other.current or b"") == 32
        assert outbox.read_state("")[BUTTON_KEY] == (other.current or b"").hex() != odd


def test_which_file_a_url_means(monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage_path("memory://") is None
    assert storage_path("sqlite:///a/b.sqlite3") == Path("a/b.sqlite3")
    assert storage_path("sqlite:////a/b.sqlite3") == Path("/a/b.sqlite3")
    assert storage_path("redis://host", "cluster 1/x") == Path("statsbot_webhooks-cluster_1_x.sqlite3")
    assert storage_path("redis://host", "n" * 100) == Path(f"statsbot_webhooks-{'n' * 64}.sqlite3")
    assert str(storage_path("redis://host")).startswith("statsbot_webhooks-")
    for url in ("", "sqlite:///", "sqlite://a.sqlite3", "mysql:///a", "a.sqlite3", "memory:///"):
        with pytest.raises(ValueError, match="must be sqlite:///file"):
            storage_path(url)
    assert isinstance(make_outbox("redis://host", 10, lambda _: None), RedisOutbox)
    monkeypatch.setenv(INSTEAD, "other.sqlite3")
    assert storage_path("memory://") == storage_path("redis://host") == storage_path("") == Path("other.sqlite3")
    assert isinstance(make_outbox("redis://host", 10, lambda _: None), SqliteOutbox)


def test_what_a_bot_left_is_opened_and_nothing_is_made() -> None:
    for url, reason in (
        ("memory://", "memory:// leaves nothing behind; name a file"),
        ("sqlite:///none.sqlite3", "there is no storage file none.sqlite3 here; name another"),
        ("none", "the storage must be sqlite:///file"),
    ):
        with pytest.raises(StorageError, match=reason):
            open_existing(url)
    assert list(Path().iterdir()) == []
    Path("bad.sqlite3").write_bytes(b"garbage" * 1000)
    with pytest.raises(StorageError, match=r"the storage file bad.sqlite3 cannot be read \(file is not a database\)"):
        open_existing("sqlite:///bad.sqlite3")
    left = make_outbox("sqlite:///box.sqlite3", 10, lambda _: None)
    left.open()
    left.put([("a", event(number)) for number in range(3)])
    with pytest.raises(StorageError, match=r"the storage file box.sqlite3 is in use: a bot runs with it"):
        open_existing("sqlite:///box.sqlite3")
    left.close()
    with closing(sqlite3.connect("box.sqlite3")) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match="is in use"):
            open_existing("sqlite:///box.sqlite3")
    outbox = open_existing("sqlite:///box.sqlite3")
    assert (outbox.is_durable, outbox.depth("a").entries) == (True, 3)
    # Also beyond the bot's own bounds.
    outbox.put([("a", event(number)) for number in range(2000)])
    assert outbox.depth("a").entries == 2003
    outbox.close()
