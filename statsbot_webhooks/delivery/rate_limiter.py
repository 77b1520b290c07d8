"""The rate budget of a channel: it holds in every sliding window, is shared by priority, and learns from Discord's answers.

Discord lets 5 requests in 2 s through for each webhook, and 30 in 60 s into each channel. Both are counted for the channel,
which its webhooks share, and some of both is left to people and other programs. The account of the last minute is a list of
requests; leaky buckets (aiolimiter) decide how they follow each other, bursts included. Nothing is sent here.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from ..clock import Clock
from .outcome import EDIT_LIMITS
from .response_headers import WebhookResponse

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter

# https://github.com/discord/discord-api-docs/issues/1454: the channel's limit, which no header shows.
_WINDOW_SECONDS: Final = 60.0
_BURST_SECONDS: Final = 2.0
# Discord's window and ours begin at different times; this much more keeps the last request out of theirs.
_MARGIN_SECONDS: Final = 1.0
# Of Discord's 30; the rest is left to others.
_MOST_PER_MINUTE: Final = 27
# How many requests may leave in a row, and the rate of further ones. Together they stay below 6 in 2 seconds, even when some
# of them take 3 seconds longer to arrive than others.
_BURST: Final = 4
_PER_SECOND: Final = 0.4
# How many messages that are not urgent may leave before they are spread over the minute.
_CALM_BURST: Final = 5
# A 429 reduces the budget to this share; each minute without one gives a request back.
_CUT: Final = 0.7
_LEAST: Final = 3.0
# How often a bucket without capacity is asked again: aiolimiter does not say when it has room.
_POLL_SECONDS: Final = 0.2


class Priority(IntEnum):
    """What a request is for: calm messages leave room for urgent ones, and edits never take what messages need."""

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


def _leaky(capacity: float, period: float) -> AsyncLimiter:
    # Imported here: aiolimiter loads importlib.metadata for its version, a twentieth of the import time of this package.
    from aiolimiter import AsyncLimiter  # noqa: PLC0415

    return AsyncLimiter(capacity, period)


def make_bucket(per_minute: int, burst: int) -> AsyncLimiter:
    """Return a leaky bucket that lets at most so many requests through in any minute, and spreads them after a burst.

    A bucket of capacity c and period p lets c + 60c/p through in its first minute, so p is chosen for that sum.
    """
    window = _WINDOW_SECONDS + _MARGIN_SECONDS
    burst = max(min(burst, per_minute // 2), 1)
    if per_minute <= burst:
        return _leaky(1, window)
    return _leaky(burst, window * burst / (per_minute - burst))


@dataclass(slots=True, eq=False)
class _CountedRequest:
    """A request; `time` is when it was answered, in monotonic seconds, and `None` until then."""

    is_edit: bool
    time: float | None = None


class ChannelLimiter:
    """The budget of one channel. `wait_seconds` says how long a request must wait; `request` waits and counts it.

    `others()` returns the limiters of other channels that these requests may go into.
    """

    def __init__(
        self, max_requests_per_minute: int, clock: Clock, others: Callable[[], Iterable[ChannelLimiter]] = tuple
    ) -> None:
        self._limit = float(min(max_requests_per_minute, _MOST_PER_MINUTE))
        self._clock = clock
        self._others = others
        self._requests: list[_CountedRequest] = []
        self._ceiling = self._limit
        self._burst = _BURST
        self._all = _leaky(_BURST, _BURST / _PER_SECOND)
        self._calm = make_bucket(Shares.of(self._limit).messages, _CALM_BURST)
        # Requests that the bucket `_all` has not seen: of an earlier process, or of other programs.
        self._unseen = 0.0
        self._learned_at = -math.inf
        self._blocked_until = -math.inf

    def configure(self, max_requests_per_minute: int) -> None:
        """Apply another limit; what was sent and learned is kept."""
        limit = float(min(max_requests_per_minute, _MOST_PER_MINUTE))
        if limit == self._limit:
            return
        self._ceiling = min(self._ceiling, limit) if self._ceiling < self._limit else limit
        self._limit = limit
        self._calm = make_bucket(Shares.of(limit).messages, _CALM_BURST)

    def recall(self, times: Iterable[float]) -> None:
        """Enter requests of an earlier process, by their wall clock times: Discord's window outlives a process."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        # When the clock was set back since, that must not block the channel for hours.
        ages = sorted((max(now - time, 0.0) for time in times), reverse=True)
        self._requests += [_CountedRequest(is_edit=False, time=monotonic - age) for age in ages]
        self._fill(ages)

    def take_over(self, other: ChannelLimiter) -> None:
        """Enter what another limiter counted, because its requests may have gone into this channel."""
        now = self._clock.monotonic()
        known = set(map(id, self._requests))
        new = [request for request in other._requests if id(request) not in known]
        self._requests += new
        self._fill(sorted((now - (now if request.time is None else request.time) for request in new), reverse=True))
        self._ceiling = min(self._ceiling, other._ceiling)
        if other._burst < self._burst:
            self._set_burst(other._burst)
        self._blocked_until = max(self._blocked_until, other._blocked_until)
        self._learned_at = max(self._learned_at, other._learned_at)

    @property
    def marks(self) -> tuple[float, ...]:
        """A value that changes only when something is learned: then the next process that sends has to know."""
        return self._ceiling, self._burst, self._learned_at, self._blocked_until

    def learned(self) -> dict[str, float]:
        """Return what was learned from answers, with seconds counted from now."""
        now = self._clock.monotonic()
        self._recover(now)
        known = {"ceiling": self._ceiling, "burst": self._burst, "blocked": max(self._blocked_until - now, 0.0)}
        return known if self._learned_at == -math.inf else {**known, "age": now - self._learned_at}

    def relearn(self, learned: Mapping[str, float], age: float) -> None:
        """Take over what another process had learned `age` seconds ago."""
        now = self._clock.monotonic()
        self._ceiling = min(self._ceiling, max(learned.get("ceiling", self._limit), min(_LEAST, self._limit)))
        burst = max(int(learned.get("burst", _BURST)), 1)
        if burst < self._burst:
            self._set_burst(burst)
        if (blocked := learned.get("blocked", 0.0) - age) > 0:
            self._blocked_until = max(self._blocked_until, now + blocked)
        if "age" in learned:
            self._learned_at = max(self._learned_at, now - learned["age"] - age)

    def count_one(self) -> None:
        """Enter a request that another limiter counted, and that was answered just now."""
        self._requests.append(_CountedRequest(is_edit=False, time=self._clock.monotonic()))
        self._unseen += 1

    def _fill(self, ages: Sequence[float]) -> None:
        """Count requests in the bucket as if it had seen them leave; `ages` are seconds, oldest first."""
        level, before = 0.0, math.inf
        for age in ages:
            level = max(level - (before - age) * _PER_SECOND, 0.0) + 1 if before < math.inf else 1.0
            before = age
        if ages:
            self._unseen = min(self._unseen + max(level - before * _PER_SECOND, 0.0), self._all.max_rate)

    def blocked_seconds(self, now: float) -> float:
        """Return for how many seconds Discord lets nothing through, after a 429."""
        return max(self._blocked_until - now, 0.0)

    def budget_left(self) -> int:
        """Return how many messages that are not urgent may leave within the minute that begins now."""
        now = self._clock.monotonic()
        self._forget(now)
        return max(self._shares(now).messages - sum(not request.is_edit for request in self._requests), 0)

    def wait_seconds(self, priority: Priority) -> float:
        """Return the seconds until a request may leave, at most one poll late; 0 when it may leave now."""
        now = self._clock.monotonic()
        wait = max(self._window_wait(priority, now), *(other._window_wait(priority, now) for other in self._others()), 0.0)
        return wait if wait > 0 or self._has_capacity(priority) else _POLL_SECONDS

    def retry_seconds(self) -> float:
        """Return the seconds after which an urgent request may leave at the latest."""
        wait = self.wait_seconds(Priority.URGENT)
        return max(wait, 1 / _PER_SECOND) if wait > 0 else 0.0

    def _window_wait(self, priority: Priority, now: float) -> float:
        """Return the seconds until the account of the last minute has room."""
        self._forget(now)
        shares = self._shares(now)
        everything = self._times(self._requests, now)
        waits = [self._blocked_until - now]
        if priority == Priority.URGENT:
            waits.append(_wait(everything, shares.total, now))
        else:
            waits.append(_wait(everything, shares.calm_total, now))
            waits.append(self._share_wait(priority, shares, everything, now))
        return max(waits)

    def _share_wait(self, priority: Priority, shares: Shares, everything: list[float], now: float) -> float:
        if priority == Priority.CALM:
            return _wait(self._times([r for r in self._requests if not r.is_edit], now), shares.messages, now)
        # Edits have a share of their own; while the channel is quiet they may use half of all.
        own = self._times([r for r in self._requests if r.is_edit], now)
        return min(_wait(own, shares.edits, now), _wait(everything, max(shares.total // 2, 1), now))

    def _has_capacity(self, priority: Priority) -> bool:
        # One request of each burst is kept for urgent ones.
        kept = 1 if priority < Priority.URGENT and self._all.max_rate > 1 else 0
        fits = self._all.has_capacity(min(1 + self._unseen + kept, self._all.max_rate))
        return fits and (priority != Priority.CALM or self._calm.has_capacity())

    @asynccontextmanager
    async def request(self, priority: Priority) -> AsyncGenerator[None, None]:
        """Wait until a request may leave; it is counted until a minute after its answer."""
        while (wait := self.wait_seconds(priority)) > 0:
            await self._clock.sleep(wait)
        request = _CountedRequest(is_edit=priority == Priority.EDIT)
        self._requests.append(request)
        try:
            amount = min(1 + self._unseen, self._all.max_rate)
            self._unseen = max(self._unseen + 1 - amount, 0.0)
            await self._all.acquire(amount)
            if priority == Priority.CALM:
                await self._calm.acquire()
            yield
        finally:
            # Discord counted it at some moment before this.
            request.time = self._clock.monotonic()

    def learn(self, answer: WebhookResponse) -> None:
        """Learn from an answer what it says of the limits."""
        now = self._clock.monotonic()
        self._recover(now)
        if answer.code in EDIT_LIMITS:
            # This is about edits of one message, and says nothing of the channel.
            return
        if answer.status == 429:
            self._ceiling = max(self._ceiling * _CUT, min(_LEAST, self._limit))
            self._blocked_until = max(self._blocked_until, now + (answer.retry_after or 1.0))
            self._learned_at = now
        elif answer.limit is not None and answer.remaining is not None:
            if answer.limit - 1 < self._burst:
                self._set_burst(max(answer.limit - 1, 1))
                self._learned_at = now
            recent = [time for time in self._times(self._requests, now) if time > now - _BURST_SECONDS]
            # Used by others than us.
            others = answer.limit - answer.remaining - len(recent)
            self._unseen = min(max(self._unseen, others), self._all.max_rate)

    def _set_burst(self, burst: int) -> None:
        self._burst = burst
        self._all = _leaky(burst, burst / _PER_SECOND)
        self._unseen = self._all.max_rate

    def _recover(self, now: float) -> None:
        minutes = (now - self._learned_at) // _WINDOW_SECONDS
        if minutes < 1:
            return
        if self._ceiling != self._limit:
            self._ceiling = min(self._ceiling + minutes, self._limit)
            self._learned_at = now
        if self._burst != _BURST:
            self._set_burst(int(min(self._burst + minutes, _BURST)))
            self._learned_at = now

    def _shares(self, now: float) -> Shares:
        self._recover(now)
        return Shares.of(self._ceiling)

    def _times(self, requests: Iterable[_CountedRequest], now: float) -> list[float]:
        # Discord may count a request in flight at any moment up to now.
        return sorted(now if request.time is None else request.time for request in requests)

    def _forget(self, now: float) -> None:
        since = now - _WINDOW_SECONDS - _MARGIN_SECONDS
        self._requests = [request for request in self._requests if request.time is None or request.time > since]


def _wait(times: list[float], limit: int, now: float) -> float:
    """Return the seconds until fewer than `limit` of the sorted times lie within the last minute."""
    if limit < 1:
        return math.inf
    return times[-limit] + _WINDOW_SECONDS + _MARGIN_SECONDS - now if len(times) >= limit else 0.0


class ChannelLimiters:
    """One limiter for each channel, which all its webhooks share.

    Webhooks of unknown channels may all be in one channel, and in any of the known ones: they share a limiter, which also
    keeps the limits of all known channels.
    """

    def __init__(self, max_requests_per_minute: int, clock: Clock) -> None:
        self._per_minute = max_requests_per_minute
        self._clock = clock
        self._channels: dict[str, int] = {}
        self._limiters: dict[int, ChannelLimiter] = {}
        self._unknown = ChannelLimiter(max_requests_per_minute, clock, self._limiters.values)
        self._recalled: set[str] = set()
        # Names for which the knowledge of an earlier process was taken up in this term (`learned_limits`).
        self.taken_up: set[str] = set()

    def recall(self, destination: str, times: Iterable[float]) -> None:
        """Enter what earlier processes sent to a destination, by wall clock times; once, however often it is called."""
        if destination not in self._recalled:
            self._recalled.add(destination)
            self.limiter(destination).recall(times)

    def configure(self, max_requests_per_minute: int) -> None:
        """Apply another limit for each channel; what was sent and learned is kept."""
        self._per_minute = max_requests_per_minute
        for limiter in (self._unknown, *self._limiters.values()):
            limiter.configure(max_requests_per_minute)

    def knows(self, destination: str) -> bool:
        """Whether the channel of a destination's webhook is known."""
        return destination in self._channels

    def channel_of(self, destination: str) -> int | None:
        """Return the channel of a destination's webhook, if it is known."""
        return self._channels.get(destination)

    def join(self, destination: str, channel_id: int) -> bool:
        """Note the channel of a destination's webhook, as an answer just said; True when it is new."""
        before = self._channels.get(destination)
        if before == channel_id:
            return False
        self._channels[destination] = channel_id
        limiter = self.limiter(destination)
        if before is None:
            limiter.take_over(self._unknown)
        else:
            # The webhook was moved: the message whose answer said so went into the new channel, but was counted in the old one.
            limiter.count_one()
        return True

    def leave(self, destination: str) -> None:
        """Forget the channel of a destination, because it has another webhook."""
        self._channels.pop(destination, None)

    def limiter(self, destination: str) -> ChannelLimiter:
        """Return the limiter of the channel that a destination's webhook posts to."""
        channel_id = self._channels.get(destination)
        if channel_id is None:
            return self._unknown
        if channel_id not in self._limiters:
            self._limiters[channel_id] = ChannelLimiter(self._per_minute, self._clock)
        return self._limiters[channel_id]
