"""How a send ended, as a value. `classify` is the whole table; nothing else reads discord.py's exceptions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import aiohttp
import discord

# discord.py retries a 5xx five times by itself (webhook/async_.py, AsyncWebhookAdapter.request).
SERVER_ERROR_WEIGHT: Final = 5
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json: unknown channel (a thread that was deleted),
# unknown message, too many edits of a message older than an hour, a message of somebody else.
LOST_MESSAGE: Final = frozenset({10003, 10008, 30046, 50005})


class Outcome(StrEnum):
    """What a send came to."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome with Discord's reason; `weight` is how many failures it counts for, `retry_after` is in seconds.

    `code` is Discord's number for the reason; `message_id`, `channel_id` and `thread_id` tell where a delivered message is.
    """

    outcome: Outcome
    reason: str = ""
    status: int | None = None
    weight: int = 1
    retry_after: float = 0.0
    stops_all: bool = False
    code: int = 0
    message_id: int | None = None
    channel_id: int | None = None
    thread_id: int | None = None


def classify(
    error: BaseException | None, *, status: int | None = None, retry_after: float | None = None, has_via: bool = False
) -> Result:
    """Return the result for what `Webhook.send` raised; `status` is the last one seen on the wire, `has_via` whose it was.

    The reason never holds a URL: discord.py's texts have none, and of other errors only the type is named.
    """
    if error is None:
        return Result(Outcome.DELIVERED, status=status)
    if isinstance(error, discord.RateLimited):
        return Result(Outcome.RETRY, "429 Too Many Requests", 429, retry_after=error.retry_after)
    if isinstance(error, discord.HTTPException):
        reason = f"{error.status} {error.text or error.response.reason}"
        return replace(_classify_status(error.status, reason, retry_after, has_via), code=error.code)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return Result(Outcome.RETRY, "no answer in time", status)
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return Result(Outcome.RETRY, f"connection failed ({type(error).__name__})", status)
    if status == 429:
        # A 429 with a text body makes discord.py raise TypeError (W4).
        return _classify_status(429, "429 Too Many Requests", retry_after, has_via)
    if status is not None and 200 <= status < 300:
        return Result(Outcome.UNKNOWN, f"answer not understood ({type(error).__name__})", status)
    return Result(Outcome.RETRY, f"{type(error).__name__} in the client", status)


def _classify_status(status: int, reason: str, retry_after: float | None, has_via: bool) -> Result:
    if status in (401, 403, 404):
        return Result(Outcome.GONE, reason, status)
    if status == 429:
        if has_via:
            # discord.py waited and tried five times already.
            return Result(Outcome.RETRY, reason, status, weight=SERVER_ERROR_WEIGHT, retry_after=retry_after or 0.0)
        # Cloudflare answered: the address is blocked, for every webhook.
        return Result(Outcome.RETRY, reason, status, retry_after=retry_after or 60.0, stops_all=True)
    if status >= 500:
        return Result(Outcome.RETRY, reason, status, weight=SERVER_ERROR_WEIGHT)
    return Result(Outcome.REJECTED, reason, status)
