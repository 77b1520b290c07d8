"""Slow calls of one command or listener within half an hour, as one card. Pure: `now` is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...events.event import Event, EventKind, LogLevel
from ...events.time_text import format_span
from ..errors.context import ErrorContext

# Slow calls of the same command within this time of the first share a card.
_CARD_SECONDS: Final = 1800.0
# A card says at most this often that it happened again.
_REPEAT_SECONDS: Final = 30.0
_MAX_NAMES: Final = 200


@dataclass(slots=True)
class _Tally:
    began: float
    count: int = 0
    worst: float = 0.0
    shown: float = 0.0
    running: bool = False


class SlowCalls:
    """Count slow calls by name."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}

    def note(
        self,
        name: str,
        place: ErrorContext,
        seconds: float,
        limit: float,
        where: str,
        *,
        now: float,
        is_running: bool,
        is_new: bool,
    ) -> Event | None:
        """Return the event that shows a slow call, or None when the card has just been shown."""
        tally = self._tallies.get(name)
        if tally is None or now - tally.began >= _CARD_SECONDS:
            if tally is None and len(self._tallies) >= _MAX_NAMES:
                self._tallies.clear()
            tally = self._tallies[name] = _Tally(now)
        # A call that was shown while it ran is counted once.
        tally.count += is_new
        tally.worst = max(tally.worst, seconds)
        if tally.shown and now - tally.shown < _REPEAT_SECONDS and tally.running is is_running:
            return None
        tally.shown, tally.running = now, is_running
        return _event(name, place, seconds, limit, where, tally, now)


def _event(name: str, place: ErrorContext, seconds: float, limit: float, where: str, tally: _Tally, now: float) -> Event:
    subject = name[0].upper() + name[1:]
    verb = "has been running for" if tally.running else "took"
    return Event(
        EventKind.PERFORMANCE,
        LogLevel.WARNING,
        f"{subject} {verb} {format_span(seconds)}, longer than {format_span(limit)}.",
        now,
        name,
        place.details,
        guild_id=place.guild_id,
        persons=place.persons,
        template=name,
        card=f"slow/{name}/{int(tally.began)}",
        facts={
            "type": "slow call",
            "limit": limit,
            "where": where,
            "is_running": tally.running,
            "count": tally.count,
            "worst": tally.worst,
        },
    )
