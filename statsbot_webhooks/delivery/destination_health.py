"""Destination health: the breaker, whether the webhook exists, and reporting each change once.

What is sent when, and what becomes of the events, is decided by the worker.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from ..config.destination import Destination
from ..events.factory import Outage
from ..events.time_text import format_count, format_exact_span
from .callbacks import Callbacks, Pause
from .circuit_breaker import BreakerState, CircuitBreaker
from .outcome import LONG_WAIT_SECONDS, Outcome, Result

_log = logging.getLogger(__name__)
# A webhook that is refused, but not with Discord's code for a deleted one, is checked again after these times.
_FIRST_LOOK_SECONDS: Final = 30.0
_LAST_LOOK_SECONDS: Final = 86_400.0
_GROWTH: Final = 2.0
_LONG_OUTAGE_SECONDS: Final = 60.0
# More than any breaker needs to trip.
_AT_ONCE: Final = 1_000_000


class DestinationState(StrEnum):
    """Whether a destination works, waits, or is out of use."""

    WORKING = "working"
    FAILING = "failing"
    GONE = "gone"
    OFF = "switched off"
    # A setting of privacy is wrong: nothing may be shown until it is right.
    HELD = "held"


class Health:
    """The state of one destination, derived from results. `now` is monotonic seconds."""

    def __init__(self, destination: Destination, breaker: CircuitBreaker, pause: Pause, links: Callbacks) -> None:
        self.breaker = breaker
        self.is_enabled = True
        self.hold_reason = ""
        # Where messages go, and when the last one of this process arrived (wall clock).
        self.channel_id: int | None = None
        self.delivered_at: float | None = None
        self.last_error = ""
        self._destination = destination
        self._pause = pause
        self._links = links
        self._gone: Result | None = None
        self._look_at = 0.0
        self._look_seconds = _FIRST_LOOK_SECONDS
        # Whether Discord refuses every message because of the thread, forum or channel it goes to.
        self.is_refused = False
        self._failing_since: float | None = None
        self._told_in = ""
        self._outage: Outage | None = None
        self._outage_since = 0.0

    @property
    def state(self) -> DestinationState:
        """The state of the destination; a hold comes before everything else."""
        if self.hold_reason:
            return DestinationState.HELD
        if self._gone is not None:
            return DestinationState.GONE
        if not self.is_enabled:
            return DestinationState.OFF
        return DestinationState.WORKING if self.breaker.state == BreakerState.CLOSED else DestinationState.FAILING

    def pause_seconds(self, now: float) -> float:
        """Return for how many seconds nothing may be sent to any destination."""
        return max(self._pause.until - now, 0.0)

    def look_seconds(self, now: float) -> float | None:
        """Return the seconds until a webhook that is gone is checked again; `None` when it was deleted."""
        return None if self._gone is None or self._gone.is_final else max(self._look_at - now, 0.0)

    def next_try_seconds(self, now: float) -> float | None:
        """Return the seconds until the next try; `None` when nothing is wrong, or no try will follow."""
        if self._gone is not None:
            return self.look_seconds(now)
        wait = max(self.pause_seconds(now), self.breaker.pause_seconds(now))
        return wait if wait or self.state == DestinationState.FAILING else None

    def revive(self) -> None:
        """Try a destination at once that was gone or waits for its next try."""
        self._gone = None
        self._look_seconds = _FIRST_LOOK_SECONDS
        self.breaker.probe_now()

    @property
    def outage_marks(self) -> tuple[object, ...]:
        """A value that changes only when an outage is reported: then the next process that sends has to know."""
        return self._outage, self._told_in

    def learned_outage(self, now: float) -> dict[str, Any]:
        """Return what was reported of an outage, so that the next process that sends continues its card."""
        if self._outage is None:
            return {}
        since = self._outage_since if self._failing_since is None else self._failing_since
        known = {"key": self._outage.key, "problem": self._outage.problem, "where": self._told_in}
        return {**known, "seconds": now - self._outage_since, "failing": now - since}

    def relearn_outage(self, texts: Mapping[str, str], seconds: Mapping[str, float], age: float, now: float) -> None:
        """Continue the outage that another process reported, as it stood `age` seconds ago."""
        if key := texts.get("key"):
            self._outage = Outage(key, self._destination.name, problem=texts.get("problem", ""))
            self._told_in = texts.get("where", "")
            self._outage_since = now - seconds.get("seconds", 0.0) - age
            self._failing_since = now - seconds.get("failing", 0.0) - age

    def record_failure(self, result: Result, now: float, next_seconds: float = 0.0) -> None:
        """Record a failure that is not the message's own; `next_seconds` is when the budget allows another request."""
        self.last_error = result.reason
        if result.outcome == Outcome.GONE:
            self.give_up(result, now)
            return
        if result.stops_all:
            self._pause.until = max(self._pause.until, now + result.retry_after)
            text = f"Discord blocks this address (429 without Via): nothing is sent for {result.retry_after:.0f} s"
            _log.error("%s", text)
            # Its event waits, and is shown when messages leave again.
            self._links.tell("", text, "", None)
            return
        at_least = result.retry_after if result.retry_after > LONG_WAIT_SECONDS else 0.0
        if self.breaker.record_failure(now, result.weight, at_least, next_seconds):
            self._tell_outage(now, f"({result.reason}). Its events wait", now)

    def record_refusal(self, result: Result, now: float, way_out: str) -> None:
        """Record that Discord refuses messages because of the place; `way_out` says what can be done about it."""
        self.last_error = f"{result.reason}; {way_out}"
        self.is_refused = True
        if self.breaker.record_failure(now, _AT_ONCE):
            since = now if self._failing_since is None else self._failing_since
            text = f"takes no messages ({result.reason}): {way_out}. Its events go elsewhere or wait"
            self._tell_outage(since, text, now)

    def _tell_outage(self, since: float, text: str, now: float) -> None:
        self._failing_since = since
        seconds = self.breaker.pause_seconds(now)
        verb = "" if self.is_refused else "fails "
        # No time of the next try: the card stays, and the time would soon be past.
        tries = f"; it is tried again after {format_exact_span(seconds)}, and then at growing intervals"
        whole = f"{self._destination.setting}: webhook {self._destination.name} {verb}{text}{tries}"
        self._told_in = self._say_outage(whole, f"{self._destination.setting}: {self.last_error}", now)

    def _say_outage(self, text: str, problem: str, now: float) -> str:
        """Report that the destination fails, or that the reason changed: one outage has one card.

        `problem` is what the card still says when the outage is over.
        """
        if self._outage is None:
            self._outage_since = now
            # A random key, so that a second outage of the destination has a card of its own, in every process.
            self._outage = Outage(secrets.token_hex(4), self._destination.name)
        seconds = now - self._outage_since
        self._outage = replace(self._outage, problem=problem, seconds=seconds)
        return self._say(text, self._told_in, self._outage)

    def _say_recovery(self, text: str, where: str, now: float) -> None:
        outage, self._outage, self._told_in = self._outage, None, ""
        if outage is not None:
            outage = replace(outage, seconds=now - self._outage_since, is_over=True)
        self._say(text, where, outage)

    def record_success(self, now: float, waiting: int) -> None:
        """Record a success; when it ends an outage, that is reported with the number of events `waiting`."""
        self.is_refused = False
        if not self.breaker.record_success() or self._failing_since is None:
            return
        seconds, self._failing_since = now - self._failing_since, None
        events = format_count(waiting, "event")
        text = f"webhook {self._destination.name} works again after {seconds:.0f} s; {events} waited"
        # A longer outage that could be reported nowhere is reported when it ends, in the channel itself.
        own = self._destination.name if seconds >= _LONG_OUTAGE_SECONDS else ""
        self._say_recovery(text, self._told_in or own, now)

    def give_up(self, result: Result, now: float) -> None:
        """Record that Discord refuses the webhook itself, and report it once."""
        is_news = self._gone is None or result.is_final > self._gone.is_final
        if self._gone is None:
            self.postpone_look(now)
        self.last_error = result.reason
        self._gone = result
        if not is_news:
            return
        name, setting = self._destination.name, self._destination.setting
        if result.is_final:
            text = (
                f"{setting}: Discord does not know this webhook any more ({result.reason}). Its events go elsewhere "
                f"or wait; put the URL of an existing webhook there, or run /webhooks test {name} once it is back"
            )
        else:
            pause = format_exact_span(self._look_at - now)
            text = (
                f"{setting}: Discord refuses this webhook ({result.reason}). Its events go elsewhere or wait; it is looked at "
                f"again after {pause}, and then less often. If the URL is wrong, put the right one there"
            )
        self._told_in = self._say_outage(text, text, now) or self._told_in

    def postpone_look(self, now: float) -> None:
        """Plan the next check of a webhook that is gone, after twice the last pause."""
        self._look_at = now + self._look_seconds
        self._look_seconds = min(self._look_seconds * _GROWTH, _LAST_LOOK_SECONDS)

    def come_back(self, now: float) -> None:
        """Record that Discord accepts a webhook again, and report it where the refusal was reported."""
        self.revive()
        name = self._destination.name
        self._say_recovery(f"webhook {name} is there again; its events go to it", self._told_in or name, now)

    def say(self, text: str, where: str = "") -> str:
        """Report a change in the log and in another working destination, `where` if possible; returns which one."""
        return self._say(text, where, None)

    def _say(self, text: str, where: str, outage: Outage | None) -> str:
        _log.warning("%s", text)
        return self._links.tell(self._destination.name, text, where, outage)
