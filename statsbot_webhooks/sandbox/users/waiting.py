"""Waiting for what a bot does, and the picture that a test gets when it does not happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ..state import JSON
from .channels import Channels
from .context import Context
from .talk import Talk
from .views import Message, messages_of

# How soon the predicate is asked again without a change, at first and after a while.
_FIRST_POLL_SECONDS: Final = 0.02
_LAST_POLL_SECONDS: Final = 0.5


class Waiting:
    """The part of the sandbox that waits."""

    def __init__(self, context: Context, channels: Channels, talk: Talk) -> None:
        self._context = context
        self._channels = channels
        self._talk = talk

    async def wait_until(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:
        """Return when the predicate holds; it is asked after each change. Raises `TimeoutError` with a picture."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def on_change(_kind: str, _data: JSON) -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._context.call(self._context.state.subscribe, on_change)
        limit, pause = asyncio.timeout(timeout), _FIRST_POLL_SECONDS
        try:
            async with limit:
                while not predicate():
                    # The predicate may also look at things of the bot, whose changes are not announced.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await changed.wait()
                    pause = _FIRST_POLL_SECONDS if changed.is_set() else min(pause * 1.5, _LAST_POLL_SECONDS)
                    changed.clear()
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimeoutError(f"not within {timeout} s; {self._context.call(self._picture)}") from None
        finally:
            self._context.call(unsubscribe)

    async def wait_for_message(self, channel: str, text: str = "", timeout: float = 10.0) -> Message:
        """Return the newest message of a channel that holds a text, once there is one; raises `TimeoutError`."""
        found: list[Message] = []

        def is_there() -> bool:
            found[:] = [message for message in self._channels.messages(channel) if text in message.text]
            return bool(found)

        await self.wait_until(is_there, timeout)
        return found[-1]

    async def ask(
        self, text: str, *, channel: str = "general", author_id: int | None = None, timeout: float = 10.0,
    ) -> Message:  # fmt: skip
        """Let a member write a message and return the bot's next message in that channel; raises `TimeoutError`."""
        said = self._talk.say(text, channel=channel, author_id=author_id)
        bot_id = int(self._context.bot["id"])
        found: list[Message] = []

        def is_there() -> bool:
            later = [message for message in self._channels.messages(channel) if message.id > said]
            found[:] = [message for message in later if int(message.raw["author"]["id"]) == bot_id]
            return bool(found)

        await self.wait_until(is_there, timeout)
        return found[0]

    def _picture(self) -> str:
        lines = [f"{len(self._context.rest.requests)} requests; messages per channel:"]
        for channel_id, channel in self._context.home.channels.items():
            shown = messages_of(self._context.state, channel_id)
            last = f", last: {shown[-1].text.strip()[:120]!r}" if shown else ""
            lines.append(f"  #{channel['name']}: {len(shown)}{last}")
        return "\n".join(lines)
