"""Live cards: which message shows what, whether that is its newest state, and when it may be edited. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..events.event import Event, EventKind, LogLevel, decode, encode
from ..events.folding import Fold, fold, fold_of, from_state, merge, to_state
from ..issues.fingerprint import OLD_FINGERPRINT, fingerprint
from ..storage import Entry

# Discord limits edits of messages older than an hour (error 30046): a card moves to a new message well before that.
_MOVE_AFTER_SECONDS: Final = 50 * 60.0
# A card that was young enough when its event came may be edited a little later.
_NO_EDIT_AFTER_SECONDS: Final = 58 * 60.0
# An error that comes back after so long is news.
_SILENCE_SECONDS: Final = 3600.0
# How many cards of a destination are remembered, and for how long after they were last shown.
_MOST_CARDS: Final = 500
_KEEP_SECONDS: Final = 7 * 86400.0
# Repeats of an error whose texts differ: so many of the newest, and so many characters of them, are shown in full.
_MOST_TEXTS: Final = 50
_MOST_CHARACTERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows, in which message. Times are wall clock seconds; `is_stale` says that an edit is due.

    Without a `message_id` the card is in no message of its own, and the next state is posted. `texts` are repeats whose
    texts differ, newest last; `dropped` counts older ones that are only counted. `version` is that of the bot that posted it.
    """

    fold: Fold
    message_id: int | None = None
    thread_id: int | None = None
    posted: float = 0.0
    shown: float = 0.0
    note: str = ""
    version: str = ""
    texts: tuple[Event, ...] = ()
    dropped: int = 0
    is_stale: bool = False

    @property
    def remark(self) -> str:
        """What stands above the card: its note, or that it does not show everything."""
        return self.note or (f"{self.dropped} older texts of this error are counted, but not kept" if self.dropped else "")

    @property
    def events(self) -> Sequence[Event]:
        """The repeats that it shows in full; the traceback of all of them is that of the newest."""
        return [replace(event, traceback=self.fold.event.traceback) for event in self.texts]

    def can_be_edited(self, now: float, seconds: float = _NO_EDIT_AFTER_SECONDS) -> bool:
        """Whether Discord would still let us edit its message."""
        return self.message_id is not None and (self.fold.event.ends_card or abs(now - self.posted) < seconds)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What became of claimed entries: those that open cards took in, with the state to store, and the rest."""

    entries: Sequence[Entry]
    rest: Sequence[Entry]
    state: Mapping[str, Any]


def card_key(event: Event) -> str:
    """Return the key of the card that an event belongs to; empty for an event that is shown once."""
    return event.card or error_key(event)


def error_key(event: Event) -> str:
    """Return the key of the card that repeats of an error share; empty for an event that is no error."""
    is_error = event.kind in (EventKind.LOG, EventKind.ERROR) and event.level.number >= LogLevel.ERROR.number
    return f"error-{fingerprint(event)}" if is_error and not event.card else ""


class Cards:
    """The cards of one destination. `pace` is the least time between two states of a card, in seconds.

    Repeats of an error share a card too, which counts them. `version` is the bot's own, and `must_post(event, now)` says
    whether an event needs a message although its card could be edited.
    """

    def __init__(
        self, destination: str, pace: float, version: str = "", must_post: Callable[[Event, float], bool] | None = None
    ) -> None:
        self._prefix = f"card/{destination}/"
        self._pace = pace
        self._version = version
        self._must_post = must_post
        self._cards: dict[str, Card] = {}
        # Keys in the storage that are deleted with the next state that is written.
        self._outdated: list[str] = []

    def configure(self, pace: float, version: str) -> None:
        """Go on with other settings; the cards stay."""
        self._pace, self._version = pace, version

    @property
    def prefix(self) -> str:
        """What the keys of the stored cards begin with."""
        return self._prefix

    @property
    def are_stale(self) -> bool:
        """Whether the newest state of a card is still to be shown."""
        return any(card.is_stale for card in self._cards.values())

    def load(self, stored: Mapping[str, Any]) -> None:
        """Take over what an earlier process stored; what cannot be read is as if it had never been."""
        for key, state in stored.items():
            try:
                card, name = _from_state(state), key.removeprefix(self._prefix)
            except (ValueError, KeyError, TypeError):
                continue
            if OLD_FINGERPRINT.match(name.removeprefix("error-")):
                # Of version 0.1, which told errors by line numbers: the card goes on under the name that its error has now.
                name = error_key(card.fold.event)
                self._outdated.append(key)
            known = self._cards.get(name)
            if known is None or known.shown < card.shown:
                self._cards[name] = card

    def get(self, key: str) -> Card | None:
        """Return the card of a key."""
        return self._cards.get(key)

    def absorb(self, entries: Sequence[Entry], now: float) -> Absorbed:
        """Take the entries in whose card can be edited. They need no message of their own: the card becomes stale."""
        absorbed: list[Entry] = []
        rest: list[Entry] = []
        taken: dict[str, tuple[Card, list[Event]]] = {}
        for entry in entries:
            key = card_key(entry.event)
            card = self._cards.get(key) if key else None
            if card is not None and self._takes(card, entry.event, now):
                absorbed.append(entry)
                taken.setdefault(key, (card, []))[1].append(entry.event)
            else:
                rest.append(entry)
        for key, (card, events) in taken.items():
            self._cards[key] = replace(_with(card, events), is_stale=True)
        return Absorbed(absorbed, rest, self._state_of(taken))

    def _takes(self, card: Card, event: Event, now: float) -> bool:
        # Discord limits how many edits of old messages there are, and lets the one that ends a card through. If it does not
        # (30046), the card is posted anew.
        is_young = card.can_be_edited(now, _MOVE_AFTER_SECONDS) or (event.ends_card and card.message_id is not None)
        if not is_young or (self._must_post is not None and self._must_post(event, now)):
            return False
        return bool(event.card) or (card.version == self._version and event.time - card.fold.last < _SILENCE_SECONDS)

    def next_edit(self, now: float) -> tuple[str, float] | None:
        """Return the stale card whose turn is next, and how many seconds it must wait; `None` when all are fresh."""
        waits = {key: self._wait(card, now) for key, card in self._cards.items() if card.is_stale}
        return min(waits.items(), key=lambda item: item[1]) if waits else None

    def _wait(self, card: Card, now: float) -> float:
        # A clock that was set back must not make a card wait longer than its pace.
        return min(max(card.shown + self._pace - now, 0.0), self._pace)

    def preview(self, entries: Sequence[Entry]) -> Card:
        """Return the card that entries of one key are to be shown in, when they are posted."""
        events = [entry.event for entry in entries]
        fresh = _with(Card(fold_of(events[0]), version=self._version, texts=_texts((), events[:1])[0]), events[1:])
        before = self._cards.get(card_key(events[0]))
        if before is None or events[0].card:
            return fresh
        times = f"{before.fold.count} times" if before.fold.count > 1 else "once"
        if (silence := fresh.fold.first - before.fold.last) >= _SILENCE_SECONDS:
            return replace(fresh, note=f"Back after {_duration(silence)} of silence; {times} before that")
        if before.version != self._version:
            return replace(fresh, note=f"Again in version {self._version or '?'}; {times} in {before.version or 'another'}")
        texts, dropped = _texts(before.texts, fresh.texts)
        return replace(fresh, fold=merge(before.fold, fresh.fold), texts=texts, dropped=before.dropped + fresh.dropped + dropped)

    def counted(self, entries: Sequence[Entry], now: float) -> dict[str, Any]:
        """Note that errors were shown in a message of many, so that their next card goes on counting; returns the state."""
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            if key := error_key(entry.event):
                groups.setdefault(key, []).append(entry)
        for key, repeats in groups.items():
            self._cards[key] = replace(self.preview(repeats), message_id=None, shown=now, note="")
        return {**self._state_of(groups), **self._prune(now)} if groups else {}

    def posted(self, key: str, card: Card, message_id: int | None, thread_id: int | None, now: float) -> dict[str, Any]:
        """Note that a new message shows a card; returns the state to store."""
        self._cards[key] = _slim(replace(card, message_id=message_id, thread_id=thread_id, posted=now, shown=now, is_stale=False))
        return {**self._state_of([key]), **self._prune(now)}

    def edited(self, key: str, now: float) -> Mapping[str, Any]:
        """Note that the message of a card shows its newest state, or never will; returns the state to store."""
        if key not in self._cards:
            return {}
        self._cards[key] = _slim(replace(self._cards[key], shown=now, is_stale=False))
        return self._state_of([key])

    def lost(self, key: str) -> Mapping[str, Any]:
        """Note that the message of a card is not there any more: its state is posted anew. Returns the state to store."""
        if key not in self._cards:
            return {}
        self._cards[key] = replace(self._cards[key], message_id=None, is_stale=True)
        return self._state_of([key])

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Forget cards whose key or event is meant; their state is deleted by whoever asks."""
        for key, card in list(self._cards.items()):
            if is_meant(key) or is_meant(json.dumps(_to_state(card))):
                del self._cards[key]

    def _state_of(self, keys: Iterable[str]) -> dict[str, Any]:
        outdated, self._outdated = self._outdated, []
        return {**dict.fromkeys(outdated), **{f"{self._prefix}{key}": _to_state(self._cards[key]) for key in keys}}

    def _prune(self, now: float) -> dict[str, Any]:
        by_age = sorted(self._cards, key=lambda key: self._cards[key].shown)
        surplus = len(by_age) - _MOST_CARDS
        old = [key for number, key in enumerate(by_age) if number < surplus or self._cards[key].shown < now - _KEEP_SECONDS]
        for key in old:
            del self._cards[key]
        return {f"{self._prefix}{key}": None for key in old}


def _with(card: Card, events: Sequence[Event]) -> Card:
    """Return the next state of a card: of a card's own events the newest, of repeats of an error all."""
    if not events:
        return card
    if events[-1].card:
        return replace(card, fold=fold_of(events[-1]))
    texts, dropped = _texts(card.texts, events)
    return replace(card, fold=merge(card.fold, fold(events)[0]), texts=texts, dropped=card.dropped + dropped)


def _texts(before: Sequence[Event], events: Sequence[Event]) -> tuple[tuple[Event, ...], int]:
    """Return the newest of the repeats for each text, within the limits, and how many texts had to go."""
    if events[-1].card:
        return (), 0
    newest = {event.message: replace(event, traceback=None, files=()) for event in (*before, *events)}
    kept: list[Event] = []
    characters = 0
    for event in sorted(newest.values(), key=lambda event: -event.time):
        characters += len(event.message)
        if kept and (len(kept) >= _MOST_TEXTS or characters > _MOST_CHARACTERS):
            break
        kept.append(event)
    return tuple(reversed(kept)), len(newest) - len(kept)


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h {minutes} min"  # noqa: PLR2004 - two days


def _slim(card: Card) -> Card:
    """Return a card without the files that its message already shows."""
    return replace(card, fold=replace(card.fold, event=replace(card.fold.event, files=()))) if card.fold.event.files else card


_PLAIN: Final = ("message_id", "thread_id", "posted", "shown", "note", "version", "dropped", "is_stale")


def _to_state(card: Card) -> dict[str, Any]:
    plain = {name: getattr(card, name) for name in _PLAIN}
    return {"fold": to_state(card.fold), "texts": [encode(event) for event in card.texts], **plain}


def _from_state(state: Mapping[str, Any]) -> Card:
    # A name that an earlier version did not store has its default.
    plain = {name: state[name] for name in _PLAIN if name in state}
    return Card(from_state(state["fold"]), texts=tuple(decode(text) for text in state.get("texts", ())), **plain)
