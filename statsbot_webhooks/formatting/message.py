"""What Discord receives: content, embeds, files and buttons, and the marks that every message may carry. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from . import limits
from .markdown import safe_username

Embed = dict[str, Any]

# What `mark` may add: " · #" and a batch id in the footer, and above plain text a note of one line as well.
MARK_ROOM: Final = 24
NOTE_ROOM: Final = 100
# Other characters Discord replaces by its own rules, and then `attachment://` finds no file of that name.
_FILENAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
# Discord hides what is called so.
_SPOILER: Final = re.compile(r"^(?:SPOILER_)+")


@dataclass(frozen=True, slots=True)
class FileAttachment:
    """A file that goes with a message."""

    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message: one that acts has a `custom_id`, a link a `url`. `style` is Discord's number.

    With `options` (label, value, description) it is a menu to choose from, which is alone in its row.
    """

    label: str
    custom_id: str = ""
    url: str = ""
    style: int = 2
    options: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BotInfo:
    """Whose events these are; `include_bot_info` shows it as the author of the messages."""

    name: str | None = None
    avatar_url: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """What Discord receives. `buttons` is None for a message that has none, and keeps those that it has when it is edited."""

    content: str | None = None
    embeds: tuple[Embed, ...] = ()
    username: str | None = None
    avatar_url: str | None = None
    files: tuple[FileAttachment, ...] = ()
    buttons: tuple[Button, ...] | None = None

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON body of execute-webhook, files aside; nothing in it can ping."""
        payload: dict[str, Any] = {"allowed_mentions": {"parse": []}}
        for key in ("content", "username", "avatar_url"):
            if (value := getattr(self, key)) is not None:
                payload[key] = value
        if self.embeds:
            payload["embeds"] = [dict(embed) for embed in self.embeds]
        if self.buttons:
            payload["components"] = [{"type": 1, "components": [_component(button) for button in self.buttons]}]
        return payload

    def validate(self) -> list[str]:
        """Return what Discord would refuse of the message; nothing for one that this package has made."""
        wrong = [_too_long("content", self.content, limits.CONTENT), _too_long("username", self.username, limits.USERNAME)]
        if len(self.embeds) > limits.EMBEDS:
            wrong.append(f"{len(self.embeds)} embeds, at most {limits.EMBEDS}")
        if len(self.files) > limits.FILES:
            wrong.append(f"{len(self.files)} files, at most {limits.FILES}")
        for number, embed in enumerate(self.embeds):
            wrong += _problems(f"embed {number}", embed)
        if (total := sum(map(embed_length, self.embeds))) > limits.EMBED_TOTAL:
            wrong.append(f"{total} characters in all embeds, at most {limits.EMBED_TOTAL}")
        if not (self.content or self.embeds or self.files):
            wrong.append("no content, no embed and no file")
        return [problem for problem in wrong if problem]


def _component(button: Button) -> dict[str, Any]:
    if button.options:
        options = [{"label": label, "value": value, "description": about} for label, value, about in button.options]
        return {"type": 3, "placeholder": button.label, "custom_id": button.custom_id, "options": options}
    target = {"style": 5, "url": button.url} if button.url else {"style": button.style, "custom_id": button.custom_id}
    return {"type": 2, "label": button.label, **target}


def _problems(name: str, embed: Embed) -> list[str]:
    rows: list[dict[str, Any]] = list(embed.get("fields", ()))
    wrong = [f"{name}: {len(rows)} fields, at most {limits.FIELDS}"] if len(rows) > limits.FIELDS else []
    wrong.append(_too_long(f"{name}: title", embed.get("title"), limits.TITLE))
    wrong.append(_too_long(f"{name}: description", embed.get("description"), limits.DESCRIPTION))
    for number, row in enumerate(rows):
        wrong.append(_too_long(f"{name}, field {number}: name", row.get("name"), limits.FIELD_NAME))
        wrong.append(_too_long(f"{name}, field {number}: value", row.get("value"), limits.FIELD_VALUE))
    return wrong


def _too_long(name: str, text: str | None, most: int) -> str:
    count = limits.length(text or "")
    return f"{name}: {count} characters, at most {most}" if count > most else ""


def sign(message: WebhookMessage, bot: BotInfo) -> WebhookMessage:
    """Show a message as the bot's."""
    if bot.name is None:
        return message
    return replace(message, username=safe_username(bot.name), avatar_url=bot.avatar_url)


def mark(message: WebhookMessage, note: str, batch_id: str) -> WebhookMessage:
    """Put a note above a message, and the id of its batch where it is unobtrusive."""
    content = "\n".join(part for part in (f"**{note}**" if note else "", message.content or "") if part)
    embeds = message.embeds
    if batch_id and embeds:
        text = embeds[-1].get("footer", {}).get("text", "")
        footer = {"text": f"{text} · #{batch_id}" if text else f"#{batch_id}"}
        embeds = (*embeds[:-1], {**embeds[-1], "footer": footer})
    elif batch_id:
        content += f"\n-# #{batch_id}"
    return replace(message, content=content or None, embeds=embeds)


def embed_length(embed: Embed) -> int:
    """Return what counts towards the 6000 units of a message."""
    texts = [embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", "")]
    texts += [part for item in embed.get("fields", ()) for part in (item["name"], item["value"])]
    return sum(map(limits.length, texts))


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a file name that Discord keeps as it is, and that no other file of the message has."""
    stem, dot, suffix = _SPOILER.sub("", _FILENAME.sub("_", name)[-80:]).rpartition(".")
    stem, end = (stem, f".{suffix}") if dot and stem else (f"{stem}{suffix}" or "file", "")
    used, number = set(taken), 1
    while (free := f"{stem}{f'-{number}' if number > 1 else ''}{end}") in used:
        number += 1
    return free


def size(files: Sequence[FileAttachment]) -> int:
    """Return how many bytes the files have together."""
    return sum(len(file.data) for file in files)
