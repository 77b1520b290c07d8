"""A call of StatsBot's tree log as one event: the section's title, and its lines as fields, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from ..capture.errors import context as error_context
from ..events.event import Event, EventKind, LogLevel, to_plain
from ..events.factory import error_event

# What the tree functions call the text that a reader should see first.
_TEXT_KEYS: Final = ("title", "message", "reason", "bot_name")
_SYMBOLS: Final = {"log_run_header": "🎯", "log_run_end": "🏁"}


def tree_event(name: str, call: Mapping[str, Any], *, now: float, keeps_traces: bool = True) -> Event:
    """Return the event of a call of the tree function `name` with these arguments."""
    details = {key: value for key, value in call.items() if key not in ("self", "emoji")}
    text_key = next((key for key in _TEXT_KEYS if key in details), None)
    text = str(details.pop(text_key)) if text_key else name
    level_name = str(details.pop("level", "ERROR" if "error" in name else "INFO")).upper()
    level = LogLevel(level_name) if level_name in LogLevel.__members__ else LogLevel.WARNING
    error = details.pop("error", None)
    if error is not None and not isinstance(error, BaseException):
        # StatsBot passes texts too.
        details["error"] = error
    details.update(_lines(details.pop("items", ())))
    if isinstance(error, BaseException):
        return _error_event(error, name, text, level, details, now, keeps_traces)
    symbol = str(call.get("emoji") or _SYMBOLS.get(name, ""))
    title = f"{symbol} {text}".strip() if level.number < LogLevel.WARNING.number else f"{level.value} · {text}"
    return Event(EventKind.LOG, level, "", now, name, to_plain(details), template=text, title=title)


def _error_event(
    error: BaseException, name: str, text: str, level: LogLevel, details: dict[str, Any], now: float, keeps_traces: bool
) -> Event:
    place = error_context.read(error_context.of_traceback, error.__traceback__)
    made = error_event(
        error,
        now=now,
        include_stack_traces=keeps_traces,
        origin=name,
        context={**place.details, **details},
        guild_id=place.guild_id,
        persons=place.persons,
        level=level,
    )
    return replace(made, title=f"{level.value} · {text}")


def _lines(items: object) -> dict[str, Any]:
    """Return the lines of a tree; equal keys, which a tree may have and a mapping may not, are numbered."""
    lines: dict[str, Any] = {}
    pairs = cast("Mapping[object, object]", items).items() if isinstance(items, Mapping) else cast("Iterable[Any]", items)
    for key, value in pairs:
        name, number = str(key), 2
        while name in lines:
            name, number = f"{key} ({number})", number + 1
        lines[name] = value
    return lines
