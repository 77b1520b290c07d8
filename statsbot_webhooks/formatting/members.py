"""Cards of single persons: joins, a departure, an unban. Pure; claims nothing that Discord has not said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ..events.colors import AMBER, GREEN, GREY, RED
from ..events.event import Event
from ..events.time_text import format_count, format_duration
from .own_markup import own, own_time

Facts = Mapping[str, Any]

NEW_ACCOUNT_SECONDS: Final = 7 * 86400
"""An account younger than this is marked."""
MEMBER_TITLES: Final[Mapping[str, tuple[str, int]]] = {
    "join": ("Member joined", GREEN),
    "leave": ("Member left", GREY),
    "kick": ("Member kicked", AMBER),
    "ban": ("Member banned", RED),
    "softban": ("Member banned and unbanned (softban)", AMBER),
    "unban": ("Member unbanned", GREEN),
}
"""Title and colour by what happened."""
_PAST: Final = {"leave": "left", "kick": "kicked", "ban": "banned", "softban": "softbanned"}
_HIDDEN: Final = "hidden from the bot: it lacks View Audit Log"


def mention(who: Facts) -> str:
    """Return a person as a mention with the name; a masked person has only a pseudonym."""
    number, name = str(who["id"]), str(who["name"])
    if not number.isdigit():
        return name or number
    return f"{own(f'<@{number}>')} {name}".rstrip()


def mention_with_id(who: Facts) -> str:
    """Return mention, name and id, for a field of a card."""
    number = str(who["id"])
    return f"{mention(who)} ({number})" if number != mention(who) else number


def format_moment(time: float) -> str:
    """Return a date and time in each reader's time zone, and how long ago it is."""
    return f"{own_time(time, 'f')} ({own_time(time, 'R')})"


def format_member_count(place: Facts) -> str:
    """Return how many members a server has, as far as Discord said."""
    return "unknown" if place.get("member_count") is None else f"{place['member_count']:,}"


def show_join(event: Event) -> Event:
    """Return a join as it is shown. `rejoined` is Discord's own mark; `gone` is the departure that we have seen."""
    facts, who = event.facts, event.facts["who"]
    age = event.time - who["created"]
    is_new = age < NEW_ACCOUNT_SECONDS
    title, color = MEMBER_TITLES["join"]
    context = {
        **event.context,
        **_identity(who),
        **({"bot": "yes"} if who["is_bot"] else {}),
        "account_created": f"\u26a0\ufe0f {format_moment(who['created'])}" if is_new else format_moment(who["created"]),
        **_member_count(facts["place"]),
        **_before(event),
    }
    if is_new:
        title, color = f"{title} \u00b7 new account", AMBER
    # A card has it in a field.
    made = f", with an account made {format_duration(age)} ago" if is_new and event.message != facts.get("brief") else ""
    return replace(event, title=title, color=color, message=_with_mention(event) + made, context=context)


def show_joins(event: Event) -> Event:
    """Return joins of one message as they are shown where there is no room for a card of each.

    A card, which names the server in a field, has no text yet.
    """
    where = f" {event.context.get('guild', '')}" if event.message else ""
    joins, moved = event.facts["joins"], event.facts["moved"]
    if not joins:
        return replace(event, title="Part of a raid", color=GREY, message=f"{event.message}.")
    lines = [
        f"{mention_with_id(join['who'])}: account {format_duration(join['time'] - join['who']['created'])} old" for join in joins
    ]
    note = f"\n{format_count(moved, 'more join')} were a raid's: see its card" if moved else ""
    title = f"{format_count(len(joins), 'member')} joined{where}"
    return replace(event, title=title, color=GREEN, message="\n".join(lines) + note)


def split_joins(event: Event) -> list[Event]:
    """Return each join of a message of joins as an event of its own; nothing for any other event."""
    if event.facts.get("type") != "joins":
        return []
    return [
        replace(
            event,
            message=join["brief"],
            time=join["time"],
            avatar_url=join["avatar"] if event.avatar_url else "",
            facts={key: value for key, value in join.items() if key not in ("time", "avatar")},
        )
        for join in event.facts["joins"]
    ]


def show_departure(event: Event) -> Event:
    """Return a departure or an unban as it is shown, as far as it is known now."""
    facts, what = event.facts, event.origin
    who, place = facts["who"], facts["place"]
    title, color = MEMBER_TITLES[what]
    if what == "leave":
        title = f"Member {facts['how']}"
    context: dict[str, Any] = {**event.context, **_identity(who), **_moderation(event)}
    if facts["has_left"]:
        context |= _stay(event)
    if what != "unban":
        context |= _member_count(place)
    elif who["created"]:
        context["account_created"] = format_moment(who["created"])
    if what == "ban" and not facts["has_left"]:
        context["was_a_member"] = "no leave was seen with the ban"
    if facts["corrects"]:
        context["corrects"] = "what was shown of this before"
    return replace(event, title=title, color=color, message=_with_mention(event), context=context)


def show_named_member(event: Event) -> Event:
    """Return what a host said of a member, who is a mention where the text ends with the id that the details have."""
    called = f"<@{event.context.get('member_id')}>"
    if not called[2:-1].isdigit() or not event.message.rstrip(")").endswith(called):
        return event
    before, _, after = event.message.rpartition(called)
    return replace(event, message=f"{before}{own(called)}{after}")


def show_hidden_audit_log(event: Event) -> Event:
    """Return the notice that the audit log cannot be seen as it is shown."""
    return replace(event, title="Audit log not visible", color=AMBER)


def _with_mention(event: Event) -> str:
    """Return the text with the person as a mention, on which a reader can click."""
    who = event.facts["who"]
    called = str(who["name"] or who["id"])
    return mention(who) + event.message.removeprefix(called) if event.message.startswith(called) else event.message


def _moderation(event: Event) -> dict[str, object]:
    """Return who did it and why, or why that is not known."""
    facts, what = event.facts, event.origin
    place = facts["place"]
    if what == "leave":
        if facts["pruned_with"] is not None:
            return {"audit_log": f"a prune of {format_count(facts['pruned_with'], 'member')} at the same time"}
        return {} if place["sees_audit_log"] else {"audit_log": _HIDDEN}
    context: dict[str, object] = {}
    if what != "unban":
        context |= _by(facts["entry"], place, "moderator", "reason")
    if what in ("unban", "softban"):
        prefix = "unban_" if what == "softban" else ""
        context |= _by(facts["unban_entry"], place, f"{prefix}moderator", f"{prefix}reason")
    return context


def _by(entry: Facts | None, place: Facts, moderator: str, reason: str) -> dict[str, object]:
    if entry is None:
        return {} if place["sees_audit_log"] else {moderator: f"unknown: {_HIDDEN}"}
    why = {reason: entry["why"]} if entry["why"] else {}
    return {moderator: show_moderator(entry["by"]), **why}


def show_moderator(who: Facts | None) -> str:
    """Return who an audit log entry names."""
    return "unknown: the entry names no moderator" if who is None else mention_with_id(who)


def _member_count(place: Facts) -> dict[str, object]:
    """Return how many members a server has now, where Discord said so."""
    return {} if place.get("member_count") is None else {"member_count": format_member_count(place)}


def _stay(event: Event) -> dict[str, object]:
    who = event.facts["who"]
    stay: dict[str, object] = {}
    if who["joined"] is not None:
        stay["joined"] = own_time(who["joined"], "f")
        stay["stayed"] = format_duration(event.time - who["joined"])
    if who["roles"]:
        stay["roles"] = who["roles"]
    return stay


def _before(event: Event) -> dict[str, object]:
    gone = event.facts["gone"]
    if gone is not None:
        how = "" if gone["how"] == "leave" else f" ({_PAST[gone['how']]})"
        return {"joined_before": f"yes, until {format_duration(event.time - gone['time'])} ago{how}"}
    return {"joined_before": "yes, Discord says"} if event.facts["rejoined"] else {}


def _identity(who: Facts) -> dict[str, object]:
    """Return the id, to be copied, and the name that the server shows; the text above has the mention and the name."""
    shown = {"display_name": who["display_name"]} if who["display_name"] not in ("", who["name"]) else {}
    return {**shown, "member_id": str(who["id"])}
