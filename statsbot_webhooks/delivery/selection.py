"""Which of the claimed entries leave in the next message: those of one card, or all that share one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..storage import Entry
from .card import card_key, error_key, text_key

# Of so many different errors at a time each gets a message of its own, which can be edited; more of them share one.
_MOST_ALONE: Final = 3
# Errors that come so often at a time get one too, and those whose message can be added to: so many of them at most.
_OFTEN: Final = 50
_MOST_FLOODS: Final = 10


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


def next_unit(
    entries: Sequence[Entry],
    budget_left: int,
    is_known: Callable[[str], bool] = lambda _: False,
    can_grow: Callable[[str], bool] = lambda _: False,
) -> Unit:
    """Return the entries that leave first: the worst, and of the same level the oldest.

    Different errors share a message when they are many, when the budget is low, and after a restart, when last words are to
    be read in their order. Texts share one; those of a card that `is_known`, which were shown before, leave alone too. An error
    that comes very often, and one whose message `can_grow`, needs no room in other messages.
    """
    keys = [error_key(entry.event) or _known(text_key(entry.event), is_known) for entry in entries]
    floods = {key for key, count in Counter(keys).items() if key and (count > _OFTEN or can_grow(key))}
    if len(floods) > _MOST_FLOODS or entries[0].is_recovered:
        floods.clear()
    share = len({*keys} - floods - {""}) > min(_MOST_ALONE, budget_left // 3) or entries[0].is_recovered
    groups: dict[str, list[Entry]] = {}
    for entry, key in zip(entries, keys, strict=True):
        groups.setdefault(entry.event.card or ("" if share and key not in floods else key), []).append(entry)
    key = min(groups, key=lambda key: (-max(e.event.level.number for e in groups[key]), groups[key][0].id))
    chosen = {entry.id for entry in groups[key]}
    unit = whole_unit(groups[key])
    return Unit(unit.entries, [entry for entry in entries if entry.id not in chosen], unit.key)


def _known(key: str, is_known: Callable[[str], bool]) -> str:
    return key if key and is_known(key) else ""
