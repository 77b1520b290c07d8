"""A circuit breaker: fed with results, asked for permission, given the time; no I/O."""

from __future__ import annotations

import random
from enum import StrEnum
from typing import Final

_GROWTH: Final = 2.0
_CAP_SECONDS: Final = 600.0
_JITTER: Final = 0.2


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
        self._trips = 0
        self._until = 0.0
        self.state = BreakerState.CLOSED

    def configure(self, *, failures: int, cooldown_seconds: float) -> None:
        """Go on with other settings; what happened so far counts."""
        self._limit, self._cooldown = failures, cooldown_seconds

    def wait_seconds(self, now: float) -> float:
        """Return how long to wait before the next attempt; 0 turns OPEN into HALF_OPEN: the caller is the probe."""
        if self.state is BreakerState.OPEN:
            if now < self._until:
                return self._until - now
            self.state = BreakerState.HALF_OPEN
        return 0.0

    def record_success(self) -> bool:
        """Note a success; True when it closed the breaker."""
        was_closed = self.state is BreakerState.CLOSED
        self.state = BreakerState.CLOSED
        self._failures = self._trips = 0
        return not was_closed

    def record_failure(self, now: float, weight: int = 1) -> bool:
        """Note a failure; True when it tripped the breaker for the first time since the last success."""
        self._failures += weight
        if self.state is not BreakerState.HALF_OPEN and self._failures < self._limit:
            return False
        pause = min(self._cooldown * _GROWTH**self._trips, max(_CAP_SECONDS, self._cooldown))
        self._until = now + pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads retries, no secret
        self._trips += 1
        self.state = BreakerState.OPEN
        return self._trips == 1
