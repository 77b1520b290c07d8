"""Lets the storage put itself in order, and learns what came into it from elsewhere. On the intake's thread; stores no event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..clock import Clock
from ..events.event import Event
from ..storage import Outbox

# While another place stands in for the storage, the usual one is tried again that often.
RETRY_SECONDS: Final = 2.0


class StorageCare:
    """`on_open` is called when the storage may hold other choices than before, `on_put` with destinations that got events."""

    def __init__(self, outbox: Outbox, clock: Clock, on_open: Callable[[], None], on_put: Callable[[set[str]], None]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._on_open, self._on_put = on_open, on_put
        self._tried = 0.0

    @property
    def wait_seconds(self) -> float | None:
        """How long may be waited until the next look; None for as long as nothing else happens."""
        return RETRY_SECONDS if self._outbox.is_displaced else None

    def look_if_due(self) -> None:
        """Go back to the usual place of storage as soon as it works again, and follow what other processes do."""
        now = self._clock.monotonic()
        is_due = self._outbox.is_displaced and not 0 <= now - self._tried < RETRY_SECONDS / 2
        if is_due or self._outbox.fleet.has_news:
            self._tried = now
            self.look()

    def sign(self, event: Event) -> Event:
        """Return an event with where it happened, when other processes share the storage."""
        fleet = self._outbox.fleet
        if not fleet.name:
            return event
        # An alert of another process is another card.
        return replace(event, process=fleet.label, card=event.card and f"{event.card}@{fleet.name}")

    def look(self) -> None:
        """Let the storage put itself in order."""
        if self._outbox.maintain():
            self._on_open()
        if arrivals := self._outbox.fleet.take_arrivals():
            self._on_put(arrivals)
