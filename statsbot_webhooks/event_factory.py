"""The events that code asks for by name: an exception, a measured value, something about a member. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from .event import Event, EventKind, LogLevel, Person, to_plain


def error_event(
    error: BaseException,
    *,
    now: float,
    include_stack_traces: bool = True,
    origin: str = "",
    context: Mapping[str, object] | None = None,
    guild_id: int | None = None,
    persons: tuple[Person, ...] = (),
) -> Event:
    """Return the event of an exception; formatting its traceback is what it costs (half a millisecond)."""
    trace = "".join(traceback.format_exception(error)) if include_stack_traces else None
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 - a user's __str__ may raise anything; the event must survive it
        text = f"(its text failed: {type(failure).__name__})"
    message = f"{name}: {text}" if text else name
    return Event(EventKind.ERROR, LogLevel.ERROR, message, now, origin, to_plain(context or {}), trace, guild_id, persons, name)


def performance_event(
    metric_name: str, value: float, threshold: float, *, now: float, context: Mapping[str, object] | None = None
) -> Event:
    """Return the alert for a measured value."""
    ratio = value / threshold if threshold else None
    details = {
        "value": value,
        "threshold": threshold,
        **({"ratio": round(ratio, 2)} if ratio else {}),
        **(context or {}),
    }
    level = LogLevel(details.pop("level", LogLevel.WARNING))
    message = f"{metric_name} is {value:g}, the threshold is {threshold:g}"
    return Event(EventKind.PERFORMANCE, level, message, now, metric_name, to_plain(details), template=metric_name)


def member_event(
    event_type: str, member_id: int, username: str, *, now: float, context: Mapping[str, object] | None = None
) -> Event:
    """Return what happened to a member; `guild_id` in the context says where."""
    plain = to_plain({"member_id": str(member_id), "username": username, **(context or {})})
    guild_id = plain.get("guild_id")
    return Event(
        EventKind.MEMBER,
        LogLevel.WARNING if event_type in ("ban", "kick") else LogLevel.INFO,
        f"{username} (<@{member_id}>)",
        now,
        event_type,
        plain,
        guild_id=int(guild_id) if guild_id is not None and str(guild_id).isdigit() else None,
        persons=(Person(int(member_id), (username,)),),
        template=event_type,
    )
