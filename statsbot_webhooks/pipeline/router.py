"""Router: which destinations an event goes to. It reads names and filters of destinations, never URLs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..config.destination import BUILT_IN, Destination
from ..events.event import Event, EventKind, LogLevel

_OWN_LEVEL = LogLevel.INFO
_MOST_KNOWN = 512


class Router:
    """Choose destinations: default routes for the four built-in names, and the filters of all. From any thread."""

    def __init__(self, destinations: Iterable[Destination]) -> None:
        self._levels: Mapping[str, LogLevel] = {}
        self._known: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._configured: dict[str, Destination] = {}
        self._destinations: dict[str, Destination] = {}
        self.add(destinations)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all destinations, in the order in which they were configured."""
        return tuple(self._destinations)

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The destinations as they were configured, without the levels that admins chose."""
        return tuple(self._configured.values())

    def add(self, destinations: Iterable[Destination]) -> None:
        """Add destinations, or replace those of the same name."""
        self._configured |= {destination.name: destination for destination in destinations}
        self.set_levels(self._levels)

    def set_levels(self, levels: Mapping[str, LogLevel]) -> None:
        """Set the lowest levels that admins chose, in place of those of the settings."""
        self._levels = levels
        self._destinations = {
            name: replace(destination, level=levels.get(name, destination.level))
            for name, destination in self._configured.items()
        }
        # Reset last, because another thread may be routing.
        self._known = {}

    def route(self, event: Event) -> tuple[str, ...]:
        """Return the names of the destinations that want the event, in the order in which they were configured."""
        # Everything that routing reads of an event; few combinations occur.
        key = (event.kind, event.level, event.route_level, event.origin, event.guild_id)
        known = self._known
        names = known.get(key)
        if names is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            wanted = _default_names(event, self._destinations)
            accepting = (name for name, destination in self._destinations.items() if _accepts(destination, event, name in wanted))
            names = known[key] = tuple(accepting)
        return names


def fallbacks(name: str) -> tuple[str, ...]:
    """Return where the events of a destination go when its webhook is gone, best first."""
    return tuple(other for other in BUILT_IN if other != name)


def _default_names(event: Event, configured: Iterable[str]) -> set[str]:
    names = set(configured)
    if event.kind == EventKind.PERFORMANCE:
        return {"performance" if "performance" in names else "error"}
    if event.kind == EventKind.MEMBER:
        return {"member_events" if "member_events" in names else "info"}
    if event.kind == EventKind.LIFECYCLE:
        # A start does not belong in the channel of errors; a gateway that is down does.
        return {"info" if "info" in names or _judged(event).number < LogLevel.WARNING.number else "error"}
    if event.level == LogLevel.CRITICAL:
        return {"error", "info"}
    if event.level in (LogLevel.ERROR, LogLevel.WARNING):
        return {"error" if "error" in names else "info"}
    return {"info"} if event.level == LogLevel.INFO else set()


def _accepts(destination: Destination, event: Event, is_default: bool) -> bool:
    if destination.guilds is not None and event.guild_id not in destination.guilds:
        return False
    if destination.loggers is not None and not _within(event.origin, destination.loggers):
        return False
    if destination.events is not None and event.kind not in destination.events:
        return False
    if destination.level is not None:
        # A destination's own level widens or narrows its default route; with `events` it is a minimum among those.
        in_scope = is_default or destination.events is not None or event.kind in (EventKind.LOG, EventKind.ERROR)
        return in_scope and _judged(event).number >= destination.level.number
    if destination.events is not None:
        return True
    return is_default or (destination.name not in BUILT_IN and _judged(event).number >= _OWN_LEVEL.number)


def _judged(event: Event) -> LogLevel:
    return event.route_level or event.level


def _within(origin: str, loggers: tuple[str, ...]) -> bool:
    return any(origin == name or origin.startswith(f"{name}.") for name in loggers)
