"""Invalid requests: count the answers that lead to Discord's ban of an address, and pause everything before. Sends nothing."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

from ..clock import Clock
from .callbacks import Pause
from .response_headers import WebhookResponse

_log = logging.getLogger(__name__)
# https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans: 10,000 in 10 minutes.
_WINDOW_SECONDS: Final = 600.0
# Precision of the times that the next process that sends is given.
_STEP_SECONDS: Final = 10
_MOST: Final = 10_000
_INVALID: Final = (401, 403, 429)


class InvalidRequests:
    """Pause all destinations when `limit` requests of the last 10 minutes were answered with 401, 403 or 429.

    `say(text)` reports it in a channel, once sending is allowed again.
    """

    def __init__(self, limit: int, clock: Clock, pause: Pause, say: Callable[[str], object]) -> None:
        self._limit = limit
        self._clock = clock
        self._pause = pause
        self._say = say
        self._times: deque[float] = deque()
        # The marks of what was stored last for the next process that sends.
        self.kept = self.marks

    def configure(self, limit: int) -> None:
        """Apply another limit; requests counted so far still count."""
        self._limit = limit

    @property
    def marks(self) -> tuple[float, ...]:
        """A value that changes only when something is counted: then the next process that sends has to know."""
        return self._times[-1] if self._times else 0.0, self._pause.until

    def learned(self) -> dict[str, float]:
        """Return the pause left, and how many requests were refused how many seconds ago (key: seconds as text)."""
        now = self._clock.monotonic()
        ages = Counter(int((now - time) // _STEP_SECONDS * _STEP_SECONDS) for time in self._times if self.count)
        return {"pause": max(self._pause.until - now, 0.0), **{str(age): count for age, count in ages.items()}}

    def relearn(self, learned: Mapping[str, float], age: float) -> None:
        """Add what another process had counted `age` seconds ago, and keep its pause."""
        now = self._clock.monotonic()
        if (pause := learned.get("pause", 0.0) - age) > 0:
            self._pause.until = max(self._pause.until, now + pause)
        ages = {int(key) + age: min(int(count), _MOST) for key, count in learned.items() if key.isascii() and key.isdigit()}
        times = [now - each for each, count in ages.items() if each < _WINDOW_SECONDS for _ in range(count)]
        self._times = deque(sorted([*self._times, *times]))

    @property
    def count(self) -> int:
        """How many there were in the last 10 minutes."""
        since = self._clock.monotonic() - _WINDOW_SECONDS
        while self._times and self._times[0] <= since:
            self._times.popleft()
        return len(self._times)

    def note(self, answer: WebhookResponse) -> None:
        """Count an answer if it is invalid; a limit shared with others is not our mistake."""
        if answer.status not in _INVALID or answer.is_shared:
            return
        now = self._clock.monotonic()
        self._times.append(now)
        if self.count < self._limit or self._pause.until > now:
            return
        # Until half of them have left the window.
        seconds = self._times[len(self._times) // 2] + _WINDOW_SECONDS - now
        self._pause.until = now + seconds
        text = (
            f"{len(self._times)} requests of the last 10 minutes were refused with 401, 403 or 429. Discord blocks an address "
            f"after 10,000, so nothing is sent for {seconds:.0f} s (WEBHOOK_MAX_INVALID_REQUESTS={self._limit})"
        )
        _log.error("%s", text)
        self._say(text)
