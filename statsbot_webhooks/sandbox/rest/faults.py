"""Scripted faults of a webhook: what goes wrong, how often or how long, and which requests it befalls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from aiohttp import web

from ..clock import SandboxClock
from .errors import JSON, Refusal
from .http import VIA, Body, reply

_HTML: Final = "<html><head><title>{title}</title></head><body>{title}</body></html>"
_USERNAME: Final[JSON] = {
    "username": {"_errors": [{"code": "USERNAME_INVALID_CONTAINS", "message": 'Username cannot contain "here"'}]}
}
# Refusals with Discord's code: status, code, message and what is wrong with which field.
_REFUSALS: Final[dict[str, tuple[int, int, str, JSON | None]]] = {
    "400": (400, 50035, "Invalid Form Body", None),
    "413": (413, 40005, "Request entity too large", None),
    "404": (404, 10015, "Unknown Webhook", None),
    "401": (401, 50027, "Invalid Webhook Token", None),
    "403": (403, 50013, "Missing Permissions", None),
    "404_channel": (404, 10003, "Unknown Channel", None),
    "thread_archived": (400, 50083, "Thread is archived", None),
    "thread_locked": (400, 160005, "Thread is locked", None),
    "tags_required": (400, 40067, "A tag is required to create a forum post in this channel", None),
    "too_many_threads": (400, 160006, "Maximum number of active threads reached", None),
    "username_refused": (400, 50035, "Invalid Form Body", _USERNAME),
    # An outage may answer so: the code says nothing of the webhook.
    "401_bare": (401, 0, "401: Unauthorized", None),
    "403_bare": (403, 0, "403: Forbidden", None),
    "404_bare": (404, 0, "404: Not Found", None),
}
# Answers in HTML, from what stands before Discord: status, title, and whether Discord's own proxy passed it on.
_PAGES: Final = {
    "502": (502, "502 Bad Gateway", True),
    "503": (503, "503 Service Unavailable", True),
    "504": (504, "504 Gateway Time-out", True),
    "html_200": (200, "OK", True),
    "403_html": (403, "Access denied", False),
    "404_html": (404, "404 Not Found", True),
}
# Limits: status 429 with a code, a text, and its scope.
_LIMITS: Final = {
    "429": (0, "You are being rate limited.", "user"),
    "429_shared": (0, "The resource is being rate limited.", "shared"),
    "429_global": (0, "You are being rate limited.", "global"),
    "announcement_edits": (20022, "This message cannot be edited due to announcement rate limits.", "user"),
    "old_edits": (30046, "Maximum number of edits to messages older than 1 hour reached. Try again later", "user"),
}
# These happen after the message was posted: the sender cannot know that it was.
AFTER: Final = ("saved_html", "saved_reset", "saved_no_answer", "saved_500", "saved_502")
KINDS: Final = (*_REFUSALS, *_PAGES, *_LIMITS, "429_no_via", "500", "reset", "no_answer", "slow", *AFTER)
# The requests that a fault is about; all others of the webhook go on as before.
_ABOUT: Final[dict[str, Callable[[web.Request, Body], object]]] = {
    "username_refused": lambda request, body: "username" in _payload(body),
    "tags_required": lambda request, body: "thread_name" in _payload(body) and not _payload(body).get("applied_tags"),
    "too_many_threads": lambda request, body: "thread_name" in _payload(body),
    "thread_archived": lambda request, body: "thread_id" in request.query,
    "thread_locked": lambda request, body: "thread_id" in request.query,
    "announcement_edits": lambda request, body: request.method == "PATCH",
    "old_edits": lambda request, body: request.method == "PATCH",
    # The look-ups by which a sender finds out what became of a message are not lost with it.
    **dict.fromkeys(AFTER, lambda request, body: request.method != "GET"),
}


@dataclass(slots=True)
class Fault:
    """A fault that ends after `times` requests or at `until` (monotonic seconds), whichever comes first.

    `delay` is in seconds: how long a slow answer takes, or what `retry_after` says. With `match` it befalls only requests
    that hold the text, in their payload or in a file; with `methods` only those, as ("POST", "PATCH").
    """

    kind: str
    times: int | None
    until: float | None
    delay: float
    match: str | None = None
    methods: tuple[str, ...] | None = None

    def befalls(self, request: web.Request, body: Body) -> bool:
        """Whether a request is one of those that it is for."""
        if self.methods is not None and request.method not in self.methods:
            return False
        about = _ABOUT.get(self.kind)
        if about is not None and not about(request, body):
            return False
        if self.match is None:
            return True
        texts = [json.dumps(body.payload, ensure_ascii=False), *(file.data.decode("utf-8", "replace") for file in body.files)]
        return any(self.match in text for text in texts)

    def take(self, now: float) -> bool:
        """Use the fault once; false when it is over."""
        if self.times == 0 or (self.until is not None and now >= self.until):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The fault of each webhook, by its name."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self.by_name: dict[str, Fault] = {}

    def set(
        self, name: str, kind: str, *, times: int | None = None, seconds: float | None = None, delay: float = 0.0,
        match: str | None = None, methods: tuple[str, ...] | None = None,
    ) -> None:  # fmt: skip
        """Let a webhook fail; raises `ValueError` for a kind that there is not."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        until = None if seconds is None else self._clock.monotonic() + seconds
        self.by_name[name] = Fault(kind, times, until, delay, match, methods)

    def heal(self, name: str) -> None:
        """End a fault."""
        self.by_name.pop(name, None)

    def take(self, name: str, request: web.Request, body: Body) -> Fault | None:
        """Return the fault that befalls a request, used once."""
        fault = self.by_name.get(name)
        if fault is None or not fault.befalls(request, body):
            return None
        if fault.take(self._clock.monotonic()):
            return fault
        del self.by_name[name]
        return None

    async def answer(self, fault: Fault, request: web.Request) -> web.Response | None:
        """Return the faulty answer; `None` lets the request go on. Raises `Refusal`."""
        kind = fault.kind
        if kind in AFTER:
            return None
        if kind == "slow":
            await self._clock.sleep(fault.delay)
            return None
        if kind == "no_answer":
            await self._clock.sleep(fault.delay or 3600)
        if kind in ("reset", "no_answer"):
            return _reset(request)
        if kind in _REFUSALS:
            raise Refusal(*_REFUSALS[kind])
        if kind in _LIMITS:
            return _limited(*_LIMITS[kind], fault.delay or 1.0)
        if kind == "429_no_via":
            # Cloudflare itself: discord.py takes a 429 without the header for a ban of the address.
            headers = {"Retry-After": str(int(fault.delay or 5)), "Content-Type": "text/html"}
            return web.Response(text="<title>Access denied</title>error code: 1015", status=429, headers=headers)
        if kind in _PAGES:
            return _page(kind)
        return reply({"message": "500: Internal Server Error", "code": 0}, 500)

    async def spoil(self, fault: Fault, request: web.Request, response: web.Response) -> web.Response:
        """Return what comes of the answer to a request that was carried out."""
        if fault.kind == "saved_no_answer":
            await self._clock.sleep(fault.delay or 3600)
        if fault.kind in ("saved_reset", "saved_no_answer"):
            return _reset(request)
        if fault.kind == "saved_500":
            return reply({"message": "500: Internal Server Error", "code": 0}, 500)
        if fault.kind in ("saved_html", "saved_502"):
            return _page("html_200" if fault.kind == "saved_html" else "502")
        return response


def _payload(body: Body) -> JSON:
    payload: object = body.payload
    return cast(JSON, payload) if isinstance(payload, dict) else {}


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _limited(code: int, text: str, scope: str, wait: float) -> web.Response:
    headers = {**VIA, "Retry-After": str(wait), "X-RateLimit-Scope": scope}
    if scope == "global":
        headers["X-RateLimit-Global"] = "true"
    body: JSON = {"message": text, "retry_after": wait, "global": scope == "global"}
    return reply(body | ({"code": code} if code else {}), 429, headers)


def _page(kind: str) -> web.Response:
    status, title, passed = _PAGES[kind]
    text = _HTML.format(title=title)
    return web.Response(text=text, status=status, content_type="text/html", headers=VIA if passed else None)
