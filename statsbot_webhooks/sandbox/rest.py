"""The REST routes that discord.py uses, under /api/vN."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from .faults import Fault, answer
from .rules import RateLimits, Refusal, check_message
from .state import JSON, State, Webhook

_VIA: Final = {"Via": "1.1 google"}
Dispatch = Callable[[str, JSON, int | None], Awaitable[None]]


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


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer as Discord does; discord.py parses JSON only when the type is exactly this (W5)."""
    response = web.Response(body=json.dumps(body).encode(), status=status, headers={**_VIA, **(headers or {})})
    response.headers["Content-Type"] = "application/json"
    return response


class Rest:
    """Answers requests from the state; keeps a list of them."""

    def __init__(self, state: State, *, token: str, bot_user: JSON, owner: JSON, limits: bool, dispatch: Dispatch) -> None:
        self._state = state
        self._token = token
        self._bot_user = bot_user
        self._owner = owner
        self._limits = RateLimits() if limits else None
        self._dispatch = dispatch
        self.base_url = ""
        self.requests: list[Request] = []
        self.faults: dict[str, Fault] = {}
        self.commands: dict[int | None, list[JSON]] = {}
        self.interactions: dict[str, JSON] = {}

    def add_routes(self, app: web.Application) -> None:
        """Add every route; the first path segment after /api is the version, or nothing."""
        app.router.add_get("/attachments/{channel}/{id}/{name}", self.attachment)
        app.router.add_route("*", "/api/{tail:.*}", self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Find the handler by the path's shape, and record the request."""
        parts = [part for part in request.match_info["tail"].split("/") if part]
        if parts and parts[0][:1] == "v" and parts[0][1:].isdigit():
            parts = parts[1:]
        webhook = self._state.webhooks.get(int(parts[1])) if parts[:1] == ["webhooks"] and parts[1].isdigit() else None
        payload, files = await _read_body(request)
        try:
            if webhook is not None:
                response = await self._webhook(request, webhook, parts, payload, files)
            else:
                response = await self._route(request, parts, payload, files)
        except Refusal as refusal:
            response = reply(refusal.body(), refusal.status)
        name = webhook.name if webhook else None
        names = tuple(file[0] for file in files)
        record = Request(time.monotonic(), request.method, request.path, name, response.status, payload, names)
        self.requests.append(record)
        self._state.emit("request", {"status": response.status, "webhook": name})
        return response

    async def _webhook(
        self,
        request: web.Request,
        webhook: Webhook,
        parts: list[str],
        payload: Any,
        files: list[tuple[str, str, bytes]],
    ) -> web.Response:
        fault = self.faults.get(webhook.name)
        if fault is not None and fault.is_over():
            del self.faults[webhook.name]
            fault = None
        if fault is not None and (faulty := await answer(fault, request, _VIA)) is not None:
            return faulty
        if len(parts) < 3 or parts[2] != webhook.token:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        if request.method == "GET" and len(parts) == 3:
            return reply(self._state.webhook_object(webhook))
        headers: dict[str, str] = {}
        if self._limits is not None:
            verdict = self._limits.check(webhook.id, webhook.channel_id)
            headers = {
                "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": str(verdict.remaining),
                "X-RateLimit-Reset": f"{time.time() + verdict.reset_after:.3f}",
                "X-RateLimit-Reset-After": f"{verdict.reset_after:.3f}", "X-RateLimit-Bucket": "sandbox-webhook",
            }  # fmt: skip
            if verdict.retry_after is not None:
                wait = round(verdict.retry_after, 3)
                headers |= {"Retry-After": str(wait), "X-RateLimit-Scope": "user"}
                body = {"message": "You are being rate limited.", "retry_after": wait, "global": False}
                return reply(body, 429, headers)
        if len(parts) == 5 and parts[3] == "messages":
            return self._message(request, webhook, parts[4], payload, files, headers)
        if request.method != "POST":
            raise Refusal(405, 0, "405: Method Not Allowed")
        body = check_message(payload, [len(file[2]) for file in files])
        channel_id = self._target(webhook, request)
        author = {
            "id": str(webhook.id), "username": body.get("username") or webhook.name, "discriminator": "0000",
            "avatar": body.get("avatar_url"), "bot": True, "global_name": None, "public_flags": 0,
        }  # fmt: skip
        attachments = self._store(channel_id, files)
        message = self._state.add_message(channel_id, author, body, attachments, webhook_id=str(webhook.id))
        if request.query.get("wait", "").lower() not in ("true", "1"):
            return web.Response(status=204, headers={**_VIA, **headers})
        return reply(message, 200, headers)

    def _target(self, webhook: Webhook, request: web.Request) -> int:
        thread = request.query.get("thread_id")
        channel = self._state.guilds[webhook.guild_id].channels[webhook.channel_id]
        if channel["type"] == 15 and thread is None:
            raise Refusal(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
        if thread is not None and int(thread) not in self._state.messages:
            raise Refusal(404, 10003, "Unknown Channel")
        return int(thread) if thread is not None else webhook.channel_id

    def _message(
        self, request: web.Request, webhook: Webhook, message_id: str, payload: Any, files: Any, headers: dict[str, str]
    ) -> web.Response:
        message = self._state.find_message(webhook.channel_id, int(message_id))
        if message is None or message.get("webhook_id") != str(webhook.id):
            raise Refusal(404, 10008, "Unknown Message")
        if request.method == "DELETE":
            self._state.delete_message(message)
            return web.Response(status=204, headers={**_VIA, **headers})
        if request.method == "PATCH":
            self._state.edit_message(message, check_message(payload, [len(f[2]) for f in files], editing=True))
        return reply(message, 200, headers)

    def _store(self, channel_id: int, files: list[tuple[str, str, bytes]]) -> list[JSON]:
        stored: list[JSON] = []
        for name, kind, data in files:
            file_id = self._state.snowflake()
            self._state.files[channel_id, file_id, name] = (kind, data)
            url = f"{self.base_url}/attachments/{channel_id}/{file_id}/{name}"
            stored.append({
                "id": str(file_id), "filename": name, "size": len(data), "content_type": kind, "url": url, "proxy_url": url,
            })  # fmt: skip
        return stored

    async def attachment(self, request: web.Request) -> web.Response:
        """Serve a file of a message."""
        info = request.match_info
        found = self._state.files.get((int(info["channel"]), int(info["id"]), info["name"]))
        if found is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": found[0], "X-Content-Type-Options": "nosniff"}
        return web.Response(body=found[1], headers=headers)

    async def _route(self, request: web.Request, parts: list[str], payload: Any, files: Any) -> web.Response:
        method, me = request.method, self._bot_user
        match [method, *parts]:
            case ["POST", "interactions", interaction_id, token, "callback"]:
                return await self._callback(request, interaction_id, token, payload)
            case [_, "webhooks", app_id, token, *rest] if app_id == me["id"] and token in self.interactions:
                return self._follow_up(method, token, rest, payload, files)
            case [_, "webhooks", *_]:
                raise Refusal(404, 10015, "Unknown Webhook")
            case _:
                pass
        if request.headers.get("Authorization") != f"Bot {self._token}":
            raise Refusal(401, 0, "401: Unauthorized")
        match [method, *parts]:
            case ["GET", "users", "@me"]:
                return reply({**me, "verified": True, "mfa_enabled": False, "flags": 0, "locale": "en-US"})
            case ["GET", "oauth2", "applications", "@me"] | ["GET", "applications", "@me"]:
                return reply(self._application())
            case ["GET", "gateway"] | ["GET", "gateway", "bot"]:
                limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
                url = self.base_url.replace("http", "ws", 1) + "/gateway/"
                return reply({"url": url, "shards": 1, "session_start_limit": limit})
            case [_, "applications", _, "commands"]:
                return self._commands(method, None, payload)
            case [_, "applications", _, "guilds", guild, "commands"]:
                return self._commands(method, int(guild), payload)
            case ["POST", "channels", channel, "messages"]:
                body = check_message(payload, [len(file[2]) for file in files], webhook=False)
                message = self._state.add_message(int(channel), me, body, self._store(int(channel), files))
                await self._dispatch("MESSAGE_CREATE", message, None)
                return reply(message)
            case ["POST", "channels", _, "typing"] | ["PUT", "channels", *_]:
                return web.Response(status=204, headers=_VIA)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _application(self) -> JSON:
        return {
            "id": self._bot_user["id"], "name": self._bot_user["username"], "icon": None, "description": "",
            "bot_public": True, "bot_require_code_grant": False, "owner": self._owner, "verify_key": "0" * 64,
            "flags": 0, "team": None, "summary": "", "hook": True, "tags": [], "redirect_uris": [],
            "interactions_endpoint_url": None, "role_connections_verification_url": None, "approximate_guild_count": 1,
        }  # fmt: skip

    def _commands(self, method: str, guild_id: int | None, payload: Any) -> web.Response:
        if method == "PUT":
            self.commands[guild_id] = [
                {
                    **command, "id": str(self._state.snowflake()), "application_id": self._bot_user["id"],
                    "version": str(self._state.snowflake()), "type": command.get("type", 1),
                    "default_member_permissions": command.get("default_member_permissions"),
                    **({"guild_id": str(guild_id)} if guild_id else {}),
                }
                for command in payload
            ]  # fmt: skip
        return reply(self.commands.get(guild_id, []))

    async def _callback(self, request: web.Request, interaction_id: str, token: str, payload: Any) -> web.Response:
        record = self.interactions.get(token)
        if record is None or record["id"] != interaction_id:
            raise Refusal(404, 10062, "Unknown interaction")
        if record["callback"] is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        data = payload.get("data") or {}
        resource: JSON = {"type": payload["type"]}
        if payload["type"] == 4:
            check_message(data, [], webhook=False)
            record["messages"].append(self._answer(record, data))
            resource["message"] = record["messages"][-1]
        record["callback"] = payload
        self._state.emit("interaction", {"token": token})
        if request.query.get("with_response", "").lower() not in ("true", "1"):
            return web.Response(status=204, headers=_VIA)
        interaction = {
            "id": interaction_id, "type": 2, "response_message_loading": payload["type"] == 5,
            "response_message_ephemeral": bool(data.get("flags", 0) & 64),
        }  # fmt: skip
        if "message" in resource:
            interaction["response_message_id"] = resource["message"]["id"]
        return reply({"interaction": interaction, "resource": resource})

    def _answer(self, record: JSON, data: JSON) -> JSON:
        return {
            "id": str(self._state.snowflake()), "channel_id": record["channel_id"], "author": self._bot_user,
            "content": data.get("content") or "", "embeds": data.get("embeds") or [], "attachments": [], "mentions": [],
            "mention_roles": [], "mention_everyone": False, "pinned": False, "tts": False, "type": 20,
            "flags": data.get("flags", 0), "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None,
            "components": data.get("components") or [],
        }  # fmt: skip

    def _follow_up(self, method: str, token: str, rest: list[str], payload: Any, files: Any) -> web.Response:
        record = self.interactions[token]
        if record["callback"] is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        if method in ("POST", "PATCH"):
            check_message(payload, [len(file[2]) for file in files], editing=method == "PATCH", webhook=False)
            record["messages"].append(self._answer(record, payload))
            self._state.emit("interaction", {"token": token})
        if not record["messages"]:
            raise Refusal(404, 10008, "Unknown Message")
        return reply(record["messages"][-1])


async def _read_body(request: web.Request) -> tuple[Any, list[tuple[str, str, bytes]]]:
    if not request.can_read_body:
        return None, []
    if not request.content_type.startswith("multipart/"):
        try:
            return await request.json(), []
        except ValueError:
            return None, []
    payload: Any = {}
    files: list[tuple[str, str, bytes]] = []
    async for part in await request.multipart():
        data = bytes(await part.read(decode=False))  # type: ignore[union-attr]
        if part.name == "payload_json":  # type: ignore[union-attr]
            payload = json.loads(data)
        else:
            name = part.filename or "file"  # type: ignore[union-attr]
            kind = "text/plain; charset=utf-8" if name.endswith(".txt") else "application/octet-stream"
            files.append((name, kind, data))
    return payload, files
