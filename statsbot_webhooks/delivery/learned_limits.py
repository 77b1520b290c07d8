"""Learned limits: hand budgets, bursts, breakers and refusals over to the process of a fleet that sends next.

What left in the last minute is in the outbox (`recent_sends`). Nothing is decided or learned here.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Final, cast

from ..clock import Clock
from .destination_health import Health
from .invalid_requests import InvalidRequests
from .outbox_client import OutboxClient
from .rate_limiter import ChannelLimiters

_log = logging.getLogger(__name__)
_OF_ADDRESS: Final = ""
_MOST: Final = 1e9


class LearnedLimits:
    """What one destination, and the address of all, has learned: stored when it changes, and taken up once."""

    def __init__(self, name: str, webhook_id: int, health: Health, limiters: ChannelLimiters, invalid: InvalidRequests) -> None:
        self._name, self._webhook_id = name, webhook_id
        self._health, self._limiters, self._invalid = health, limiters, invalid
        self._kept = self._marks

    @property
    def _marks(self) -> tuple[object, ...]:
        health = self._health
        return self._limiters.limiter(self._name).marks, health.breaker.marks, health.outage_marks

    async def keep(self, outbox: OutboxClient, clock: Clock) -> None:
        """Store what changed; what could not be stored is tried again by the next call."""
        now = clock.monotonic()
        marks = self._invalid.marks
        if marks != self._invalid.kept and await outbox.keep_limits(_OF_ADDRESS, json.dumps(self._invalid.learned())):
            self._invalid.kept = marks
        if (marks := self._marks) != self._kept:
            health = self._health
            known: dict[str, Any] = {
                "webhook": self._webhook_id,
                "channel": self._limiters.limiter(self._name).learned(),
                "breaker": health.breaker.learned(now),
                "outage": health.learned_outage(now),
            }
            if await outbox.keep_limits(self._name, json.dumps(known)):
                self._kept = marks

    async def take_up(self, outbox: OutboxClient, clock: Clock) -> None:
        """Take over what another process stored, once in a term; nothing when the destination has another webhook since."""
        done = self._limiters.taken_up
        address = None if _OF_ADDRESS in done else await outbox.kept_limits(_OF_ADDRESS)
        own = None if self._name in done else await outbox.kept_limits(self._name)
        # Other workers may have done so during the reads.
        if _OF_ADDRESS not in done and address is not None:
            self._invalid.relearn(_numbers(_read(address[0])), address[1])
            self._invalid.kept = self._invalid.marks
        is_done = self._name in done
        done |= {_OF_ADDRESS, self._name}
        if is_done or own is None:
            return
        known, age, now = _read(own[0]), own[1], clock.monotonic()
        if known.get("webhook") != self._webhook_id:
            return
        outage = _mapping(known.get("outage"))
        texts = {key: text for key, text in outage.items() if isinstance(text, str)}
        self._limiters.limiter(self._name).relearn(_numbers(known.get("channel")), age)
        self._health.breaker.relearn(_numbers(known.get("breaker")), age, now)
        self._health.relearn_outage(texts, _numbers(outage), age, now)
        self._kept = self._marks


def _read(text: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        _log.warning("what another process learned of Discord's limits cannot be read and is left out")
        return {}


def _mapping(values: object) -> dict[str, Any]:
    return cast("dict[str, Any]", values) if isinstance(values, dict) else {}


def _numbers(values: object) -> dict[str, float]:
    """Return the values that are plausible numbers."""
    return {key: each for key, each in _mapping(values).items() if isinstance(each, (int, float)) and 0 <= each < _MOST}
