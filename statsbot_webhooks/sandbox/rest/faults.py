"""Scripted faults of a webhook: what goes wrong, how often or how long."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from .errors import Refusal
from .http import Body, reply

KINDS: Final = (
    "400", "413", "500", "502", "reset", "no_answer", "404", "401", "403", "429_global", "429_no_via", "slow", "html_200",
    "saved_html", "saved_reset",
)  # fmt: skip
# These happen after the message was posted: the sender cannot know that it was.
AFTER: Final = ("saved_html", "saved_reset")
_REFUSALS: Final = {
    "400": (400, 50035, "Invalid Form Body"),
    "413": (413, 40005, "Request entity too large"),
    "404": (404, 10015, "Unknown Webhook"),
    "401": (401, 50027, "Invalid Webhook Token"),
    "403": (403, 50013, "Missing Permissions"),
}


@dataclass(slots=True)
class Fault:
    """A fault that ends after `times` requests or at `until` (monotonic seconds), whichever comes first.

    With `match` it befalls only requests that hold the text, in their payload or in a file.
    """

    kind: str
    times: int | None
    until: float | None
    delay: float
    match: str | None = None

    def befalls(self, body: Body) -> bool:
        """Whether a request is one of those that it is for."""
        if self.match is None:
            return True
        texts = [json.dumps(body.payload, ensure_ascii=False), *(file.data.decode("utf-8", "replace") for file in body.files)]
        return any(self.match in text for text in texts)

    def take(self) -> bool:
        """Use the fault once; false when it is over."""
        if self.times == 0 or (self.until is not None and time.monotonic() >= self.until):
            return False
        if self.times is not None:
            self.times -= 1
        return True


async def answer(fault: Fault, request: web.Request, via: dict[str, str]) -> web.Response | None:
    """Return the faulty answer; `None` lets the request go on. Raises `Refusal`."""
    kind = fault.kind
    if kind in AFTER:
        return None
    if kind == "slow":
        await asyncio.sleep(fault.delay)
        return None
    if kind == "no_answer":
        await asyncio.sleep(fault.delay or 3600)
    if kind in ("reset", "no_answer"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if kind in _REFUSALS:
        raise Refusal(*_REFUSALS[kind])
    if kind == "429_global":
        wait = fault.delay or 1.0
        headers = {**via, "Retry-After": str(wait), "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
        body = {"message": "You are being rate limited.", "retry_after": wait, "global": True}
        return reply(body, 429, headers)
    if kind == "429_no_via":
        headers = {"Retry-After": str(int(fault.delay or 5)), "Content-Type": "text/html"}
        return web.Response(text="<title>Access denied</title>error code: 1015", status=429, headers=headers)
    if kind == "html_200":
        return web.Response(text="<html></html>", content_type="text/html", headers=via)
    if kind == "502":
        text = "<html><head><title>502 Bad Gateway</title></head></html>"
        return web.Response(text=text, status=502, content_type="text/html", headers=via)
    return reply({"message": "500: Internal Server Error", "code": 0}, 500, via)


def spoil(fault: Fault, request: web.Request, response: web.Response, via: dict[str, str]) -> web.Response:
    """Return what comes of the answer to a request that was carried out."""
    if fault.kind == "saved_html":
        return web.Response(text="<html></html>", content_type="text/html", headers=via)
    if fault.kind == "saved_reset" and request.transport is not None:
        request.transport.abort()
    return response
