"""The rate budget: 5 requests in 2 s for each webhook, 30 in 60 s for each channel, true in every sliding window."""

from __future__ import annotations

from typing import Final

from aiolimiter import AsyncLimiter

# https://github.com/discord/discord-api-docs/issues/1454: the channel's limit, which no header shows.
_WINDOW_SECONDS: Final = 60.0
# The server's window and ours begin at different times; this much longer keeps the last request out of it.
_MARGIN_SECONDS: Final = 1.0
_BURST: Final = 5


def make_limiter(max_requests_per_minute: int) -> AsyncLimiter:
    """Return a leaky bucket that lets at most so many requests through in any 60 s, and 5 in any 2 s.

    A bucket of capacity c and period p lets c + 60c/p through in its first minute, so p is chosen for the sum.
    """
    window = _WINDOW_SECONDS + _MARGIN_SECONDS
    burst = max(min(_BURST, max_requests_per_minute // 2), 1)
    if max_requests_per_minute == burst:
        return AsyncLimiter(1, window)
    return AsyncLimiter(burst, window * burst / (max_requests_per_minute - burst))


class ChannelLimiters:
    """One limiter for each channel; until a webhook's channel is known it has its own."""

    def __init__(self, max_requests_per_minute: int) -> None:
        self._per_minute = max_requests_per_minute
        self._limiters: dict[object, AsyncLimiter] = {}

    def limiter(self, key: object) -> AsyncLimiter:
        """Return the limiter that all webhooks of a channel share."""
        if key not in self._limiters:
            self._limiters[key] = make_limiter(self._per_minute)
        return self._limiters[key]
