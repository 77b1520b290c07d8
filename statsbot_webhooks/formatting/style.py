"""Titles and colours of an event, and the settings that decide how messages look. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..events.colors import LEVEL_COLORS
from ..events.event import Event, EventKind, LogLevel
from ..events.time_text import discord_time
from .errors import error_text, error_title
from .full_text import value_text
from .markdown import escape_markdown
from .members import MEMBER_TITLES
from .templates import Templates


@dataclass(frozen=True, slots=True)
class Style:
    """How messages look. `room` is the most units of a shown text; `pause` lets other threads run, and is called often.

    `root` is the folder of the program, to which paths in tracebacks are relative; `home_guild_id` is the server of the cards.
    """

    room: int = 2000
    use_embeds: bool = True
    include_timestamps: bool = True
    pause: Callable[[], object] = lambda: None
    templates: Templates = field(default_factory=Templates)
    root: str = ""
    home_guild_id: int | None = None


def title_of(event: Event) -> str:
    """Return what stands above an event, not escaped."""
    if event.title:
        return event.title
    if event.kind == EventKind.MEMBER:
        return MEMBER_TITLES.get(event.origin, (f"Member event: {event.origin}", 0))[0]
    if event.kind == EventKind.LIFECYCLE and event.origin:
        return event.origin.replace("_", " ").capitalize()
    level = f"{event.level.value} · {event.origin}" if event.origin else event.level.value
    return error_title(event) or level


def shown_title(event: Event, style: Style) -> str:
    """Return what stands above an event, escaped: the user's template, or the built-in title."""
    template = style.templates.look(event).title
    return template.fill(_variables(event)) if template else escape_markdown(title_of(event))


def shown_message(event: Event, style: Style) -> str:
    """Return the text of an event, escaped: the user's template, or the message."""
    template = style.templates.look(event).text
    return template.fill(_variables(event)) if template else escape_markdown(error_text(event))


def own_fields(event: Event, style: Style) -> list[tuple[str, str]] | None:
    """Return the fields of the user's template, escaped, without those that are empty; `None` when it has none."""
    fields = style.templates.look(event).fields
    if fields is None:
        return None
    values = _variables(event)
    return [(escape_markdown(name), text) for name, template in fields if (text := template.fill(values)).strip()]


def _variables(event: Event) -> dict[str, str]:
    """Return what a template may name. Only the template itself can hold markdown, the values are escaped."""
    details = {f"context.{key}": value_text(value) for key, value in event.context.items()}
    named = {name: details.get(f"context.{name}", "") for name in ("guild", "channel", "user", "command")}
    base = {"kind": event.kind.value, "level": event.level.value, "origin": event.origin, "message": event.message}
    values = {**details, **named, **base, "title": title_of(event)}
    return {**{name: escape_markdown(text) for name, text in values.items()}, "time": discord_time(event.time, "T")}


def color_of(event: Event, style: Style) -> int:
    """Return the colour of an event's card, 0xRRGGBB."""
    if (color := style.templates.look(event).color) is not None:
        return color
    if event.color is not None:
        return min(max(event.color, 0), 0xFFFFFF)
    if event.kind == EventKind.MEMBER:
        return MEMBER_TITLES.get(event.origin, ("", LEVEL_COLORS[event.level]))[1]
    return LEVEL_COLORS[event.level]


def worst(events: Iterable[Event]) -> LogLevel:
    """Return the highest level among events."""
    return max((event.level for event in events), key=lambda level: level.number)
