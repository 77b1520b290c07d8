"""Role pings: a message may ping one configured role, for CRITICAL only, and not again within the cool-down. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..events.event import Event, LogLevel

PREFIX: Final = "ping/"
_LAST: Final = "ping/last"
# Corrections of the clock set it back by less.
_JITTER_SECONDS: Final = 5.0


class Pings:
    """Shared by all destinations, so that a CRITICAL event in two channels pings once."""

    def __init__(self, role_id: int | None, cooldown_seconds: float) -> None:
        self._role_id = role_id
        self._cooldown = cooldown_seconds
        self._last: float | None = None
        self._before: float | None = None

    def configure(self, role_id: int | None, cooldown_seconds: float) -> None:
        """Apply other settings; the last ping still counts."""
        self._role_id, self._cooldown = role_id, cooldown_seconds

    def load(self, stored: Mapping[str, Any]) -> None:
        """Take over when an earlier process pinged: a bot that crashes at every start must not ping each time."""
        last = stored.get(_LAST)
        if isinstance(last, (int, float)):
            self._last = max(last, self._last or 0.0)

    def is_due(self, event: Event, now: float) -> bool:
        """Whether a message that shows an event pings."""
        return self._role_id is not None and event.level == LogLevel.CRITICAL and self._is_over(now)

    def _is_over(self, now: float) -> bool:
        # A ping in the future means that the clock was set back: it does not count.
        return self._last is None or not self._last - _JITTER_SECONDS < now < self._last + self._cooldown

    def take(self, events: Iterable[Event], now: float) -> int | None:
        """Return the role that a message of these events pings, None for none, and begin the cool-down."""
        if not any(self.is_due(event, now) for event in events):
            return None
        self._before, self._last = self._last, now
        return self._role_id

    def give_back(self) -> None:
        """End the cool-down that `take` began, because its message did not arrive."""
        self._last = self._before

    def state(self) -> dict[str, Any]:
        """Return the state to store."""
        return {} if self._last is None else {_LAST: self._last}
