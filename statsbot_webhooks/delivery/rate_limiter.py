"""The rate budget of a channel: true in every sliding window, shared by who sends what, learned from Discord's answers.

Discord lets 5 requests in 2 s through for each webhook, and 30 in 60 s into each channel. We count both for the channel, in
which all its webhooks are, and leave some of both to people and other programs.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from aiolimiter import AsyncLimiter

from ..clock import Clock
from .response import Answer

# https://github.com/discord/discord-api-docs/issues/1454: the channel's limit, which no header shows.
_WINDOW_SECONDS: Final = 60.0
_BURST_SECONDS: Final = 2.0
# The server's window and ours begin at different times; this much longer keeps the last request out of it.
_MARGIN_SECONDS: Final = 1.0
_BURST_MARGIN_SECONDS: Final = 0.3
# Of Discord's 30 and 5, what is left to others.
_MOST_PER_MINUTE: Final = 27
_BURST: Final = 4
# How many requests may leave in a row before their pace is that of the minute.
_CALM_BURST: Final = 5
_URGENT_BURST: Final = 8
# A 429 takes this share of the budget away; each minute without one gives a request back.
_CUT: Final = 0.7
_LEAST: Final = 3.0
# How long to wait before a bucket without capacity is asked again: it does not tell.
_POLL_SECONDS: Final = 0.2


class Priority(IntEnum):
    """Who may use how much: messages leave room for urgent ones, and edits never take what messages need."""

    EDIT = 0
    CALM = 1
    URGENT = 2


@dataclass(frozen=True, slots=True)
class Shares:
    """How many requests may leave in a minute: in all, calm ones and edits together, messages that are not urgent, edits."""

    total: int
    calm_total: int
    messages: int
    edits: int

    @classmethod
    def of(cls, per_minute: float) -> Shares:
        """Divide a budget: at 27, 3 are kept for urgent messages, 4 for edits, and 20 are for all other messages."""
        total = max(min(int(per_minute), _MOST_PER_MINUTE), 1)
        calm_total = max(total - total // 9, 1)
        edits = total * 4 // 27
        return cls(total, calm_total, calm_total - edits, edits)


def make_bucket(per_minute: int, burst: int) -> AsyncLimiter:
    """Return a leaky bucket that lets at most so many requests through in any minute, and spreads them after a burst.

    A bucket of capacity c and period p lets c + 60c/p through in its first minute, so p is chosen for the sum.
    """
    window = _WINDOW_SECONDS + _MARGIN_SECONDS
    burst = max(min(burst, per_minute // 2), 1)
    if per_minute <= burst:
        return AsyncLimiter(1, window)
    return AsyncLimiter(burst, window * burst / (per_minute - burst))


def _make_buckets(per_minute: float) -> dict[Priority, AsyncLimiter]:
    shares = Shares.of(per_minute)
    return {
        Priority.CALM: make_bucket(shares.messages, _CALM_BURST),
        Priority.URGENT: make_bucket(shares.total, _URGENT_BURST),
    }


@dataclass(slots=True, eq=False)
class _Request:
    """A request; `time` is when it was answered, in monotonic seconds, and `None` until then."""

    is_edit: bool
    time: float | None = None


class ChannelLimiter:
    """The budget of one channel. `wait_seconds` tells, `request` waits and counts."""

    def __init__(self, max_requests_per_minute: int, clock: Clock) -> None:
        self._limit = float(min(max_requests_per_minute, _MOST_PER_MINUTE))
        self._clock = clock
        self._requests: list[_Request] = []
        self._buckets = _make_buckets(self._limit)
        self._ceiling = self._limit
        self._burst = float(_BURST)
        self._learned_at = -math.inf
        self._blocked_until = -math.inf

    def configure(self, max_requests_per_minute: int) -> None:
        """Go on with another limit; what was sent and learned stays known."""
        limit = float(min(max_requests_per_minute, _MOST_PER_MINUTE))
        if limit == self._limit:
            return
        self._ceiling = min(self._ceiling, limit) if self._ceiling < self._limit else limit
        self._limit = limit
        self._buckets = _make_buckets(limit)

    def recall(self, times: Iterable[float]) -> None:
        """Enter requests that left before, by their wall clock times: Discord's window outlives a process."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        # A clock that was set back since must not block the channel for hours.
        self._requests += [_Request(is_edit=False, time=monotonic - max(now - time, 0.0)) for time in times]

    def budget_left(self) -> int:
        """Return how many messages that are not urgent may leave within the minute that begins now."""
        now = self._clock.monotonic()
        self._forget(now)
        return max(self._shares(now).messages - sum(not request.is_edit for request in self._requests), 0)

    def wait_seconds(self, priority: Priority) -> float:
        """Return how long until a request may leave; 0 when it may leave now."""
        now = self._clock.monotonic()
        self._forget(now)
        shares = self._shares(now)
        everything = self._times(self._requests, now)
        window = _WINDOW_SECONDS + _MARGIN_SECONDS
        burst = max(int(self._burst) - (priority < Priority.URGENT), 1)
        waits = [self._blocked_until - now, _wait(everything, burst, _BURST_SECONDS + _BURST_MARGIN_SECONDS, now)]
        if priority == Priority.URGENT:
            waits.append(_wait(everything, shares.total, window, now))
        else:
            waits.append(_wait(everything, shares.calm_total, window, now))
            waits.append(self._share_wait(priority, shares, everything, window, now))
        bucket = self._buckets.get(priority)
        if bucket is not None and not bucket.has_capacity():
            waits.append(_POLL_SECONDS)
        return max(*waits, 0.0)

    def _share_wait(self, priority: Priority, shares: Shares, everything: list[float], window: float, now: float) -> float:
        if priority == Priority.CALM:
            return _wait(self._times([r for r in self._requests if not r.is_edit], now), shares.messages, window, now)
        # Edits have a share of their own; while the channel is quiet they may have more.
        own = self._times([r for r in self._requests if r.is_edit], now)
        return min(_wait(own, shares.edits, window, now), _wait(everything, max(shares.total // 2, 1), window, now))

    @asynccontextmanager
    async def request(self, priority: Priority) -> AsyncGenerator[None, None]:
        """Wait until a request may leave; it is counted until a minute after its answer."""
        while (wait := self.wait_seconds(priority)) > 0:
            await self._clock.sleep(wait)
        request = _Request(is_edit=priority == Priority.EDIT)
        self._requests.append(request)
        try:
            if (bucket := self._buckets.get(priority)) is not None:
                await bucket.acquire()
            yield
        finally:
            # When it was sent and when it arrived lie before this.
            request.time = self._clock.monotonic()

    def learn(self, answer: Answer) -> None:
        """Take note of what an answer says of the limits."""
        now = self._clock.monotonic()
        self._recover(now)
        if answer.status == 429:
            # discord.py will try again by itself: a request more than we counted.
            self._requests.append(_Request(is_edit=False, time=now))
            self._ceiling = max(self._ceiling * _CUT, min(_LEAST, self._limit))
            self._blocked_until = max(self._blocked_until, now + (answer.retry_after or 1.0))
            self._learned_at = now
        elif answer.limit is not None and answer.remaining is not None:
            recent = [t for t in self._times(self._requests, now) if t > now - _BURST_SECONDS]
            # More was used than by us, or the limit is lower than it was.
            others = max(answer.limit - answer.remaining - len(recent), 0)
            burst = float(max(answer.limit - 1 - others, 1))
            if burst < self._burst:
                self._burst, self._learned_at = burst, now

    def _recover(self, now: float) -> None:
        minutes = (now - self._learned_at) // _WINDOW_SECONDS
        if minutes >= 1 and (self._ceiling, self._burst) != (self._limit, _BURST):
            self._ceiling = min(self._ceiling + minutes, self._limit)
            self._burst = min(self._burst + minutes, _BURST)
            self._learned_at = now

    def _shares(self, now: float) -> Shares:
        self._recover(now)
        return Shares.of(self._ceiling)

    def _times(self, requests: Iterable[_Request], now: float) -> list[float]:
        # A request in flight may be counted by Discord at any moment up to now.
        return sorted(now if request.time is None else request.time for request in requests)

    def _forget(self, now: float) -> None:
        since = now - _WINDOW_SECONDS - _MARGIN_SECONDS
        self._requests = [request for request in self._requests if request.time is None or request.time > since]


def _wait(times: list[float], limit: int, seconds: float, now: float) -> float:
    """Return how long until fewer than `limit` of the times lie within the last `seconds`."""
    return math.inf if limit < 1 else times[-limit] + seconds - now if len(times) >= limit else 0.0


class ChannelLimiters:
    """One limiter for each channel, which all its webhooks share; until a webhook's channel is known it has its own."""

    def __init__(self, max_requests_per_minute: int, clock: Clock) -> None:
        self._per_minute = max_requests_per_minute
        self._clock = clock
        self._channels: dict[str, int] = {}
        self._limiters: dict[object, ChannelLimiter] = {}

    def configure(self, max_requests_per_minute: int) -> None:
        """Go on with another limit for each channel; what was sent and learned stays known."""
        self._per_minute = max_requests_per_minute
        for limiter in self._limiters.values():
            limiter.configure(max_requests_per_minute)

    def knows(self, destination: str) -> bool:
        """Whether the channel of a destination's webhook is known."""
        return destination in self._channels

    def join(self, destination: str, channel_id: int) -> None:
        """Note the channel of a destination's webhook."""
        self._channels[destination] = channel_id

    def limiter(self, destination: str) -> ChannelLimiter:
        """Return the limiter of the channel that a destination's webhook posts to."""
        key = self._channels.get(destination, destination)
        if key not in self._limiters:
            self._limiters[key] = ChannelLimiter(self._per_minute, self._clock)
        return self._limiters[key]
