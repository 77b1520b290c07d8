"""Crowd events: a raid, a mass departure or a prune, with every person in an attached file. Pure.

The message is one plain sentence, and the fact `brief` is its short form beside fields; `formatting/crowds.py` makes title,
colour and details from the facts.
"""

from __future__ import annotations

from collections import Counter
from heapq import nlargest
from typing import Any, Final

from ...events.event import Event, EventFile, LogLevel
from ...events.time_text import format_count, format_duration
from .member_events import event_at, place_facts, who_facts
from .profiles import Who
from .prunes import Prune
from .rows import NEW_ACCOUNT_SECONDS, Row, format_row, list_lines
from .surges import Surge

_YOUNGEST: Final = 5
_TOP: Final = 5
# The verb of a surge, how the name of the server follows it, and the name of its file.
_NAMES: Final = {
    "raid": ("joined", " {}", "joins"),
    "departures": ("left", " {}", "departures"),
    "unbans": ("were unbanned", " from {}", "unbans"),
}


def surge_event(surge: Surge, now: float) -> Event:
    """Return the event of a surge as it is now, with the list of everyone in it."""
    verb, where, plural = _NAMES[surge.what]
    rows, place = list(surge.rows.values()), surge.place
    who = format_count(len(rows), "account" if surge.what == "raid" else "member")
    span = format_duration(max(surge.last - surge.began, 1))
    what, rest = f"{who} {verb}", f" within {span}" if surge.over else f" in {span} so far"
    if surge.goes_on:
        rest += "; this list is full, and a new one goes on"
    text = f"{what}{where.format(place.name)}{rest}"
    facts: dict[str, Any] = {
        "type": "surge",
        "what": surge.what,
        "is_over": surge.over,
        "part": surge.number,
        "count": len(rows),
        "per_minute": surge.per_minute,
        "began": surge.began,
        "last": surge.last,
        "place": place_facts(place),
        "brief": what + rest,
        **(_accounts(rows) if surge.what == "raid" else _ways(rows)),
    }
    name = f"{plural}-{surge.number}.txt" if surge.number > 1 else f"{plural}.txt"
    file = EventFile(name, list_lines(text, surge.lines.values()))
    persons = tuple(surge.persons.values())
    return event_at(place, surge.what, LogLevel.WARNING, text, now, facts, persons, surge.card, files=(file,))


def prune_event(prune: Prune) -> Event:
    """Return the event of a prune. Discord does not say which members it removed, so the leaves around it are listed."""
    entry, place = prune.entry, prune.place
    rows = [Row(str(who.id), time, who, "left") for who, time in prune.leaves.values()]
    inactive = format_count(entry.inactive_days, "day")
    text = f"{format_count(entry.removed, 'member')} pruned from {place.name}: inactive for {inactive}"
    brief = f"{format_count(entry.removed, 'member')} pruned: inactive for {inactive}"
    moderator = entry.moderator
    facts: dict[str, Any] = {
        "type": "prune",
        "removed": entry.removed,
        "inactive_days": entry.inactive_days,
        "by": None if moderator is None else who_facts(moderator),
        "why": entry.reason,
        "seen": len(rows),
        "place": place_facts(place),
        "brief": brief,
    }
    lines = [format_row(row) for row in sorted(rows, key=lambda row: row.time)]
    title = f"{place.name}: members that left around the prune"
    files = (EventFile("leaves.txt", list_lines(title, lines)),) if rows else ()
    people = [*(row.who for row in rows), *(() if moderator is None else (moderator,))]
    persons = tuple({who.id: who.person for who in people}.values())
    return event_at(place, "prune", LogLevel.WARNING, text, prune.time, facts, persons, prune.card, files=files)


def _accounts(rows: list[Row]) -> dict[str, Any]:
    """Return the ages of the accounts, which tell a raid from a popular day."""
    new = sum(row.time - row.who.created < NEW_ACCOUNT_SECONDS for row in rows)
    youngest = nlargest(_YOUNGEST, rows, key=lambda row: row.who.created)
    return {"new": new, "youngest": [{**who_facts(row.who), "age": row.time - row.who.created} for row in youngest]}


def _ways(rows: list[Row]) -> dict[str, Any]:
    """Return how the members of a mass departure left, and who removed them."""
    moderators: dict[int, Who] = {row.by.id: row.by for row in rows if row.by is not None}
    by = Counter(row.by.id for row in rows if row.by is not None)
    reasons = Counter(row.note for row in rows if row.note)
    return {
        "ways": [{"how": what, "count": count} for what, count in Counter(row.what for row in rows).most_common()],
        "moderators": [{**who_facts(moderators[number]), "count": count} for number, count in by.most_common(_TOP)],
        "reasons": [{"why": reason, "count": count} for reason, count in reasons.most_common(_TOP)],
    }
