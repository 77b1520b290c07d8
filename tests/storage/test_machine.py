"""Random lives of an outbox - put, claim, seal, ack, release, bury, crash, restart - against a model of the contract."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Entry, Loss, Outbox, make_outbox

NAMES = ("a", "b")
LEVELS = st.sampled_from(["DEBUG", "INFO", "ERROR"])
_LIMIT = 12


class FileMachine(RuleBasedStateMachine):
    """The model: which event ended, which one is leased; all others must be ready."""

    is_durable = True

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.lives = 0
        self.waiting: dict[str, set[str]] = {name: set() for name in NAMES}
        self.leased: dict[str, list[Entry]] = {name: [] for name in NAMES}
        self.ended = 0
        self.put_count = 0
        self.lost = 0
        self.outbox = self.make()

    def make(self) -> Outbox:
        url = f"sqlite:///{self.folder}/{self.lives}.sqlite3" if self.is_durable else "memory://"
        outbox = make_outbox(url, _LIMIT, self.on_loss)
        outbox.open()
        return outbox

    def on_loss(self, loss: Loss) -> None:
        self.lost += loss.count

    @rule(name=st.sampled_from(NAMES), levels=st.lists(LEVELS, min_size=1, max_size=4))
    def put(self, name: str, levels: list[str]) -> None:
        items = []
        for level in levels:
            self.put_count += 1
            items.append((name, Event(EventKind.LOG, LogLevel(level), str(self.put_count), float(self.put_count))))
        self.outbox.put(items)

    @rule(name=st.sampled_from(NAMES), limit=st.integers(1, 5))
    def claim(self, name: str, limit: int) -> None:
        entries = self.outbox.claim(name, limit)
        known = {entry.id for entry in self.leased[name]}
        assert not known & {entry.id for entry in entries}, "claimed twice"
        assert [entry.id for entry in entries] == sorted(entry.id for entry in entries)
        self.leased[name] += entries

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 5))
    def seal(self, name: str, count: int) -> None:
        if entries := self.leased[name][:count]:
            self.outbox.seal(entries, f"b{entries[0].id}", 0)

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 5), how=st.sampled_from(["ack", "bury", "release", "unseal"]))
    def end(self, name: str, count: int, how: str) -> None:
        entries, self.leased[name] = self.leased[name][:count], self.leased[name][count:]
        if how in ("release", "unseal"):
            self.outbox.release(entries, unseal=how == "unseal")
            return
        self.ended += len(entries)
        self.outbox.ack(entries) if how == "ack" else self.outbox.bury(entries, "why", 0)

    @rule()
    def hand_over(self) -> None:
        self.outbox.move("a", "b")

    @precondition(lambda self: self.is_durable)
    @rule(crashes=st.booleans())
    def restart(self, crashes: bool) -> None:
        old, number = self.outbox, self.lives
        self.lives += 1
        if crashes:
            # What a killed process leaves: the file and its log, as they are at this moment.
            for path in self.folder.glob(f"{number}.sqlite3*"):
                shutil.copy(path, self.folder / path.name.replace(f"{number}.", f"{self.lives}.", 1))
            old.close()
        else:
            old.close()
            shutil.copy(self.folder / f"{number}.sqlite3", self.folder / f"{self.lives}.sqlite3")
        self.leased = {name: [] for name in NAMES}
        self.outbox = self.make()

    @invariant()
    def the_books_balance(self) -> None:
        depths = {name: self.outbox.depth(name) for name in NAMES}
        assert sum(depth.entries for depth in depths.values()) == self.put_count - self.ended - self.lost
        for depth in depths.values():
            assert (depth.oldest is None) == (depth.ready == 0)
        # Leased ones of a sealed batch that is only partly leased count as not ready, never the other way round.
        assert sum(depth.ready for depth in depths.values()) <= self.put_count - self.ended - self.lost

    def teardown(self) -> None:
        for name in NAMES:
            self.outbox.release(self.leased[name], unseal=True)
            while entries := self.outbox.claim(name, 100):
                self.ended += len(entries)
                self.outbox.ack(entries)
        assert self.ended + self.lost == self.put_count, "an entry can never be claimed again"
        self.outbox.close()
        shutil.rmtree(self.folder)


class MemoryMachine(FileMachine):
    is_durable = False


@pytest.mark.parametrize("machine", [FileMachine, MemoryMachine])
def test_random_lives(machine: type[FileMachine]) -> None:
    case = machine.TestCase
    case.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
    case().runTest()
