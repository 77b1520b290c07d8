"""Reminders of one destination: a line about what lasts and was not acknowledged, which replaces the line before.

They end by themselves, and never ping. When each is due is in `issues/reminder_schedule.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from ..events.event import Event, LogLevel
from ..events.time_text import format_span
from ..formatting.markdown import escape_markdown, shorten
from ..formatting.message import WebhookMessage
from ..formatting.presentation import present
from ..issues.reminder_schedule import Reminder, due_at, from_state, passed, to_state
from .card import Card, error_key
from .outcome import Outcome
from .rate_limiter import Priority
from .transport import Options
from .worker_context import WorkerContext

PREFIX: Final = "reminder/"
_TITLE: Final = 150
# Pause after a failed try.
_RETRY_SECONDS: Final = 60.0


class Reminders:
    """Write and delete the lines of one destination. `minutes` are from the first card to each line; empty: no reminders."""

    def __init__(self, parts: WorkerContext, minutes: tuple[float, ...]) -> None:
        self._parts = parts
        self.minutes = minutes
        self._known: dict[str, Reminder] = {}
        self._begun = parts.clock.now()
        self._next_try = 0.0
        # Lines to delete.
        self._outdated: list[Reminder] = []

    @property
    def prefix(self) -> str:
        """Prefix of the keys of stored reminders."""
        return f"{PREFIX}{self._parts.destination.name}/"

    def load(self, stored: Mapping[str, Any]) -> None:
        """Take over what an earlier process stored; what cannot be read is skipped."""
        for key, state in stored.items():
            try:
                self._known[key.removeprefix(self.prefix)] = from_state(state)
            except (KeyError, TypeError, ValueError):
                continue

    def due_seconds(self) -> float | None:
        """Return the seconds until `act` has something to do; None when it has nothing."""
        if not self.minutes and not self._known and not self._outdated:
            return None
        now, limiter = self._parts.clock.now(), self._parts.limiter
        times = [limiter.wait_seconds(Priority.EDIT)] if self._outdated else []
        if dict(self._lasting()).keys() != self._known.keys():
            # Something began or ended.
            times.append(0.0)
        due = min(filter(None, (due_at(each, self.minutes) for each in self._known.values())), default=None)
        if due is not None:
            times.append(max(due - now, self._next_try - now, limiter.wait_seconds(Priority.CALM)))
        return min(times, default=None)

    async def act(self) -> None:
        """Do what is due: note what began, end what has ended, and write one line."""
        now, lasting = self._parts.clock.now(), dict(self._lasting())
        if self._outdated and self._parts.limiter.wait_seconds(Priority.EDIT) <= 0:
            await self._take_back(self._outdated.pop())
            return
        for key in self._known.keys() - lasting.keys():
            await self._end(key)
        state: dict[str, Any] = {}
        for key in lasting.keys() - self._known.keys():
            self._known[key] = Reminder(min(lasting[key].posted or now, now), lasting[key].whole.last)
            state[self.prefix + key] = to_state(self._known[key])
        if state:
            await self._parts.outbox.write_state(state)
        for key, reminder in list(self._known.items()):
            due = due_at(reminder, self.minutes)
            if due is not None and due <= now:
                await self._remind(key, reminder, lasting[key], now)
                return

    async def _remind(self, key: str, reminder: Reminder, card: Card, now: float) -> None:
        event, later = card.whole.event, passed(reminder, self.minutes, now)
        if not event.card and card.whole.last <= reminder.told:
            # It did not come again: no reminder this time.
            await self._keep(key, later)
            return
        parts = self._parts
        options = Options(thread_id=card.thread_id)
        async with parts.limiter.request(Priority.CALM):
            await parts.outbox.note_edit(parts.clock.now())
            result = await parts.transport.send(parts.destination, self._line(card, event, now), options)
        if result.outcome != Outcome.DELIVERED:
            # Not recorded as a failure: events that must arrive will show what is wrong.
            self._next_try = now + _RETRY_SECONDS
            if result.outcome in (Outcome.REJECTED, Outcome.GONE):
                # The card may be in a deleted thread, for example; the other reminders must not wait for it.
                await self._keep(key, later)
            return
        await self._keep(
            key, replace(later, told=max(card.whole.last, now), message_id=result.message_id or 0, thread_id=card.thread_id or 0)
        )
        self._outdated.append(reminder)

    def _line(self, card: Card, event: Event, now: float) -> WebhookMessage:
        parts, shown = self._parts, present(event)
        title = shown.title or escape_markdown(shown.message.partition("\n")[0])
        name = f"**{event.issue}** " if event.issue else ""
        what = "lasts" if event.card else "came again, and is not acknowledged"
        since = event.facts.get("since") if event.card else None
        lasts = f" for {format_span(now - since)}" if isinstance(since, (int, float)) else ""
        text = f"⏰ {name}{shorten(title, _TITLE)}: {what}{lasts}"
        if (link := parts.link_to(card)) is not None:
            text += f" · {link}"
        if not parts.carries_buttons:
            text += "\n-# To end this, acknowledge it: right-click its card, Apps, *Webhooks: about this card*"
            text += f"; or `/webhooks about {event.issue}`" if event.issue else ""
        return WebhookMessage(text)

    async def _keep(self, key: str, reminder: Reminder) -> None:
        self._known[key] = reminder
        await self._parts.outbox.write_state({self.prefix + key: to_state(reminder)})

    async def _end(self, key: str) -> None:
        reminder = self._known.pop(key)
        await self._parts.outbox.write_state({self.prefix + key: None})
        self._outdated.append(reminder)

    async def _take_back(self, reminder: Reminder) -> None:
        """Delete a line; one that cannot be deleted does no harm."""
        parts, thread_id = self._parts, reminder.thread_id or None
        if reminder.message_id:
            async with parts.limiter.request(Priority.EDIT):
                await parts.transport.delete(parts.destination, reminder.message_id, thread_id=thread_id)

    def _lasting(self) -> Iterator[tuple[str, Card]]:
        """Yield the cards to remind of: lasting alerts and CRITICAL issues without a decision."""
        if not self.minutes:
            return
        for key, card in self._parts.cards.items():
            event = card.whole.event
            if card.message_id is None or self._is_told_elsewhere(event):
                continue
            is_alert = event.facts.get("type") == "alert" and not event.ends_card and event.time >= self._begun
            is_issue = event.level == LogLevel.CRITICAL and error_key(event) == key
            if (is_alert or is_issue) and self._parts.states.is_undecided(key, event, self._parts.destination.name):
                yield key, card

    def _is_told_elsewhere(self, event: Event) -> bool:
        return bool(event.routes) and event.routes[0] != self._parts.destination.name
