"""Contracts of the intake with the parts that hold events back or mirror them. No code."""

from __future__ import annotations

from typing import Protocol

from ..events.event import Event


class Gate(Protocol):
    """Holds events back between routing and storage, and counts them itself."""

    def admit(self, event: Event, names: tuple[str, ...], *, redacted: bool) -> tuple[str, ...]:
        """Return the destinations that may get the event. Called before it is redacted, and again after."""
        ...

    def identify(self, event: Event) -> Event:
        """Return a redacted event with the reference of its issue; called before the second `admit`."""
        ...


class Mirror(Protocol):
    """Gets every accepted event, redacted, with its destinations."""

    def add(self, event: Event, destinations: tuple[str, ...]) -> None:
        """Take an event. Returns at once, and never raises."""
        ...
