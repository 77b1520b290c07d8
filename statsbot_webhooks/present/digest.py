"""The digest: counts and the most frequent events in an embed, every event in full in a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from .. import limits
from ..event import Event, LogLevel
from ..fold import paced, sparkline
from .embeds import WHOLE_FILE, finish
from .lines import span_title
from .look import COLORS, Style, title_of, worst
from .markdown import escape_markdown, truncate
from .message import NOTE_ROOM, Attachment, Embed, WebhookMessage
from .text import cut, full_text

_TOP: Final = 8


def format_digest(events: Sequence[Event], keys: Sequence[str], style: Style) -> tuple[WebhookMessage, int]:
    """Return a message with counts and every event in full in a file, and how many of the events fitted into it.

    `keys` are the fingerprints of the events.
    """
    data, taken = full_text(events, style.pause)
    shown, keys = events[:taken], keys[:taken]
    file = Attachment(WHOLE_FILE, cut(bytes(data), limits.FILE_BYTES))
    title, summary = span_title(shown), _summary(shown, keys, style.pause)
    if not style.use_embeds:
        content = truncate(f"**{title}**\n{summary}", style.room - NOTE_ROOM)
        return WebhookMessage(content=content, files=(file,)), taken
    embed: Embed = {"title": title, "description": truncate(summary, limits.DESCRIPTION), "color": COLORS[worst(shown)]}
    finish(embed, shown[-1], style)
    return WebhookMessage(embeds=(embed,), files=(file,)), taken


def _summary(events: Sequence[Event], keys: Sequence[str], pause: Callable[[], object]) -> str:
    levels, kinds, times = Counter[LogLevel](), Counter[str](), list[float]()
    groups: dict[str, list[Event]] = {}
    for event, key in paced(zip(events, keys, strict=True), pause):
        levels[event.level] += 1
        kinds[event.kind.value] += 1
        times.append(event.time)
        groups.setdefault(key, []).append(event)
    first, last = min(times), max(times)
    lines = [" · ".join(f"**{levels[level]:,}** {level.value}" for level in reversed(COLORS) if levels[level])]
    if len(kinds) > 1:
        lines.append(" · ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()))
    if last > first:
        lines.append(f"`{sparkline(paced(times, pause), first, last, 40)}`")
    ranked = sorted(groups.values(), key=len, reverse=True)
    lines += [_top_line(group, pause) for group in ranked[:_TOP]]
    if len(ranked) > _TOP:
        lines.append(f"-# and {len(ranked) - _TOP:,} others, all in the file")
    return "\n".join(lines)


def _top_line(events: Sequence[Event], pause: Callable[[], object]) -> str:
    event = events[-1]
    text = truncate(escape_markdown(" ".join(f"{title_of(event)}: {event.message}".split())), 200)
    first, last = events[0].time, event.time
    bars = f"\n`{sparkline((other.time for other in paced(events, pause)), first, last)}` <t:{int(first)}:T> to <t:{int(last)}:T>"
    return f"`×{len(events):,}` {text}{bars if len(events) > 1 else ''}"
