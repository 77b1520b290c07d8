"""Selection of the entries of the next message: those of one card, or several events that share a message. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..storage import Entry
from .card import card_key, error_key, text_key

# Up to this many different errors at a time get a message each, which can be edited; more of them share one.
_MOST_ALONE: Final = 3
# An error that comes more often than this gets a message of its own too, as does one whose message can grow: at most ten.
_OFTEN: Final = 50
_MOST_FLOODS: Final = 10


@dataclass(frozen=True, slots=True)
class Unit:
    """The entries of one message, and the rest. All entries belong to the card `key`, or `key` is empty."""

    entries: Sequence[Entry]
    rest: Sequence[Entry] = ()
    key: str = ""


def whole_unit(entries: Sequence[Entry]) -> Unit:
    """Return all entries as one unit; a sealed batch is sent again as it was."""
    keys = {card_key(entry.event) for entry in entries}
    return Unit(entries, key=keys.pop() if len(keys) == 1 else "")


def next_unit(
    entries: Sequence[Entry],
    budget_left: int,
    is_known: Callable[[str], bool] = lambda _: False,
    can_grow: Callable[[str], bool] = lambda _: False,
) -> Unit:
    """Return the entries that leave first: those of the highest level, then the oldest.

    Different errors share a message when they are many, when the budget is low, and after a restart, so that the last events
    before it are read in order. Texts share a message, unless their card `is_known`. An error that comes very often, or whose
    message `can_grow`, never shares one.
    """
    keys = [error_key(each.event) or (text if (text := text_key(each.event)) and is_known(text) else "") for each in entries]
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
