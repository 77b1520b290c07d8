"""A live card: what its message shows, what it has taken in since, and how both are stored. Pure.

Which cards a destination has, and what they take in, is in `live_cards`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from ..events.event import Event, EventKind, LogLevel, decode, encode
from ..events.folding import Fold, fold_of, from_state, group_events, merge, to_state
from ..events.time_text import format_count
from ..issues.fingerprint import fingerprint

# Discord limits edits of messages older than an hour (error 30046): a card moves to a new message well before that.
MOVE_AFTER_SECONDS: Final = 50 * 60.0
# Prefix of the keys of texts below ERROR.
_TEXT: Final = "text-"
# The last moment for an edit whose event came while the card could still take it.
_NO_EDIT_AFTER_SECONDS: Final = 58 * 60.0
# A message shows at most this many different repeats and characters; further ones get a new message.
_MOST_TEXTS: Final = 50
_MOST_CHARACTERS: Final = 100_000
# Identical repeats that could not be shown are filed again one by one, up to this number.
_MOST_COPIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Card:
    """A card. Times are wall clock seconds; `is_stale` says that an edit is due.

    `fold` is what the message shows, and `texts` are its repeats that differ in text or traceback, newest last; `waiting`
    and `unseen` are the same for what was taken in since. `dropped` counts different repeats of earlier messages. Without a
    `message_id` the card has no message of its own, and its next state is posted. `version` is that of the bot that posted it,
    `batch_id` the id that its message shows, also after edits, and `has_buttons` says whether the message has any.

    `files` are ids and sizes of the message's files that hold `filed` older texts, which are no longer kept here; `tail` is
    the content of the last file while it may grow, and is not stored. `deleted` counts texts of deleted messages.
    """

    fold: Fold
    message_id: int | None = None
    thread_id: int | None = None
    posted: float = 0.0
    shown: float = 0.0
    note: str = ""
    version: str = ""
    batch_id: str = ""
    texts: tuple[Event, ...] = ()
    dropped: int = 0
    files: tuple[tuple[int, int], ...] = ()
    filed: int = 0
    tail: bytes = b""
    deleted: int = 0
    is_stale: bool = False
    has_buttons: bool = False
    waiting: Fold | None = None
    unseen: tuple[Event, ...] = ()
    # Whether its message shows texts that are no longer known: an edit replaces the whole message and would remove them.
    is_closed: bool = False
    # Whether an edit may or may not have replaced its last file: only the tail in memory can put that right.
    is_doubted: bool = False
    # Counts decisions about it, so that an edit which was under way meanwhile is not taken for the newest state.
    redraws: int = 0
    # All that the card counts. Computed once, because it is read several times for every event.
    whole: Fold = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        waiting = self.waiting
        whole = self.fold if waiting is None else waiting if waiting.event.card else merge(self.fold, waiting)
        object.__setattr__(self, "whole", whole)

    @property
    def events(self) -> Sequence[Event]:
        """The repeats that are shown in full, each with its own traceback."""
        return (*self.texts, *self.unseen)

    @property
    def remark(self) -> str:
        """The line above the card: its note, or where its older texts are."""
        if self.note or not (self.dropped or self.filed or self.deleted):
            return self.note
        what = "error" if self.fold.event.level.number >= LogLevel.ERROR.number else "message"
        places = [
            (self.deleted, "in an earlier message, if it was not deleted"),
            (self.dropped, "see the messages before"),
            (self.filed, "in the attached files"),
        ]
        return "; ".join(f"{format_count(count, 'older text')} of this {what}: {place}" for count, place in places if count)

    def can_be_edited(self, now: float, seconds: float = _NO_EDIT_AFTER_SECONDS) -> bool:
        """Whether its message can be edited: Discord limits edits of messages older than an hour."""
        if self.message_id is None or self.is_closed:
            return False
        return self.whole.event.ends_card or abs(now - self.posted) < seconds


def card_key(event: Event) -> str:
    """Return the key of the card that an event belongs to; empty for an event that is shown once."""
    return event.card or error_key(event) or text_key(event)


def error_key(event: Event) -> str:
    """Return the key of the card that repeats of an error share; empty for any other event."""
    is_error = event.kind in (EventKind.LOG, EventKind.ERROR) and event.level.number >= LogLevel.ERROR.number
    return f"error-{fingerprint(event)}" if is_error and not event.card else ""


def text_key(event: Event) -> str:
    """Return the key of the card that repeats of one log text below ERROR share; empty for any other event."""
    if event.kind != EventKind.LOG or event.level.number >= LogLevel.ERROR.number or event.card:
        return ""
    # A tree of details has a title and no text, so its details tell it apart.
    details = "" if event.message else json.dumps(event.context, sort_keys=True, default=str)
    text = "\0".join((event.level.value, event.origin, event.title, event.message, details))
    return _TEXT + hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def is_of_text(key: str) -> bool:
    """Whether a key is that of a text below ERROR."""
    return key.startswith(_TEXT)


def text_of(event: Event) -> tuple[str, str]:
    """Return what makes a repeat worth showing: title and text, and traceback or, below ERROR, details."""
    more = event.traceback or ""
    if event.context and event.level.number < LogLevel.ERROR.number:
        more += json.dumps(event.context, sort_keys=True, default=str)
    return (f"{event.title}\n{event.message}" if event.title else event.message), more


def distinct(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the newest event of each text, oldest first, without files."""
    newest = {text_of(event): replace(event, files=()) if event.files else event for event in events}
    return tuple(sorted(newest.values(), key=lambda event: event.time))


def fits(texts: Sequence[Event]) -> bool:
    """Whether one message can show these texts in full, and again with each edit."""
    return _fit(list(map(text_of, texts)))


def _fit(texts: Collection[tuple[str, str]]) -> bool:
    return len(texts) <= _MOST_TEXTS and sum(map(len, chain.from_iterable(texts))) <= _MOST_CHARACTERS


def fold_repeats(events: Sequence[Event]) -> Fold:
    """Return events of one card as one fold: the newest when they name their card, otherwise all as repeats."""
    return fold_of(events[-1]) if events[-1].card else group_events(events, [""] * len(events))[0].fold


def take_in(card: Card, events: Sequence[Event]) -> Card:
    """Return the card with events that its message does not show yet."""
    later = fold_repeats(events)
    if events[-1].card:
        return replace(card, waiting=later, is_stale=True)
    shown = set(map(text_of, card.texts))
    unseen = distinct(event for event in (*card.unseen, *events) if text_of(event) not in shown)
    waiting = later if card.waiting is None else merge(card.waiting, later)
    return replace(card, waiting=waiting, unseen=unseen, is_stale=True)


def shown_whole(card: Card, now: float) -> Card:
    """Return the card once its message shows everything; files that are in the message are not kept."""
    fold = card.whole
    if fold.event.files:
        fold = replace(fold, event=replace(fold.event, files=()))
    return replace(card, fold=fold, texts=distinct(card.events), waiting=None, unseen=(), shown=now, is_stale=False)


def continued(before: Card, fresh: Card) -> Card:
    """Return the card of a new message that continues the count of the message before."""
    texts, dropped = distinct((*before.events, *fresh.texts)), before.dropped + before.filed
    if not fits(texts):
        # What the message before shows can be read there.
        texts = distinct((*before.unseen, *fresh.texts))
        shown_again = set(map(text_of, texts))
        dropped += sum(text_of(event) not in shown_again for event in before.texts)
    return replace(fresh, fold=merge(before.whole, fresh.fold), texts=texts, dropped=dropped, deleted=before.deleted)


def without_files(card: Card, *, is_deleted: bool = False) -> Card:
    """Return the card for a new message: its files stay in the old one, or were deleted with it."""
    deleted, dropped = (card.filed, 0) if is_deleted else (0, card.filed)
    counts = {"deleted": card.deleted + deleted, "dropped": card.dropped + dropped}
    return replace(card, files=(), filed=0, tail=b"", is_doubted=False, **counts)


def without_tail(card: Card) -> Card:
    """Return the card with a last file that grows no more; a message whose last file is in doubt is left alone."""
    return replace(without_files(card), message_id=None) if card.is_doubted else replace(card, tail=b"")


def full(card: Card, now: float) -> Card:
    """Return a card whose next repeat begins a new message, because an edit would have to show everything again."""
    return replace(without_texts(without_files(shown_whole(card, now))), message_id=None)


def without_texts(card: Card) -> Card:
    """Return the card without the texts that its message shows."""
    return replace(card, texts=(), dropped=card.dropped + len(card.texts))


def unshown(card: Card) -> list[Event]:
    """Return what a card has taken in but does not show, as separate events again, oldest first."""
    waiting = card.waiting
    if waiting is None:
        return []
    if waiting.event.card:
        return [waiting.event]
    copies = min(waiting.count - len(card.unseen), _MOST_COPIES)
    times = waiting.times[-copies:] if copies > 0 else ()
    # A fold of many repeats does not keep every time: the missing ones get the last.
    times = (*((waiting.last,) * (copies - len(times))), *times)
    return sorted([*card.unseen, *(replace(waiting.event, time=time) for time in times)], key=lambda event: event.time)


@dataclass(slots=True)
class Taken:
    """The events that one card takes in, and the texts that it then has to show."""

    card: Card
    events: list[Event] = field(default_factory=list[Event])
    texts: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def has_room(self, event: Event) -> bool:
        """Whether the card's message can show one more event."""
        text = text_of(event)
        if event.card or text in self.texts:
            return True
        if not _fit({*self.texts, text}):
            return False
        self.texts.add(text)
        return True


_NUMBER: Final = (int, float)
_ID: Final = (int, type(None))
_PLAIN: Final[Mapping[str, type | tuple[type, ...]]] = {
    "message_id": _ID,
    "thread_id": _ID,
    "posted": _NUMBER,
    "shown": _NUMBER,
    "note": str,
    "version": str,
    "dropped": int,
    "is_stale": bool,
    "has_buttons": bool,
    "is_closed": bool,
    "filed": int,
    "deleted": int,
    "batch_id": str,
}


def to_stored(card: Card) -> dict[str, Any]:
    """Return a JSON-able copy for the state store."""
    card = without_tail(card)
    state: dict[str, Any] = {name: getattr(card, name) for name in _PLAIN}
    state |= {"fold": to_state(card.fold), "texts": [encode(event) for event in card.texts]}
    state["files"] = [list(file) for file in card.files]
    if card.waiting is not None:
        state |= {"waiting": to_state(card.waiting), "unseen": [encode(event) for event in card.unseen]}
    return state


def from_stored(state: Mapping[str, Any]) -> Card:
    """Return the card of `to_stored`, also one of an earlier version; raises `ValueError`, `KeyError` or `TypeError`."""
    plain = {name: state[name] for name in _PLAIN if name in state}
    if wrong := [name for name, value in plain.items() if not isinstance(value, _PLAIN[name])]:
        raise TypeError(wrong[0])
    texts, unseen = (tuple(decode(text) for text in state.get(name, ())) for name in ("texts", "unseen"))
    waiting = from_state(state["waiting"]) if state.get("waiting") else None
    files = tuple((int(file_id), int(size)) for file_id, size in state.get("files", ()))
    return Card(from_state(state["fold"]), texts=texts, waiting=waiting, unseen=unseen, files=files, **plain)
