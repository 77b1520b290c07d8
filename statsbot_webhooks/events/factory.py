"""The events that code asks for by name: an exception, a measured value, something about a member. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from .ambient import ambient, context_of
from .event import Event, EventKind, LogLevel, Person, to_plain
from .persons import persons_in
from .plain_values import plain_text
from .tracebacks import chain_of, describe, leaves, note_exception

_NUMBERS: Final = (int, float, bool)
_ID_DIGITS: Final = 20


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
    before: Sequence[str] = (),
) -> Event:
    """Return the event of an exception, whose traceback is noted and not formatted yet: `finish` does that, off the loop.

    `jump` is the address of the message or channel where it happened, and `before` what came before it, as lines. Without
    stack traces the context names what caused it and what a group holds, by type and text.
    """
    # By its type: what it says of its class may be code of the host's that fails.
    if not issubclass(type(error), BaseException):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"an exception is wanted, such as the one of `except ... as error`, not {type(error).__name__}")
    details = {**context_of(error), **(context or {})}
    noted = note_exception(error, trace, is_shown=include_stack_traces)
    if not include_stack_traces:
        details |= outline(error)
    name = type(error).__name__
    base = (
        EventKind.ERROR,
        level,
        describe(error),
        now,
        origin,
        to_plain(details),
        None,
        guild_id,
        (*persons, *persons_in(details.values())),
        name,
    )
    facts: dict[str, object] = {"type": "error", "jump": jump} if jump else {}
    if before:
        facts["before"] = list(before)
    return Event(*base, facts=facts, noted=noted)


def outline(error: BaseException) -> dict[str, object]:
    """Return what a traceback would tell besides code: the chain of causes, and the parts of a group."""
    said: dict[str, object] = {}
    if causes := [describe(each) for each in chain_of(error)]:
        said["caused_by"] = causes[0] if len(causes) == 1 else causes
    if parts := [describe(each) for each in leaves(error)]:
        said["exceptions"] = parts
    return said


def log_event(level: LogLevel | str, message: object, *, now: float, context: Mapping[str, object] | None = None) -> Event:
    """Return a log message."""
    details = {**ambient.get(), **(context or {})}
    persons = persons_in(details.values())
    return Event(EventKind.LOG, LogLevel.of(level), plain_text(message), now, context=to_plain(details), persons=persons)


def performance_event(
    metric_name: str, value: float, threshold: float, *, now: float, context: Mapping[str, object] | None = None
) -> Event:
    """Return the alert for a measured value. `level` in the context is the alert's, if it names one; else it is a detail."""
    said = context or {}
    details: dict[str, object] = {**ambient.get(), "value": value, "threshold": threshold, **_ratio(value, threshold), **said}
    level = LogLevel.WARNING
    if (found := LogLevel.named(said.get("level"))) is not None:
        level = found
        del details["level"]
    name = plain_text(metric_name)
    message = f"{name} is {number_text(value)}, the threshold is {number_text(threshold)}"
    persons = persons_in(details.values())
    return Event(EventKind.PERFORMANCE, level, message, now, name, to_plain(details), template=name, persons=persons)


def _ratio(value: object, threshold: object) -> dict[str, float]:
    # Other classes of numbers may be the host's own, and do as they like.
    if type(value) not in _NUMBERS or type(threshold) not in _NUMBERS or not threshold:
        return {}
    try:
        return {"ratio": round(value / threshold, 2)}  # type: ignore[operator]
    except OverflowError:
        return {}


def number_text(value: object) -> str:
    """Return a measured value as the text of an alert says it."""
    try:
        short = f"{value:g}" if type(value) in _NUMBERS else plain_text(value)
        return f"{value:.15g}" if type(value) in _NUMBERS and "e+" in short else short
    except OverflowError:
        return plain_text(value)


def member_event(
    event_type: str,
    member_id: int | str | None,
    username: str | None,
    *,
    now: float,
    context: Mapping[str, object] | None = None,
) -> Event:
    """Return what happened to a member; `guild_id` in the context says where. A member may have no name, or no id."""
    number = "" if member_id is None else plain_text(member_id)
    name = "" if username is None else plain_text(username)
    kind = plain_text(event_type)
    known = {"member_id": number or "unknown", "username": name or "unknown"}
    plain = to_plain({**ambient.get(), **known, **(context or {})})
    guild_id = plain.get("guild_id")
    is_id = _is_id(number)
    who = f"{name} (<@{number}>)" if is_id and name else f"<@{number}>" if is_id else name or number
    return Event(
        EventKind.MEMBER,
        LogLevel.WARNING if kind in ("ban", "kick") else LogLevel.INFO,
        who or "unknown member",
        now,
        kind,
        plain,
        guild_id=int(guild_id) if _is_id(str(guild_id)) else None,
        # No template: two people are two events, never repeats of one.
        persons=(
            *((Person(int(number), (name,) if name else ()),) if is_id else ()),
            *persons_in({**ambient.get(), **(context or {})}.values()),
        ),
    )


def _is_id(text: str) -> bool:
    # Ids have 64 bits. Digits of other scripts are no numbers to `int`, or others.
    return len(text) <= _ID_DIGITS and text.isascii() and text.isdecimal()


def notice_event(text: str, *, now: float, origin: str = "statsbot_webhooks") -> Event:
    """Return a warning of the package about itself."""
    return Event(EventKind.LOG, LogLevel.WARNING, text, now, origin)


def departed_event(name: str, host: str, shards: str, seconds: float, *, now: float) -> Event:
    """Return the event of a process of a fleet that ended without saying so."""
    context = {"process": name, "host": host, "shards": shards} if shards else {"process": name, "host": host}
    text = f"Process {name} on {host} has given no sign of life for {seconds:.0f} s. It did not say that it would end"
    return Event(EventKind.LIFECYCLE, LogLevel.ERROR, text, now, "fleet", context, title="A process of the fleet ended")


@dataclass(frozen=True, slots=True)
class Outage:
    """How an outage of a destination is now. `key` is that of its card; `seconds` is how long it has lasted.

    `problem` is what was said last of it.
    """

    key: str
    destination: str
    problem: str = ""
    seconds: float = 0.0
    is_over: bool = False


def outage_event(text: str, outage: Outage, *, now: float) -> Event:
    """Return the event of a destination that fails, or that works again: both are one card."""
    facts = {
        "type": "outage",
        "destination": outage.destination,
        "problem": outage.problem,
        "began": now - outage.seconds,
        "is_over": outage.is_over,
    }
    return Event(
        EventKind.LIFECYCLE,
        LogLevel.INFO if outage.is_over else LogLevel.WARNING,
        text,
        now,
        "statsbot_webhooks",
        template="outage",
        card=f"outage/{outage.destination}/{outage.key}",
        ends_card=outage.is_over,
        facts=facts,
    )
