"""Lost answers: look for a message in the channel when its answer was lost, before it is sent again. Sends nothing.

When the bot may not read the channel the message is sent again, and the copy can be recognised by its batch id.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from ..config.destination import Destination
from .callbacks import Callbacks
from .channel_reader import CannotReadNowError, SeenMessage
from .message_threads import ThreadPlace
from .outcome import Outcome, Result
from .rate_limiter import ChannelLimiters, Priority
from .transport import WebhookTransport

# Exactly one message of a webhook is under way, so what was lost is among its newest.
_MOST_READ: Final = 10
_MOST_READ_BEFORE: Final = 1000
# After this many failed looks it is sent again: the webhook may work while the bot does not.
_MOST_TRIES: Final = 3


class Sight(StrEnum):
    """The result of a look into the channel. LATER: it failed, and may succeed soon."""

    THERE = "there"
    NOT_THERE = "not there"
    UNREADABLE = "unreadable"
    LATER = "later"


class LostAnswers:
    """The look-ups of one destination."""

    def __init__(
        self, destination: Destination, transport: WebhookTransport, limiters: ChannelLimiters, links: Callbacks
    ) -> None:
        self._destination = destination
        self._transport = transport
        self._limiters = limiters
        self._links = links
        self._newest = 0
        self._read: deque[int] = deque(maxlen=_MOST_READ_BEFORE)
        self._tries = 0

    def note(self, message_id: int | None) -> None:
        """Note a message whose answer came: a lost one is newer."""
        self._newest = max(self._newest, message_id or 0)

    async def look(self, batch_id: str, place: ThreadPlace) -> tuple[Sight, Result]:
        """Look for the message of a batch; with THERE comes the result that the lost answer would have given."""
        nothing = Result(Outcome.RETRY, "the channel could not be looked into")
        try:
            found = await self._candidates(place)
        except CannotReadNowError:
            self._tries += 1
            return (Sight.LATER if self._tries < _MOST_TRIES else Sight.UNREADABLE), nothing
        self._tries = 0
        if found is None:
            return Sight.UNREADABLE, nothing
        mark = re.compile(rf"#{re.escape(batch_id)}\b")
        for message_id, thread_id in found[:_MOST_READ]:
            async with self._limiters.limiter(self._destination.name).request(Priority.URGENT):
                text, result = await self._transport.fetch_text(self._destination, message_id, thread_id=thread_id)
            if result.outcome in (Outcome.RETRY, Outcome.UNKNOWN):
                return Sight.LATER, result
            self._read.append(message_id)
            if mark.search(text):
                channel_id = thread_id or self._limiters.channel_of(self._destination.name)
                return Sight.THERE, Result(Outcome.DELIVERED, status=200, message_id=message_id, channel_id=channel_id)
        return Sight.NOT_THERE, nothing

    async def _candidates(self, place: ThreadPlace) -> list[tuple[int, int | None]] | None:
        """Return the messages that may be the lost one, newest first, with their thread ids; `None` when they cannot be read."""
        reader, channel_id = self._links.reader(), self._limiters.channel_of(self._destination.name)
        if reader is None or (channel_id is None and place.thread_id is None):
            return None
        if place.thread_name and not place.thread_id:
            posts = None if channel_id is None else reader.posts(channel_id)
            # The first message of a post has the id of the post.
            return None if posts is None else [(post, post) for post in self._unknown(posts)]
        seen = await reader.newest(place.thread_id or channel_id or 0)
        return None if seen is None else [(number, place.thread_id) for number in self._unknown(self._ours(seen))]

    def _ours(self, seen: Sequence[SeenMessage]) -> list[int]:
        return sorted((message.id for message in seen if message.webhook_id == self._destination.url.id), reverse=True)

    def _unknown(self, ids: Sequence[int]) -> list[int]:
        return [number for number in ids if number > self._newest and number not in self._read]
