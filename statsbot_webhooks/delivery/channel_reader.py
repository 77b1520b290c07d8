"""Channel reader: read a channel as the bot, to find messages whose answer was lost and to tag posts of a forum.

The cog sets a `BotChannelReader`. Without a bot nothing can be read. Nothing is sent here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp
import discord

# One request lists at most 100.
_NEWEST: Final = 100
_SECONDS: Final = 10.0
# https://discord.com/developers/docs/resources/channel#channel-object: a post has at most five.
_MOST_TAGS: Final = 5


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message of a channel, without its text, which bots see only with the message content intent."""

    id: int
    webhook_id: int | None


class CannotReadNowError(Exception):
    """The channel could not be read for a reason that will pass."""


class ChannelReader(Protocol):
    """What delivery needs of channels beyond a webhook's own messages."""

    async def newest(self, channel_id: int) -> Sequence[SeenMessage] | None:
        """Return the newest messages, newest first; `None` when the bot may not read them. Raises `CannotReadNowError`."""
        ...

    def posts(self, channel_id: int) -> Sequence[int] | None:
        """Return the ids of the open posts of a forum, newest first; `None` when the bot does not see it."""
        ...

    def tags(self, channel_id: int) -> Mapping[str, int]:
        """Return the ids of a forum's tags by their names in lower case."""
        ...

    async def show_state(self, thread_id: int, state: str, states: Collection[str], *, is_closed: bool) -> str:
        """Replace the state tag of a post, and close or open it; returns the problem, empty when nothing is left to do.

        Raises `CannotReadNowError` before the login.
        """
        ...


class BotChannelReader:
    """Read as a bot does, with its permissions."""

    def __init__(self, bot: discord.Client) -> None:
        self._bot = bot

    async def newest(self, channel_id: int) -> Sequence[SeenMessage] | None:
        # Before the login there is no session, and a request would raise another exception (L4).
        if self._bot.user is None or self._bot.is_closed():
            raise CannotReadNowError
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            async with asyncio.timeout(_SECONDS):
                return [SeenMessage(message.id, message.webhook_id) async for message in channel.history(limit=_NEWEST)]
        except (discord.Forbidden, discord.NotFound):
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise CannotReadNowError from error

    def posts(self, channel_id: int) -> Sequence[int] | None:
        channel = self._bot.get_channel(channel_id)
        if not isinstance(channel, discord.ForumChannel):
            return None
        return sorted((thread.id for thread in channel.threads), reverse=True)

    def tags(self, channel_id: int) -> Mapping[str, int]:
        channel = self._bot.get_channel(channel_id)
        if not isinstance(channel, discord.ForumChannel):
            return {}
        return {tag.name.lower(): tag.id for tag in channel.available_tags}

    async def show_state(self, thread_id: int, state: str, states: Collection[str], *, is_closed: bool) -> str:
        if self._bot.user is None or self._bot.is_closed():
            raise CannotReadNowError
        try:
            async with asyncio.timeout(_SECONDS):
                # A closed post is not in the cache.
                thread = self._bot.get_channel(thread_id) or await self._bot.fetch_channel(thread_id)
                if not isinstance(thread, discord.Thread) or not isinstance(thread.parent, discord.ForumChannel):
                    return ""
                available = {tag.name.lower(): tag for tag in thread.parent.available_tags}
                tags = [tag for tag in thread.applied_tags if tag.name.lower() not in states]
                if state in available:
                    tags.insert(0, available[state])
                tags = tags[:_MOST_TAGS] if available.keys() & set(states) and tags else thread.applied_tags
                if thread.archived != is_closed or {tag.id for tag in tags} != {tag.id for tag in thread.applied_tags}:
                    await thread.edit(archived=is_closed, applied_tags=tags)
        except discord.NotFound:
            # Someone has deleted the post.
            return ""
        except discord.HTTPException as error:
            return f"{error.status} {error.text}"
        except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
            return type(error).__name__
        return ""
