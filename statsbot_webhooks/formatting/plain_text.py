"""Cards without embeds: events as plain text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..events.event import Event
from ..events.folding import Group
from ..events.time_text import clock_text
from . import limits
from .embeds import WHOLE_FILE, event_files, repeats_line
from .fields import details_of, processes_rows
from .full_text import lines_before, text_file
from .markdown import MORE, break_fences, code_block, shorten
from .message import NOTE_ROOM, FileAttachment, WebhookMessage, size
from .style import Style, own_fields, shown_message, shown_title
from .traceback_text import shorten_traceback

# The lines around a code block, and a mark for a backtick at its end.
_FENCES: Final = 14
_SHORTEST_TRACE: Final = 200


def format_plain(groups: Sequence[Group], style: Style) -> tuple[WebhookMessage, int]:
    """Return a message with a paragraph for each group, and how many of the groups fitted into it (at least one)."""
    room = style.room - NOTE_ROOM
    parts: list[str] = []
    files: list[FileAttachment] = []
    shown: list[Event] = []
    is_whole = True
    used = 0
    for group in groups:
        text = _paragraph(group, style, room)
        own, has_all = event_files(group.fold.event.files, {file.filename for file in files} | {WHOLE_FILE})
        fits = len(files) + len(own) < limits.FILES and size(files) + size(own) < limits.FILE_BYTES // 2
        if parts and (used + limits.length(text) + 1 > room or not fits):
            break
        if limits.length(text) > room:
            # Wherever it is cut, no code may stay open. There is no code block in it, for in one nothing is escaped.
            text = shorten(break_fences(text).replace("`", "'"), room, more=MORE)
            has_all = False
        parts.append(text)
        files += own
        used += limits.length(text) + 1
        shown += group.events
        is_whole = is_whole and has_all and _is_uniform(group)
    if not is_whole:
        files.append(
            text_file(WHOLE_FILE, sorted(shown, key=lambda event: event.time), style.pause, limits.FILE_BYTES - size(files))
        )
    return WebhookMessage(content="\n".join(parts), files=tuple(files)), len(parts)


def _is_uniform(group: Group) -> bool:
    """Say whether the newest event tells everything that the others do."""
    # A traceback is shown without the frames of libraries; the whole is in the file.
    is_short = group.fold.event.traceback is None and not any(map(lines_before, group.events))
    return is_short and len({_details(event) for event in group.events}) == 1


def _details(event: Event) -> str:
    return repr((event.message, event.context, event.traceback, event.files))


def _paragraph(group: Group, style: Style, room: int) -> str:
    """Return the text of a group; the traceback is shortened to the room that is left, and is in the file when there is none."""
    event = group.fold.event
    stamp = f"`{clock_text(event.time)}` " if style.include_timestamps else ""
    lines = [f"{stamp}**{shown_title(event, style)}** {shown_message(event, style)}"]
    own = own_fields(event, style)
    rows = details_of(event, group.fold, style) if own is None else own + processes_rows(group.fold)
    lines += [f"- {name}: {text}" for name, text in rows]
    last = [line for line in (repeats_line(group.fold), f"-# {event.issue}" if event.issue else "") if line]
    left = room - limits.length("\n".join((*lines, *last))) - _FENCES
    if event.traceback is not None and left >= _SHORTEST_TRACE:
        trace = break_fences(shorten_traceback(event.traceback.rstrip(), style.root))
        # What failed stands at the end.
        lines.append(code_block(shorten(trace, left, first=1 / 4), "py"))
    return "\n".join((*lines, *last))
