"""Lines: many events in one embed, one line each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..events.colors import LEVEL_COLORS
from ..events.event import Event, EventKind, LogLevel
from ..events.folding import Group
from ..events.time_text import discord_time, format_count
from . import limits
from .embeds import WHOLE_FILE
from .full_text import lines_before, text_file
from .markdown import escape_markdown, truncate
from .message import MARK_ROOM, NOTE_ROOM, Embed, WebhookMessage
from .style import Style, title_of, worst

# Of equal width in a code span, so that the texts begin below each other.
_MARKS: Final = {
    LogLevel.DEBUG: "DEBUG",
    LogLevel.INFO: "INFO ",
    LogLevel.WARNING: "WARN ",
    LogLevel.ERROR: "ERROR",
    LogLevel.CRITICAL: "CRIT ",
}
_TEXT_UNITS: Final = 160
_ORIGIN_UNITS: Final = 40


def format_lines(groups: Sequence[Group], style: Style) -> tuple[WebhookMessage, int]:
    """Return a message with a line for each group, and how many of the groups fitted into it (at least one)."""
    room = limits.DESCRIPTION - MARK_ROOM if style.use_embeds else style.room - NOTE_ROOM
    lines: list[str] = []
    used = 0
    is_whole = True
    for group in groups:
        line, whole = format_line(group, style)
        if lines and used + limits.length(line) + 1 > room:
            break
        lines.append(line)
        used += limits.length(line) + 1
        is_whole = is_whole and whole
    shown = groups[: len(lines)]
    events = sorted((event for group in shown for event in group.events), key=lambda event: event.time)
    files = () if is_whole else (text_file(WHOLE_FILE, events, style.pause),)
    # In the order of the times they show, which for repeats is the last one.
    order = sorted(range(len(lines)), key=lambda index: shown[index].fold.last)
    text = truncate("\n".join(lines[index] for index in order), room)
    if not style.use_embeds:
        return WebhookMessage(content=text, files=files), len(lines)
    embed: Embed = {"title": count_title(events), "description": text, "color": LEVEL_COLORS[worst(events)]}
    return WebhookMessage(embeds=(embed,), files=files), len(lines)


def format_line(group: Group, style: Style) -> tuple[str, bool]:
    """Return the line of a group, and whether it shows everything."""
    fold = group.fold
    event = fold.event
    text = " ".join(event.message.split())
    short = truncate(escape_markdown(text), _TEXT_UNITS)
    origin = truncate(escape_markdown(_label(event)), _ORIGIN_UNITS)
    stamp = discord_time(fold.last, "T") + " " if style.include_timestamps else ""
    count = f" `×{fold.count}`" if fold.count > 1 else ""
    issue = f" · {event.issue}" if event.issue else ""
    line = f"`{_MARKS[event.level]}` {stamp}{f'**{origin}** ' if origin else ''}{short}{issue}{count}"
    same = all(other.message == event.message and not other.context and other.traceback is None for other in group.events)
    has_files = any(other.files or lines_before(other) for other in group.events)
    return line, same and not has_files and text == event.message and short == escape_markdown(text)


def _label(event: Event) -> str:
    if event.title or event.kind in (EventKind.MEMBER, EventKind.LIFECYCLE):
        return title_of(event)
    return event.origin


def count_title(events: Sequence[Event]) -> str:
    """Return how many events there are; their times stand in the text, in each reader's own time zone."""
    return format_count(len(events), "event")
