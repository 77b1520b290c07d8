"""How often an error happened before. Memory of one process; Discord's cards count across restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..events.bounded_dict import BoundedDict
from ..events.event import Event
from ..events.time_text import date_text, format_times

_REMEMBERED: Final = 1000


class Occurrences:
    """Count errors by fingerprint; forgets the one not seen for longest. Used by one thread."""

    def __init__(self) -> None:
        self._counts: BoundedDict[str, tuple[int, float]] = BoundedDict(_REMEMBERED)

    def note(self, event: Event) -> Event:
        """Return the event of an exception with how often it happened before, if it did. It must have a fingerprint."""
        count, first = self._counts.get(event.fingerprint, (0, event.time))
        self._counts.put(event.fingerprint, (count + 1, first))
        if not count:
            return event
        return replace(event, context={**event.context, "seen_before": f"{format_times(count)} since {date_text(first)} UTC"})
