"""A named webhook: its address, which prints masked, and what it asks for. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs

from ..events.event import EventKind, LogLevel
from ..events.time_text import format_count

# https://discord.com/developers/docs/resources/webhook#execute-webhook: the id and the token are the address.
_URL: Final = re.compile(
    r"(?:(?:https:)?//)?(?:(?:ptb|canary|www)\.)?discord(?:app)?\.com(?::443)?/api/(?:v\d{1,2}/)?webhooks/(\d{1,20})/(?-i:([\w-]{1,200}))"
    r"(/(?:slack|github))?/?(\?[^\s#]*)?(?:#\S*)?\Z",
    re.ASCII | re.I,
)
# What people and programs put around an address: Docker keeps quotes, chats add angle brackets, a copied text has blanks.
_WRAPPING: Final = (
    ("<", ">"),
    ('"', '"'),
    ("'", "'"),
    ("`", "`"),
    ("\u201c", "\u201d"),
    ("\u2018", "\u2019"),
    ("\u00ab", "\u00bb"),
    ("(", ")"),
)
# What a sentence or a list puts behind an address; a token has none of them.
_BEHIND: Final = ",;."
# Not seen, and copied along: format characters (Unicode's category Cf), and letters that are blank.
_BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0\u034f\u180b\u180c\u180d\ufe0e\ufe0f"

BUILT_IN: Final = ("error", "info", "performance", "member_events")
# `WEBHOOK_<NAME>_URL` of these names is something else: no destination has such a name.
RESERVED: Final = ("heartbeat", "fallback", "source", "proxy")


class WebhookURL(str):
    """A webhook's address; prints and formats masked, so that no log line or traceback can show it.

    Raises `ValueError`, without the value, when the text is not the URL of a Discord webhook. Only the shape is checked.
    """

    __slots__ = ("id", "thread_id", "token")

    def __new__(cls, value: str) -> WebhookURL:
        text = strip_wrapping(value, _BEHIND)
        match = _URL.match(text)
        if match is None:
            raise ValueError(f"is not the URL of a Discord webhook ({_shape(text)}); {_COPY}")
        if match[3]:
            raise ValueError(
                f"is not the URL of a Discord webhook: it ends with {match[3].lower()}, where Discord wants messages of another "
                f"program's form. Leave {match[3].lower()} out"
            )
        thread = parse_qs(match[4][1:] if match[4] else "").get("thread_id", [""])[-1].strip()
        if thread and not re.fullmatch(r"\d{1,20}", thread, re.ASCII):
            raise ValueError("is not the URL of a Discord webhook: what follows thread_id= is not the id of a thread")
        url = super().__new__(cls, f"webhook {match[1]}")
        url.id, url.token = int(match[1]), match[2]
        url.thread_id = int(thread) if thread else None
        return url

    id: int
    token: str
    thread_id: int | None

    def __repr__(self) -> str:
        return f"<WebhookURL {self.id}>"

    def reveal(self) -> str:
        """Return the address itself, for a place that is as safe as `.env`."""
        thread = f"?thread_id={self.thread_id}" if self.thread_id else ""
        return f"https://discord.com/api/webhooks/{self.id}/{self.token}{thread}"

    # Immutable; and the text of the string is no address that a copy could be made from.
    def __copy__(self) -> WebhookURL:
        return self

    def __deepcopy__(self, _memo: object) -> WebhookURL:
        return self

    def __reduce__(self) -> tuple[type[WebhookURL], tuple[str]]:
        return WebhookURL, (self.reveal(),)

    # Two webhooks of one id are different addresses when token or thread differ.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WebhookURL):
            return NotImplemented
        return (self.id, self.token, self.thread_id) == (other.id, other.token, other.thread_id)

    def __hash__(self) -> int:
        return hash((self.id, self.token, self.thread_id))


_COPY: Final = (
    "copy it from Discord: channel settings, Integrations, Webhooks, Copy Webhook URL. It looks like "
    "https://discord.com/api/webhooks/{id}/{token}"
)


def strip_wrapping(text: str, behind: str = "") -> str:
    """Return a text without what cannot be seen in it, and without blanks, quotes and brackets around it.

    Letters of `behind` are taken off its end, too.
    """
    if not text.isascii():
        text = "".join(char for char in text if unicodedata.category(char) != "Cf" and char not in _BLANK_LETTERS)
    text = text.strip().rstrip(behind)
    while len(text) > 1 and (text[0], text[-1]) in _WRAPPING:
        text = text[1:-1].strip().rstrip(behind)
    return text


def _shape(text: str) -> str:
    """Describe a wrong URL without any part that could be secret."""
    if not text:
        return "it is empty"
    size = format_count(len(text), "character")
    host = re.match(r"(https?)://(?:[^/@\s]*@)?([\w.-]{1,60})", text, re.I)
    if host is None:
        return f"{size} that do not begin with https://" if len(text) > 1 else f"{size} that does not begin with https://"
    return f"{size}, {host[1].lower()}, on the site {host[2]}"


class ThreadMode(StrEnum):
    """Which posts are made in a forum: one a day, or one for each error, and one a day for all that is no error."""

    DAY = "day"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Destination:
    """A named webhook and what it asks for; `None` means: what the default routes send to it.

    A webhook of a forum needs a `thread_name`, with which the names of its posts begin.
    """

    name: str
    url: WebhookURL
    level: LogLevel | None = None
    events: frozenset[EventKind] | None = None
    loggers: tuple[str, ...] | None = None
    guilds: frozenset[int] | None = None
    thread_name: str = ""
    thread_mode: ThreadMode = ThreadMode.DAY
    tags: tuple[str, ...] = ()

    @property
    def setting(self) -> str:
        """The name of the environment variable that holds the URL."""
        return f"WEBHOOK_{self.name.upper()}_URL"
