"""What a bot asks and does with its token: who and where it is, messages, members, and its slash commands."""

from __future__ import annotations

from typing import Final, cast

from aiohttp import web

from ..permissions import MANAGE_CHANNELS, MANAGE_MESSAGES, MANAGE_WEBHOOKS, SEND_MESSAGES, VIEW_CHANNEL, demand
from ..state import State
from .errors import JSON, Refusal
from .guild_routes import GuildRoutes, found
from .http import Body, no_content, reply, store_files
from .rules import OldEdits, check_message, check_name
from .webhook_routes import edit_checked

_MOST_WEBHOOKS: Final = 15


class BotRoutes:
    """Answers requests that carry the bot's token."""

    def __init__(self, state: State, *, token: str, bot_user: JSON, owner: JSON, old_edits: OldEdits) -> None:
        self._state = state
        self._token = token
        self._me = bot_user
        self._owner = owner
        self._old_edits = old_edits
        self._guilds = GuildRoutes(state, bot_user)
        self.base_url = ""
        self.shards = 1
        self.flags = 0
        self.commands: dict[int | None, list[JSON]] = {}

    @property
    def gateway_url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/gateway/"

    def check_token(self, request: web.Request) -> None:
        """Raise `Refusal` unless the request carries the bot's token."""
        if request.headers.get("Authorization") != f"Bot {self._token}":
            raise Refusal(401, 0, "401: Unauthorized")

    def answer(self, request: web.Request, method: str, parts: list[str], body: Body) -> web.Response:
        """Answer a request; raises `Refusal`."""
        self.check_token(request)
        match [method, *parts]:
            case ["GET", "users", "@me"]:
                return reply({**self._me, "verified": True, "mfa_enabled": False, "flags": 0, "locale": "en-US"})
            case ["GET", "users", "@me", "guilds"]:
                return reply([self._guilds.shown(guild) for guild in self._state.guilds.values()])
            case ["POST", "users", "@me", "channels"]:
                user_id = int(body.table().get("recipient_id") or 0)
                return reply(self._state.direct_channel(found(self._state.users.get(user_id), 10013, "Unknown User")))
            case ["GET", "users", user_id] if user_id.isdigit():
                return reply(found(self._state.users.get(int(user_id)), 10013, "Unknown User"))
            case ["GET", "oauth2", "applications", "@me"] | ["GET", "applications", "@me"]:
                return reply(self._application())
            case ["GET", "gateway", "bot"]:
                limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
                return reply({"url": self.gateway_url, "shards": self.shards, "session_start_limit": limit})
            case [_, "applications", app_id, "commands", *rest] if app_id == self._me["id"]:
                return self._commands(method, None, rest, body)
            case [_, "applications", app_id, "guilds", guild_id, "commands", *rest] if app_id == self._me["id"]:
                return self._commands(method, self._guilds.find(guild_id).id, rest, body)
            case [_, "guilds", guild_id, *rest]:
                return self._guilds.answer(request, method, self._guilds.find(guild_id), rest, body)
            case [_, "channels", channel_id, *rest] if channel_id.isdigit():
                return self._channel(method, int(channel_id), rest, body)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    # -- channels

    def _channel(self, method: str, channel_id: int, rest: list[str], body: Body) -> web.Response:
        if channel_id not in self._state.messages:
            raise Refusal(404, 10003, "Unknown Channel")
        self._demand(channel_id, VIEW_CHANNEL)
        match [method, *rest]:
            case ["GET"]:
                guild = self._state.guild_of(channel_id)
                return reply(found(guild and guild.place(channel_id), 10003, "Unknown Channel"))
            case ["DELETE"]:
                self._demand(channel_id, MANAGE_CHANNELS)
                guild = self._state.guild_of(channel_id)
                if guild is None or channel_id not in guild.channels:
                    raise Refusal(404, 10003, "Unknown Channel")
                return reply(self._state.remove_channel(guild, channel_id))
            case ["GET", "messages"]:
                return reply(self._state.messages[channel_id][::-1][:100])
            case ["POST", "messages"]:
                self._demand(channel_id, SEND_MESSAGES)
                payload = check_message(body.table(), body.sizes, webhook=False)
                files = store_files(self._state, self.base_url, channel_id, body.files, payload)
                return reply(self._state.add_message(channel_id, self._me, payload, files))
            case ["GET" | "PATCH" | "DELETE", "messages", message_id] if message_id.isdigit():
                return self._message(method, channel_id, int(message_id), body)
            case ["GET" | "POST", "webhooks"]:
                self._demand(channel_id, MANAGE_WEBHOOKS)
                return self._add_webhook(channel_id, body) if method == "POST" else self._webhooks(channel_id)
            case ["POST", "typing"] | ["PUT" | "DELETE", "messages", _, "reactions", *_]:
                return no_content()
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _demand(self, channel_id: int, needed: int) -> None:
        guild = self._state.guild_of(channel_id)
        if guild is not None:
            demand(self._state.permissions(guild, int(self._me["id"]), channel_id), needed)

    def _webhooks(self, channel_id: int) -> web.Response:
        hooks = [webhook for webhook in self._state.webhooks.values() if webhook.channel_id == channel_id]
        return reply([self._state.webhook_object(webhook) for webhook in hooks])

    def _add_webhook(self, channel_id: int, body: Body) -> web.Response:
        data, guild = body.table(), self._state.guild_of(channel_id)
        if guild is None or channel_id not in guild.channels:
            raise Refusal(404, 10003, "Unknown Channel")
        check_name(data.get("name"), required=True)
        if sum(webhook.channel_id == channel_id for webhook in self._state.webhooks.values()) >= _MOST_WEBHOOKS:
            raise Refusal(400, 30007, f"Maximum number of webhooks reached ({_MOST_WEBHOOKS})")
        webhook = self._state.add_webhook(guild, data["name"].strip(), channel_id, self._me, self._me["id"])
        return reply(self._state.webhook_object(webhook))

    def _message(self, method: str, channel_id: int, message_id: int, body: Body) -> web.Response:
        message = found(self._state.find_message(channel_id, message_id), 10008, "Unknown Message")
        if method == "PATCH":
            if message["author"]["id"] != self._me["id"]:
                raise Refusal(403, 50005, "Cannot edit a message authored by another user")
            self._old_edits.check(message)
            edit_checked(self._state, self.base_url, message, body, webhook=False)
        if method == "DELETE":
            if message["author"]["id"] != self._me["id"]:
                self._demand(channel_id, MANAGE_MESSAGES)
            self._state.delete_message(message)
            return no_content()
        return reply(message)

    # -- the application and its commands

    def _application(self) -> JSON:
        return {
            "id": self._me["id"], "name": self._me["username"], "icon": None, "description": "", "bot": self._me,
            "bot_public": True, "bot_require_code_grant": False, "owner": self._owner, "verify_key": "0" * 64,
            "flags": self.flags, "team": None, "summary": "", "hook": True, "tags": [], "redirect_uris": [],
            "interactions_endpoint_url": None, "role_connections_verification_url": None,
            "approximate_guild_count": len(self._state.guilds), "approximate_user_install_count": 0,
        }  # fmt: skip

    def _commands(self, method: str, guild_id: int | None, rest: list[str], body: Body) -> web.Response:
        known = self.commands.setdefault(guild_id, [])
        match [method, *rest]:
            case ["GET"]:
                return reply(known)
            case ["PUT"]:
                payload: object = body.payload
                if not body.is_valid or not isinstance(payload, list):
                    raise Refusal(400, 50109, "The request body contains invalid JSON.")
                known[:] = [self._command(guild_id, command, known) for command in cast(list[JSON], payload)]
                self._state.emit("commands", {"guild_id": guild_id})
                return reply(known)
            case ["POST"]:
                command = self._command(guild_id, body.table(), known)
                known[:] = [*(old for old in known if old["id"] != command["id"]), command]
                self._state.emit("commands", {"guild_id": guild_id})
                return reply(command, 201)
            case ["GET" | "PATCH" | "DELETE", command_id]:
                return self._one_command(method, known, command_id, body)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _one_command(self, method: str, known: list[JSON], command_id: str, body: Body) -> web.Response:
        same = next((command for command in known if command["id"] == command_id), None)
        command = found(same, 10063, "Unknown application command")
        if method == "DELETE":
            known.remove(command)
            return no_content()
        if method == "PATCH":
            command |= body.table()
        return reply(command)

    def _command(self, guild_id: int | None, command: JSON, known: list[JSON]) -> JSON:
        kind, name = command.get("type", 1), command["name"]
        same = next((old for old in known if (old["type"], old["name"]) == (kind, name)), None)
        kept = {"id": same["id"] if same else str(self._state.snowflake()), "version": str(self._state.snowflake())}
        place: JSON = {} if guild_id is None else {"guild_id": str(guild_id)}
        permissions = command.get("default_member_permissions")
        own: JSON = {"application_id": self._me["id"], "type": kind, "default_member_permissions": permissions}
        return {"description": "", "options": [], **command, **kept, **own, **place}
