"""Surges: many joins or departures of one server in a short time, as one growing list instead of a card each. Pure.

A surge begins with more than `limit` rows in `seconds`, which belong to it (for joins, `raids` decides that). It is over when no
more than half of the limit came in such a span, for three spans. A row that is added again replaces the previous one, also
after the end. A list that gets too long is closed, and a new one goes on: no row is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ...events.event import Person
from .profiles import GuildProfile
from .rows import Row, format_row

# Short, because rows since the last state are lost when the process is killed.
_EMIT_SECONDS: Final = 1.0
_QUIET_SPANS: Final = 3
# Most rows of a list, of about 60 bytes each; and the number of rows for each further second between two states.
_MAX_ROWS: Final = 10_000
_ROWS_A_SECOND: Final = 500
# How long rows of an ended surge can still be corrected.
_REMEMBER_SECONDS: Final = 600.0
_MAX_OVER: Final = 3


@dataclass(slots=True, eq=False)
class Surge:
    """A surge, `over` or not. Times are seconds since the epoch.

    `due` is when it must be shown, None while there is nothing new. `key` is that of a card that it takes over.
    """

    place: GuildProfile
    what: str
    seconds: float
    began: float
    number: int = 1
    key: str = ""
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    # Formatted once for each row, so that a list of thousands does not block the event loop whenever it is shown.
    lines: dict[str, str] = field(default_factory=dict[str, str])
    persons: dict[int, Person] = field(default_factory=dict[int, Person])
    last: float = 0.0
    over: bool = False
    goes_on: bool = False
    due: float | None = None

    @property
    def card(self) -> str:
        """The key of the card, whose next state replaces the previous one."""
        return self.key or f"{self.what}/{self.place.id}/{int(self.began * 1000)}/{self.number}"

    @property
    def per_minute(self) -> float:
        """Rows per minute, over the time from the first to the last, or one span if that is longer."""
        return len(self.rows) / max(self.last - self.began, self.seconds) * 60

    def put(self, row: Row, now: float) -> None:
        self.rows[row.key] = row
        self.lines[row.key] = format_row(row)
        for who in (row.who, row.by):
            if who is not None:
                self.persons[who.id] = who.person
        self.last = max(self.last, row.time)
        if self.due is None:
            self.due = now + _EMIT_SECONDS + len(self.rows) / _ROWS_A_SECOND


class Surges:
    """Watch one server for one kind of surge. After `add`, and at `next_due`, `tick` returns what must be shown."""

    def __init__(self, what: str, *, limit: int, seconds: float) -> None:
        self._what = what
        self._limit = limit
        self._seconds = seconds
        self._recent: deque[tuple[float, Row]] = deque()
        self._open: Surge | None = None
        self._over: list[Surge] = []
        self._quiet_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def recent(self, now: float) -> int:
        """Return how many came in the last `seconds`."""
        self._drop_old(now)
        return len(self._recent)

    @property
    def next_due(self) -> float | None:
        """When `tick` has something to do; None for nothing."""
        times = [surge.due for surge in self._all() if surge.due is not None]
        times += [surge.last + _REMEMBER_SECONDS for surge in self._over]
        if self._open is not None:
            times.append(self._quiet_at)
        return min(times, default=None)

    def correct(self, row: Row, now: float) -> bool:
        """Replace a row in its list; False when it is in none."""
        found = next((surge for surge in self._all() if row.key in surge.rows), None)
        if found is not None:
            found.put(row, now)
        return found is not None

    def add(self, row: Row, place: GuildProfile, now: float) -> bool:
        """Take in a row; True when it is in the list of a surge now, False when it must be shown by itself."""
        self._remember(row, now)
        if self._open is None:
            if len(self._recent) <= self._limit:
                return False
            self.begin([each for _, each in self._recent], place, now)
        else:
            self._grow(row, place, now)
        return True

    def begin(self, rows: Sequence[Row], place: GuildProfile, now: float, key: str = "") -> None:
        """Open a surge with these rows; `key` is the card that it takes over."""
        self._open = self._begin(place, min(row.time for row in rows), 1, key)
        for row in rows:
            self._open.put(row, now)
        self._open.due = now
        if not self._recent:
            self._recent.extend((row.time, row) for row in rows)
        self._note(now)

    def extend(self, row: Row, place: GuildProfile, now: float) -> None:
        """Add a row to the open surge."""
        self._remember(row, now)
        self._grow(row, place, now)

    def _remember(self, row: Row, now: float) -> None:
        self._recent.append((now, row))
        self._drop_old(now)

    def _drop_old(self, now: float) -> None:
        while self._recent and (now - self._recent[0][0] > self._seconds or len(self._recent) > _MAX_ROWS):
            self._recent.popleft()

    def _grow(self, row: Row, place: GuildProfile, now: float) -> None:
        if self._open is None:
            return
        if len(self._open.rows) >= _MAX_ROWS:
            self._end(now, goes_on=True)
            self._open = self._begin(place, row.time, self._over[-1].number + 1)
            self._open.due = now
        self._open.place = place
        self._open.put(row, now)
        self._note(now)

    def _note(self, now: float) -> None:
        if len(self._recent) > self._limit // 2:
            self._quiet_at = now + _QUIET_SPANS * self._seconds

    def tick(self, now: float) -> list[Surge]:
        """Return every surge that must be shown now, because it has begun, grown or ended, or was corrected."""
        self.settle(now)
        due = [surge for surge in self._all() if surge.due is not None and surge.due <= now]
        for surge in due:
            surge.due = None
        self._over = [surge for surge in self._over if surge.due is not None or now < surge.last + _REMEMBER_SECONDS][-_MAX_OVER:]
        return due

    def settle(self, now: float) -> None:
        """End the open surge if its time is over."""
        if self._open is not None and now >= self._quiet_at:
            self.close(now)

    def close(self, now: float) -> None:
        """End the open surge; `tick` then returns everything new."""
        if self._open is not None:
            self._end(now, goes_on=False)
        self._recent.clear()
        for surge in self._over:
            surge.due = surge.due and now

    def _all(self) -> list[Surge]:
        return self._over if self._open is None else [*self._over, self._open]

    def _begin(self, place: GuildProfile, began: float, number: int, key: str = "") -> Surge:
        return Surge(place, self._what, self._seconds, began, number, key, last=began)

    def _end(self, now: float, *, goes_on: bool) -> None:
        surge, self._open = self._open, None
        if surge is not None:
            surge.over, surge.goes_on, surge.due = True, goes_on, now
            self._over.append(surge)
