"""Live cards: which message shows what, whether that is its newest state, and when it may be edited. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..event import Event, EventKind, LogLevel, fingerprint
from ..fold import Fold, fold_of, from_state, to_state
from ..storage import Entry

# Discord limits edits of messages older than an hour (error 30046): a card moves to a new message well before that.
_MOVE_AFTER_SECONDS: Final = 50 * 60.0
# A card that was young enough when its event came may be edited a little later.
_NO_EDIT_AFTER_SECONDS: Final = 58 * 60.0
# The cards of a destination that are remembered; of more, those that were shown the longest time ago are forgotten.
_MOST_CARDS: Final = 500


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows, in which message. Times are wall clock seconds; `is_stale` says that an edit is due.

    Without a `message_id` the card is in no message of its own any more, and the next state is posted.
    """

    fold: Fold
    message_id: int | None = None
    thread_id: int | None = None
    posted: float = 0.0
    shown: float = 0.0
    note: str = ""
    is_stale: bool = False

    def can_be_edited(self, now: float, seconds: float = _NO_EDIT_AFTER_SECONDS) -> bool:
        """Whether Discord would still let us edit its message."""
        return self.message_id is not None and abs(now - self.posted) < seconds


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What became of claimed entries: those that open cards took in, with the state to store, and the rest."""

    entries: Sequence[Entry]
    rest: Sequence[Entry]
    state: Mapping[str, Any]


def card_key(event: Event) -> str:
    """Return the key of the card that an event belongs to; empty for an event that is shown once."""
    return event.card


def error_key(event: Event) -> str:
    """Return the key of the card that repeats of an error share; empty for an event that is no error."""
    is_error = event.kind in (EventKind.LOG, EventKind.ERROR) and event.level.number >= LogLevel.ERROR.number
    return f"error-{fingerprint(event)}" if is_error and not event.card else ""


class Cards:
    """The cards of one destination. `pace` is the least time between two states of a card, in seconds."""

    def __init__(self, destination: str, pace: float) -> None:
        self._prefix = f"card/{destination}/"
        self._pace = pace
        self._cards: dict[str, Card] = {}

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
                self._cards[key.removeprefix(self._prefix)] = _from_state(state)
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, key: str) -> Card | None:
        """Return the card of a key."""
        return self._cards.get(key)

    def absorb(self, entries: Sequence[Entry], now: float) -> Absorbed:
        """Take the entries in whose card can be edited. They need no message of their own: the card becomes stale."""
        absorbed: list[Entry] = []
        rest: list[Entry] = []
        changed: set[str] = set()
        for entry in entries:
            key = card_key(entry.event)
            card = self._cards.get(key) if key else None
            if card is None or not card.can_be_edited(now, _MOVE_AFTER_SECONDS):
                rest.append(entry)
                continue
            self._cards[key] = replace(card, fold=_newer(card.fold, entry.event), is_stale=True)
            absorbed.append(entry)
            changed.add(key)
        return Absorbed(absorbed, rest, self._state_of(changed))

    def next_edit(self, now: float) -> tuple[str, float] | None:
        """Return the stale card whose turn is next, and how many seconds it must wait; `None` when all are fresh."""
        waits = {key: self._wait(card, now) for key, card in self._cards.items() if card.is_stale}
        return min(waits.items(), key=lambda item: item[1]) if waits else None

    def _wait(self, card: Card, now: float) -> float:
        # A clock that was set back must not make a card wait longer than its pace.
        return min(max(card.shown + self._pace - now, 0.0), self._pace)

    def preview(self, entries: Iterable[Entry]) -> Card:
        """Return the card that entries of one key are to be shown in, when they are posted."""
        events = [entry.event for entry in entries]
        fold = fold_of(events[0])
        for event in events[1:]:
            fold = _newer(fold, event)
        return Card(fold)

    def posted(self, key: str, card: Card, message_id: int | None, thread_id: int | None, now: float) -> dict[str, Any]:
        """Note that a new message shows a card; returns the state to store."""
        self._cards[key] = _slim(replace(card, message_id=message_id, thread_id=thread_id, posted=now, shown=now, is_stale=False))
        return {**self._state_of([key]), **self._prune()}

    def edited(self, key: str, now: float) -> Mapping[str, Any]:
        """Note that the message of a card shows its newest state, or never will; returns the state to store."""
        self._cards[key] = _slim(replace(self._cards[key], shown=now, is_stale=False))
        return self._state_of([key])

    def lost(self, key: str) -> Mapping[str, Any]:
        """Note that the message of a card is not there any more: its state is posted anew. Returns the state to store."""
        self._cards[key] = replace(self._cards[key], message_id=None, is_stale=True)
        return self._state_of([key])

    def _state_of(self, keys: Iterable[str]) -> dict[str, Any]:
        return {f"{self._prefix}{key}": _to_state(self._cards[key]) for key in keys}

    def _prune(self) -> dict[str, Any]:
        old = sorted(self._cards, key=lambda key: self._cards[key].shown)[: max(len(self._cards) - _MOST_CARDS, 0)]
        for key in old:
            del self._cards[key]
        return {f"{self._prefix}{key}": None for key in old}


def _newer(fold: Fold, event: Event) -> Fold:
    """Return the next state of a card: of events with a card key only the newest is shown."""
    return fold_of(event)


def _slim(card: Card) -> Card:
    """Return a card without the files that its message already shows."""
    return replace(card, fold=replace(card.fold, event=replace(card.fold.event, files=()))) if card.fold.event.files else card


_PLAIN: Final = ("message_id", "thread_id", "posted", "shown", "note", "is_stale")


def _to_state(card: Card) -> dict[str, Any]:
    return {"fold": to_state(card.fold), **{name: getattr(card, name) for name in _PLAIN}}


def _from_state(state: Mapping[str, Any]) -> Card:
    return Card(from_state(state["fold"]), **{name: state[name] for name in _PLAIN})
