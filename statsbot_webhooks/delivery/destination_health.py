"""Whether a destination works: its breaker, whether its webhook exists, and saying so once per change."""

from __future__ import annotations

import logging
from enum import StrEnum

from ..config.destination import Destination
from .callbacks import Callbacks, Pause
from .circuit_breaker import BreakerState, CircuitBreaker
from .outcome import Outcome, Result

_log = logging.getLogger(__name__)


class DestinationState(StrEnum):
    """Whether a destination works, waits, or is out of use."""

    WORKING = "working"
    FAILING = "failing"
    GONE = "gone"
    OFF = "switched off"
    # A setting of privacy is wrong: nothing may be shown until it is right.
    HELD = "held"


class Health:
    """How a destination is. Fed with results; `now` is monotonic seconds."""

    def __init__(self, destination: Destination, breaker: CircuitBreaker, pause: Pause, links: Callbacks) -> None:
        self.breaker = breaker
        self.is_enabled = True
        self.hold_reason = ""
        # Where messages go and when the last one arrived, as far as this process knows.
        self.channel_id: int | None = None
        self.delivered_at: float | None = None
        self.last_error = ""
        self._destination = destination
        self._pause = pause
        self._links = links
        self._is_gone = False
        self._failing_since = 0.0

    @property
    def state(self) -> DestinationState:
        """How the destination is."""
        if self.hold_reason:
            return DestinationState.HELD
        if self._is_gone:
            return DestinationState.GONE
        if not self.is_enabled:
            return DestinationState.OFF
        return DestinationState.WORKING if self.breaker.state == BreakerState.CLOSED else DestinationState.FAILING

    def pause_seconds(self, now: float) -> float:
        """Return how long nothing at all may be sent."""
        return max(self._pause.until - now, 0.0)

    def revive(self) -> None:
        """Try a destination again that was gone."""
        self._is_gone = False

    def record_failure(self, result: Result, now: float) -> None:
        """Note a send that failed for a reason that is not the message's own."""
        self.last_error = result.reason
        if result.outcome == Outcome.GONE:
            self.give_up(result)
        elif result.stops_all:
            self._pause.until = max(self._pause.until, now + result.retry_after)
            _log.error("Discord blocks this address (429 without Via): nothing is sent for %.0f s", result.retry_after)
        elif self.breaker.record_failure(now, result.weight):
            self._failing_since = now
            name = self._destination.name
            self.say(f"webhook {name} fails ({result.reason}): its events wait until it works again")

    def record_success(self, now: float) -> float | None:
        """Note a success; returns for how long it had failed when this ended it."""
        return now - self._failing_since if self.breaker.record_success() else None

    def give_up(self, result: Result) -> None:
        """Note that Discord does not know the webhook any more."""
        if self._is_gone:
            return
        self._is_gone = True
        self.last_error = result.reason
        name, setting = self._destination.name, self._destination.setting
        self.say(
            f"{setting}: Discord does not know this webhook any more ({result.reason}). Its events go elsewhere "
            f"or wait; put the URL of an existing webhook there, or run /webhooks test {name} once it is back"
        )

    def say(self, text: str) -> None:
        """Tell a change of state: in the log, and in another destination that works."""
        _log.warning("%s", text)
        self._links.tell(self._destination.name, text)
