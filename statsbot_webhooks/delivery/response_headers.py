"""Response headers: what status and headers of Discord's answer say of limits. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """An answer to a request of one destination; `retry_after` is in seconds.

    `has_via` is set on Discord's own answers, and not on those of Cloudflare, which blocks addresses. `is_shared` says that
    others used up the limit too, so the sender made no mistake. `code` is Discord's own, with a 429 or 5xx only.
    """

    destination: str
    method: str
    status: int
    limit: int | None = None
    remaining: int | None = None
    retry_after: float | None = None
    has_via: bool = False
    is_shared: bool = False
    code: int = 0


# A longer time may be an error: after a day a request is tried again.
_LONGEST_SECONDS: Final = 86_400.0


def parse_response(destination: str, method: str, status: int, headers: Mapping[str, str]) -> WebhookResponse:
    """Return what an answer says; a header that is no number counts as missing."""
    limit, remaining = _number(headers, "X-RateLimit-Limit"), _number(headers, "X-RateLimit-Remaining")
    return WebhookResponse(
        destination,
        method,
        status,
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else int(remaining),
        retry_after=read_seconds(headers.get("Retry-After")),
        has_via="Via" in headers,
        is_shared=headers.get("X-RateLimit-Scope") == "shared",
    )


def read_seconds(value: object) -> float | None:
    """Return the seconds of a `Retry-After` value, at most a day; `None` for what is no time."""
    seconds = _read(value)
    return None if seconds is None else min(seconds, _LONGEST_SECONDS)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    value = _read(headers.get(name))
    return value if value is not None and value < 1e9 else None


def _read(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, (str, int, float)) else -1.0
    except (ValueError, OverflowError):
        return None
    return number if number >= 0 else None
