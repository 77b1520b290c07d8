"""Event(s) to a message within Discord's limits, as embeds or as plain text. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from . import limits
from .clock import Clock, SystemClock
from .config import WebhookConfig
from .event import Event, EventKind, LogLevel, fingerprint, to_plain
from .event_factory import error_event, member_event, performance_event

Embed = dict[str, Any]

_COLORS: Final = {
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
_MARKDOWN: Final = re.compile(r"(https?://\S+)|([\\*_~`|]|^(?:[>#]|-(?= |#)))", re.MULTILINE)
_FENCE: Final = "```"
_ZERO_WIDTH: Final = "\u200b"
_TOP_LINES: Final = 8
# What `mark` may add: " · #" and a batch id in the footer, and above plain text a note of one line as well.
MARK_ROOM: Final = 24
NOTE_ROOM: Final = 100


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that goes with a message."""

    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BotInfo:
    """Whose events these are; `include_bot_info` shows it as the author of the messages."""

    name: str | None = None
    avatar_url: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """What Discord receives."""

    content: str | None = None
    embeds: tuple[Embed, ...] = ()
    username: str | None = None
    avatar_url: str | None = None
    files: tuple[Attachment, ...] = ()

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON body of execute-webhook, files aside; nothing in it can ping."""
        payload: dict[str, Any] = {"allowed_mentions": {"parse": []}}
        for key in ("content", "username", "avatar_url"):
            if (value := getattr(self, key)) is not None:
                payload[key] = value
        if self.embeds:
            payload["embeds"] = [dict(embed) for embed in self.embeds]
        return payload


@dataclass(frozen=True, slots=True)
class _Card:
    embed: Embed
    is_whole: bool
    size: int = field(default=0)


class MessageFormatter:
    """Turn events into messages. The same settings always give the same message for the same event."""

    def __init__(self, config: WebhookConfig, *, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self.bot_info = BotInfo()

    def format_log_message(self, level: LogLevel, message: str, /, **context: object) -> WebhookMessage:
        """Format a log message with its context."""
        plain: Mapping[str, Any] = to_plain(context)
        return self.format_cards([Event(EventKind.LOG, LogLevel(level), str(message), self._clock.now(), context=plain)])[0]

    def format_error_message(self, error: BaseException, context: Mapping[str, object] | None = None) -> WebhookMessage:
        """Format an exception with its traceback and context."""
        keep = self._config.include_stack_traces
        event = error_event(error, now=self._clock.now(), include_stack_traces=keep, context=context)
        return self.format_cards([event])[0]

    def format_performance_alert(self, metric_name: str, value: float, threshold: float, /, **context: object) -> WebhookMessage:
        """Format a measured value that is above its threshold."""
        return self.format_cards([performance_event(metric_name, value, threshold, now=self._clock.now(), context=context)])[0]

    def format_member_event(self, event_type: str, member_id: int, username: str, /, **context: object) -> WebhookMessage:
        """Format what happened to a member."""
        return self.format_cards([member_event(event_type, member_id, username, now=self._clock.now(), context=context)])[0]

    def format_cards(self, events: Sequence[Event]) -> tuple[WebhookMessage, int]:
        """Return a message that shows each event on its own, and how many of them fitted into it (at least one)."""
        return self._embed_cards(events) if self._config.use_embeds else self._text_cards(events)

    def format_digest(self, events: Sequence[Event]) -> tuple[WebhookMessage, int]:
        """Return a message with counts and every event in full in an attached file, and how many fitted into it."""
        texts: list[str] = []
        size = 0
        for event in events:
            text = format_text(event)
            size += len(text.encode("utf-8", "replace")) + 1
            if texts and size > limits.FILE_BYTES:
                break
            texts.append(text)
        taken = events[: len(texts)]
        data = "\n".join(texts).encode("utf-8", "replace")[: limits.FILE_BYTES]
        summary = _summary(taken)
        title = f"{len(taken)} events, {_clock_text(taken[0].time)} to {_clock_text(taken[-1].time)} UTC"
        file = Attachment("events.txt", data)
        if not self._config.use_embeds:
            content = limits.truncate(f"**{title}**\n{summary}", self._config.max_message_length - NOTE_ROOM)
            return self._message(content=content, files=(file,)), len(taken)
        worst = max(taken, key=lambda event: event.level.number).level
        embed: Embed = {"title": title, "description": summary, "color": _COLORS[worst]}
        return self._message(embeds=(self._finish(embed, taken[-1]),), files=(file,)), len(taken)

    def _embed_cards(self, events: Sequence[Event]) -> tuple[WebhookMessage, int]:
        embeds: list[Embed] = []
        files: list[Attachment] = []
        total = 0
        for event in events[: limits.EMBEDS]:
            card = self._card(event)
            if embeds and total + card.size > limits.EMBED_TOTAL - MARK_ROOM:
                break
            total += card.size
            embeds.append(card.embed)
            if not card.is_whole:
                files.append(_whole_file(event, len(embeds)))
        return self._message(embeds=tuple(embeds), files=tuple(files)), len(embeds)

    def _card(self, event: Event) -> _Card:
        whole = True
        room = min(self._config.max_message_length, limits.DESCRIPTION)
        message = escape_markdown(event.message)
        title = _title(event)
        if limits.length(title) > limits.TITLE or limits.length(message) > room:
            whole = False
        # The traceback's own end repeats the message, so it may have what the message leaves, and at least half.
        has_trace = event.traceback is not None
        description = limits.shorten(message, room // 2 if has_trace and not whole else room)
        if event.traceback is not None:
            trace = break_fences(event.traceback.rstrip())
            left = max(limits.DESCRIPTION - limits.length(description) - 20, 0)
            fitted = limits.shorten(trace, min(room, left))
            whole = whole and fitted == trace
            description += f"\n{_FENCE}py\n{fitted}\n{_FENCE}"
        fields, fields_whole = _fields(event.context)
        embed: Embed = {"title": limits.truncate(title, limits.TITLE), "color": _color(event)}
        if description:
            embed["description"] = description
        if fields:
            embed["fields"] = fields
        if event.avatar_url:
            embed["thumbnail"] = {"url": event.avatar_url}
        embed = self._finish(embed, event)
        while embed_length(embed) > limits.EMBED_TOTAL - MARK_ROOM:
            embed["fields"].pop()
            fields_whole = False
        return _Card(embed, whole and fields_whole, embed_length(embed))

    def _finish(self, embed: Embed, event: Event) -> Embed:
        if self._config.include_timestamps:
            embed["timestamp"] = datetime.fromtimestamp(event.time, UTC).isoformat()
        if event.origin and event.kind in (EventKind.LOG, EventKind.ERROR) and event.origin not in embed["title"]:
            embed["footer"] = {"text": limits.truncate(event.origin, 200)}
        return embed

    def _text_cards(self, events: Sequence[Event]) -> tuple[WebhookMessage, int]:
        room = self._config.max_message_length - NOTE_ROOM
        parts: list[str] = []
        used = 0
        for event in events:
            text = self._text_card(event)
            if parts and used + limits.length(text) + 1 > room:
                break
            if limits.length(text) > room:
                short = limits.shorten(break_fences(text).replace("`", "'"), room - 20)
                return self._message(content=short, files=(_whole_file(event, 1),)), 1
            parts.append(text)
            used += limits.length(text) + 1
        return self._message(content="\n".join(parts)), len(parts)

    def _text_card(self, event: Event) -> str:
        stamp = f"`{_clock_text(event.time)}` " if self._config.include_timestamps else ""
        lines = [f"{stamp}**{escape_markdown(_title(event))}** {escape_markdown(event.message)}"]
        lines += [f"- {escape_markdown(key)}: {escape_markdown(_value_text(value))}" for key, value in event.context.items()]
        if event.traceback is not None:
            lines.append(f"{_FENCE}py\n{break_fences(event.traceback.rstrip())}\n{_FENCE}")
        return "\n".join(lines)

    def _message(self, **parts: Any) -> WebhookMessage:
        if not self._config.include_bot_info or self.bot_info.name is None:
            return WebhookMessage(**parts)
        name = safe_username(self.bot_info.name)
        return WebhookMessage(username=name, avatar_url=self.bot_info.avatar_url, **parts)


def mark(message: WebhookMessage, note: str, batch_id: str) -> WebhookMessage:
    """Put a note above a message, and the id of its batch where it is in nobody's way."""
    content = "\n".join(part for part in (f"**{note}**" if note else "", message.content or "") if part)
    embeds = message.embeds
    if batch_id and embeds:
        text = embeds[-1].get("footer", {}).get("text", "")
        footer = {"text": f"{text} · #{batch_id}" if text else f"#{batch_id}"}
        embeds = (*embeds[:-1], {**embeds[-1], "footer": footer})
    elif batch_id:
        content += f"\n-# #{batch_id}"
    return replace(message, content=content or None, embeds=embeds)


def safe_username(name: str) -> str:
    """Return a webhook username that Discord accepts: 1 to 80 units, without "discord" and "clyde" (W10)."""
    safe = re.sub(r"(?i)(dis)(cord)|(cly)(de)", lambda m: f"{m[1] or m[3]}-{m[2] or m[4]}", " ".join(name.split()))
    return limits.truncate(safe, limits.USERNAME) or "bot"


def escape_markdown(text: str) -> str:
    """Return a text that Discord shows as it is; links stay links."""
    return _MARKDOWN.sub(lambda match: match[1] or f"\\{match[2]}", text)


def break_fences(text: str) -> str:
    """Return a text that cannot close the code block around it."""
    return text.replace(_FENCE, f"``{_ZERO_WIDTH}`")


def embed_length(embed: Embed) -> int:
    """Return what counts towards the 6000 units of a message."""
    texts = [embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", "")]
    texts += [part for item in embed.get("fields", ()) for part in (item["name"], item["value"])]
    return sum(map(limits.length, texts))


def format_text(event: Event) -> str:
    """Return the whole event as readable text."""
    stamp = datetime.fromtimestamp(event.time, UTC).isoformat(sep=" ", timespec="milliseconds")
    origin = f" {event.origin}" if event.origin else ""
    lines = [f"{stamp} {event.level.value}{origin}: {event.message}"]
    lines += [f"    {key}: {_value_text(value)}" for key, value in event.context.items()]
    if event.traceback is not None:
        lines.append(event.traceback.rstrip())
    return "\n".join(lines)


def _clock_text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S")


def _value_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _title(event: Event) -> str:
    if event.title:
        return event.title
    if event.kind == EventKind.MEMBER:
        return _MEMBER_TITLES.get(event.origin, f"Member event: {event.origin}")
    if event.kind == EventKind.PERFORMANCE:
        return f"{event.level.value} · {event.origin}"
    return f"{event.level.value} · {event.origin}" if event.origin else event.level.value


def _color(event: Event) -> int:
    if event.color is not None:
        return event.color
    if event.kind == EventKind.MEMBER:
        return _MEMBER_COLORS.get(event.origin, _COLORS[event.level])
    return _COLORS[event.level]


def _fields(context: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    fields: list[dict[str, Any]] = []
    whole = len(context) <= limits.FIELDS
    for key, value in list(context.items())[: limits.FIELDS]:
        name, text = escape_markdown(str(key)), escape_markdown(_value_text(value))
        whole = whole and limits.length(name) <= limits.FIELD_NAME and limits.length(text) <= limits.FIELD_VALUE
        fields.append(
            {
                # Discord refuses a field whose name or value has nothing to see.
                "name": limits.truncate(name, limits.FIELD_NAME) if name.strip() else _ZERO_WIDTH,
                "value": limits.shorten(text, limits.FIELD_VALUE) if text.strip() else _ZERO_WIDTH,
                "inline": len(text) <= 40,
            }
        )
    return fields, whole


def _whole_file(event: Event, number: int) -> Attachment:
    return Attachment(f"event-{number}.txt", format_text(event).encode("utf-8", "replace")[: limits.FILE_BYTES])


def _summary(events: Sequence[Event]) -> str:
    levels = Counter(event.level.value for event in events)
    lines = [" · ".join(f"**{count}** {level}" for level, count in levels.most_common())]
    groups = Counter(fingerprint(event) for event in events)
    last = {fingerprint(event): event for event in events}
    for key, count in groups.most_common(_TOP_LINES):
        event = last[key]
        lines.append(f"`×{count}` {limits.truncate(escape_markdown(f'{_title(event)}: {event.message}'), 200)}")
    if len(groups) > _TOP_LINES:
        lines.append(f"… and {len(groups) - _TOP_LINES} others, all in the file")
    return "\n".join(lines)
