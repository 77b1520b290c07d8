"""Circuit breaker: takes results and gives permission. It does no I/O and is given the time, in monotonic seconds."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

_GROWTH: Final = 2.0
_CAP_SECONDS: Final = 600.0
# About a week of trips. `_GROWTH ** trips` overflows at 1024.
_MOST: Final = 1000
_JITTER: Final = 0.2
# Pause after a failure that does not trip it: a blip is over by then, and an outage is reported within three seconds.
_RETRY_SECONDS: Final = 0.7
# Longest time for each failure: with the default of five, an outage is reported within 3 s however few requests may leave.
_LIMIT_SECONDS: Final = 0.6


class BreakerState(StrEnum):
    """CLOSED lets everything through, OPEN nothing, HALF_OPEN one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class CircuitBreaker:
    """Trip after `failures` consecutive failures; cool down with growing, jittered pauses; probe with one batch."""

    def __init__(self, *, failures: int, cooldown_seconds: float) -> None:
        self._limit = failures
        self._cooldown = cooldown_seconds
        self._failures = 0
        self._failing_since = 0.0
        self._trips = 0
        self._until = 0.0
        self.state = BreakerState.CLOSED

    def configure(self, *, failures: int, cooldown_seconds: float) -> None:
        """Apply other settings; failures so far still count."""
        self._limit, self._cooldown = failures, cooldown_seconds

    @property
    def is_failing(self) -> bool:
        """Whether the newest result was a failure."""
        return self._failures > 0 or self.state is not BreakerState.CLOSED

    def pause_seconds(self, now: float) -> float:
        """Return how many seconds until the next attempt, without asking for permission."""
        return max(self._until - now, 0.0) if self.is_failing else 0.0

    def wait_seconds(self, now: float) -> float:
        """Return the seconds to wait before the next attempt; 0 turns OPEN into HALF_OPEN: the caller must send the probe."""
        if (pause := self.pause_seconds(now)) > 0:
            return pause
        if self.state is BreakerState.OPEN:
            self.state = BreakerState.HALF_OPEN
        return 0.0

    def record_success(self) -> bool:
        """Record a success; True when it closed the breaker."""
        was_closed = self.state is BreakerState.CLOSED
        self.state = BreakerState.CLOSED
        self._failures = self._trips = 0
        self._until = 0.0
        return not was_closed

    def record_failure(self, now: float, weight: int = 1, at_least: float = 0.0, next_seconds: float = 0.0) -> bool:
        """Record a failure; True when it tripped the breaker for the first time since the last success.

        `at_least` is how many seconds nothing may be tried, if Discord said so; it trips at once. So does a failure when the
        next request, which the budget allows in `next_seconds`, would come too late to report the outage in time.
        """
        if not self._failures:
            self._failing_since = now
        self._failures += weight
        is_late = now + next_seconds - self._failing_since > _LIMIT_SECONDS * self._limit
        if self.state is not BreakerState.HALF_OPEN and self._failures < self._limit and not at_least and not is_late:
            self._until = now + min(_RETRY_SECONDS, self._cooldown)
            return False
        pause = min(self._cooldown * _GROWTH ** min(self._trips, _MOST), max(_CAP_SECONDS, self._cooldown))
        pause *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads retries, no secret
        self._until = now + max(pause, at_least)
        self._trips += 1
        self.state = BreakerState.OPEN
        return self._trips == 1

    @property
    def marks(self) -> tuple[float, ...]:
        """A value that changes only when something is recorded: then the next process that sends has to know."""
        return self.state is not BreakerState.CLOSED, self._failures, self._trips, self._until

    def learned(self, now: float) -> dict[str, float]:
        """Return what the next process that sends has to know, with seconds counted from now."""
        is_open = self.state is not BreakerState.CLOSED
        return {"open": int(is_open), "failures": self._failures, "trips": self._trips, "wait": max(self._until - now, 0.0)}

    def relearn(self, learned: Mapping[str, float], age: float, now: float) -> None:
        """Take over what another process learned `age` seconds ago."""
        self._failures, self._trips = (min(int(learned.get(name, 0)), _MOST) for name in ("failures", "trips"))
        self._failing_since = now
        self._until = now + max(learned.get("wait", 0.0) - age, 0.0)
        if learned.get("open"):
            self.state = BreakerState.OPEN

    def probe_now(self) -> None:
        """Let the next attempt through at once."""
        self._until = 0.0
