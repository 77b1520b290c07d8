"""A call of StatsBot's tree log as one event: the section's title, and its lines as fields, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from ..capture.breadcrumbs import trail
from ..capture.errors import context as error_context
from ..capture.errors.deduplication import as_known
from ..events.ambient import ambient
from ..events.event import Event, EventKind, LogLevel, to_plain
from ..events.factory import error_event

# What the tree functions call the text that a reader should see first.
_TEXT_KEYS: Final = ("title", "message", "reason", "bot_name")
_SECTIONS: Final = ("log_perfect_tree_section", "log_section")
_MEMBER_TITLE: Final = re.compile(r"\s*(?:new\s+)?member\s+(?:join|leave|left|ban|unban|kick|remove)", re.IGNORECASE)
_ID: Final = re.compile(r"\d{15,20}")
_SYMBOLS: Final = {"log_run_header": "🎯", "log_run_end": "🏁"}


def tree_event(name: str, call: Mapping[str, Any], *, now: float, logger: object = None, keeps_traces: bool = True) -> Event:
    """Return the event of a call of the tree function `name` with these arguments; `logger` is the `TreeLogger` that it used."""
    details = {key: value for key, value in call.items() if key not in ("self", "emoji")}
    text_key = next((key for key in _TEXT_KEYS if key in details), None)
    text = str(details.pop(text_key)) if text_key else name
    level = tree_level(name, details)
    details.pop("level", None)
    error = details.pop("error", None)
    if error is not None and not isinstance(error, BaseException):
        # StatsBot passes texts too.
        details["error"] = error
    details.update(_lines(details.pop("items", ())))
    if isinstance(error, BaseException):
        return _error_event(error, name, text, level, details, now, keeps_traces)
    details.update(_run(name, call.get("self", logger)))
    details = {**details, **{key: value for key, value in ambient.get().items() if key not in details}}
    symbol = str(call.get("emoji") or _SYMBOLS.get(name, ""))
    title = f"{symbol} {text}".strip() if level.number < LogLevel.WARNING.number else f"{level.value} · {text}"
    return Event(EventKind.LOG, level, "", now, name, to_plain(details), template=text, title=title, facts={"in_order": True})


def tree_level(name: str, call: Mapping[str, Any]) -> LogLevel:
    """Return the level of a call; StatsBot's own function logs what it does not know as a warning."""
    level = str(call.get("level", "ERROR" if "error" in name else "INFO")).upper()
    return LogLevel(level) if level in LogLevel.__members__ else LogLevel.WARNING


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
        before=trail.before(now),
    )
    return replace(as_known(made, error), title=f"{level.value} · {text}", facts={**made.facts, "in_order": True})


def _run(name: str, logger: Any) -> dict[str, Any]:
    """Return the id of the run, and how long it took when it ends, as the tree log prints them."""
    run: dict[str, Any] = {}
    if "run" in name and (run_id := getattr(logger, "run_id", None)):
        run["run_id"] = run_id
        # The first StatsBot has no time of its start.
        if "end" in name and hasattr(logger, "start_time") and hasattr(logger, "_get_run_duration"):
            run["duration"] = logger._get_run_duration()  # noqa: SLF001 - what the tree log itself prints
    return run


def told_member(name: str, call: Mapping[str, Any]) -> int | None:
    """Return the id of the member whose coming or going a section tells of; None when it tells of something else."""
    if not _MEMBER_TITLE.match(str(call.get("title", ""))):
        return None
    ids = [str(value) for value in _lines(call.get("items", ())).values() if _ID.fullmatch(str(value))]
    return int(ids[0]) if name in _SECTIONS and ids else None


def _lines(items: object) -> dict[str, Any]:
    """Return the lines of a tree; equal keys, which a tree may have and a mapping may not, are numbered."""
    lines: dict[str, Any] = {}
    pairs = cast("Iterable[Any]", items.items() if isinstance(items, Mapping) else items)
    for place, pair in enumerate(pairs, 1):
        # The tree function itself fails at what is no pair; what it was given is shown all the same.
        parts = list(cast("Iterable[Any]", pair)) if isinstance(pair, (tuple, list)) else []
        key, value = parts if len(parts) == 2 else (f"line {place}", cast("Any", pair))
        name, number = str(key), 2
        while name in lines:
            name, number = f"{key} ({number})", number + 1
        lines[name] = value
    return lines
