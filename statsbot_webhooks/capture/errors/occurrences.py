"""How often an error happened before."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final

from ...events.bounded_dict import BoundedDict
from ...events.event import Event, fingerprint
from ...events.time_text import date_text

_REMEMBERED: Final = 1000


class Occurrences:
    """Count how often an error happened before, by its fingerprint. Thread-safe; forgets the one not seen for longest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: BoundedDict[str, tuple[int, float]] = BoundedDict(_REMEMBERED)

    def note(self, event: Event) -> Event:
        """Return the event with how often it happened before, if it did."""
        key = fingerprint(event)
        with self._lock:
            count, first = self._counts.get(key, (0, event.time))
            self._counts.put(key, (count + 1, first))
        if not count:
            return event
        times = "once" if count == 1 else f"{count} times"
        return replace(event, context={**event.context, "seen_before": f"{times} since {date_text(first)} UTC"})
