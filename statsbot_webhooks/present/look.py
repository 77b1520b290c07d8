"""Titles and colours of an event, and the settings that decide how messages look. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ..event import Event, EventKind, LogLevel

COLORS: Final = {
    LogLevel.DEBUG: 0x80848E,
    LogLevel.INFO: 0x3498DB,
    LogLevel.WARNING: 0xF0B232,
    LogLevel.ERROR: 0xE74C3C,
    LogLevel.CRITICAL: 0x992D22,
}
_MEMBER_COLORS: Final = {"join": 0x23A55A, "unban": 0x23A55A, "leave": 0x80848E, "kick": 0xF0B232, "ban": 0xE74C3C}
_MEMBER_TITLES: Final = {
    "join": "Member joined",
    "leave": "Member left",
    "kick": "Member kicked",
    "ban": "Member banned",
    "unban": "Member unbanned",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How messages look. `room` is the most units of a shown text; `pause` lets other threads run, and is called often."""

    room: int = 2000
    use_embeds: bool = True
    include_timestamps: bool = True
    pause: Callable[[], object] = lambda: None


def title_of(event: Event) -> str:
    """Return what stands above an event, not escaped."""
    if event.title:
        return event.title
    if event.kind == EventKind.MEMBER:
        return _MEMBER_TITLES.get(event.origin, f"Member event: {event.origin}")
    if event.kind == EventKind.LIFECYCLE and event.origin:
        return event.origin.replace("_", " ").capitalize()
    return f"{event.level.value} · {event.origin}" if event.origin else event.level.value


def color_of(event: Event) -> int:
    """Return the colour of an event's card, 0xRRGGBB."""
    if event.color is not None:
        return event.color
    if event.kind == EventKind.MEMBER:
        return _MEMBER_COLORS.get(event.origin, COLORS[event.level])
    return COLORS[event.level]


def worst(events: Iterable[Event]) -> LogLevel:
    """Return the highest level among events."""
    return max((event.level for event in events), key=lambda level: level.number)
