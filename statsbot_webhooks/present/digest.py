"""The digest: counts and the most frequent events in an embed, every event in full in a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from .. import limits
from ..event import Event, fingerprint
from ..fold import sparkline
from .embeds import WHOLE_FILE, finish
from .lines import span_title
from .look import COLORS, Style, title_of, worst
from .markdown import escape_markdown, truncate
from .message import NOTE_ROOM, Attachment, Embed, WebhookMessage
from .text import cut, format_text, to_bytes

_TOP: Final = 8
# So many events are laid out between two pauses, which let the event loop run.
_AT_ONCE: Final = 25


def format_digest(
    events: Sequence[Event], style: Style, pause: Callable[[], object] = lambda: None
) -> tuple[WebhookMessage, int]:
    """Return a message with counts and every event in full in a file, and how many of the events fitted into it.

    `pause` is called often; it may let other threads run.
    """
    data = bytearray()
    taken = 0
    for taken, event in enumerate(events):
        if taken % _AT_ONCE == 0:
            pause()
        line = to_bytes(format_text(event) + "\n")
        if taken and len(data) + len(line) > limits.FILE_BYTES:
            break
        data += line
    else:
        taken = len(events)
    shown = events[:taken]
    file = Attachment(WHOLE_FILE, cut(bytes(data), limits.FILE_BYTES))
    title, summary = span_title(shown), _summary(shown, pause)
    if not style.use_embeds:
        content = truncate(f"**{title}**\n{summary}", style.room - NOTE_ROOM)
        return WebhookMessage(content=content, files=(file,)), taken
    embed: Embed = {"title": title, "description": truncate(summary, limits.DESCRIPTION), "color": COLORS[worst(shown)]}
    finish(embed, shown[-1], style)
    return WebhookMessage(embeds=(embed,), files=(file,)), taken


def _summary(events: Sequence[Event], pause: Callable[[], object]) -> str:
    levels = Counter(event.level for event in events)
    kinds = Counter(event.kind.value for event in events)
    first, last = min(event.time for event in events), max(event.time for event in events)
    lines = [" · ".join(f"**{levels[level]:,}** {level.value}" for level in reversed(COLORS) if levels[level])]
    if len(kinds) > 1:
        lines.append(" · ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()))
    if last > first:
        lines.append(f"`{sparkline((event.time for event in events), first, last, 40)}`")
    groups: dict[str, list[Event]] = {}
    for index, event in enumerate(events):
        if index % _AT_ONCE == 0:
            pause()
        groups.setdefault(fingerprint(event), []).append(event)
    ranked = sorted(groups.values(), key=len, reverse=True)
    lines += [_top_line(group) for group in ranked[:_TOP]]
    if len(ranked) > _TOP:
        lines.append(f"-# and {len(ranked) - _TOP:,} others, all in the file")
    return "\n".join(lines)


def _top_line(events: Sequence[Event]) -> str:
    event = events[-1]
    text = truncate(escape_markdown(" ".join(f"{title_of(event)}: {event.message}".split())), 200)
    first, last = events[0].time, event.time
    bars = f"\n`{sparkline((other.time for other in events), first, last)}` <t:{int(first)}:T> to <t:{int(last)}:T>"
    return f"`×{len(events):,}` {text}{bars if len(events) > 1 else ''}"
