"""What a bot asks and does about a server: who and what is in it, its audit log, and new channels."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from ..permissions import MANAGE_CHANNELS, MANAGE_WEBHOOKS, VIEW_AUDIT_LOG, demand
from ..state import CATEGORY, FORUM, Guild, State
from .errors import JSON, Form, Refusal
from .http import Body, reply

_KINDS: Final = (0, 2, CATEGORY, 5, 13, FORUM, 16)
_MOST_CHANNELS: Final = 500


class GuildRoutes:
    """Answers requests to one server."""

    def __init__(self, state: State, bot_user: JSON) -> None:
        self._state = state
        self._me = int(bot_user["id"])

    def find(self, guild_id: str) -> Guild:
        """Return a server that the bot is in; raises `Refusal`."""
        guild = self._state.guilds.get(int(guild_id)) if guild_id.isdigit() else None
        if guild is None:
            raise Refusal(404, 10004, "Unknown Guild")
        return guild

    def shown(self, guild: Guild) -> JSON:
        """Return a server without who and what is in it."""
        whole = self._state.guild_object(guild, [])
        return whole | {"approximate_member_count": len(guild.members), "owner": False}

    def answer(self, request: web.Request, method: str, guild: Guild, rest: list[str], body: Body) -> web.Response:
        """Answer a request; raises `Refusal`."""
        match [method, *rest]:
            case ["POST", "channels"]:
                self._demand(guild, MANAGE_CHANNELS)
                return reply(self._add_channel(guild, body.table()), 201)
            case ["GET", "audit-logs"]:
                self._demand(guild, VIEW_AUDIT_LOG)
                return reply(self._audit_log(guild, dict(request.query)))
            case ["GET", "webhooks"]:
                self._demand(guild, MANAGE_WEBHOOKS)
                hooks = [webhook for webhook in self._state.webhooks.values() if webhook.guild_id == guild.id]
                return reply([self._state.webhook_object(webhook) for webhook in hooks])
            case ["GET", *_]:
                return reply(self._look_up(guild, rest))
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _demand(self, guild: Guild, needed: int) -> None:
        demand(self._state.permissions(guild, self._me), needed)

    def _look_up(self, guild: Guild, rest: list[str]) -> Any:
        match rest:
            case []:
                return self.shown(guild)
            case ["channels"]:
                return list(guild.channels.values())
            case ["roles"]:
                return list(guild.roles.values())
            case ["threads", "active"]:
                return {"threads": list(guild.threads.values()), "members": []}
            case ["members"]:
                return list(guild.members.values())
            case ["members", user_id] if user_id.isdigit():
                return found(guild.members.get(int(user_id)), 10007, "Unknown Member")
            case ["bans"]:
                return list(guild.bans.values())
            case ["bans", user_id] if user_id.isdigit():
                return found(guild.bans.get(int(user_id)), 10026, "Unknown Ban")
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _audit_log(self, guild: Guild, query: dict[str, str]) -> JSON:
        entries = guild.audit_log[::-1]
        for key, field in (("user_id", "user_id"), ("action_type", "action_type"), ("target_id", "target_id")):
            if key in query:
                entries = [entry for entry in entries if str(entry[field]) == query[key]]
        if "before" in query:
            entries = [entry for entry in entries if int(entry["id"]) < int(query["before"])]
        if "after" in query:
            # Asked this way the oldest come first.
            entries = [entry for entry in entries if int(entry["id"]) > int(query["after"])][::-1]
        entries = entries[: int(query.get("limit", 50))]
        ids = {int(entry[key]) for entry in entries for key in ("user_id", "target_id") if entry[key]}
        users = [self._state.users[user_id] for user_id in ids if user_id in self._state.users]
        empty: JSON = {key: [] for key in ("webhooks", "threads", "integrations", "guild_scheduled_events")}
        more: JSON = {"auto_moderation_rules": [], "application_commands": []}
        return {**empty, **more, "audit_log_entries": entries, "users": users}

    def _add_channel(self, guild: Guild, data: JSON) -> JSON:
        form, kind = Form(), data.get("type") or 0
        form.text("name", data.get("name"), 100, required=True)
        form.text("topic", data.get("topic"), 4096 if kind == FORUM else 1024)
        if kind not in _KINDS:
            form.add("type", "BASE_TYPE_CHOICES", f"Value must be one of {_KINDS}.")
        parent = guild.channels.get(int(data["parent_id"])) if data.get("parent_id") else None
        if data.get("parent_id") and (parent is None or parent["type"] != CATEGORY):
            form.add("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category")
        overwrites = form.items("permission_overwrites", data.get("permission_overwrites"), 1000)
        form.finish()
        if len(guild.channels) >= _MOST_CHANNELS:
            raise Refusal(400, 30013, f"Maximum number of server channels reached ({_MOST_CHANNELS})")
        name = data["name"].strip() if kind in (2, CATEGORY, 13) else "-".join(data["name"].lower().split())
        channel_id = self._state.add_channel(
            guild, name, data.get("topic") or "", kind,
            parent_id=None if parent is None else parent["id"], permission_overwrites=_clean(overwrites),
        )  # fmt: skip
        return guild.channels[channel_id]


def _clean(overwrites: list[JSON]) -> list[JSON]:
    def clean(item: JSON) -> JSON:
        bits = {key: str(item.get(key) or 0) for key in ("allow", "deny")}
        return {"id": str(item["id"]), "type": int(item["type"]), **bits}

    return [clean(item) for item in overwrites]


def found(thing: JSON | None, code: int, message: str) -> JSON:
    """Return what was found; raises `Refusal` when nothing was."""
    if not thing:
        raise Refusal(404, code, message)
    return thing
