"""Member events of single persons: joins, departures, unbans. Pure; claims nothing that Discord has not said.

The message is one plain sentence, and the fact `brief` is its short form beside fields; `formatting/members.py` makes title,
colour and details from the facts.
"""

from __future__ import annotations

from typing import Any, Final

from ...events.event import Event, EventKind, LogLevel, Person
from ...events.time_text import format_count, format_duration
from .departures import Departure, Gone, Type
from .profiles import AuditEntry, GuildProfile, Who
from .raids import JoinCard
from .rows import Row

_PAST: Final = {Type.LEAVE: "left", Type.KICK: "kicked", Type.BAN: "banned", Type.SOFTBAN: "softbanned"}


def join_event(who: Who, place: GuildProfile, now: float, *, rejoined: bool, gone: Gone | None, card: str = "") -> Event:
    """Return the event of one join. `rejoined` is Discord's own flag; `gone` is the departure that was captured."""
    before = None if gone is None else {"how": gone.type.value, "time": gone.time}
    facts = {"type": "join", "who": who_facts(who), "place": place_facts(place), "rejoined": rejoined, "gone": before}
    brief = f"{_name(who)} joined"
    return _event("join", f"{brief} {place.name}", brief, now, facts, place, (who,), card=card)


def joins_event(card: JoinCard, now: float) -> Event:
    """Return the event of a message of joins as it is now, with the facts of each join."""
    joins, place = list(card.joins.values()), card.place
    single = [
        join_event(join.row.who, join.place, join.row.time, rejoined=join.rejoined, gone=join.gone, card=card.key)
        for join in joins
    ]
    if len(single) == 1:
        return single[0]
    names = ", ".join(_name(join.row.who) for join in joins)
    text, brief = f"{format_count(len(joins), 'member')} joined {place.name}: {names}", ""
    if not joins:
        moved = format_count(card.moved, "member")
        text, brief = f"{moved} joined {place.name}: see the raid", f"{moved} joined: see the raid"
    parts = [{**event.facts, "time": event.time, "avatar": event.avatar_url} for event in single]
    facts = {"type": "joins", "moved": card.moved, "joins": parts}
    return _event("join", text, brief, now, facts, place, tuple(join.row.who for join in joins), card=card.key)


def departure_event(departure: Departure) -> Event:
    """Return the event of a departure or an unban, as far as it is known now."""
    who, place = departure.who, departure.place
    how = _leave_words(departure)
    facts = {
        "type": "departure",
        "who": who_facts(who),
        "place": place_facts(place),
        "how": how,
        "has_left": departure.has_left,
        "pruned_with": None if departure.prune is None else departure.prune.entry.removed,
        "entry": _entry_facts(departure.entry),
        "unban_entry": _entry_facts(departure.unban_entry),
        "corrects": departure.is_shown and not departure.is_carded,
    }
    moderators = [entry.moderator for entry in (departure.entry, departure.unban_entry) if entry is not None]
    people = (who, *(moderator for moderator in moderators if moderator is not None))
    card = departure.card if departure.is_carded else ""
    text, brief = (f"{_name(who)} {_words(departure, how, name)}" for name in (place.name, ""))
    return _event(departure.type.value, text, brief, departure.time, facts, place, people, card=card)


def departure_row(departure: Departure) -> Row:
    """Return the row of a departure in a list of many."""
    entry = departure.entry
    by = entry.moderator if entry is not None else None
    what = _PAST.get(departure.type, departure.type.value)
    if departure.type is Type.LEAVE and departure.prune is not None:
        what = "left or pruned"
    return Row(departure.card, departure.time, departure.who, what, by, entry.reason if entry is not None else "")


def hidden_audit_log_event(place: GuildProfile, now: float, *, has_intent: bool) -> Event:
    """Return the notice that the audit log of a server is hidden from the bot."""
    way_out = "Give the bot's role View Audit Log" if has_intent else "Set intents.moderation = True in the bot's code"
    rest = (
        "he audit log is hidden from the bot: a kick or a prune looks like a leave, and neither moderators nor reasons can be "
        f"named. {way_out}."
    )
    facts = {"type": "audit log hidden"}
    text, brief = f"In {place.name} t{rest}", f"T{rest}"
    return _event("audit_log", text, brief, now, facts, place, (), level=LogLevel.WARNING)


def who_facts(who: Who) -> dict[str, Any]:
    """Return a person as JSON-able facts. The id is a text, so that masking finds it."""
    return {
        "id": str(who.id),
        "name": who.name,
        "display_name": who.display_name,
        "created": who.created,
        "is_bot": who.is_bot,
        "roles": None if who.roles is None else ", ".join(who.roles),
        "joined": who.joined,
    }


def place_facts(place: GuildProfile) -> dict[str, Any]:
    """Return a server as JSON-able facts, with what the bot may see of it."""
    return {"member_count": place.member_count, "sees_audit_log": place.sees_audit_log}


def _entry_facts(entry: AuditEntry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {"by": None if entry.moderator is None else who_facts(entry.moderator), "why": entry.reason}


def _words(departure: Departure, how: str, name: str) -> str:
    """Return the end of a sentence that begins with the person; `name` is the server's, or empty."""
    place = f" from {name}" if name else ""
    match departure.type:
        case Type.KICK:
            return f"was kicked{place}"
        case Type.BAN:
            return f"was banned{place}"
        case Type.UNBAN:
            return f"was unbanned{place}"
        case Type.SOFTBAN:
            seconds = (departure.unbanned or departure.time) - departure.time
            later = "at once" if seconds < 1 else f"{format_duration(seconds)} later"
            return f"was banned{place} and unbanned {later}: out of the server, and free to come back"
        case Type.LEAVE:
            return f"{how}{place}" if " or " in how else f"{how} {name}".rstrip()


def _leave_words(departure: Departure) -> str:
    """Return the possible kinds of a departure without an audit log entry, as words."""
    if departure.prune is not None:
        return "left or was pruned"
    if not departure.place.sees_audit_log:
        return "left or was kicked" if departure.place.sees_bans else "left, was kicked or was banned"
    return "left"


def _name(who: Who) -> str:
    return who.name or str(who.id)


def _event(
    origin: str,
    text: str,
    brief: str,
    time: float,
    facts: dict[str, Any],
    place: GuildProfile,
    people: tuple[Who, ...],
    *,
    card: str = "",
    level: LogLevel | None = None,
) -> Event:
    bad = origin in (Type.BAN, Type.KICK, Type.SOFTBAN)
    level = level or (LogLevel.WARNING if bad else LogLevel.INFO)
    persons: dict[int, Person] = {who.id: who.person for who in people}
    picture = people[0].avatar_url if people else ""
    facts = {**facts, "brief": brief}
    return event_at(place, origin, level, text, time, facts, tuple(persons.values()), card, avatar_url=picture)


def event_at(
    place: GuildProfile,
    origin: str,
    level: LogLevel,
    text: str,
    time: float,
    facts: dict[str, Any],
    persons: tuple[Person, ...],
    card: str,
    **more: Any,
) -> Event:
    """Return an event about members of a server."""
    context = {"guild": place.name}
    return Event(
        EventKind.MEMBER, level, text, time, origin, context, guild_id=place.id, persons=persons, card=card, facts=facts, **more
    )
