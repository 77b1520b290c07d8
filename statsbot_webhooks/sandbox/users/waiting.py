"""Waiting for what a bot does, and the picture that a test gets when it does not happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ..rest.api import Rest
from ..state import JSON
from .guilds import Servers
from .views import messages_of

_POLL_SECONDS: Final = 0.05


class Waiting(Servers):
    """The part of the sandbox that waits."""

    _rest: Rest

    async def wait_until(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Return when the predicate holds; it is asked after each change. Raises `TimeoutError` with a picture."""
        loop = asyncio.get_running_loop()
        changed, until = asyncio.Event(), loop.time() + timeout

        def on_change(_kind: str, _data: JSON) -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._call(self.state.subscribe, on_change)
        try:
            while not predicate():
                left = until - loop.time()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout} s; {self._call(self._picture)}")
                try:
                    # The predicate may also look at things of the bot, which nobody announces.
                    async with asyncio.timeout(min(left, _POLL_SECONDS)):
                        await changed.wait()
                except TimeoutError:
                    continue
                changed.clear()
        finally:
            self._call(unsubscribe)

    def _picture(self) -> str:
        lines = [f"{len(self._rest.requests)} requests; messages per channel:"]
        for channel_id, channel in self._guild.channels.items():
            shown = messages_of(self.state, channel_id)
            last = f", last: {shown[-1].text.strip()[:120]!r}" if shown else ""
            lines.append(f"  #{channel['name']}: {len(shown)}{last}")
        return "\n".join(lines)
