"""The events that code asks for by name: an exception, a measured value, something about a member. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from .event import Event, EventKind, LogLevel, Person, to_plain
from .tracebacks import chain_of, describe, leaves, note_exception


def error_event(
    error: BaseException,
    *,
    now: float,
    include_stack_traces: bool = True,
    origin: str = "",
    context: Mapping[str, object] | None = None,
    guild_id: int | None = None,
    persons: tuple[Person, ...] = (),
    level: LogLevel = LogLevel.ERROR,
    trace: TracebackType | None = None,
    jump: str = "",
) -> Event:
    """Return the event of an exception, whose traceback is noted and not formatted yet: `finish` does that, off the loop.

    `jump` is the address of the message or channel where it happened. Without stack traces the context names what caused it
    and what a group holds, by type and text.
    """
    details = dict(context or {})
    noted = note_exception(error, trace, is_shown=include_stack_traces)
    if not include_stack_traces:
        details |= outline(error)
    name = type(error).__name__
    base = (EventKind.ERROR, level, describe(error), now, origin, to_plain(details), None, guild_id, persons, name)
    return Event(*base, facts={"type": "error", "jump": jump} if jump else {}, noted=noted)


def outline(error: BaseException) -> dict[str, object]:
    """Return what a traceback would tell besides code: the chain of causes, and the parts of a group."""
    said: dict[str, object] = {}
    if causes := [describe(each) for each in chain_of(error)]:
        said["caused_by"] = causes[0] if len(causes) == 1 else causes
    if parts := [describe(each) for each in leaves(error)]:
        said["exceptions"] = parts
    return said


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
        # No template: two people are two events, never repeats of one.
        persons=(Person(int(member_id), (username,)),),
    )


def notice_event(text: str, *, now: float, origin: str = "statsbot_webhooks") -> Event:
    """Return a warning of the package about itself."""
    return Event(EventKind.LOG, LogLevel.WARNING, text, now, origin)
