"""The contract of an outbox, as plain as it can be said: a list of rows, looked through whole for each answer.

It knows no database, no bytes and no indexes. `test_machine` compares it with the real one after each step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from statsbot_webhooks.events.accounting import LossReason
from statsbot_webhooks.events.event import Event, LogLevel
from statsbot_webhooks.storage import Depth, Loss
from statsbot_webhooks.storage.base import ErrorsWaiting

RECOVERED, URGENT, CALM = range(3)


@dataclass(eq=False)
class Row:
    """An entry: `number` is its place among all; `batch` is set while it is sealed."""

    number: int
    name: str
    event: Event
    lane: int
    is_leased: bool = False
    batch: str = ""

    @property
    def is_ready(self) -> bool:
        return not self.is_leased and not self.batch


@dataclass
class Lanes:
    """What is remembered of a destination's claims."""

    floors: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(3), 0))
    urgent_turns: int = 0
    recovered_last: float | None = None


class Model:
    """An outbox of at most `most` entries. In one that is shared a moved entry is new, and a sealed one is busy."""

    def __init__(self, most: int, names: Sequence[str], *, is_shared: bool = False) -> None:
        self.most = most
        self.most_dead = 1000 if is_shared else most
        self.is_shared = is_shared
        self.names = names
        self.numbers = 0
        self.rows: list[Row] = []
        self.dead: list[tuple[str, Event, str, float]] = []
        self.lanes = {name: Lanes() for name in names}
        self.losses: list[Loss] = []

    def of(self, name: str) -> list[Row]:
        return sorted((row for row in self.rows if row.name == name), key=lambda row: row.number)

    def sealed(self, name: str) -> list[Row]:
        return [row for row in self.of(name) if row.batch]

    def ready(self, name: str, *lanes: int) -> list[Row]:
        return [row for row in self.of(name) if row.is_ready and row.lane in (lanes or range(3))]

    def put(self, items: Iterable[tuple[str, Event]]) -> None:
        for name, event in items:
            self.numbers += 1
            self.rows.append(Row(self.numbers, name, event, _lane(event)))
        dropped: Counter[tuple[str, LogLevel]] = Counter()
        while len(self.rows) > self.most and (ready := [row for row in self.rows if row.is_ready]):
            row = min(ready, key=lambda row: (row.event.level.number, row.number))
            self.rows.remove(row)
            dropped[row.name, row.event.level] += 1
        self.losses += [Loss(name, LossReason.STORAGE_FULL, count, level) for (name, level), count in dropped.items()]

    def next_lane(self, name: str) -> int | None:
        known = self.lanes[name]
        order = [URGENT, RECOVERED, CALM] if known.floors[RECOVERED] else [RECOVERED, URGENT, CALM]
        if known.urgent_turns >= 4:
            order.remove(URGENT)
            order.append(URGENT)
        return next((lane for lane in order if self.ready(name, lane)), None)

    def take(self, name: str, limit: int) -> list[Row]:
        """Return what leaves of the next lane: what was claimed before and came back leaves apart from the rest."""
        if (lane := self.next_lane(name)) is None:
            return []
        known = self.lanes[name]
        ready = self.ready(name, lane)
        again = [row for row in ready if row.number <= known.floors[lane]]
        taken = (again or ready)[:limit]
        known.floors[lane] = max(known.floors[lane], taken[-1].number)
        for row in taken:
            row.is_leased = True
        known.urgent_turns = known.urgent_turns + 1 if lane == URGENT and self.ready(name, CALM) else 0
        return taken

    def claim(self, name: str, limit: int) -> list[Row]:
        if sealed := self.sealed(name):
            if any(row.is_leased for row in sealed):
                return []
            for row in sealed:
                row.is_leased = True
            return sealed
        return self.take(name, limit)

    def unseal(self, name: str) -> None:
        for row in self.of(name):
            row.batch = ""

    def seal(self, rows: Sequence[Row], batch: str) -> None:
        self.unseal(rows[0].name)
        for row in rows:
            row.batch = batch

    def end(self, rows: Sequence[Row]) -> None:
        for name in {row.name for row in rows if row.batch}:
            if any(row not in rows for row in self.sealed(name)):
                self.unseal(name)
        for row in rows:
            self.rows.remove(row)

    def bury(self, rows: Sequence[Row], reason: str, now: float) -> None:
        self.end(rows)
        self.dead = [*self.dead, *((row.name, row.event, reason, now) for row in rows)][-self.most_dead :]

    def move(self, source: str, target: str, is_there: Callable[[Event], bool]) -> int:
        sealed = self.sealed(source)
        if any(row.is_leased for row in sealed):
            return 0
        self.unseal(source)
        moved = 0
        while taken := self.take(source, 1000):
            for row in taken:
                row.is_leased, row.name = False, target
                if is_there(row.event):
                    self.rows.remove(row)
                    continue
                moved += 1
                if self.is_shared:
                    self.numbers += 1
                    row.number, row.lane = self.numbers, _lane(row.event)
        goal = self.lanes[target]
        if not self.is_shared:
            goal.recovered_last = goal.recovered_last or self.lanes[source].recovered_last
        return moved

    def old(self, name: str, before: float, lanes: Sequence[int]) -> list[Row]:
        """Return what expires of a destination, in the order in which it is found."""
        sealed = self.sealed(name)
        if sealed and all(not row.is_leased and row.event.time < before and row.lane in lanes for row in sealed):
            return sealed
        return [row for lane in lanes for row in self.ready(name, lane) if row.event.time < before]

    def forget(self, is_meant: Callable[[Event], bool]) -> tuple[dict[str, int], int, int]:
        """Return how many entries were deleted of each destination, how many dead letters, and how many are busy."""
        meant = [row for row in self.rows if is_meant(row.event)]
        free = [row for row in meant if not row.is_leased and not (self.is_shared and row.batch)]
        for name in {row.name for row in free if row.batch}:
            self.unseal(name)
        self.rows = [row for row in self.rows if row not in free]
        before = len(self.dead)
        self.dead = [letter for letter in self.dead if not is_meant(letter[1])]
        return Counter(row.name for row in free), before - len(self.dead), len(meant) - len(free)

    def restart(self) -> None:
        for row in self.rows:
            row.is_leased, row.lane = False, RECOVERED
        self.reload()

    def reload(self) -> None:
        """Know what the database says, and what is leased, and nothing else."""
        self.lanes = {name: Lanes() for name in self.names}
        for row in self.rows:
            if row.lane == RECOVERED:
                known = self.lanes[row.name]
                known.recovered_last = max(row.event.time, known.recovered_last or 0.0)

    def depth(self, name: str) -> Depth:
        sealed = self.sealed(name)
        waiting = [] if any(row.is_leased for row in sealed) else sealed
        ready, recovered = self.ready(name), [row for row in waiting if row.lane == RECOVERED] + self.ready(name, RECOVERED)
        times = [row.event.time for row in (*waiting[:1], *_heads(ready))]
        return Depth(
            entries=len(self.of(name)),
            ready=len(waiting) + len(ready),
            urgent=len(self.ready(name, URGENT)),
            oldest=min(times, default=None),
            recovered=len(recovered),
            recovered_last=self.lanes[name].recovered_last if recovered else None,
            is_urgent_next=any(row.lane == URGENT for row in sealed) if sealed else self.next_lane(name) == URGENT,
        )

    def errors_waiting(self, name: str) -> ErrorsWaiting:
        """Return the errors that wait for a destination, with all that are leased."""
        errors = [row for row in self.rows if row.event.level.number >= LogLevel.ERROR.number]
        found = [row for row in errors if row.name == name or row.is_leased]
        firsts: dict[LogLevel, Row] = {}
        for row in sorted((row for row in found if row.is_ready), key=lambda row: row.number):
            firsts.setdefault(row.event.level, row)
        known = [*firsts.values(), *(row for row in found if not row.is_ready)]
        return ErrorsWaiting(len(found), min((row.event.time for row in known), default=None))


def _lane(event: Event) -> int:
    return URGENT if event.level.number >= LogLevel.ERROR.number else CALM


def _heads(rows: Sequence[Row]) -> list[Row]:
    """Return the first row of each lane and level."""
    found: dict[tuple[int, LogLevel], Row] = {}
    for row in rows:
        found.setdefault((row.lane, row.event.level), row)
    return list(found.values())
