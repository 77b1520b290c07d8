"""What a bot asks and does with its token: who and where it is, messages, members, and its slash commands."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .guild_payload import role_payloads
from .reply import Body, no_content, reply, store_files
from .rules import Refusal, check_message
from .state import JSON, Guild, State
from .webhook_routes import edit_checked


class BotRoutes:
    """Answers requests that carry the bot's token."""

    def __init__(self, state: State, *, token: str, bot_user: JSON, owner: JSON) -> None:
        self._state = state
        self._token = token
        self._me = bot_user
        self._owner = owner
        self.base_url = ""
        self.shards = 1
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
                return reply([self._shown(guild) for guild in self._state.guilds.values()])
            case ["POST", "users", "@me", "channels"]:
                return reply(self._direct_channel(body))
            case ["GET", "users", user_id] if user_id.isdigit():
                return reply(_found(self._state.users.get(int(user_id)), 10013, "Unknown User"))
            case ["GET", "oauth2", "applications", "@me"] | ["GET", "applications", "@me"]:
                return reply(self._application())
            case ["GET", "gateway", "bot"]:
                limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
                return reply({"url": self.gateway_url, "shards": self.shards, "session_start_limit": limit})
            case [_, "applications", app_id, "commands", *rest] if app_id == self._me["id"]:
                return self._commands(method, None, rest, body)
            case [_, "applications", app_id, "guilds", guild_id, "commands", *rest] if app_id == self._me["id"]:
                return self._commands(method, self._guild(guild_id).id, rest, body)
            case ["GET", "guilds", guild_id, *rest]:
                return reply(self._about_guild(self._guild(guild_id), rest))
            case [_, "channels", channel_id, *rest] if channel_id.isdigit():
                return self._channel(method, int(channel_id), rest, body)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _guild(self, guild_id: str) -> Guild:
        guild = self._state.guilds.get(int(guild_id)) if guild_id.isdigit() else None
        if guild is None:
            raise Refusal(404, 10004, "Unknown Guild")
        return guild

    def _shown(self, guild: Guild) -> JSON:
        whole = self._state.guild_object(guild, [])
        return whole | {"approximate_member_count": len(guild.members), "owner": False}

    def _about_guild(self, guild: Guild, rest: list[str]) -> Any:
        match rest:
            case []:
                return self._shown(guild)
            case ["channels"]:
                return list(guild.channels.values())
            case ["roles"]:
                return role_payloads(guild.id, guild.admin_role_id)
            case ["threads", "active"]:
                return {"threads": list(guild.threads.values()), "members": []}
            case ["members"]:
                return list(guild.members.values())
            case ["members", user_id] if user_id.isdigit():
                return _found(guild.members.get(int(user_id)), 10007, "Unknown Member")
            case ["bans"]:
                return list(guild.bans.values())
            case ["bans", user_id] if user_id.isdigit():
                return _found(guild.bans.get(int(user_id)), 10026, "Unknown Ban")
            case ["webhooks"]:
                return [self._state.webhook_object(w) for w in self._state.webhooks.values() if w.guild_id == guild.id]
            case ["audit-logs"]:
                users = [self._state.users[int(entry["user_id"])] for entry in guild.audit_log]
                empty: JSON = {key: [] for key in ("webhooks", "threads", "integrations", "guild_scheduled_events")}
                more: JSON = {"auto_moderation_rules": [], "application_commands": []}
                return {**empty, **more, "audit_log_entries": guild.audit_log[::-1], "users": users}
            case _:
                raise Refusal(404, 0, "404: Not Found")

    # -- channels

    def _direct_channel(self, body: Body) -> JSON:
        user_id = int(body.table().get("recipient_id") or 0)
        user = _found(self._state.users.get(user_id), 10013, "Unknown User")
        # One channel for each person, and an id that the person's own never is.
        self._state.messages.setdefault(user_id + 1, [])
        return {"id": str(user_id + 1), "type": 1, "recipients": [user], "last_message_id": None, "flags": 0}

    def _channel(self, method: str, channel_id: int, rest: list[str], body: Body) -> web.Response:
        if channel_id not in self._state.messages:
            raise Refusal(404, 10003, "Unknown Channel")
        match [method, *rest]:
            case ["GET"]:
                guild = self._state.guild_of(channel_id)
                return reply(_found(guild and guild.place(channel_id), 10003, "Unknown Channel"))
            case ["GET", "messages"]:
                return reply(self._state.messages[channel_id][::-1][:100])
            case ["POST", "messages"]:
                payload = check_message(body.table(), body.sizes, webhook=False)
                files = store_files(self._state, self.base_url, channel_id, body.files, payload)
                return reply(self._state.add_message(channel_id, self._me, payload, files))
            case ["GET" | "PATCH" | "DELETE", "messages", message_id] if message_id.isdigit():
                return self._message(method, channel_id, int(message_id), body)
            case ["GET", "webhooks"]:
                hooks = [w for w in self._state.webhooks.values() if w.channel_id == channel_id]
                return reply([self._state.webhook_object(webhook) for webhook in hooks])
            case ["POST", "typing"] | ["PUT" | "DELETE", "messages", _, "reactions", *_]:
                return no_content()
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _message(self, method: str, channel_id: int, message_id: int, body: Body) -> web.Response:
        message = _found(self._state.find_message(channel_id, message_id), 10008, "Unknown Message")
        if method == "PATCH":
            if message["author"]["id"] != self._me["id"]:
                raise Refusal(403, 50005, "Cannot edit a message authored by another user")
            edit_checked(self._state, self.base_url, message, body, webhook=False)
        if method == "DELETE":
            self._state.delete_message(message)
            return no_content()
        return reply(message)

    # -- the application and its commands

    def _application(self) -> JSON:
        return {
            "id": self._me["id"], "name": self._me["username"], "icon": None, "description": "", "bot": self._me,
            "bot_public": True, "bot_require_code_grant": False, "owner": self._owner, "verify_key": "0" * 64,
            "flags": 0, "team": None, "summary": "", "hook": True, "tags": [], "redirect_uris": [],
            "interactions_endpoint_url": None, "role_connections_verification_url": None,
            "approximate_guild_count": len(self._state.guilds), "approximate_user_install_count": 0,
        }  # fmt: skip

    def _commands(self, method: str, guild_id: int | None, rest: list[str], body: Body) -> web.Response:
        known = self.commands.setdefault(guild_id, [])
        match [method, *rest]:
            case ["GET"]:
                return reply(known)
            case ["PUT"]:
                if not body.is_valid or not isinstance(body.payload, list):
                    raise Refusal(400, 50109, "The request body contains invalid JSON.")
                known[:] = [self._command(guild_id, command, known) for command in body.payload]
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
        found = next((command for command in known if command["id"] == command_id), None)
        command = _found(found, 10063, "Unknown application command")
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


def _found(thing: JSON | None, code: int, message: str) -> JSON:
    if not thing:
        raise Refusal(404, code, message)
    return thing
