"""The REST side: finds what answers a request, puts limits and faults before webhooks, and keeps a list of requests.

What a route does is in the file of its subject.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from ..messages import MessageStore
from ..moderation import Moderation
from ..state import State, Webhook
from . import interactions, webhook_routes
from .account import BotAccount
from .bot_routes import BotRoutes
from .channel_routes import ChannelRoutes
from .command_routes import CommandRoutes
from .errors import Refusal, invalid_body
from .faults import Faults
from .guild_routes import GuildRoutes
from .http import VIA, Body, read_body, reply
from .interactions import Interactions
from .member_routes import MemberRoutes
from .message_routes import MessageRoutes
from .routing import Call, Routes, not_implemented
from .rules import NAMES, STRICT_NAMES, OldEdits, RateLimits
from .thread_routes import ThreadRoutes
from .webhook_routes import WebhookRoutes

_log = logging.getLogger(__name__)
# What reading a body of another shape ends in. Discord refuses such a body; discord.py would repeat a 500 five times.
_MISREAD: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# What counts towards https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
_INVALID: Final = (401, 403, 429)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in, and how it was answered. `at` is monotonic seconds."""

    at: float
    method: str
    path: str
    webhook: str | None
    status: int
    payload: Any
    files: tuple[str, ...]
    response: Any


class Rest:
    """Answers requests from the state. All calls on the server's thread."""

    def __init__(
        self, state: State, messages: MessageStore, moderation: Moderation, bot: BotAccount, *, limits: bool, strict_names: bool
    ) -> None:  # fmt: skip
        self._state = state
        self._clock = state.clock
        self.bot = bot
        self._limits = RateLimits(state.clock.monotonic) if limits else None
        old_edits, names = OldEdits(state.clock, on=limits), STRICT_NAMES if strict_names else NAMES
        self._webhooks = WebhookRoutes(state, messages, old_edits, names)
        self.interactions = Interactions(state, messages, bot.user)
        self.faults = Faults(state.clock)
        guilds = GuildRoutes(state, bot)
        channels = ChannelRoutes(state, bot, guilds, names)
        self._routes = Routes()
        for part in (
            BotRoutes(state, bot, moderation), CommandRoutes(state, bot), guilds, MemberRoutes(state, bot, guilds, moderation),
            MessageRoutes(state, bot, messages, old_edits), ThreadRoutes(state, bot, channels, messages), channels,
        ):  # fmt: skip
            part.add_to(self._routes)
        self.requests: list[Request] = []
        self.invalid_requests = 0

    @property
    def routes(self) -> list[str]:
        """Every route that is implemented."""
        return [*self._routes.names(), *webhook_routes.ROUTES, *interactions.ROUTES]

    def start(self, base_url: str) -> None:
        """Tell every part under which address this server is known."""
        self._webhooks.base_url = self.interactions.base_url = self.bot.base_url = base_url

    def add_routes(self, app: web.Application) -> None:
        """Add every route."""
        app.router.add_get("/attachments/{channel}/{id}/{name}", self.attachment)
        app.router.add_route("*", "/api/{tail:.*}", self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer and record one request."""
        parts = [part for part in request.match_info["tail"].split("/") if part]
        # The version may be left out.
        if parts and parts[0][:1] == "v" and parts[0][1:].isdigit():
            parts = parts[1:]
        webhook = self._find_webhook(parts)
        body, headers = Body(None), dict(VIA)
        try:
            body = await read_body(request)
            if webhook is not None:
                response = await self._webhook(request, webhook, parts, body, headers)
            else:
                response = self._answer(request, parts, body)
        except Refusal as refusal:
            if refusal.status == 429:
                headers["Retry-After"] = str(refusal.body()["retry_after"])
            response = reply(refusal.body(), refusal.status, headers)
        except _MISREAD as error:
            _log.warning("%s %s has a body that the sandbox cannot read", request.method, request.path, exc_info=True)
            text = f"the sandbox cannot read it: {type(error).__name__}: {error}"
            response = reply(invalid_body(text).body(), 400, headers)
        self._record(request, webhook, body, response)
        return response

    def _find_webhook(self, parts: list[str]) -> Webhook | None:
        if parts[:1] != ["webhooks"] or len(parts) < 2 or not parts[1].isdigit():
            return None
        return self._state.webhooks.get(int(parts[1]))

    async def _webhook(
        self, request: web.Request, webhook: Webhook, parts: list[str], body: Body, headers: dict[str, str]
    ) -> web.Response:
        fault = self.faults.take(webhook.name, request, body)
        faulty = None if fault is None else await self.faults.answer(fault, request)
        if faulty is not None:
            return faulty
        if len(parts) == 2:
            self.bot.check_token(request)
            return self._webhooks.manage(request.method, webhook, body, with_token=False)
        # It may have been deleted while a slow answer waited.
        if webhook.id not in self._state.webhooks:
            raise Refusal(404, 10015, "Unknown Webhook")
        if parts[2] != webhook.token:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        if len(parts) == 3 and request.method != "POST":
            return self._webhooks.manage(request.method, webhook, body, with_token=True)
        if self._limits is not None:
            verdict = self._limits.check(webhook.id, webhook.channel_id)
            headers |= verdict.headers(self._clock.time())
            if verdict.retry_after is not None:
                # Rounded up: a sender that waits as long as told must not be refused again.
                wait = round(verdict.retry_after + 0.0005, 3)
                headers |= {"Retry-After": str(wait), "X-RateLimit-Scope": verdict.scope}
                limited = {"message": "You are being rate limited.", "retry_after": wait, "global": False}
                return reply(limited, 429, headers)
        response = self._webhooks.answer(request, webhook, parts[3:], body, headers)
        return response if fault is None else await self.faults.spoil(fault, request, response)

    def _answer(self, request: web.Request, parts: list[str], body: Body) -> web.Response:
        method, query = request.method, request.query
        me = self.bot.user["id"]
        match [method, *parts]:
            case ["POST", "interactions", interaction_id, token, "callback"]:
                with_response = query.get("with_response", "").lower() in ("true", "1")
                return self.interactions.callback(interaction_id, token, body, with_response=with_response)
            case [_, "interactions", *_]:
                raise not_implemented(method, request.path, status=400)
            case [_, "webhooks", app_id, token, *rest] if app_id == me and token in self.interactions.records:
                return self.interactions.follow_up(method, token, rest, body)
            case [_, "webhooks", app_id, _, *_] if app_id == me:
                raise Refusal(401, 50027, "Invalid Webhook Token")
            case [_, "webhooks", *_]:
                raise Refusal(404, 10015, "Unknown Webhook")
            case _:
                return self._answer_bot(request, "/" + "/".join(parts), body)

    def _answer_bot(self, request: web.Request, path: str, body: Body) -> web.Response:
        if path != "/gateway":
            self.bot.check_token(request)
        found = self._routes.find(request.method, path)
        if found is None:
            raise not_implemented(request.method, path)
        handler, ids = found
        reason = request.headers.get("X-Audit-Log-Reason")
        return handler(Call(request.method, path, ids, request.query, body, unquote(reason) if reason else None))

    async def attachment(self, request: web.Request) -> web.Response:
        """Serve a file of a message."""
        info = request.match_info
        ids = (info["channel"], info["id"])
        found = self._state.files.get((int(ids[0]), int(ids[1]), info["name"])) if all(map(str.isdigit, ids)) else None
        if found is None:
            raise web.HTTPNotFound
        headers = {
            "Content-Type": found[0], "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox",
        }  # fmt: skip
        return web.Response(body=found[1], headers=headers)

    def _record(self, request: web.Request, webhook: Webhook | None, body: Body, response: web.Response) -> None:
        name, status = webhook.name if webhook else None, response.status
        # Limits of a resource that others use too are not counted against the sender.
        if status in _INVALID and response.headers.get("X-RateLimit-Scope") != "shared":
            self.invalid_requests += 1
        names = tuple(file.name for file in body.files)
        at, said = self._clock.monotonic(), _readable(response)
        self.requests.append(Request(at, request.method, request.path, name, status, body.payload, names, said))
        self._state.emit("request", {"status": status, "webhook": name})


def _readable(response: web.Response) -> Any:
    raw = response.body if isinstance(response.body, bytes) else b""
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
