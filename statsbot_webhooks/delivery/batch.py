"""Batcher: which waiting entries share a message, and how they are presented. Pure: no I/O, no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ..events.event import Event
from ..events.folding import Fold, Group, group_events
from ..formatting.formatter import MessageFormatter, WebhookMessage, mark
from ..issues.fingerprint import fingerprints
from ..storage import Entry

# As many as one digest may hold: 50,000 events are five messages. A claim of long texts ends earlier.
MAX_ENTRIES = 10_000
# Entries per message, on average: cards with tracebacks are long, lines have at most 250 UTF-16 units.
_PER_MESSAGE: Final = {"CARDS": 5, "LINES": 25}
# Delivery is behind when the oldest event has waited this much longer than a batch may wait.
_BEHIND_SECONDS: Final = 10.0


class Presentation(IntEnum):
    """How the events of a batch are shown, from the roomiest to the tightest."""

    CARDS = 0
    LINES = 1
    DIGEST = 2


def choose(backlog: int, budget_left: int, oldest_age: float, current: Presentation) -> Presentation:
    """Return the roomiest presentation that clears the backlog with a fair share of the budget.

    `backlog` counts different events (repeats are one), `budget_left` the requests that may leave within the minute,
    `oldest_age` the seconds the oldest event has waited beyond its due time. A tighter presentation is chosen at once; a
    roomier one than `current` only when the backlog is half of what it could take, so that it does not flap.
    """
    messages = max(min(2, budget_left // 5), 1) if oldest_age < _BEHIND_SECONDS else 1
    for presentation in (Presentation.CARDS, Presentation.LINES):
        load = backlog * 2 if presentation < current else backlog
        if math.ceil(load / _PER_MESSAGE[presentation.name]) <= messages:
            return presentation
    return Presentation.DIGEST


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries that one message shows, and the `rest` that did not fit.

    `folded` counts the entries that are shown only as a repeat of another one. `id` is shown in the message.
    """

    entries: Sequence[Entry]
    rest: Sequence[Entry]
    message: WebhookMessage
    presentation: Presentation = Presentation.CARDS
    folded: int = 0
    id: str = ""


class Batcher:
    """Build the next message of a destination from what waits."""

    def __init__(self, formatter: MessageFormatter, *, batch_size: int, batch_timeout_seconds: float) -> None:
        self._formatter = formatter
        self._batch_size = batch_size
        self._timeout = batch_timeout_seconds

    def wait_seconds(self, entries: int, urgent: int, oldest: float | None, now: float) -> float | None:
        """Return how long the next batch may still wait: 0 when it is due, `None` when nothing waits."""
        if not entries or oldest is None:
            return None
        if urgent or entries >= self._batch_size:
            return 0.0
        # When the clock is set back, events still wait no longer than the timeout.
        return min(max(oldest + self._timeout - now, 0.0), self._timeout)

    def build(
        self,
        entries: Sequence[Entry],
        *,
        note: str = "",
        batch_id: str = "",
        now: float | None = None,
        budget_left: int = 30,
        current: Presentation = Presentation.CARDS,
    ) -> Batch:
        """Build the message of a batch, in the presentation that suits what waits.

        `note` is a line above the rest; `batch_id` is shown small, so that a message sent twice can be recognised.
        """
        events = [entry.event for entry in entries]
        keys = fingerprints(events, self._formatter.pause)
        groups = group_events(events, keys, self._formatter.pause)
        oldest = min(event.time for event in events)
        age = 0.0 if now is None else now - oldest - self._timeout
        presentation = choose(len(groups), budget_left, age, current)
        if presentation == Presentation.LINES:
            groups = self._by_text(events, keys)
            presentation = choose(len(groups), budget_left, age, max(current, Presentation.LINES))
        for build in (self._formatter.format_groups, self._formatter.format_lines)[presentation:]:
            if presentation == Presentation.CARDS and build == self._formatter.format_lines:
                groups = self._by_text(events, keys)
            message, count = build(groups)
            shown, rest = _split(entries, groups[:count])
            # A batch that is sent again must stay one message, as it was sealed.
            if not (rest and entries[0].batch):
                return Batch(shown, rest, mark(message, note, batch_id), presentation, len(shown) - count)
        message, taken = self._formatter.format_digest(events, keys)
        return Batch(entries[:taken], entries[taken:], mark(message, note, batch_id), Presentation.DIGEST)

    def _by_text(self, events: Sequence[Event], keys: Sequence[str]) -> list[Group]:
        # A line shows one text, and its multiplier must not count other texts; so there may be many more groups.
        texts = [f"{key} {event.message}" for key, event in zip(keys, events, strict=True)]
        return group_events(events, texts, self._formatter.pause)

    def build_card(self, fold: Fold, events: Sequence[Event], *, note: str = "", batch_id: str = "") -> WebhookMessage:
        """Return the message of a card that is kept up to date, with the files of its newest event.

        `events` are those of the repeats whose texts are known.
        """
        return mark(self._formatter.format_fold(fold, [] if fold.event.card else events), note, batch_id)


def _split(entries: Sequence[Entry], groups: Sequence[Group]) -> tuple[list[Entry], list[Entry]]:
    """Return the entries that are in the groups, and the others."""
    positions = {position for group in groups for position in group.positions}
    shown = [entry for position, entry in enumerate(entries) if position in positions]
    return shown, [entry for position, entry in enumerate(entries) if position not in positions]
