"""Recent events: the newest events of each destination, for commands that list them. In memory only. Pure."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from ..events.event import Event, encode
from ..issues.fingerprint import fingerprint

_KEPT: Final = 20
# Longer texts are cut, so that memory stays small.
_LONGEST: Final = 2000
# How many messages are remembered, each with at most this many events.
_MESSAGES: Final = 300
_OF_A_MESSAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that went to a destination, cut to what a list shows, and its fingerprint."""

    event: Event
    fingerprint: str


class RecentEvents:
    """The newest events of each destination. Takes redacted events only."""

    def __init__(self) -> None:
        self._rings: defaultdict[str, deque[Event | Seen]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._messages: OrderedDict[int, tuple[Event | Seen, ...]] = OrderedDict()

    def add(self, event: Event, names: tuple[str, ...]) -> None:
        """Remember an event for its destinations."""
        kept = _light(event)
        for name in names:
            self._rings[name].append(kept)

    def note_message(self, message_id: int, events: Iterable[Event]) -> None:
        """Remember which events a message shows."""
        self._messages[message_id] = tuple(_light(event) for event, _ in zip(events, range(_OF_A_MESSAGE), strict=False))
        if len(self._messages) > _MESSAGES:
            self._messages.popitem(last=False)

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Drop the events whose stored form is meant."""
        for name, kept in list(self._rings.items()):
            self._rings[name] = deque(_others(kept.copy(), is_meant), maxlen=_KEPT)
        for message_id, events in list(self._messages.items()):
            self._messages[message_id] = tuple(_others(events, is_meant))

    def shown(self, message_id: int) -> list[Seen]:
        """Return the events that a message shows, each fingerprint once; empty when it is not remembered."""
        found: dict[str, Seen] = {}
        for each in self._messages.get(message_id, ()):
            seen = _seen(each)
            found.setdefault(seen.fingerprint, seen)
        return list(found.values())

    def newest(self, destination: str, limit: int = _KEPT) -> list[Seen]:
        """Return the newest events of a destination, newest first."""
        kept = list(self._rings[destination])[::-1][:limit] if destination in self._rings else []
        return [_seen(each) for each in kept]

    def all(self) -> list[Seen]:
        """Return the newest events of all destinations, newest first, each fingerprint once."""
        found: dict[str, Seen] = {}
        for name in list(self._rings):
            for seen in self.newest(name):
                if seen.fingerprint not in found or found[seen.fingerprint].event.time < seen.event.time:
                    found[seen.fingerprint] = seen
        return sorted(found.values(), key=lambda seen: -seen.event.time)


def _light(event: Event) -> Event | Seen:
    if len(event.message) + len(event.traceback or "") <= _LONGEST and not event.files:
        return event
    cut = replace(event, message=event.message[:_LONGEST], traceback=None, context={}, files=())
    return Seen(cut, fingerprint(event))


def _others(events: Iterable[Event | Seen], is_meant: Callable[[str], bool]) -> Iterable[Event | Seen]:
    return (each for each in events if not is_meant(encode(each.event if isinstance(each, Seen) else each)))


def _seen(each: Event | Seen) -> Seen:
    return each if isinstance(each, Seen) else Seen(each, fingerprint(each))
