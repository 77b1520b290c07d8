"""The newest events of each destination, as they are shown, for a look without the channel. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import Final

from .event import Event, fingerprint

_KEPT: Final = 20
# Larger texts are cut, so that the ring stays small whatever is logged.
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that went to a destination: cut to what a list shows, and its fingerprint."""

    event: Event
    fingerprint: str


class Tail:
    """A ring for each destination. Takes redacted events only."""

    def __init__(self) -> None:
        self._rings: defaultdict[str, deque[Event | Seen]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def add(self, event: Event, names: tuple[str, ...]) -> None:
        """Remember an event for its destinations."""
        kept: Event | Seen = event
        if len(event.message) + len(event.traceback or "") > _LONGEST or event.files:
            cut = replace(event, message=event.message[:_LONGEST], traceback=None, context={}, files=())
            kept = Seen(cut, fingerprint(event))
        for name in names:
            self._rings[name].append(kept)

    def newest(self, destination: str, limit: int = _KEPT) -> list[Seen]:
        """Return the newest events of a destination, newest first."""
        kept = list(self._rings[destination])[::-1][:limit] if destination in self._rings else []
        return [each if isinstance(each, Seen) else Seen(each, fingerprint(each)) for each in kept]

    def all(self) -> list[Seen]:
        """Return the newest events of all destinations, newest first, each fingerprint once."""
        found: dict[str, Seen] = {}
        for name in list(self._rings):
            for seen in self.newest(name):
                if seen.fingerprint not in found or found[seen.fingerprint].event.time < seen.event.time:
                    found[seen.fingerprint] = seen
        return sorted(found.values(), key=lambda seen: -seen.event.time)
