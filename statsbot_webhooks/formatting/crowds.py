"""Cards of many people at once: a raid, a mass departure, a prune. Pure; the list of the people is a file of the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ..events.colors import AMBER, GREY, RED
from ..events.event import Event
from ..events.time_text import format_count, format_duration
from .members import format_member_count, mention_with_id, show_moderator
from .own_markup import own_time

# Title while it lasts, and when it is over; what is counted in its rate.
_NAMES: Final = {
    "raid": ("\U0001f6a8 Raid going on", "Raid over", "joins"),
    "departures": ("Many members are leaving", "Mass departure over", "departures"),
    "unbans": ("Many members are being unbanned", "Mass unban over", "unbans"),
}


def show_surge(event: Event) -> Event:
    """Return a surge of joins or departures as it is shown."""
    facts = event.facts
    what, is_over = facts["what"], facts["is_over"]
    going, over, noun = _NAMES[what]
    part = f" \u00b7 part {facts['part']}" if facts["part"] > 1 else ""
    context: dict[str, Any] = {
        **event.context,
        "rate": f"{round(facts['per_minute']):,} {noun}/min",
        "began": own_time(facts["began"], "T"),
        **({"ended": own_time(facts["last"], "T")} if is_over else {}),
        "member_count": format_member_count(facts["place"]),
        **(_accounts(facts) if what == "raid" else _ways(facts)),
    }
    color = GREY if is_over else RED if what == "raid" else AMBER
    return replace(event, title=(over if is_over else going) + part, color=color, context=context)


def show_prune(event: Event) -> Event:
    """Return a prune as it is shown. Discord does not say which members it took."""
    facts = event.facts
    context: dict[str, Any] = {
        "removed": facts["removed"],
        "inactive_for": format_count(facts["inactive_days"], "day"),
        "moderator": show_moderator(facts["by"]),
        "reason": facts["why"] or "none given",
        "leaves_seen": _leaves_seen(facts["seen"], facts["removed"]),
        "member_count": format_member_count(facts["place"]),
        **event.context,
    }
    return replace(event, title="Members pruned", color=AMBER, context=context)


def _leaves_seen(seen: int, removed: int) -> str:
    if not seen:
        return "none so far"
    listed = f"{seen:,}, {'listed' if seen == 1 else 'all listed'} in the file"
    if seen > removed:
        return f"{listed}; {seen - removed:,} more than the prune took, so not all of them are its work"
    return listed if seen == removed else f"{listed}; {removed - seen:,} not seen"


def _accounts(facts: Mapping[str, Any]) -> dict[str, object]:
    """Return what tells a raid from a good day: how young the accounts are."""
    lines = [f"{mention_with_id(who)}: {format_duration(who['age'])}" for who in facts["youngest"]]
    return {
        "new_accounts": f"{facts['new']:,} of {facts['count']:,} under 7 days old",
        "youngest_accounts": "\n".join(lines),
    }


def _ways(facts: Mapping[str, Any]) -> dict[str, object]:
    """Return how the people of a mass departure went, and who sent them."""
    found: dict[str, object] = {"how": ", ".join(f"{way['count']:,} {way['how']}" for way in facts["ways"])}
    if facts["moderators"]:
        found["moderators"] = "\n".join(f"{mention_with_id(who)}: {who['count']:,}" for who in facts["moderators"])
    if facts["reasons"]:
        found["reasons"] = "\n".join(f"{each['count']:,} \u00d7 {each['why']}" for each in facts["reasons"])
    return found
