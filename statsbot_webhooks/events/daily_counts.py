"""How many events of which kind came in, for the daily summary. Pure; used by one thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from .event import Event, EventKind, LogLevel

# Of more kinds of errors than this only the number is known.
_MAX_ERRORS: Final = 500


@dataclass(slots=True)
class DailyCounts:
    """Events by kind and level, and errors by what they are."""

    kinds: Counter[EventKind] = field(default_factory=Counter[EventKind])
    levels: Counter[LogLevel] = field(default_factory=Counter[LogLevel])
    errors: Counter[str] = field(default_factory=Counter[str])

    def add(self, event: Event) -> None:
        """Count an event. Later states of a card are no further events."""
        # A card's first state cannot be told from the others; what the bot's health reports is counted by its alerts.
        if event.card and event.kind in (EventKind.PERFORMANCE, EventKind.LIFECYCLE):
            return
        self.kinds[event.kind] += 1
        self.levels[event.level] += 1
        if event.kind == EventKind.ERROR or event.level.number >= LogLevel.ERROR.number:
            # The type of an exception, or the text of a log record before its values were filled in: nothing about persons.
            name = event.message.partition(":")[0] if event.kind == EventKind.ERROR else event.template
            name = name.partition("\n")[0][:80] or event.kind.value
            if name in self.errors or len(self.errors) < _MAX_ERRORS:
                self.errors[name] += 1

    def take(self) -> DailyCounts:
        """Return what was counted, and begin anew."""
        taken = DailyCounts(self.kinds, self.levels, self.errors)
        self.kinds, self.levels, self.errors = Counter(), Counter(), Counter()
        return taken
