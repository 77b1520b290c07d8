"""Prunes: the audit log says how many members a prune removed, but not whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .profiles import AuditEntry, GuildProfile, Who

# Leaves of one prune are at most this far from its entry.
REACH_SECONDS: Final = 30.0
_EMIT_SECONDS: Final = 5.0
_DAY: Final = 86400
# Limits the size of the list, at about 60 bytes a name; members beyond it are shown like any other.
_MAX_LEAVES: Final = 10_000


@dataclass(slots=True, eq=False)
class Prune:
    """A prune and the leaves around it. `due` is when it must be shown, None while there is nothing new."""

    entry: AuditEntry
    place: GuildProfile
    time: float
    due: float | None
    leaves: dict[int, tuple[Who, float]] = field(default_factory=dict[int, tuple[Who, float]])

    @property
    def card(self) -> str:
        return f"prune/{self.place.id}/{self.entry.id}"

    def reaches_back_to(self, time: float) -> bool:
        return self.time - time < REACH_SECONDS

    def may_have_taken(self, place_id: int, who: Who, now: float) -> bool:
        """Whether the prune may have caused a leave: it removes only members who joined before the inactive days."""
        has_stayed = who.joined is None or now - who.joined >= self.entry.inactive_days * _DAY
        return place_id == self.place.id and has_stayed

    def takes(self, place_id: int, who: Who, now: float) -> bool:
        """Whether a leave after the entry belongs to it; no more leaves do than members were removed."""
        is_near = now - self.time < REACH_SECONDS and len(self.leaves) < min(self.entry.removed, _MAX_LEAVES)
        return is_near and self.may_have_taken(place_id, who, now)

    def take(self, who: Who, time: float, now: float) -> None:
        self.leaves[who.id] = (who, time)
        self._change(now)

    def release(self, who: Who) -> None:
        if self.leaves.pop(who.id, None) is not None:
            self._change(self.time)

    def _change(self, now: float) -> None:
        if self.due is None:
            self.due = now + _EMIT_SECONDS
