"""Storage care: let the storage maintain itself, and notice what other processes put into it. On the intake's thread.

It stores no event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..clock import Clock
from ..events.event import Event
from ..storage import Outbox

# While a substitute stands in for the usual storage, that is tried again this often.
RETRY_SECONDS: Final = 2.0


class StorageCare:
    """Call `on_open` when the storage may hold other choices than before, and `on_put` with destinations that got events."""

    def __init__(self, outbox: Outbox, clock: Clock, on_open: Callable[[], None], on_put: Callable[[set[str]], None]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._on_open, self._on_put = on_open, on_put
        self._tried = 0.0

    @property
    def wait_seconds(self) -> float | None:
        """Seconds until the next look is due; None for no limit."""
        return RETRY_SECONDS if self._outbox.is_displaced else None

    def look_if_due(self) -> None:
        """Return to the usual storage as soon as it works again, and follow what other processes do."""
        now = self._clock.monotonic()
        is_due = self._outbox.is_displaced and not 0 <= now - self._tried < RETRY_SECONDS / 2
        if is_due or self._outbox.fleet.has_news:
            self._tried = now
            self.look()

    def sign(self, event: Event) -> Event:
        """Return an event with the name of this process, when other processes share the storage."""
        fleet = self._outbox.fleet
        if not fleet.name:
            return event
        # The alerts of each process have cards of their own.
        return replace(event, process=fleet.label, card=event.card and f"{event.card}@{fleet.name}")

    def look(self) -> None:
        """Let the storage maintain itself, and call back for what it found."""
        if self._outbox.maintain():
            self._on_open()
        if arrivals := self._outbox.fleet.take_arrivals():
            self._on_put(arrivals)
