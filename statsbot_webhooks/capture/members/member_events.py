"""What is shown of one person: a join, a departure, an unban. Pure; claims nothing that Discord has not said."""

from __future__ import annotations

from typing import Any, Final

from ...events.event import Event, EventKind, LogLevel, Person, to_plain
from .departures import Departure, Gone, Type
from .profiles import AuditEntry, Place, Who
from .rows import NEW_ACCOUNT_SECONDS, Row, format_age, format_count, format_duration, format_moment

GREEN: Final = 0x23A55A
GREY: Final = 0x80848E
AMBER: Final = 0xF0B232
RED: Final = 0xE74C3C
_TITLES: Final = {
    Type.LEAVE: ("Member left", GREY),
    Type.KICK: ("Member kicked", AMBER),
    Type.BAN: ("Member banned", RED),
    Type.SOFTBAN: ("Member banned and unbanned (softban)", AMBER),
    Type.UNBAN: ("Member unbanned", GREEN),
}
_PAST: Final = {Type.LEAVE: "left", Type.KICK: "kicked", Type.BAN: "banned", Type.SOFTBAN: "softbanned"}
_NO_ENTRY: Final = "nothing about this so far"
_HIDDEN: Final = "hidden from the bot: it lacks View Audit Log"


def join_event(who: Who, place: Place, now: float, *, rejoined: bool, gone: Gone | None) -> Event:
    """Return the card of a join. `rejoined` is Discord's own mark; `gone` is the departure that we have seen."""
    is_new = now - who.created < NEW_ACCOUNT_SECONDS
    mark = f", with an account made {format_duration(now - who.created)} ago" if is_new else ""
    context = {
        **_identity(who),
        **({"bot": "yes"} if who.is_bot else {}),
        "account_created": format_moment(who.created),
        "account_age": format_age(who.created, now),
        "member_count": _count(place),
        "joined_before": _before(now, rejoined=rejoined, gone=gone),
        "guild": place.name,
    }
    title = "Member joined \u00b7 new account" if is_new else "Member joined"
    text = f"{_name(who)} joined {place.name}{mark}"
    return _event("join", text, now, context, place, (who,), title=title, color=AMBER if is_new else GREEN, avatar=who.avatar_url)


def departure_event(departure: Departure) -> Event:
    """Return the card of a departure or an unban, as far as it is known now."""
    who, place = departure.who, departure.place
    title, color = _TITLES[departure.type]
    if departure.type is Type.LEAVE:
        title = f"Member {_leave_words(departure)}"
    context = {**_identity(who), **_moderation(departure)}
    if departure.has_left:
        context |= _stay(departure)
    if departure.type is not Type.UNBAN:
        context["member_count"] = _count(place)
    elif who.created:
        context["account_created"] = format_moment(who.created)
    if departure.type is Type.BAN and not departure.has_left:
        context["was_a_member"] = "no leave was seen with the ban"
    context["guild"] = place.name
    moderators = [entry.moderator for entry in (departure.entry, departure.unban_entry) if entry is not None]
    people = (who, *(moderator for moderator in moderators if moderator is not None))
    text = f"{_name(who)} {_words(departure)}"
    if departure.is_shown and not departure.is_carded:
        context["corrects"] = "what was shown of this before"
    card = departure.card if departure.is_carded else ""
    style: dict[str, Any] = {"title": title, "color": color, "avatar": who.avatar_url, "card": card}
    return _event(departure.type.value, text, departure.time, context, place, people, **style)


def departure_row(departure: Departure) -> Row:
    """Return the line of a departure in a list of many."""
    entry = departure.entry
    by = entry.moderator if entry is not None else None
    what = _PAST.get(departure.type, departure.type.value)
    if departure.type is Type.LEAVE and departure.prune is not None:
        what = "left or pruned"
    return Row(departure.card, departure.time, departure.who, what, by, entry.reason if entry is not None else "")


def blind_event(place: Place, now: float, *, has_intent: bool) -> Event:
    """Return the notice that the audit log cannot be seen; said once for each server."""
    way_out = "Give the bot's role View Audit Log" if has_intent else "Set intents.moderation = True in the bot's code"
    text = (
        f"In {place.name} the audit log is hidden from the bot: a kick or a prune looks like a leave, and neither moderators "
        f"nor reasons can be named. {way_out}."
    )
    style: dict[str, Any] = {"title": "Audit log not visible", "color": AMBER, "level": LogLevel.WARNING}
    return _event("audit_log", text, now, {"guild": place.name}, place, (), **style)


def _words(departure: Departure) -> str:
    """Return what happened, as the end of a sentence that begins with the person."""
    name = departure.place.name
    match departure.type:
        case Type.KICK:
            return f"was kicked from {name}"
        case Type.BAN:
            return f"was banned from {name}"
        case Type.UNBAN:
            return f"was unbanned from {name}"
        case Type.SOFTBAN:
            seconds = (departure.unbanned or departure.time) - departure.time
            later = "at once" if seconds < 1 else f"{format_duration(seconds)} later"
            return f"was banned from {name} and unbanned {later}: out of the server, and free to come back"
        case Type.LEAVE:
            return f"{_leave_words(departure)} {'from ' if ' or ' in _leave_words(departure) else ''}{name}"


def _leave_words(departure: Departure) -> str:
    if departure.prune is not None:
        return "left or was pruned"
    if not departure.place.sees_audit_log:
        return "left or was kicked" if departure.place.sees_bans else "left, was kicked or was banned"
    return "left"


def _moderation(departure: Departure) -> dict[str, object]:
    """Return who did it and why, or why that is not known."""
    context: dict[str, object] = {}
    if departure.type is Type.LEAVE:
        if departure.prune is not None:
            context["audit_log"] = f"a prune of {format_count(departure.prune.entry.removed, 'member')} at the same time"
        else:
            context["audit_log"] = _NO_ENTRY if departure.place.sees_audit_log else _HIDDEN
        return context
    if departure.type is not Type.UNBAN:
        context |= _by(departure.entry, departure.place, "moderator", "reason")
    if departure.type in (Type.UNBAN, Type.SOFTBAN):
        prefix = "unban_" if departure.type is Type.SOFTBAN else ""
        context |= _by(departure.unban_entry, departure.place, f"{prefix}moderator", f"{prefix}reason")
    return context


def _by(entry: AuditEntry | None, place: Place, moderator: str, reason: str) -> dict[str, object]:
    if entry is None:
        return {moderator: "unknown: no audit log entry so far" if place.sees_audit_log else f"unknown: {_HIDDEN}"}
    who = entry.moderator.text if entry.moderator is not None else "unknown: the entry names nobody"
    # An unban has no reason to give in Discord's own app.
    return {moderator: who, **({reason: entry.reason or "none given"} if entry.reason or reason == "reason" else {})}


def _stay(departure: Departure) -> dict[str, object]:
    who = departure.who
    stay: dict[str, object] = {}
    if who.joined is not None:
        stay["joined"] = format_moment(who.joined)
        stay["stayed"] = format_duration(departure.time - who.joined)
    if who.roles is not None:
        stay["roles"] = ", ".join(who.roles) or "none"
    return stay or {"stayed": "unknown: not in the bot's memory as a member"}


def _before(now: float, *, rejoined: bool, gone: Gone | None) -> str:
    if gone is not None:
        how = "" if gone.type is Type.LEAVE else f" ({_PAST[gone.type]})"
        return f"yes, until {format_duration(now - gone.time)} ago{how}"
    return "yes, Discord says" if rejoined else "not that Discord knows of"


def _identity(who: Who) -> dict[str, object]:
    shown = {"display_name": who.display_name} if who.display_name not in ("", who.name) else {}
    return {"username": who.name or "not known", **shown, "member_id": str(who.id)}


def _name(who: Who) -> str:
    return f"<@{who.id}> {who.name}".rstrip()


def _count(place: Place) -> object:
    return "unknown" if place.member_count is None else place.member_count


def _event(
    origin: str,
    text: str,
    time: float,
    context: dict[str, object],
    place: Place,
    people: tuple[Who, ...],
    *,
    title: str,
    color: int,
    avatar: str = "",
    card: str = "",
    level: LogLevel | None = None,
) -> Event:
    bad = origin in (Type.BAN, Type.KICK, Type.SOFTBAN)
    persons: dict[int, Person] = {who.id: who.person for who in people}
    return Event(
        EventKind.MEMBER,
        level or (LogLevel.WARNING if bad else LogLevel.INFO),
        text,
        time,
        origin,
        to_plain(context),
        guild_id=place.id,
        persons=tuple(persons.values()),
        title=title,
        color=color,
        avatar_url=avatar,
        card=card,
    )
