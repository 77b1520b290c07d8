"""Messages and files as a test looks at them: snapshots that later changes leave alone."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from ..rest.errors import parts
from ..state import JSON, State
from .results import embed_texts


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message."""

    filename: str
    content_type: str
    url: str
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a channel shows it; `raw` is Discord's message object."""

    raw: JSON
    attachments: tuple[Attachment, ...]
    thread_id: int | None = None

    @property
    def id(self) -> int:
        return int(self.raw["id"])

    @property
    def channel_id(self) -> int:
        return int(self.raw["channel_id"])

    @property
    def content(self) -> str:
        return self.raw["content"]

    @property
    def username(self) -> str:
        return self.raw["author"]["username"]

    @property
    def avatar_url(self) -> str | None:
        return self.raw["author"]["avatar"]

    @property
    def webhook_id(self) -> int | None:
        return int(self.raw["webhook_id"]) if self.raw.get("webhook_id") else None

    @property
    def embeds(self) -> list[JSON]:
        return self.raw["embeds"]

    @property
    def timestamp(self) -> str:
        return self.raw["timestamp"]

    @property
    def edited_timestamp(self) -> str | None:
        return self.raw["edited_timestamp"]

    @property
    def flags(self) -> int:
        return self.raw["flags"]

    @property
    def mentions(self) -> list[str]:
        """Who was really notified, after `allowed_mentions`: "everyone", "here", "<@&role>", "<@user>"."""
        return self.raw["pinged"]

    @property
    def reactions(self) -> dict[str, int]:
        """How many users reacted, by emoji."""
        return {item["emoji"]["name"]: item["count"] for item in parts(self.raw.get("reactions"))}

    @property
    def pinged(self) -> list[str]:
        return self.mentions

    @property
    def text(self) -> str:
        """Everything readable outside of files, joined."""
        return "\n".join([self.content, *embed_texts(self.embeds)])


def messages_of(state: State, channel_id: int) -> list[Message]:
    """Return what a channel or thread shows, oldest first."""
    guild = state.guild_of(channel_id)
    place = guild.place(channel_id) if guild is not None else None
    thread_id = channel_id if place is not None and "thread_metadata" in place else None

    def view(raw: JSON) -> Message:
        files = tuple(_attachment(state, channel_id, item) for item in raw["attachments"])
        return Message(copy.deepcopy(raw), files, thread_id)

    return [view(raw) for raw in state.messages.get(channel_id, [])]


def _attachment(state: State, channel_id: int, item: JSON) -> Attachment:
    kind, data = state.files[channel_id, int(item["id"]), item["filename"]]
    return Attachment(item["filename"], kind, item["url"], data)
