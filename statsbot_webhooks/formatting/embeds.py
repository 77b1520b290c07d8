"""Cards: an event, or the repeats of one, as an embed with the files it needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ..events.event import Event, EventFile, EventKind
from ..events.folding import Fold, Group, paced
from ..events.sparkline import sparkline
from ..events.time_text import discord_time
from ..redaction.unicode_text import visible
from . import limits
from .errors import jump_url, source_line
from .fields import fields_of
from .full_text import lines_before, text_file, to_bytes, value_text
from .markdown import break_fences, code_block, escape_markdown, shorten, truncate
from .message import MARK_ROOM, Embed, FileAttachment, WebhookMessage, embed_length, free_name, size
from .style import Style, color_of, shown_message, shown_title
from .traceback_text import shorten_traceback

# The name of the file that holds in full what a message could only show in part.
WHOLE_FILE: Final = "events.txt"
# Discord refuses a whole message for one address that is none.
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?/[!-~]{0,1500}\Z")
_PICTURE: Final = re.compile(r".+\.(?:png|jpe?g|gif|webp)\Z", re.I)
# The first and the last time say all of fewer.
_LEAST_COURSE: Final = 4
_MAX_VARIANTS: Final = 12


@dataclass(frozen=True, slots=True)
class EmbedCard:
    """An embed, the event's own files, and whether everything of the event is shown."""

    embed: Embed
    files: tuple[FileAttachment, ...] = ()
    is_whole: bool = True
    length: int = field(default=0)


def format_cards(groups: Sequence[Group], style: Style) -> tuple[WebhookMessage, int]:
    """Return a message with a card for each group, and how many of the groups fitted into it (at least one)."""
    embeds: list[Embed] = []
    files: list[FileAttachment] = []
    shown: list[Event] = []
    is_whole = True
    total = 0
    for group in groups[: limits.EMBEDS]:
        card = format_card(group, style, {file.filename for file in files} | {WHOLE_FILE})
        fits = len(files) + len(card.files) < limits.FILES and size(files) + size(card.files) < limits.FILE_BYTES // 2
        if embeds and (total + card.length > limits.EMBED_TOTAL - MARK_ROOM or not fits):
            break
        total += card.length
        embeds.append(card.embed)
        files += card.files
        shown += group.events
        is_whole = is_whole and card.is_whole
    if not is_whole:
        files.append(
            text_file(WHOLE_FILE, sorted(shown, key=lambda event: event.time), style.pause, limits.FILE_BYTES - size(files))
        )
    return WebhookMessage(embeds=tuple(embeds), files=tuple(files)), len(embeds)


def format_card(group: Group, style: Style, taken_names: set[str]) -> EmbedCard:
    """Return the card of one group; its files get names that are not taken."""
    event = group.fold.event
    texts = _texts(group, style)
    title, message, whole = shown_title(event, style), *_message(group, texts, style)
    # One counter: where texts differ it is not that of the last of them.
    repeats = repeats_line(group.fold, note=", all texts together" if len(texts) > 1 else "")
    links = source_line(event)
    room = limits.DESCRIPTION - limits.length(message) - limits.length(repeats) - limits.length(links) - 3
    description = message
    if event.traceback is not None:
        trace = break_fences(shorten_traceback(event.traceback.rstrip(), style.root))
        # What failed stands at the end.
        fitted = shorten(trace, max(min(style.room, room - 20), 200), first=1 / 4)
        whole = whole and fitted == event.traceback.rstrip()
        description += ("\n" if description else "") + code_block(fitted, "py")
    if links:
        description += f"\n{links}"
    if repeats:
        description += ("\n" if description else "") + repeats
    fields, fields_whole = fields_of(event, group.fold, style)
    whole = whole and not any(map(lines_before, group.events))
    embed: Embed = {"title": truncate(title, limits.TITLE), "color": color_of(event, style)}
    whole = whole and fields_whole and embed["title"] == title
    if url := jump_url(event):
        embed["url"] = url
    if description:
        embed["description"] = description
    if fields:
        embed["fields"] = fields
    if _ADDRESS.match(event.avatar_url):
        embed["thumbnail"] = {"url": event.avatar_url}
    finish(embed, event, style)
    files, files_whole = event_files(event.files, taken_names)
    picture = next((file.filename for file in files if _PICTURE.match(file.filename)), None)
    if picture:
        embed["image"] = {"url": f"attachment://{picture}"}
    while embed_length(embed) > limits.EMBED_TOTAL - MARK_ROOM and embed.get("fields"):
        embed["fields"].pop()
        fields_whole = False
    return EmbedCard(embed, files, whole and fields_whole and files_whole, embed_length(embed))


def stamp_of(event: Event) -> str:
    """Return the time of an event as an embed has it."""
    return datetime.fromtimestamp(event.time, UTC).isoformat()


def finish(embed: Embed, event: Event, style: Style) -> None:
    """Put the time and the logger below an embed."""
    if style.include_timestamps:
        embed["timestamp"] = stamp_of(event)
    is_named = event.kind in (EventKind.LOG, EventKind.ERROR) and event.origin.removeprefix("command ") not in embed["title"]
    said = (event.origin if is_named else "", event.issue, event.note.partition(":")[0])
    parts = [limits.truncate(visible(part), 200) for part in said]
    if any(parts):
        embed["footer"] = {"text": " · ".join(filter(None, parts))}


def _details(event: Event) -> dict[str, str]:
    """Return what tells repeats apart, as it is shown: 0, False and 0.0 are equal in Python, and are three different texts.

    How often each happened before is said by their count.
    """
    return {key: value_text(value) for key, value in event.context.items() if key != "seen_before"}


def _text(event: Event, style: Style, *, is_titled: bool) -> str:
    """Return the text of one of several repeats; the title stands before it where they differ in that."""
    text = shown_message(event, style)
    return f"{escape_markdown(visible(event.title))}: {text}" if is_titled and event.title else text


def _texts(group: Group, style: Style) -> list[str]:
    """Return the different texts of repeats, each once, newest last."""
    has_titles = len({other.title for other in group.events}) > 1
    return list(dict.fromkeys(_text(other, style, is_titled=has_titles) for other in paced(group.events, style.pause)))


def _message(group: Group, texts: list[str], style: Style) -> tuple[str, bool]:
    """Return the text of a card and whether it is whole: the message, or a list of the different ones of repeats."""
    event = group.fold.event
    room = min(style.room, limits.DESCRIPTION)
    if event.traceback is not None:
        room = min(room, limits.DESCRIPTION // 2)
    details = _details(event)
    same_details = all(_details(other) == details and other.traceback == event.traceback for other in group.events)
    same_files = not any(other.files for other in group.events if other is not event)
    if len(texts) <= 1:
        (escaped,) = texts
        return (fitted := shorten(escaped, room)), fitted == escaped and same_details and same_files
    shown = texts[:] if len(texts) <= _MAX_VARIANTS else texts[-_MAX_VARIANTS // 2 :]
    hidden = len(texts) - len(shown)
    # The newest are the ones to see, so it is the oldest that make room.
    while len(shown) > 1 and sum(map(limits.length, shown)) + len(shown) > room - 60:
        shown.pop(0)
        hidden += 1
    head = f"-# {hidden} other texts before these, all in the attached file\n" if hidden else ""
    fitted = shorten("\n".join(shown), room - len(head))
    return head + fitted, not hidden and fitted == "\n".join(shown) and same_details and same_files


def repeats_line(fold: Fold, *, note: str = "") -> str:
    """Return the line that says how often, from when to when, and how it went on."""
    if fold.count < 2:
        return ""
    first, last, ago = discord_time(fold.first, "T"), discord_time(fold.last, "T"), discord_time(fold.last, "R")
    line = f"`×{fold.count}` first {first}, last {last} ({ago}){note}"
    has_course = fold.count >= _LEAST_COURSE and fold.last > fold.first
    bars = sparkline(fold.times, fold.first, fold.last).rstrip() if has_course else ""
    return f"{line}\n`{bars}`" if bars else line


def event_files(files: Sequence[EventFile], taken_names: set[str]) -> tuple[tuple[FileAttachment, ...], bool]:
    """Return the event's files as attachments, and whether all of them are there."""
    found: list[FileAttachment] = []
    names = set(taken_names)
    for file in files:
        data = file.data or to_bytes(file.text)
        if len(found) >= limits.FILES - 1 or size(found) + len(data) > limits.FILE_BYTES // 2:
            return tuple(found), False
        name = free_name(file.name, names)
        names.add(name)
        found.append(FileAttachment(name, data))
    return tuple(found), True
