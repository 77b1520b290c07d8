"""The digest: counts and the most frequent events in an embed, every event in full in a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from ..events.colors import LEVEL_COLORS
from ..events.event import Event, EventKind, LogLevel
from ..events.folding import paced
from ..events.sparkline import sparkline
from ..events.time_text import discord_time
from . import limits
from .embeds import WHOLE_FILE, stamp_of
from .full_text import cut, full_text
from .lines import count_title
from .markdown import escape_markdown, truncate
from .message import NOTE_ROOM, Embed, FileAttachment, WebhookMessage
from .style import Style, title_of, worst

_TOP: Final = 8
_TEXT_UNITS: Final = 160
_SHORTEST_COURSE: Final = 5.0


def format_digest(events: Sequence[Event], keys: Sequence[str], style: Style) -> tuple[WebhookMessage, int]:
    """Return a message with counts and every event in full in a file, and how many of the events fitted into it.

    `keys` are the fingerprints of the events.
    """
    data, taken = full_text(events, style.pause)
    shown, keys = events[:taken], keys[:taken]
    file = FileAttachment(WHOLE_FILE, cut(data, limits.FILE_BYTES))
    title, summary = _summary(shown, keys, style.pause)
    if not style.use_embeds:
        content = truncate(f"**{title}**\n{summary}", style.room - NOTE_ROOM)
        return WebhookMessage(content=content, files=(file,)), taken
    embed: Embed = {
        "title": truncate(title, limits.TITLE),
        "description": truncate(summary, limits.DESCRIPTION),
        "color": LEVEL_COLORS[worst(shown)],
    }
    if style.include_timestamps:
        embed["timestamp"] = stamp_of(shown[-1])
    return WebhookMessage(embeds=(embed,), files=(file,)), taken


def _summary(events: Sequence[Event], keys: Sequence[str], pause: Callable[[], object]) -> tuple[str, str]:
    """Return what there is to see at a glance: a title, then counts, the course over time, and the most frequent events."""
    levels, kinds, times = Counter[LogLevel](), Counter[str](), list[float]()
    groups: dict[str, list[Event]] = {}
    for event, key in paced(zip(events, keys, strict=True), pause):
        levels[event.level] += 1
        kinds[event.kind.value] += 1
        times.append(event.time)
        # Members are never repeats of each other, but a raid of them is one thing to see.
        groups.setdefault(f"member {event.origin}" if event.kind == EventKind.MEMBER else key, []).append(event)
    lines = [" · ".join(f"**{levels[level]:,}** {level.value}" for level in reversed(LEVEL_COLORS) if levels[level])]
    if len(kinds) > 1:
        lines[0] += "  (" + ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()) + ")"
    lines.append(_course(times, 28, pause))
    # Of the same count the worst, and of these the newest.
    ranked = sorted(groups.values(), key=lambda group: (-len(group), -group[-1].level.number, -group[-1].time))
    if len(ranked) == 1:
        newest = ranked[0][-_TOP:]
        lines += [truncate(escape_markdown(" ".join(event.message.split())), _TEXT_UNITS) for event in newest]
        if len(events) > len(newest):
            lines.append(f"-# the newest {len(newest)}, all of them in the file")
        return f"{escape_markdown(title_of(events[-1]))} ×{len(events):,}{_issue(events[-1])}", "\n".join(lines)
    lines += [_top_line(group, pause) for group in ranked[:_TOP]]
    if len(ranked) > _TOP:
        lines.append(f"-# and {len(ranked) - _TOP:,} others, all in the file")
    return count_title(events), "\n".join(lines)


def _issue(event: Event) -> str:
    return f" · {event.issue}" if event.issue else ""


def _top_line(events: Sequence[Event], pause: Callable[[], object]) -> str:
    event = events[-1]
    text = truncate(escape_markdown(" ".join(event.message.split())), _TEXT_UNITS)
    # A multiplier stands for one text only.
    title, texts = truncate(escape_markdown(title_of(event)), 60), _texts(events)
    if texts > 1:
        line = f"`{len(events):,}` **{title}** with {texts:,} texts, the newest: {text}"
    else:
        line = f"`×{len(events):,}` **{title}** {text}"
    line += _issue(event)
    times = [other.time for other in events]
    if max(times) - min(times) < _SHORTEST_COURSE:
        # There is nothing to see in it, and the course of all stands above.
        return line
    return f"{line}\n{_course([other.time for other in paced(events, pause)], 20, pause)}"


def _texts(events: Sequence[Event]) -> int:
    return len({event.message for event in events})


def _course(times: Sequence[float], width: int, pause: Callable[[], object]) -> str:
    """Return a sparkline with the first and the last time."""
    first, last = min(times), max(times)
    return f"`{sparkline(paced(times, pause), first, last, width)}` {discord_time(first, 'T')} to {discord_time(last, 'T')}"
