"""Outcome of a request to Discord, as a value. `classify` is the whole table.

No other module reads the exceptions of discord.py; callers decide what follows from an outcome.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import aiohttp
import discord

# Discord's codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_WEBHOOK: Final = 10015
# Too many edits of messages in an announcement channel, and of a message older than an hour.
ANNOUNCEMENT_EDITS: Final = 20022
OLD_EDITS: Final = 30046
EDIT_LIMITS: Final = frozenset({ANNOUNCEMENT_EDITS, OLD_EDITS})
# GONE: the message of an edit, or its thread, was deleted. LOST: also when it is not ours, or had too many edits after an hour.
GONE_MESSAGE: Final = frozenset({UNKNOWN_CHANNEL, 10008})
LOST_MESSAGE: Final = GONE_MESSAGE | {OLD_EDITS, 50005}
# How many failures an outcome counts for; five trip a breaker by default. A server that fails, or gives no answer, fails for
# longer than a connection that could not be made; and each retry may post a copy.
_NEVER_LEFT_WEIGHT: Final = 2
_NO_ANSWER_WEIGHT: Final = 3
# A webhook's own limit ends after two seconds. A longer wait than this is an outage.
LONG_WAIT_SECONDS: Final = 3.0
# discord.py writes a line for each field that Discord names (errors.py, HTTPException).
_NAMED_FIELD: Final = re.compile(r"^In ([\w.]+): ", re.MULTILINE)


class Outcome(StrEnum):
    """How a request ended. RETRY: it never left or was not taken. UNKNOWN: it may have been carried out."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a message as Discord knows it."""

    id: int
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome with Discord's reason; `weight` is how many failures it counts for, `retry_after` is in seconds.

    `code` is Discord's number for the reason, and `fields` are the fields of the payload that it names. `message_id`,
    `channel_id` and `thread_id` say where a delivered message is, and `files` what is attached to it. `application_id` is the
    owner of a webhook that was looked up, and `guild_id` its server. `stops_all` is set when the address is blocked.
    """

    outcome: Outcome
    reason: str = ""
    status: int | None = None
    weight: int = 1
    retry_after: float = 0.0
    stops_all: bool = False
    code: int = 0
    fields: frozenset[str] = frozenset()
    message_id: int | None = None
    channel_id: int | None = None
    thread_id: int | None = None
    application_id: int | None = None
    guild_id: int | None = None
    files: tuple[SentFile, ...] = ()

    @property
    def is_about_buttons(self) -> bool:
        """Whether Discord refused a message for its buttons."""
        return self.outcome == Outcome.REJECTED and any(name.startswith("components") for name in self.fields)

    @property
    def is_final(self) -> bool:
        """Whether the webhook was deleted. Any other refusal may be an outage in disguise."""
        return self.outcome == Outcome.GONE and self.code == UNKNOWN_WEBHOOK


# Discord's statuses for a fault of the message itself (docs: HTTP response codes; 413 for files).
_ABOUT_MESSAGE: Final = (400, 413)


class EndedCallError(Exception):
    """An answer at which we end a call that discord.py would repeat by itself, uncounted and for up to minutes (W3, W4)."""

    def __init__(self, status: int, text: str = "", code: int = 0, retry_after: float | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.text = text
        self.code = code
        self.retry_after = retry_after


def classify(
    error: BaseException | None,
    *,
    status: int | None = None,
    retry_after: float | None = None,
    has_via: bool = False,
    is_written: bool = False,
) -> Result:
    """Return the result of a call of discord.py that raised `error`, or succeeded when that is None.

    `status` is the last one seen on the wire, `has_via` says that Discord itself answered, and `is_written` that the request
    left. The reason never holds a URL: discord.py's texts have none, and of other errors only the type is named.
    """
    if error is None:
        return Result(Outcome.DELIVERED, status=status)
    if isinstance(error, EndedCallError):
        result = _classify_status(error.status, f"{error.status} {error.text}".strip(), error.retry_after or retry_after, has_via)
        return replace(result, code=error.code)
    if isinstance(error, discord.HTTPException):
        # The answer of a proxy is an HTML page.
        text = error.text if error.text and not error.text.lstrip().startswith("<") else error.response.reason
        reason = f"{error.status} {text}"
        fields = frozenset(_NAMED_FIELD.findall(error.text))
        return replace(_classify_status(error.status, reason, retry_after, has_via), code=error.code, fields=fields)
    if isinstance(error, (aiohttp.ClientError, OSError, TimeoutError)):
        return _classify_connection(error, status, is_written=is_written)
    if status == 429:
        return _classify_status(429, "429 Too Many Requests", retry_after, has_via)
    if status is not None and 200 <= status < 300:
        return Result(Outcome.UNKNOWN, f"answer not understood ({type(error).__name__})", status, _NO_ANSWER_WEIGHT)
    return Result(Outcome.RETRY, f"{type(error).__name__} in the client", status)


def name_connection_error(error: BaseException) -> str:
    """Return why a request did not reach its server, without the exception's own text, which may hold the address."""
    return f"the proxy answered {error.status}" if isinstance(error, aiohttp.ClientHttpProxyError) else type(error).__name__


def _classify_connection(error: BaseException, status: int | None, *, is_written: bool) -> Result:
    is_timeout = isinstance(error, TimeoutError)
    if is_written and not isinstance(error, aiohttp.ClientConnectorError):
        reason = "no answer in time" if is_timeout else f"connection lost before the answer ({type(error).__name__})"
        return Result(Outcome.UNKNOWN, reason, status, _NO_ANSWER_WEIGHT)
    reason = "no answer in time" if is_timeout else f"connection failed ({name_connection_error(error)})"
    return Result(Outcome.RETRY, reason, status, _NEVER_LEFT_WEIGHT)


def _classify_status(status: int, reason: str, retry_after: float | None, has_via: bool) -> Result:
    if status in (401, 403, 404):
        return Result(Outcome.GONE, reason, status)
    if status == 429:
        if has_via:
            return Result(Outcome.RETRY, reason, status, retry_after=retry_after or 0.0)
        # Cloudflare answered: the address is blocked, for every webhook.
        return Result(Outcome.RETRY, reason, status, retry_after=retry_after or 60.0, stops_all=True)
    if status >= 500 or (status >= 400 and status not in _ABOUT_MESSAGE):
        # Also the answer of a gateway that gave up waiting (408, 499 and others), while the message is in the channel.
        return Result(Outcome.UNKNOWN, reason, status, _NO_ANSWER_WEIGHT)
    if status < 400:
        # Something in front of Discord answered, and did not pass the request on.
        return Result(Outcome.RETRY, reason, status, _NEVER_LEFT_WEIGHT)
    return Result(Outcome.REJECTED, reason, status)
