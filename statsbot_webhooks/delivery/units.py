"""Which of the claimed entries leave in the next message: those of one card, or all that belong to none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..storage import Entry
from .cards import card_key


@dataclass(frozen=True, slots=True)
class Unit:
    """Entries for one message. All of them are of the card `key`, or `key` is empty."""

    entries: Sequence[Entry]
    rest: Sequence[Entry] = ()
    key: str = ""


def whole_unit(entries: Sequence[Entry]) -> Unit:
    """Return all entries as one unit: what was sent together is sent together again."""
    keys = {card_key(entry.event) for entry in entries}
    return Unit(entries, key=keys.pop() if len(keys) == 1 else "")


def next_unit(entries: Sequence[Entry]) -> Unit:
    """Return the entries that leave first: the worst, and of the same level the oldest."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(card_key(entry.event), []).append(entry)
    key = min(groups, key=lambda key: (-max(e.event.level.number for e in groups[key]), groups[key][0].id))
    return Unit(groups[key], [entry for entry in entries if card_key(entry.event) != key], key)
