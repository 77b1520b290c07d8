"""Which entries of a destination are ready to be claimed, in which order. Bookkeeping in memory; no I/O."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from enum import IntEnum


class LaneName(IntEnum):
    """The lanes in the order in which they are claimed at first."""

    RECOVERED = 0
    URGENT = 1
    CALM = 2


@dataclass(slots=True)
class Lane:
    """Entries that leave in the order of their ids.

    Ids above `floor` have never been claimed, `fresh` of them; `returned` are ids below it that were claimed and came back.
    So no list of all that waits is kept in memory.
    """

    floor: int = 0
    fresh: int = 0
    returned: list[int] = field(default_factory=list[int])

    @property
    def ready(self) -> int:
        """How many may be claimed."""
        return self.fresh + len(self.returned)

    def add(self, entry_id: int) -> None:
        """Put an id to its place: one that was claimed, or one of another destination."""
        if entry_id > self.floor:
            self.fresh += 1
        else:
            bisect.insort(self.returned, entry_id)

    def drop(self, entry_id: int) -> None:
        """Forget a ready id."""
        if entry_id > self.floor:
            self.fresh -= 1
        else:
            self.returned.remove(entry_id)


@dataclass(slots=True)
class Shelf:
    """The lanes of one destination, and how many of its entries exist, leased ones included."""

    lanes: dict[LaneName, Lane] = field(default_factory=lambda: {name: Lane() for name in LaneName})
    entries: int = 0
    recovered_last: float | None = None
    sealed: list[int] = field(default_factory=list[int])
    batch: str = ""
    is_batch_urgent: bool = False

    def next_lane(self) -> LaneName | None:
        """Return the lane that is claimed next, each alone: errors come without the noise around them.

        The last words of the process before are the first thing to be seen; once that is begun, a new error need not wait
        for the rest of them.
        """
        order = list(LaneName)
        if self.lanes[LaneName.RECOVERED].floor:
            order = [LaneName.URGENT, LaneName.RECOVERED, LaneName.CALM]
        return next((name for name in order if self.lanes[name].ready), None)
