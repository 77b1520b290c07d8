"""What the intake asks and tells on the way of an event, beside router and redactor. Contracts only."""

from __future__ import annotations

from typing import Protocol

from ..events.event import Event


class Gate(Protocol):
    """Who may keep events back between the routes and the storage; it counts those itself."""

    def admit(self, event: Event, names: tuple[str, ...], *, redacted: bool) -> tuple[str, ...]:
        """Return the destinations that may have the event. Asked before it is redacted, and again after."""
        ...

    def identify(self, event: Event) -> Event:
        """Return a redacted event with what is known about its kind; asked before the second `admit`."""
        ...


class Mirror(Protocol):
    """What is given every event that was accepted, redacted, with where it goes."""

    def add(self, event: Event, destinations: tuple[str, ...]) -> None:
        """Take an event; returns at once, and never raises."""
        ...
