"""A named webhook: its address, which prints masked, and what it asks for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..events.event import EventKind, LogLevel

# https://discord.com/developers/docs/resources/webhook#execute-webhook: the id and the token are the address.
_URL: Final = re.compile(
    r"https://(?:(?:ptb|canary)\.)?discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/(\d{1,20})/([\w-]{1,200})/?"
    r"(?:\?thread_id=(\d{1,20}))?\Z",
    re.ASCII,
)
BUILT_IN: Final = ("error", "info", "performance", "member_events")


class WebhookURL(str):
    """A webhook's address; prints and formats masked, so that no log line or traceback can show it.

    Raises `ValueError`, without the value, when the text is not the URL of a Discord webhook. Only the shape is checked.
    """

    __slots__ = ("id", "thread_id", "token")

    def __new__(cls, value: str) -> WebhookURL:
        match = _URL.match(value.strip())
        if match is None:
            raise ValueError(
                f"is not the URL of a Discord webhook ({_shape(value)}); copy it from Discord: channel settings, "
                "Integrations, Webhooks, Copy Webhook URL. It looks like https://discord.com/api/webhooks/{id}/{token}"
            )
        url = super().__new__(cls, f"webhook {match[1]}")
        url.id, url.token = int(match[1]), match[2]
        url.thread_id = int(match[3]) if match[3] else None
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

    # Two webhooks of one id are different addresses when token or thread differ.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WebhookURL):
            return NotImplemented
        return (self.id, self.token, self.thread_id) == (other.id, other.token, other.thread_id)

    def __hash__(self) -> int:
        return hash((self.id, self.token, self.thread_id))


def _shape(value: str) -> str:
    """Describe a wrong URL without any part that could be secret."""
    if not value.strip():
        return "it is empty"
    host = re.match(r"\s*(https?)://([\w.-]{1,60})", value)
    if host is None:
        return f"{len(value)} characters that do not begin with https://"
    return f"{len(value)} characters, {host[1]}, on the site {host[2]}"


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

    @property
    def setting(self) -> str:
        """The name of the environment variable that holds the URL."""
        return f"WEBHOOK_{self.name.upper()}_URL"
