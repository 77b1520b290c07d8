"""Files of earlier versions: everything that is in them is there in this version."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from statsbot_webhooks.storage import SqliteOutbox
from statsbot_webhooks.storage.schema import PAGE_BYTES

DATA = Path(__file__).parents[1] / "data" / "storage-0.1.0.sqlite3"


def test_a_file_of_0_1_opens_with_all_that_is_in_it() -> None:
    shutil.copy(DATA, "box.sqlite3")
    with closing(sqlite3.connect(DATA)) as db, db:
        before = {
            name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("entries", "dead", "state", "sends")
        }
        ids = [row[0] for row in db.execute("SELECT id FROM entries ORDER BY id")]
        (name, batch, sealed) = db.execute("SELECT destination, batch, ids FROM sealed").fetchone()
        last = db.execute("SELECT max(seq) FROM sqlite_sequence").fetchone()[0]
        sent = dict(db.execute("SELECT destination, max(time) FROM sends GROUP BY destination"))
    db.close()
    assert all(before.values())
    for life in range(2):
        outbox = SqliteOutbox(Path("box.sqlite3"), 1000, lambda _: None)
        outbox.open()
        assert outbox.is_durable
        entries = []
        first = outbox.claim(name, 100)
        assert (str([entry.id for entry in first]), {entry.batch for entry in first}) == (sealed, {batch})
        outbox.release(first, unseal=life == 1)
        if life == 1:
            for destination in outbox.depths():
                while found := outbox.claim(destination, 100):
                    entries += found
            assert sorted(entry.id for entry in entries) == ids
            assert all(entry.is_recovered for entry in entries)
        assert len(outbox.dead_letters(100)) == before["dead"]
        assert len(outbox.read_state("")) == before["state"]
        assert [key.partition("/")[0] for key in outbox.read_state("mute/")] == ["mute", "mute"]
        assert {each: max(outbox.recent_sends(each, 1.0)) for each in sent} == sent
        outbox.close()
    with closing(sqlite3.connect("box.sqlite3")) as db, db:
        assert db.execute("PRAGMA page_size").fetchone()[0] == PAGE_BYTES
        assert db.execute("SELECT below FROM reserved").fetchone()[0] > last
    db.close()
