"""Fallback alert: a message to another address when errors wait because nothing reaches Discord, and one when that ends.

It says how many errors wait and why, and never their texts, because the address may belong to others.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp

from ..clock import Clock
from ..config.network import Network
from ..events.time_text import format_count, format_span
from ..storage.base import ErrorsWaiting

_log = logging.getLogger(__name__)
_WAIT_SECONDS: Final = 300.0
# After a start, events of the process before get this long to be delivered.
_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0
_FIRST_RETRY_SECONDS: Final = 30.0
_LAST_RETRY_SECONDS: Final = 900.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
# Title and priority are read by ntfy, and ignored by other receivers.
HEADERS: Final = {"Content-Type": "text/plain; charset=utf-8", "Title": "Bot: nothing reaches Discord", "Priority": "high"}
_HEADERS_OVER: Final = {**HEADERS, "Title": "Bot: Discord is reached again", "Priority": "default"}
# Key of the state: stored so that a restart neither repeats the message nor forgets the one about the end.
STATE: Final = "fallback/since"


class DeliveryView(Protocol):
    """What the alert reads of the delivery."""

    def last_delivery(self) -> float | None:
        """Return when a message last arrived at any destination (monotonic seconds); None when none did since the start."""
        ...

    def describe_problems(self) -> str:
        """Return why nothing arrives, redacted; empty when that is not known."""
        ...

    def is_of_this_process(self) -> bool:
        """Whether this one of the processes that share a storage sends the message."""
        ...

    async def errors_waiting(self) -> ErrorsWaiting:
        """Return how many errors wait for destinations that are not switched off.

        The result is empty when another destination was reached meanwhile and has nothing waiting: the outage is shown there.
        """
        ...

    async def read_state(self) -> Any:
        """Return the value stored under `STATE`; None without."""
        ...

    async def write_state(self, value: float | None) -> None:
        """Store the start of the reported outage (wall clock); None when it is over."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where the messages go, and through which network settings. The URL is a secret."""

    url: str
    network: Network


class FallbackAlert:
    """Watch the delivery and send the messages. Run `watch` as a task."""

    def __init__(
        self, find_address: Callable[[], Address], delivery: DeliveryView, *, clock: Clock, bot_name: Callable[[], str]
    ) -> None:
        self._find_address = find_address
        self._delivery = delivery
        self._clock = clock
        self._bot_name = bot_name
        # Start of the reported outage, in wall clock time because it outlives a restart.
        self._since: float | None = None
        # Monotonic: the start of the watch, since when errors were seen waiting, and after when a delivery ends the outage.
        self._began = self._seen = self._told = 0.0
        self._problem = ""

    async def watch(self) -> None:
        """Check every few seconds, until cancelled."""
        self._began = self._told = self._clock.monotonic()
        self._seen = math.inf
        knows = False
        while True:
            if not self._delivery.is_of_this_process() and self._since is None:
                knows, self._seen = False, math.inf
            elif not knows and self._since is None:
                # An outage that another process, or an earlier one, has reported.
                stored = await self._delivery.read_state()
                self._since = float(stored) if isinstance(stored, int | float) else None
                knows = True
                continue
            elif self._since is None:
                await self._look()
            else:
                await self._look_for_end(self._since)
            await self._clock.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        waiting, now = await self._delivery.errors_waiting(), self._clock.monotonic()
        last = self._delivery.last_delivery()
        if waiting.since is None or (last is not None and last > self._seen):
            self._seen = math.inf
            return
        self._seen = min(self._seen, now)
        if not self._is_due(now - self._seen, self._clock.now() - waiting.since):
            return
        self._told = now
        since = min(waiting.since, self._clock.now())
        text = f"{self._name()}nothing reaches Discord: {_waiting(waiting.count)}, the oldest for {self._span(since)}."
        if problem := self._delivery.describe_problems():
            text += f"\n{problem}"
        if await self._insist(lambda: self._post(text, HEADERS), until=self._is_reached):
            self._since = since
            await self._delivery.write_state(since)
        else:
            self._seen = math.inf

    def _is_due(self, seen_seconds: float, waited_seconds: float) -> bool:
        """Whether errors have waited long enough. Those of the process before need not wait the whole time again."""
        if self._seen - self._began < _START_SECONDS:
            return seen_seconds >= (_START_SECONDS if waited_seconds >= _WAIT_SECONDS else _WAIT_SECONDS)
        return seen_seconds >= _WAIT_SECONDS

    async def _look_for_end(self, since: float) -> None:
        waiting = await self._delivery.errors_waiting()
        if self._is_reached():
            left = f"; {_waiting(waiting.count)}" if waiting.count else ""
            text = f"{self._name()}Discord is reached again after {self._span(since)}{left}."
        elif not waiting.count:
            # They were deleted, or their destination was switched off.
            text = f"{self._name()}no error waits for Discord any more, after {self._span(since)}."
        else:
            return
        await self._insist(lambda: self._post(text, _HEADERS_OVER), until=lambda: False)
        self._since, self._seen = None, math.inf
        await self._delivery.write_state(None)

    def _is_reached(self) -> bool:
        last = self._delivery.last_delivery()
        return last is not None and last > self._told

    def _span(self, since: float) -> str:
        return format_span(self._clock.now() - since)

    def _name(self) -> str:
        return f"{self._bot_name() or 'Bot'}: "

    async def _insist(self, post: Callable[[], Awaitable[str]], *, until: Callable[[], bool]) -> bool:
        """Post, with growing pauses between tries; False when `until()` ended that. A problem is logged when it changes."""
        pause = _FIRST_RETRY_SECONDS
        while problem := await post():
            if problem != self._problem:
                self._problem = problem
                _log.warning("the message to WEBHOOK_FALLBACK_URL %s", problem)
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LAST_RETRY_SECONDS)
            if until():
                return False
        self._problem = ""
        return True

    async def _post(self, text: str, headers: dict[str, str]) -> str:
        return await post(self._find_address(), text, headers)


async def post(address: Address, text: str, headers: Mapping[str, str] = HEADERS) -> str:
    """Send a text; returns the problem without the address, empty when it was sent."""
    try:
        async with (
            address.network.open_session(timeout=_TIMEOUT) as session,
            # A redirect would turn it into a GET without the text.
            session.post(
                address.url,
                data=text.encode("utf-8", "replace"),
                headers=headers,
                proxy=address.network.find_proxy(address.url),
                allow_redirects=False,
            ) as response,
        ):
            return "" if response.status < 300 else f"was answered with status {response.status}"
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
        # Only the type: the texts of these exceptions hold the address.
        return f"failed with {type(error).__name__}"


def _waiting(count: int) -> str:
    return format_count(count, "error waits", "errors wait")
