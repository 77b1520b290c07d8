"""What is shown of many people at once: a raid, a mass departure, a prune. Pure; every one of them is in the file."""

from __future__ import annotations

from collections import Counter
from heapq import nlargest
from typing import Any, Final

from ...events.event import Event, EventFile, EventKind, LogLevel, Person, to_plain
from .member_events import AMBER, GREY, RED
from .profiles import Place
from .prunes import Prune
from .rows import NEW_ACCOUNT_SECONDS, Row, format_count, format_duration, format_row, list_lines
from .surges import Surge

_YOUNGEST: Final = 5
_TOP: Final = 5
# What a surge is called: its title while it lasts and when it is over, what its people did, and the name of its file.
_NAMES: Final = {
    "raid": ("\U0001f6a8 Raid going on", "Raid over", "joined", "joins"),
    "departures": ("Members are leaving in numbers", "Mass departure over", "left", "departures"),
    "unbans": ("Many are being unbanned", "Mass unban over", "were unbanned from", "unbans"),
}


def surge_event(surge: Surge, now: float) -> Event:
    """Return the card of a surge as it is now, with the list of everybody in it."""
    going, over, verb, plural = _NAMES[surge.what]
    rows, place = list(surge.rows.values()), surge.place
    part = f" \u00b7 part {surge.number}" if surge.number > 1 else ""
    who = format_count(len(rows), "account" if surge.what == "raid" else "member")
    span = format_duration(max(surge.last - surge.began, 1))
    text = f"{who} {verb} {place.name} within {span}" if surge.over else f"{who} {verb} {place.name} in {span} so far"
    if surge.goes_on:
        text += "; this list is full, and a new one goes on"
    context: dict[str, object] = {
        "guild": place.name,
        "rate": f"{round(surge.per_minute):,} {plural}/min",
        "peak": f"{surge.peak:,} in {surge.seconds:g} s",
        "began": f"<t:{int(surge.began)}:T>",
        **({"ended": f"<t:{int(surge.last)}:T>"} if surge.over else {}),
        "member_count": "unknown" if place.member_count is None else f"{place.member_count:,}",
        **(_accounts(rows) if surge.what == "raid" else _ways(rows)),
    }
    name = f"{plural}-{surge.number}.txt" if surge.number > 1 else f"{plural}.txt"
    file = EventFile(name, list_lines(f"{place.name}: {text}", surge.lines.values()))
    title = (over if surge.over else going) + part
    color = GREY if surge.over else RED if surge.what == "raid" else AMBER
    persons = tuple(surge.persons.values())
    return _event(surge.what, text, now, context, place, persons, title=title, color=color, card=surge.card, file=file)


def prune_event(prune: Prune, now: float) -> Event:
    """Return the card of a prune. Whom it took Discord does not say: the leaves around it are listed as what they are."""
    entry, place = prune.entry, prune.place
    rows = [Row(str(who.id), time, who, "left") for who, time in prune.leaves.values()]
    inactive = format_count(entry.inactive_days, "day")
    text = f"{format_count(entry.removed, 'member')} pruned from {place.name}: inactive for {inactive}"
    moderator = entry.moderator
    context: dict[str, object] = {
        "removed": entry.removed,
        "inactive_for": inactive,
        "moderator": moderator.text if moderator is not None else "unknown: the entry names nobody",
        "reason": entry.reason or "none given",
        "leaves_seen": _leaves_seen(len(rows), entry.removed),
        "member_count": "unknown" if place.member_count is None else f"{place.member_count:,}",
        "guild": place.name,
    }
    lines = [format_row(row) for row in sorted(rows, key=lambda row: row.time)]
    file = EventFile("leaves.txt", list_lines(f"{place.name}: members that left around the prune", lines)) if rows else None
    people = [*(row.who for row in rows), *(() if moderator is None else (moderator,))]
    persons = tuple({who.id: who.person for who in people}.values())
    style: dict[str, Any] = {"title": "Members pruned", "color": AMBER, "card": prune.card, "file": file}
    return _event("prune", text, prune.time, context, place, persons, **style)


def _leaves_seen(seen: int, removed: int) -> str:
    if not seen:
        return "none so far"
    listed = f"{seen:,}, {'listed' if seen == 1 else 'all listed'} in the file"
    if seen > removed:
        return f"{listed}; {seen - removed:,} more than the prune took, so not all of them are its work"
    return listed if seen == removed else f"{listed}; {removed - seen:,} not seen"


def _accounts(rows: list[Row]) -> dict[str, object]:
    """Return what tells a raid from a good day: how young the accounts are."""
    new = sum(row.time - row.who.created < NEW_ACCOUNT_SECONDS for row in rows)
    youngest = nlargest(_YOUNGEST, rows, key=lambda row: row.who.created)
    lines = [f"{row.who.text}: {format_duration(row.time - row.who.created)}" for row in youngest]
    return {"new_accounts": f"{new:,} of {len(rows):,} under 7 days old", "youngest_accounts": "\n".join(lines)}


def _ways(rows: list[Row]) -> dict[str, object]:
    """Return how the people of a mass departure went, and who sent them."""
    ways = Counter(row.what for row in rows)
    by = Counter(row.by.text for row in rows if row.by is not None)
    reasons = Counter(row.note for row in rows if row.note)
    found: dict[str, object] = {"how": ", ".join(f"{count:,} {what}" for what, count in ways.most_common())}
    if by:
        found["moderators"] = "\n".join(f"{name}: {count:,}" for name, count in by.most_common(_TOP))
    if reasons:
        found["reasons"] = "\n".join(f"{count:,} \u00d7 {reason}" for reason, count in reasons.most_common(_TOP))
    return found


def _event(
    origin: str,
    text: str,
    time: float,
    context: dict[str, object],
    place: Place,
    persons: tuple[Person, ...],
    *,
    title: str,
    color: int,
    card: str,
    file: EventFile | None,
) -> Event:
    files = () if file is None else (file,)
    plain = to_plain(context)
    style: dict[str, Any] = {"title": title, "color": color, "card": card, "files": files}
    return Event(
        EventKind.MEMBER, LogLevel.WARNING, text, time, origin, plain, guild_id=place.id, persons=persons, **style
    )  # fmt: skip
