"""Gateway gaps of one shard: gaps that follow each other are shown as one. Pure: `now` is an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

# Gaps closer together than this belong to one card.
CALM_SECONDS: Final = 600.0
# Discord asks bots to reconnect every few hours, which takes seconds. This many gaps in a row are worth showing.
_MANY: Final = 5


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps in a row, times in seconds. `began` is the start of the first; `down_since` is None while connected."""

    began: float
    count: int = 0
    longest: float = 0.0
    total: float = 0.0
    fresh_sessions: int = 0
    down_since: float | None = None
    ended: float = 0.0


class GatewayConnection:
    """Follow one shard; `up` and `look` return the gaps when there is something to show.

    A gap is shown when it lasts `gap_seconds`, or when it is the fifth in a row.
    """

    def __init__(self, gap_seconds: float) -> None:
        self._shown_from = gap_seconds
        self._gaps: Gaps | None = None
        self._is_shown = False

    @property
    def is_down(self) -> bool:
        """Whether the shard is disconnected."""
        return self._gaps is not None and self._gaps.down_since is not None

    def down(self, now: float) -> bool:
        """Note that the connection is lost; False when that is known (each failed attempt reports it again)."""
        if self.is_down:
            return False
        if self._gaps is None or now - self._gaps.ended >= CALM_SECONDS:
            self._gaps, self._is_shown = Gaps(now), False
        self._gaps = replace(self._gaps, count=self._gaps.count + 1, down_since=now)
        return True

    def look(self, now: float) -> Gaps | None:
        """Return the gaps when the shard has been down long enough to be shown."""
        gaps = self._gaps
        if gaps is None or gaps.down_since is None or now - gaps.down_since < self._shown_from:
            return None
        self._is_shown = True
        return gaps

    def up(self, now: float, *, is_resumed: bool) -> Gaps | None:
        """Note that the connection is back; without `is_resumed`, events of the gap were missed."""
        if self._gaps is None or self._gaps.down_since is None:
            return None
        gap = max(now - self._gaps.down_since, 0.0)
        self._gaps = replace(
            self._gaps,
            longest=max(self._gaps.longest, gap),
            total=self._gaps.total + gap,
            fresh_sessions=self._gaps.fresh_sessions + (not is_resumed),
            down_since=None,
            ended=now,
        )
        self._is_shown = self._is_shown or gap >= self._shown_from or self._gaps.count >= _MANY
        return self._gaps if self._is_shown else None
