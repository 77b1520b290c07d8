"""Raids: tell the joins of a raid from ordinary joins of a server, and keep the messages of the ordinary ones. Pure.

A join is shown at once. Ordinary joins that come close together share a message of up to ten cards, which is kept up to date;
so joins that turn out to be a raid's can be removed again, and a raid takes over the message of its first join. Every state is
submitted, so nothing is known in memory alone.

Raiders come in a crowd: a raid begins with more than `limit` joins in `seconds`, each of which has another one close in time. A
join alone in time is ordinary, before a raid and during one; so are a few joins that came together some time before the crowd.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from .departures import Gone
from .profiles import GuildProfile
from .rows import Row
from .surges import Surge, Surges

# A message has room for ten embeds. A crowd, which may be a raid, is not split for that, and shown as a list.
_MOST_JOINS: Final = 10
_MOST_OF_CROWD: Final = 50
# Joins are close up to this many times the mean distance of joins in the smallest raid.
_CLOSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Join:
    """A join. `rejoined` is Discord's own flag; `gone` is the departure that was captured."""

    row: Row
    place: GuildProfile
    rejoined: bool = False
    gone: Gone | None = None


@dataclass(slots=True, eq=False)
class JoinCard:
    """A message of ordinary joins. `moved` counts joins that were moved to a raid."""

    place: GuildProfile
    began: float
    last: float
    joins: dict[str, Join] = field(default_factory=dict[str, Join])
    moved: int = 0

    @property
    def key(self) -> str:
        """The key of the card, whose next state replaces the previous one."""
        return f"joins/{self.place.id}/{int(self.began * 1000)}"


class Raids:
    """Watch the joins of one server. `add` and `tick` return what must be shown."""

    def __init__(self, *, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._close = _CLOSE * seconds / limit
        self._surges = Surges("raid", limit=limit, seconds=seconds)
        # The joins of the last `seconds` that belong to no raid so far, oldest first.
        self._candidates: dict[str, Row] = {}
        self._last_raider: float | None = None
        self._cards: list[JoinCard] = []

    @property
    def next_due(self) -> float | None:
        """When `tick` has something to do; None for nothing."""
        return self._surges.next_due

    def tick(self, now: float) -> list[Surge]:
        """Return every raid that must be shown now."""
        return self._surges.tick(now)

    def close(self, now: float) -> None:
        """End the open raid; `tick` then returns everything new."""
        self._surges.close(now)
        self._candidates.clear()

    def add(self, join: Join, now: float) -> list[JoinCard]:
        """Take in a join; returns the messages of ordinary joins that must be shown anew."""
        row, place = join.row, join.place
        self._surges.settle(now)
        self._candidates = {key: other for key, other in self._candidates.items() if now - other.time <= self._seconds}
        self._cards = [card for card in self._cards if now - card.last <= self._seconds]
        if self._is_going_on(row):
            self._surges.extend(row, place, now)
            self._last_raider = row.time
            return []
        self._candidates[row.key] = row
        card = self._card_for(join)
        crowd = self._crowd()
        if not self._surges.is_open:
            return self._begin(self._without_bystanders(crowd), place, now) if len(crowd) > self._limit else [card]
        # The raid goes on after a pause.
        return self._take(crowd, place, now) if len(crowd) > self._limit // 2 else [card]

    def _is_going_on(self, row: Row) -> bool:
        """Whether a join clearly belongs to the open raid."""
        if not self._surges.is_open or self._last_raider is None:
            return False
        return row.time - self._last_raider <= self._close and self._surges.recent(row.time) >= self._limit // 2

    def _crowd(self) -> list[Row]:
        """Return the candidates that have another one close to them."""
        rows = list(self._candidates.values())
        return [
            row
            for before, row, after in zip([None, *rows], rows, [*rows[1:], None], strict=False)
            if (before is not None and row.time - before.time <= self._close)
            or (after is not None and after.time - row.time <= self._close)
        ]

    def _without_bystanders(self, crowd: list[Row]) -> list[Row]:
        """Return the last joins of a crowd without a pause between them, if they are more than half of the limit."""
        first = next(
            (at for at in range(len(crowd) - 1, 0, -1) if crowd[at].time - crowd[at - 1].time > self._close),
            0,
        )
        return crowd[first:] if len(crowd) - first > self._limit // 2 else crowd

    def _card_for(self, join: Join) -> JoinCard:
        """Add a join to the message of the joins just before it, or to a new one."""
        card = self._cards[-1] if self._cards else None
        is_close = card is not None and join.row.time - card.last <= self._close
        if card is None or len(card.joins) >= (_MOST_OF_CROWD if is_close else _MOST_JOINS) or _has(card, join):
            card = JoinCard(join.place, join.row.time, join.row.time)
            self._cards.append(card)
        card.place, card.last = join.place, join.row.time
        card.joins[join.row.key] = join
        return card

    def _begin(self, crowd: list[Row], place: GuildProfile, now: float) -> list[JoinCard]:
        changed = self._remove(crowd)
        # The raid is shown in the message of its first joins, unless an ordinary join is in it.
        taken = next((card for card in changed if not card.joins), None)
        self._surges.begin(crowd, place, now, taken.key if taken is not None else "")
        return [card for card in changed if card is not taken]

    def _take(self, crowd: list[Row], place: GuildProfile, now: float) -> list[JoinCard]:
        changed = self._remove(crowd)
        for row in crowd:
            self._surges.extend(row, place, now)
        return changed

    def _remove(self, crowd: Iterable[Row]) -> list[JoinCard]:
        """Remove raiders from the messages of ordinary joins; returns the messages that must be shown anew."""
        changed: dict[str, JoinCard] = {}
        for row in crowd:
            del self._candidates[row.key]
            self._last_raider = row.time
            for card in self._cards:
                if card.joins.pop(row.key, None) is not None:
                    card.moved += 1
                    changed[card.key] = card
        self._cards = [card for card in self._cards if card.joins]
        return list(changed.values())


def _has(card: JoinCard, join: Join) -> bool:
    """Whether the same person is in a message already: a second join must not appear above the departure in between."""
    return any(other.row.who.id == join.row.who.id for other in card.joins.values())
