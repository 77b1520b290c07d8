"""Users write: into channels and to the bot, with files, as replies; they edit, delete, react and pin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..messages import emoji_of
from ..rest.http import Body, store_files, upload
from ..state import JSON
from .context import Context
from .views import Message

# With Nitro; 2,000 without.
_MOST_CHARACTERS: Final = 4000


class Talk:
    """The part of the sandbox where users write. A message is named by what `messages` returned or by its id."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def say(
        self, text: str, *, channel: str | int = "general", author_id: int | None = None, guild_id: int | None = None,
        files: Mapping[str, bytes] | None = None, reply_to: Message | int | None = None,
    ) -> int:  # fmt: skip
        """Let a member write a message, with files by name; returns its id.

        Raises `LookupError` for a channel that is not there and a member who may not write, `ValueError` for too long a text.
        """

        def act() -> int:
            context, guild = self._context, self._context.guild(guild_id)
            channel_id = context.channel(channel, guild)
            default = context.member_id if guild is context.home else context.owner_id
            user = context.speaker(guild, author_id or default)["user"]
            thread = guild.threads.get(channel_id)
            if thread is not None and thread["thread_metadata"]["archived"]:
                context.state.change_thread(guild, channel_id, archived=False)
            return self._write(channel_id, user, text, files, reply_to)

        return self._context.call(act)

    def direct_message(self, text: str, *, user_id: int | None = None, files: Mapping[str, bytes] | None = None) -> int:
        """Let a user write to the bot, the first server's member when it is left out; returns the message's id."""

        def act() -> int:
            user = self._context.state.users[user_id or self._context.member_id]
            return self._write(int(self._context.state.direct_channel(user)["id"]), user, text, files, None)

        return self._context.call(act)

    def _write(
        self, channel_id: int, user: JSON, text: str, files: Mapping[str, bytes] | None, reply_to: Message | int | None
    ) -> int:  # fmt: skip
        if len(text) > _MOST_CHARACTERS:
            raise ValueError(f"a message has at most {_MOST_CHARACTERS} characters, and this one {len(text)}")
        # Members may not notify everyone, only each other.
        payload: JSON = {"content": text, "allowed_mentions": {"parse": ["users"]}}
        if reply_to is not None:
            payload["message_reference"] = {"message_id": str(_id(reply_to))}
        body = Body(None, tuple(upload(name, data) for name, data in (files or {}).items()))
        stored = store_files(self._context.state, self._context.rest.bot.base_url, channel_id, body.files, payload)
        return int(self._context.messages.add(channel_id, user, payload, stored)["id"])

    def edit(self, message: Message | int, text: str) -> None:
        """Let the author of a message change its text; raises `LookupError` when it is gone."""
        self._context.call(lambda: self._context.messages.edit(self._find(message), {"content": text}))

    def delete(self, message: Message | int) -> None:
        """Let a message be deleted, by its author or a moderator; raises `LookupError` when it is gone."""
        self._context.call(lambda: self._context.messages.delete(self._find(message)))

    def react(self, message: Message | int, emoji: str, *, user_id: int | None = None) -> None:
        """Let a user react to a message, with "👍" or "name:id"; raises `LookupError` when it is gone."""
        self._context.call(self._react, message, emoji, user_id, added=True)

    def unreact(self, message: Message | int, emoji: str, *, user_id: int | None = None) -> None:
        """Let a user take a reaction back; raises `LookupError` when the message is gone."""
        self._context.call(self._react, message, emoji, user_id, added=False)

    def _react(self, message: Message | int, emoji: str, user_id: int | None, *, added: bool) -> None:
        context = self._context
        by, bot_id, found = user_id or context.member_id, int(context.bot["id"]), self._find(message)
        guild = context.state.guild_of(int(found["channel_id"]))
        if guild is not None:
            context.speaker(guild, by)
        context.messages.react(found, emoji_of(emoji), by, bot_id, added=added)

    def pin(self, message: Message | int, pinned: bool = True) -> None:
        """Pin a message, or take the pin away; raises `LookupError` when it is gone."""
        self._context.call(lambda: self._context.messages.pin(self._find(message), pinned))

    def _find(self, message: Message | int) -> JSON:
        wanted = str(_id(message))
        for shown in self._context.state.messages.values():
            for found in reversed(shown):
                if found["id"] == wanted:
                    return found
        raise LookupError("the message is gone")


def _id(message: Message | int) -> int:
    return message if isinstance(message, int) else message.id
