"""The live cards of a destination: what they take in, when each may be edited, and when a new message begins. Pure.

A single card is in `card`; posting and editing are done by `message_sender` and `card_editor`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..events.event import Event, LogLevel, encode
from ..events.folding import fold_of, merge
from ..events.time_text import format_span, format_times
from ..formatting.message import WebhookMessage
from ..issues.fingerprint import OLD_FINGERPRINT
from ..storage import LEFT_CARDS, Entry
from .card import (
    MOVE_AFTER_SECONDS,
    Card,
    Taken,
    card_key,
    continued,
    distinct,
    error_key,
    fits,
    fold_repeats,
    from_stored,
    full,
    is_of_text,
    shown_whole,
    take_in,
    text_key,
    text_of,
    to_stored,
    unshown,
    without_files,
    without_tail,
    without_texts,
)
from .card_files import GrowingFiles, Grown, filed, filed_when_posted, has_room
from .outcome import SentFile

# Longest pace of an end, and of the second state of a card below WARNING (another join, say). What is worse is shown at once.
_SECOND_STATE_SECONDS: Final = 2.0
# An error that comes back after this long is news.
_SILENCE_SECONDS: Final = 3600.0
# How many cards of a destination are remembered, and how long after they were last shown.
_MOST_CARDS: Final = 500
_KEEP_SECONDS: Final = 7 * 86400.0
# Texts are remembered, so that repeats are counted, from messages of at most this many; more are a flood.
_MOST_REMEMBERED: Final = 50
# Raised for a stored card that cannot be read.
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The claimed entries that cards took in, the rest, and the state to store."""

    entries: Sequence[Entry]
    rest: Sequence[Entry]
    state: Mapping[str, Any]


class Cards:
    """The cards of one destination. `pace` is the least time between two states of a card, in seconds.

    Repeats of an error, or of a text, share a card, which counts them. `version` is the bot's own, and
    `must_post(event, now)` says whether an event needs a new message although its card could be edited.
    """

    def __init__(
        self, destination: str, pace: float, version: str = "", must_post: Callable[[Event, float], bool] | None = None
    ) -> None:
        # Of the keys of stored cards.
        self.prefix = f"card/{destination}/"
        self._pace = pace
        self._version = version
        self._must_post = must_post
        self._cards: dict[str, Card] = {}
        # Stored keys to delete with the next state that is written.
        self._outdated: list[str] = []
        self._growing = GrowingFiles()
        # Events whose edit Discord refused: they are posted, so that the one to blame is found.
        self._apart: set[tuple[str, float, str]] = set()

    def configure(self, pace: float, version: str) -> None:
        """Apply other settings; the cards stay."""
        self._pace, self._version = pace, version

    @property
    def left_prefix(self) -> str:
        """Prefix of the keys of cards that another process has left behind."""
        return f"{LEFT_CARDS}{self.prefix.partition('/')[2]}"

    @property
    def are_stale(self) -> bool:
        """Whether a card does not show its newest state yet."""
        return any(card.is_stale for card in self._cards.values())

    def load(self, stored: Mapping[str, Any]) -> None:
        """Take over what an earlier process stored; what cannot be read is skipped."""
        for key, state in stored.items():
            try:
                card, name = from_stored(state), key.removeprefix(self.prefix)
            except _UNREADABLE:
                continue
            if OLD_FINGERPRINT.match(name.removeprefix("error-")):
                # Version 0.1 told errors apart by line numbers: the card continues under the key its error has now.
                name = error_key(card.fold.event)
                self._outdated.append(key)
            known = self._cards.get(name)
            if known is None or known.shown < card.shown:
                self._cards[name] = card

    def adopt(self, left: Mapping[str, Any]) -> tuple[list[Event], Mapping[str, Any]]:
        """Take over cards of another process, except where a card of the same key exists here.

        Returns the events that the skipped cards had not shown, and the state to store.
        """
        events: list[Event] = []
        state: dict[str, Any] = dict.fromkeys(left)
        for key, stored in left.items():
            name = key.removeprefix(self.left_prefix)
            if name not in self._cards:
                self.load({f"{self.prefix}{name}": stored})
                if name in self._cards:
                    state |= self._state_of([name])
                continue
            with contextlib.suppress(*_UNREADABLE):
                events += unshown(from_stored(stored))
        return events, state

    def get(self, key: str) -> Card | None:
        """Return the card of a key."""
        return self._cards.get(key)

    def knows(self, key: str) -> bool:
        """Whether a card of the key was shown before."""
        return key in self._cards

    def absorb(self, entries: Sequence[Entry], now: float) -> Absorbed:
        """Take in the entries whose card can be edited: they need no message, and the card becomes stale."""
        absorbed: list[Entry] = []
        rest: list[Entry] = []
        taken: dict[str, Taken] = {}
        for entry in entries:
            event = entry.event
            key = card_key(event)
            card = self._cards.get(key) if key else None
            if card is None or not self._takes(card, event, now) or _apart(key, event) in self._apart:
                rest.append(entry)
                continue
            into = taken.get(key) or taken.setdefault(key, Taken(card, texts=set(map(text_of, card.events))))
            if into.has_room(event):
                absorbed.append(entry)
                into.events.append(event)
            else:
                rest.append(entry)
        changed = {key: take_in(into.card, into.events) for key, into in taken.items() if into.events}
        self._cards |= changed
        return Absorbed(absorbed, rest, self._state_of(changed))

    def _takes(self, card: Card, event: Event, now: float) -> bool:
        # Discord limits edits of old messages, but the one that ends a card is mostly let through. If it is not (30046), the
        # card is posted anew.
        is_young = card.can_be_edited(now, MOVE_AFTER_SECONDS) or (event.ends_card and card.message_id is not None)
        if not is_young or (self._must_post is not None and self._must_post(event, now)):
            return False
        if event.card:
            return True
        if event.note or not has_room(card, event):
            return False
        # An edit sends no notification, so an event worse than all before is posted.
        is_worse = event.level.number > card.whole.event.level.number
        return not is_worse and card.version == self._version and event.time - card.whole.last < _SILENCE_SECONDS

    def next_edit(self, now: float) -> tuple[str, float] | None:
        """Return the key of the stale card that is due first, and in how many seconds; `None` when no card is stale."""
        waits = {key: self._wait(card, now) for key, card in self._cards.items() if card.is_stale}
        return min(waits.items(), key=lambda item: item[1]) if waits else None

    def _wait(self, card: Card, now: float) -> float:
        shown, newest, pace = card.fold.event, card.whole.event, self._pace
        if shown.card and newest.level.number > shown.level.number:
            pace = 0.0
        elif newest.ends_card or (shown.card and card.shown == card.posted and shown.level.number < LogLevel.WARNING.number):
            pace = min(pace, _SECOND_STATE_SECONDS)
        # Shown in the future: the clock was set back. The pace would begin anew at each look, and never end.
        return 0.0 if card.shown > now else max(card.shown + pace - now, 0.0)

    def preview(self, entries: Sequence[Entry]) -> Card:
        """Return the card that a new message for entries of one key shows."""
        events = [entry.event for entry in entries]
        if events[0].card:
            return Card(fold_of(events[-1]), version=self._version)
        fresh = Card(fold_repeats(events), version=self._version, texts=distinct(events))
        before = self._cards.get(card_key(events[0]))
        note = next((event.note for event in events if event.note), "")
        if before is None:
            return replace(fresh, note=note)
        is_past = is_of_text(card_key(events[0])) and self._is_past(before, fresh.fold.first)
        times = format_times(before.whole.count)
        if note or is_past:
            pass
        elif (silence := fresh.fold.first - before.whole.last) >= _SILENCE_SECONDS:
            note = f"Back after {format_span(silence)} of silence; {times} before that"
        elif before.version != self._version:
            note = f"Again in version {self._version or '?'}; {times} in {before.version or 'another'}"
        if not (note or is_past):
            return continued(before, fresh)
        # The count begins again, but texts that no message shows yet are shown in this one.
        return replace(fresh, note=note, texts=distinct((*before.unseen, *fresh.texts)))

    def _is_past(self, card: Card, time: float) -> bool:
        """Whether the count of a text begins anew: after a silence, and in another version."""
        return time - card.whole.last >= _SILENCE_SECONDS or card.version != self._version

    def counted(self, entries: Sequence[Entry], now: float) -> dict[str, Any]:
        """Note what a message of many events has shown, so that later cards continue the count; returns the state to store.

        Texts are stored only once they repeat: most never do.
        """
        errors: dict[str, list[Entry]] = {}
        texts: dict[str, list[Entry]] = {}
        for entry in entries:
            if key := error_key(entry.event):
                errors.setdefault(key, []).append(entry)
            elif len(entries) <= _MOST_REMEMBERED and (key := text_key(entry.event)):
                texts.setdefault(key, []).append(entry)
        for key, repeats in (errors | texts).items():
            self._cards[key] = self._counted(self._cards.get(key), self.preview(repeats), repeats, now)
        return {**self._state_of(errors), **self._prune(now)} if errors or texts else {}

    def _counted(self, before: Card | None, card: Card, entries: Sequence[Entry], now: float) -> Card:
        if before is not None and before.is_stale:
            # Its message does not show yet what it has taken in.
            events = [entry.event for entry in entries]
            return replace(before, fold=merge(before.fold, fold_repeats(events)), dropped=before.dropped + len(distinct(events)))
        return replace(card if fits(card.texts) else without_texts(card), message_id=None, shown=now, note="")

    def overfull(self, key: str, events: Sequence[Event], now: float) -> Card | None:
        """Return the card of a key with events that it has no room for; `None` when they need a new message."""
        card = self._cards.get(key) if key else None
        if card is None or any(event.card or event.files for event in events):
            return None
        is_taken = all(self._takes(card, event, now) and _apart(key, event) not in self._apart for event in events)
        return take_in(card, events) if is_taken else None

    def appended(self, key: str, grown: Grown, sent: Sequence[SentFile], now: float) -> Mapping[str, Any]:
        """Note that a file of the message holds what the card could not keep; returns the state to store."""
        card = self._cards.get(key)
        shown = filed(grown.card, grown.kept, grown.file, sent, now) or full(grown.card, now)
        is_stale = card is not None and card.redraws != grown.card.redraws
        self._put(key, replace(shown, is_stale=is_stale and shown.message_id is not None))
        return self._state_of([key])

    def _put(self, key: str, card: Card) -> None:
        self._cards[key] = card
        for other in self._growing.note(key, card):
            if other in self._cards:
                self._cards[other] = without_tail(self._cards[other])

    def posted(
        self,
        key: str,
        card: Card,
        message_id: int | None,
        thread_id: int | None,
        now: float,
        message: WebhookMessage | None = None,
        files: Sequence[SentFile] = (),
        is_found: bool = False,
    ) -> dict[str, Any]:
        """Note that a new message, with its `files`, shows a card, or an older state if found. Returns the state to store."""
        shown = replace(card if is_found else shown_whole(card, now), message_id=message_id, thread_id=thread_id, posted=now)
        if not fits(shown.texts):
            shown = filed_when_posted(shown, message, files, now) or full(shown, now)
        self._put(key, shown)
        self._apart = {apart for apart in self._apart if apart[0] != key}
        return {**self._state_of([key]), **self._prune(now)}

    def edited(self, key: str, drawn: Card, now: float) -> Mapping[str, Any]:
        """Note that the message of a card shows what was drawn; returns the state to store."""
        card = self._cards.get(key)
        if card is None:
            return {}
        shown = shown_whole(replace(card, has_buttons=drawn.has_buttons), now)
        # Stale when something was decided during the edit: then the card is drawn once more.
        self._cards[key] = replace(shown, is_stale=card.redraws != drawn.redraws)
        return self._state_of([key])

    def lost(self, key: str, *, is_deleted: bool) -> Mapping[str, Any]:
        """Note that a card's message is deleted or takes no more: the rest is posted anew. Returns the state to store."""
        card = self._cards.get(key)
        if card is None:
            return {}
        # A decision alone is no reason for a new message.
        card = without_files(card, is_deleted=is_deleted)
        self._cards[key] = replace(card, message_id=None, is_stale=card.waiting is not None)
        return self._state_of([key])

    def doubt(self, key: str, is_doubted: bool) -> Mapping[str, Any]:
        """Note whether an edit may have replaced the last file of a card. Returns the state to store."""
        self._cards[key] = replace(self._cards[key], is_doubted=is_doubted)
        return self._state_of([key])

    def refused(self, key: str) -> tuple[list[Event], Mapping[str, Any]]:
        """Drop the newest state of a card; returns its events, and the state to store."""
        if (card := self._cards.get(key)) is None:
            return [], {}
        events = unshown(card)
        self._cards[key] = replace(card, waiting=None, unseen=(), is_stale=False)
        self._apart.update(_apart(key, event) for event in events)
        return events, self._state_of([key])

    def give_back(self) -> tuple[list[Event], Mapping[str, Any]]:
        """Drop what no message shows, because the webhook is gone; returns the events, and the state to store."""
        stale = [key for key, card in self._cards.items() if card.is_stale]
        events = [event for key in stale for event in unshown(self._cards[key])]
        for key in stale:
            self._cards[key] = replace(self._cards[key], waiting=None, unseen=(), is_stale=False)
        return events, self._state_of(stale)

    def buried(self, event: Event) -> None:
        """Note that an event became a dead letter."""
        self._apart.discard(_apart(card_key(event), event))

    def redraw(self, key: str, now: float) -> Mapping[str, Any]:
        """Make a card show a decision at once, if its message can still be edited; returns the state to store."""
        card = self._cards.get(key)
        if card is None or not card.can_be_edited(now):
            return {}
        # A decision does not wait for the pace: a person waits for it.
        shown = min(card.shown, now - self._pace)
        self._cards[key] = replace(card, is_stale=True, shown=shown, redraws=card.redraws + 1)
        return self._state_of([key])

    def without_buttons(self, now: float) -> list[str]:
        """Return the keys of cards without buttons that can still be edited."""
        return [key for key, card in self._cards.items() if not card.has_buttons and card.can_be_edited(now)]

    def items(self) -> Iterable[tuple[str, Card]]:
        """Return the cards by their keys."""
        return self._cards.items()

    def event_of(self, key: str) -> Event | None:
        """Return the newest event of a card."""
        return self._cards[key].whole.event if key in self._cards else None

    def remark_of(self, key: str) -> str:
        """Return the line above a card without a decision."""
        return self._cards[key].remark if key in self._cards else ""

    def key_of(self, message_id: int) -> str:
        """Return the key of the card that a message shows; empty when it shows none."""
        return next((key for key, card in self._cards.items() if card.message_id == message_id), "")

    def forget(self, is_meant: Callable[[str], bool]) -> tuple[list[Event], Mapping[str, Any]]:
        """Forget cards whose key or text is meant; returns their other events that no message shows yet, and the state."""

        def all_of(card: Card) -> str:
            return json.dumps([to_stored(card), card.tail.decode("utf-8", "replace")])

        meant = [key for key, card in self._cards.items() if is_meant(key) or is_meant(all_of(card))]
        events = [event for key in meant for event in unshown(self._cards.pop(key)) if not is_meant(encode(event))]
        return events, {f"{self.prefix}{key}": None for key in meant}

    def _state_of(self, keys: Iterable[str]) -> dict[str, Any]:
        outdated, self._outdated = self._outdated, []
        return {**dict.fromkeys(outdated), **{f"{self.prefix}{key}": to_stored(self._cards[key]) for key in keys}}

    def _prune(self, now: float) -> dict[str, Any]:
        by_age = sorted(self._cards, key=self._worth)
        surplus = len(by_age) - _MOST_CARDS
        state: dict[str, Any] = {}
        for number, key in enumerate(by_age):
            card = self._cards[key]
            if card.is_stale:
                continue
            if number < surplus or card.shown < now - (_SILENCE_SECONDS if is_of_text(key) else _KEEP_SECONDS):
                del self._cards[key]
                if card.posted or not is_of_text(key):
                    state[f"{self.prefix}{key}"] = None
            elif card.texts and card.shown < now - _SILENCE_SECONDS:
                # The next repeat begins a new message, so only the count is needed; `is_closed` holds when the clock is set back.
                self._cards[key] = replace(without_texts(card), is_closed=True)
        return state

    def _worth(self, key: str) -> tuple[bool, bool, float]:
        """Sort key of the cards to drop first: texts and members are many, and the count of an error is of use longer."""
        card = self._cards[key]
        return not is_of_text(key), not card.fold.event.card, card.shown


def _apart(key: str, event: Event) -> tuple[str, float, str]:
    return key, event.time, event.message
