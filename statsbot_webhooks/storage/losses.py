"""Loss report: losses until they can be reported, as one text for a series of losses. It sends nothing."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from ..events.accounting import LossReason
from ..events.time_text import format_count
from .base import Loss


class LossReport:
    """Collect losses on one thread, and report them on another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[tuple[LossReason, str]]] = defaultdict(Counter)
        self._seen: dict[str, int] = {}

    def add(self, loss: Loss) -> None:
        """Count a loss."""
        level = loss.level.value if loss.level is not None else "unknown level"
        with self._lock:
            self._counts[loss.destination][loss.reason, level] += loss.count

    def take(self, destination: str) -> str:
        """Return the text of the losses since the last one; empty without losses, and while further ones happen."""
        with self._lock:
            counts = self._counts[destination]
            total = counts.total()
            if total != self._seen.get(destination):
                # Losses began or go on: a later call reports the sum.
                self._seen[destination] = total
                return ""
            if not total:
                return ""
            del self._counts[destination], self._seen[destination]
        reasons = sorted({reason for reason, _ in counts})
        parts = [
            f"{reason.value}: " + ", ".join(f"{count:,} {level}" for (why, level), count in counts.items() if why == reason)
            for reason in reasons
        ]
        return f"{format_count(total, 'event for this channel was', 'events for this channel were')} lost ({'; '.join(parts)})"
