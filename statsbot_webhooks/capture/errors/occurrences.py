"""How often an error happened before."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import replace
from typing import Final

from ...events.event import Event, fingerprint

_REMEMBERED: Final = 1000


class Repeats:
    """Count how often an error happened before, by its fingerprint. Thread-safe; forgets the one not seen for longest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def note(self, event: Event) -> Event:
        """Return the event with how often it happened before, if it did."""
        key = fingerprint(event)
        with self._lock:
            count, first = self._counts.pop(key, (0, event.time))
            self._counts[key] = (count + 1, first)
            if len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)
        if not count:
            return event
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(first))
        times = "once" if count == 1 else f"{count} times"
        return replace(event, context={**event.context, "seen_before": f"{times} since {since} UTC"})
