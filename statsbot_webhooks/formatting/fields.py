"""The details of an event as the fields of its card. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..events.event import Event, EventKind
from ..events.factory import number_text
from ..events.folding import Fold
from . import limits
from .errors import jump_channel, jump_url
from .full_text import detail_text, value_text
from .markdown import ZERO_WIDTH, code_ids, escape_markdown, shorten, truncate
from .style import Style, own_fields, shown_message, shown_title

_PLAIN_KEY: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z", re.ASCII)
_CAPITALS: Final = {"id": "ID", "ms": "ms", "mb": "MB", "url": "URL", "cpu": "CPU", "api": "API"}
# What tells where and who comes first; what is long comes last, so that short fields stand side by side.
_WHERE: Final = ("guild", "server", "channel", "command", "user", "options")
_FIRST: Final = (*_WHERE, "member", "username", "member_id", "moderator", "reason")
_NAMES: Final = {"guild": "Server"}
# Of an alert, each is a field only where neither title nor text says it.
_MEASURED: Final = ("value", "threshold", "peak", "lasted")
_INLINE_UNITS: Final = 40


def fields_of(event: Event, fold: Fold, style: Style) -> tuple[list[dict[str, Any]], bool]:
    """Return the fields of a card and whether they show all that they should."""
    own = own_fields(event, style)
    if own is not None:
        fields = [_field(name, text) for name, text in own]
        whole = len(own) <= limits.FIELDS and all(map(_fits, own))
        return fields[: limits.FIELDS], whole
    rows = details_of(event, fold, style)
    fields = [_field(name, text) for name, text in rows]
    if not event.facts.get("in_order"):
        fields.sort(key=lambda item: not item["inline"])
    return fields[: limits.FIELDS], len(rows) <= limits.FIELDS and all(map(_fits, rows))


def details_of(event: Event, fold: Fold, style: Style) -> list[tuple[str, str]]:
    """Return name and text of each detail as a reader sees them."""
    # What was written as a list is read as one.
    details = list(event.context.items()) if event.facts.get("in_order") else _sorted(event.context)
    # A card has one counter.
    details = [(key, value) for key, value in details if key != "seen_before" or fold.count == 1]
    if event.kind == EventKind.PERFORMANCE:
        details = [(key, value) for key, value in details if key not in _MEASURED or not _is_said(event, value, style)]
    rows = [(escape_markdown(_name(key)), _text(event, key, value, fold, style)) for key, value in details]
    return rows + processes_rows(fold)


def processes_rows(fold: Fold) -> list[tuple[str, str]]:
    """Return which processes of a fleet it comes from, and how often from each when there are several."""
    names = {escape_markdown(name): count for name, count in sorted(fold.processes.items())}
    if len(names) > 1:
        return [("Processes", ", ".join(f"{name} ×{count}" for name, count in names.items()))]
    return [("Process", name) for name in names]


def _is_said(event: Event, value: object, style: Style) -> bool:
    said = f"{shown_title(event, style)}\n{shown_message(event, style)}"
    return re.search(rf"(?<!\S){re.escape(escape_markdown(number_text(value)))}(?![\w%]|[.,]\d)", said) is not None


def _sorted(context: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(context.items(), key=lambda item: _FIRST.index(item[0]) if item[0] in _FIRST else len(_FIRST))


def _text(event: Event, key: str, value: object, fold: Fold, style: Style) -> str:
    counts: Mapping[str, int] = {"guild": fold.guilds, "command": fold.commands}.get(key, {}) if fold.count > 1 else {}
    if len(counts) > 1:
        return ", ".join(f"{escape_markdown(place)} ×{count}" for place, count in counts.items())
    if key == "channel" and (url := jump_url(event)):
        if event.guild_id is not None and event.guild_id == style.home_guild_id:
            return f"<#{jump_channel(event)}>"
        return f"[{escape_markdown(value_text(value))}]({url})"
    return code_ids(escape_markdown(detail_text(key, value)))


def _field(name: str, text: str) -> dict[str, Any]:
    return {
        # Discord refuses a field whose name or value has nothing to see.
        "name": truncate(name, limits.FIELD_NAME) if name.strip() else ZERO_WIDTH,
        "value": shorten(text, limits.FIELD_VALUE) if text.strip() else ZERO_WIDTH,
        "inline": limits.length(text) <= _INLINE_UNITS and "\n" not in text,
    }


def _fits(row: tuple[str, str]) -> bool:
    return limits.length(row[0]) <= limits.FIELD_NAME and limits.length(row[1]) <= limits.FIELD_VALUE


def _name(key: str) -> str:
    """Return the key of a detail as a reader's words: `member_id` is "Member ID"."""
    if key in _NAMES:
        return _NAMES[key]
    if not _PLAIN_KEY.match(key):
        return key
    words = [_CAPITALS.get(word, word) for word in key.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
