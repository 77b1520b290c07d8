"""The rate budget: 5 requests in 2 s for each webhook, 30 in 60 s for each channel, true in every sliding window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from aiolimiter import AsyncLimiter

from ..clock import Clock

# https://github.com/discord/discord-api-docs/issues/1454: the channel's limit, which no header shows.
_WINDOW_SECONDS: Final = 60.0
# The server's window and ours begin at different times; this much longer keeps the last request out of it.
_MARGIN_SECONDS: Final = 1.0
_BURST: Final = 5
_BURST_SECONDS: Final = 2.0


def make_limiter(max_requests_per_minute: int) -> AsyncLimiter:
    """Return a leaky bucket that lets at most so many requests through in any 60 s, and 5 in any 2 s.

    A bucket of capacity c and period p lets c + 60c/p through in its first minute, so p is chosen for the sum.
    """
    window = _WINDOW_SECONDS + _MARGIN_SECONDS
    burst = max(min(_BURST, max_requests_per_minute // 2), 1)
    if max_requests_per_minute == burst:
        return AsyncLimiter(1, window)
    return AsyncLimiter(burst, window * burst / (max_requests_per_minute - burst))


class ChannelLimiter:
    """The budget of one channel: a leaky bucket, and the times of the last minute's requests.

    The bucket starts empty with each process, Discord's window does not: a bot that restarts often would send a burst each
    time. So the requests of the process before are entered by `recall`.
    """

    def __init__(self, max_requests_per_minute: int, clock: Clock) -> None:
        self._limit = max_requests_per_minute
        self._clock = clock
        self._bucket = make_limiter(max_requests_per_minute)
        self._sent: deque[float] = deque()

    def recall(self, times: Iterable[float]) -> None:
        """Enter requests that left before, by their wall clock times."""
        now = self._clock.now()
        # A clock that was set back since must not block the channel for hours.
        self._sent = deque(sorted([*self._sent, *(min(time, now) for time in times)]))

    async def acquire(self) -> None:
        """Return when a request may leave."""
        await self._bucket.acquire()
        while (wait := self._wait_seconds(self._clock.now())) > 0:
            await self._clock.sleep(wait)
        self._sent.append(self._clock.now())

    def budget_left(self) -> int:
        """Return how many requests the last minute leaves; safe to call from any thread."""
        since = self._clock.now() - _WINDOW_SECONDS - _MARGIN_SECONDS
        return max(self._limit - sum(time > since for time in tuple(self._sent)), 0)

    def _wait_seconds(self, now: float) -> float:
        window = _WINDOW_SECONDS + _MARGIN_SECONDS
        while self._sent and not now - window < self._sent[0] <= now + _MARGIN_SECONDS:
            self._sent.popleft()
        # The bucket knows nothing of the requests of the process before; both windows must hold over a restart.
        waits = [
            self._sent[-limit] + seconds - now
            for limit, seconds in ((self._limit, window), (_BURST, _BURST_SECONDS + _MARGIN_SECONDS))
            if len(self._sent) >= limit
        ]
        return max(waits, default=0.0)


class ChannelLimiters:
    """One limiter for each channel, which all its webhooks share; until a webhook's channel is known it has its own."""

    def __init__(self, max_requests_per_minute: int, clock: Clock) -> None:
        self._per_minute = max_requests_per_minute
        self._clock = clock
        self._channels: dict[str, int] = {}
        self._limiters: dict[object, ChannelLimiter] = {}

    def join(self, destination: str, channel_id: int) -> None:
        """Note the channel of a destination's webhook."""
        self._channels[destination] = channel_id

    def limiter(self, destination: str) -> ChannelLimiter:
        """Return the limiter of the channel that a destination's webhook posts to."""
        key = self._channels.get(destination, destination)
        if key not in self._limiters:
            self._limiters[key] = ChannelLimiter(self._per_minute, self._clock)
        return self._limiters[key]
