"""Random lives of an outbox against the plain `model`: after each step both say the same of everything."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Entry, Loss, Outbox, make_outbox

from ..redis_server import RedisServer
from .model import RECOVERED, Model, Row

NAMES = st.sampled_from(["a", "b"])
# Few, so that equal ones are compared too.
TIMES = st.integers(1, 9)
_LIMIT = 12


class FileMachine(RuleBasedStateMachine):
    """What was put is known by its text; `leased` is what was handed out, in the order of the claims."""

    is_durable = True
    is_shared = False

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.lives = 0
        self.texts = itertools.count(1)
        self.losses: list[Loss] = []
        self.leased: list[Entry] = []
        self.moved: Counter[str] = Counter()
        self.sends: list[tuple[str, float]] = []
        self.model = Model(_LIMIT, ["a", "b"], is_shared=self.is_shared)
        self.outbox = self.make()

    def make(self) -> Outbox:
        url = f"sqlite:///{self.folder}/{self.lives}.sqlite3" if self.is_durable else "memory://"
        outbox = make_outbox(url, _LIMIT, self.losses.append)
        outbox.open()
        return outbox

    def rows(self, entries: Sequence[Entry]) -> list[Row]:
        """Return the model's rows of entries."""
        by_text = {row.event.message: row for row in self.model.rows}
        return [by_text[entry.event.message] for entry in entries]

    def compare(self, entries: Sequence[Entry], rows: Sequence[Row]) -> None:
        assert [(each.destination, each.event, each.batch, each.is_recovered) for each in entries] == [
            (row.name, row.event, row.batch, row.lane == RECOVERED) for row in rows
        ]

    def some(self, name: str, count: int) -> list[Entry]:
        return [entry for entry in self.leased if entry.destination == name][:count]

    @rule(name=NAMES, events=st.lists(st.tuples(st.sampled_from(list(LogLevel)), TIMES), min_size=1, max_size=4))
    def put(self, name: str, events: list[tuple[LogLevel, int]]) -> None:
        items = [(name, Event(EventKind.LOG, level, f"text {next(self.texts)}", float(time))) for level, time in events]
        self.outbox.put(items)
        self.model.put(items)

    @rule(name=NAMES, limit=st.integers(1, 5))
    def claim(self, name: str, limit: int) -> None:
        entries = self.outbox.claim(name, limit)
        self.compare(entries, self.model.claim(name, limit))
        self.leased += entries

    @rule(name=NAMES, count=st.integers(1, 5), now=TIMES)
    def seal(self, name: str, count: int, now: int) -> None:
        if entries := self.some(name, count):
            self.outbox.seal(entries, f"b{entries[0].id}", float(now))
            self.model.seal(self.rows(entries), f"b{entries[0].id}")
            self.sends.append((name, float(now)))

    @rule(name=NAMES, now=TIMES)
    def edit(self, name: str, now: int) -> None:
        self.outbox.note_send(name, float(now))
        self.sends.append((name, float(now)))

    @rule(name=NAMES, count=st.integers(1, 5), is_refused=st.booleans())
    def end(self, name: str, count: int, is_refused: bool) -> None:
        entries, rows = self.some(name, count), self.rows(self.some(name, count))
        if is_refused:
            self.outbox.bury(entries, "why", 7.0)
            self.model.bury(rows, "why", 7.0)
        else:
            self.outbox.ack(entries)
            self.model.end(rows)
        self.leased = [entry for entry in self.leased if entry not in entries]
        # What is not held any more is not asked for.
        self.outbox.ack(entries)

    @rule(name=NAMES, count=st.integers(1, 5), is_unsealed=st.booleans())
    def release(self, name: str, count: int, is_unsealed: bool) -> None:
        entries = self.some(name, count)
        self.outbox.release(entries, unseal=is_unsealed)
        self.outbox.release(entries)
        self.given_back(entries, is_unsealed=is_unsealed)

    @rule(name=NAMES)
    def release_all(self, name: str) -> None:
        self.outbox.release_all(name)
        self.given_back(self.some(name, 100))

    def given_back(self, entries: Sequence[Entry], *, is_unsealed: bool = False) -> None:
        for row in self.rows(entries):
            row.is_leased = False
            if is_unsealed:
                self.model.unseal(row.name)
        self.leased = [entry for entry in self.leased if entry not in entries]

    @rule(name=NAMES)
    def unseal(self, name: str) -> None:
        if entries := self.some(name, 1):
            self.outbox.unseal(entries)
            self.model.unseal(name)

    @rule(source=NAMES, is_there=st.sampled_from(["3", "none"]))
    def move(self, source: str, is_there: str) -> None:
        target = "b" if source == "a" else "a"

        def ends(event: Event) -> bool:
            return event.message.endswith(is_there)

        assert self.outbox.move(source, target, ends) == self.model.move(source, target, ends)

    @rule(before=TIMES, is_recovered=st.booleans())
    def expire(self, before: int, is_recovered: bool) -> None:
        lanes = [RECOVERED] if is_recovered else range(3)
        expected = [old for name in ("a", "b") if (old := self.model.old(name, before, lanes))]
        found = self.outbox.expire(before, only_recovered=is_recovered)
        if not self.is_shared:
            # Redis goes by its own clock.
            self.model.dead = [letter for letter in self.model.dead if letter[3] >= before]
        assert bool(found) == bool(expected)
        if found:
            (rows,) = (old for old in expected if old[0].name == found[0].destination)
            self.compare(found, rows)
            for row in rows:
                row.is_leased = True
            self.leased += found

    @rule(number=st.integers(1, 40))
    def forget(self, number: int) -> None:
        text = f"text {number}"
        forgotten = self.outbox.forget([text], lambda stored: f'"{text}"' in stored)
        entries, dead, busy = self.model.forget(lambda event: event.message == text)
        assert (forgotten.entries, forgotten.dead, forgotten.busy) == (entries, dead, busy)
        assert forgotten.total == sum(entries.values()) + dead

    @rule(count=st.integers(1, 3), is_replayed=st.booleans())
    def take_letters(self, count: int, is_replayed: bool) -> None:
        letters = self.outbox.dead_letters(count)
        taken, self.model.dead = self.model.dead[-count:], self.model.dead[:-count]
        ids = [letter.id for letter in letters]
        if is_replayed:
            replayed = self.outbox.replay(ids)
            assert [letter.event for letter in replayed] == [event for _, event, _, _ in taken]
            self.model.put((name, event) for name, event, _, _ in taken)
        else:
            assert self.outbox.purge([*ids, 10**9]) == len(taken)

    @precondition(lambda self: self.is_durable and not self.is_shared)
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
        self.leased = []
        self.outbox = self.make()
        self.model.restart()

    @precondition(lambda self: self.is_durable and not self.is_shared)
    @rule()
    def lose_the_file(self) -> None:
        """It is deleted while it is open: a new one takes over with all that is known, and what is handed out stays so."""
        for path in self.folder.glob(f"{self.lives}.sqlite3*"):
            path.unlink()
        self.outbox.maintain()
        self.model.reload()

    @invariant()
    def both_say_the_same(self) -> None:
        depths = {name: self.model.depth(name) for name in ("a", "b")}
        assert {name: self.outbox.depth(name) for name in depths} == depths
        assert self.outbox.depths() == {name: depth for name, depth in depths.items() if depth.entries}
        for name in depths:
            assert self.outbox.errors_waiting([name, "none"]) == self.model.errors_waiting(name)
            self.compare_sends(name)
        # What went to other processes, and did not come back.
        assert not any(self.moved.values())
        assert [(each.destination, each.event, each.reason, each.time) for each in self.outbox.dead_letters(99)] == (
            self.model.dead[::-1]
        )
        assert self.losses == self.model.losses

    def compare_sends(self, name: str) -> None:
        assert self.outbox.recent_sends(name, 5.0) == sorted(time for of, time in self.sends if of == name and time >= 5)

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.folder)


class MemoryMachine(FileMachine):
    is_durable = False


class SharedMachine(FileMachine):
    """One process of a fleet that ends and comes again."""

    is_shared = True
    server: RedisServer
    prefixes = itertools.count()

    def make(self) -> Outbox:
        if not self.lives:
            self.url = self.server.url(f"machine{next(self.prefixes)}")
        outbox = make_outbox(self.url, _LIMIT, self.losses.append, process_name="p", on_moved=self.on_moved)
        outbox.open()
        return outbox

    def on_moved(self, name: str, count: int) -> None:
        self.moved[name] += count

    @rule()
    def close_and_open(self) -> None:
        self.outbox.close()
        self.lives += 1
        self.leased = []
        self.outbox = self.make()
        self.model.restart()

    def compare_sends(self, name: str) -> None:
        # Redis has a time of its own.
        assert len(self.outbox.recent_sends(name, 5.0)) == [of for of, _ in self.sends].count(name)


@pytest.mark.parametrize(
    ("machine", "examples"),
    [(FileMachine, 20), (MemoryMachine, 10), pytest.param(SharedMachine, 8, marks=pytest.mark.slow)],
)
def test_random_lives(machine: type[FileMachine], examples: int, request: pytest.FixtureRequest) -> None:
    if machine is SharedMachine:
        SharedMachine.server = request.getfixturevalue("redis_server")
    case = machine.TestCase
    case.settings = settings(max_examples=examples, stateful_step_count=30)
    case().runTest()
