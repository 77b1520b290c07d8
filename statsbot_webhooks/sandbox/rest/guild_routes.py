"""What a bot asks and does about a server: its channels, roles, audit log, webhooks and invites.

Members and bans are in `member_routes`.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from ..permissions import MANAGE_CHANNELS, MANAGE_GUILD, MANAGE_ROLES, MANAGE_WEBHOOKS, VIEW_AUDIT_LOG
from ..state import CATEGORY, FORUM, Guild, State
from .account import BotAccount, found
from .errors import JSON, Form, Refusal, parts
from .http import no_content, reply
from .routing import Call, Routes

_KINDS: Final = (0, 2, CATEGORY, 5, 13, FORUM, 16)
_MOST_CHANNELS: Final = 500
_MOST_ROLES: Final = 250


class GuildRoutes:
    """Answers requests to one server."""

    def __init__(self, state: State, bot: BotAccount) -> None:
        self._state = state
        self._bot = bot

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        routes.add("GET /guilds/{guild}", self._show)
        routes.add("PATCH /guilds/{guild}", self._change)
        routes.add("GET /guilds/{guild}/channels", lambda call: reply(list(self.find(call).channels.values())))
        routes.add("POST /guilds/{guild}/channels", self._add_channel)
        routes.add("PATCH /guilds/{guild}/channels", self._move_channels)
        routes.add("GET /guilds/{guild}/threads/active", self._threads)
        routes.add("GET /guilds/{guild}/roles", lambda call: reply(list(self.find(call).roles.values())))
        routes.add("POST /guilds/{guild}/roles", self._add_role)
        routes.add("PATCH /guilds/{guild}/roles", self._move_roles)
        routes.add("GET /guilds/{guild}/roles/{role}", self._role)
        routes.add("PATCH /guilds/{guild}/roles/{role}", self._change_role)
        routes.add("DELETE /guilds/{guild}/roles/{role}", self._delete_role)
        routes.add("GET /guilds/{guild}/audit-logs", self._audit_log)
        routes.add("GET /guilds/{guild}/webhooks", self._webhooks)
        routes.add("GET /guilds/{guild}/invites", self._invites)
        routes.add("GET /guilds/{guild}/emojis", lambda call: reply([]))
        routes.add("GET /guilds/{guild}/stickers", lambda call: reply([]))
        routes.add("PUT /guilds/{guild}/incident-actions", self._incidents)

    def find(self, call: Call) -> Guild:
        """Return the server of a request that the bot is in; raises `Refusal`."""
        guild = self._state.guilds.get(call.id("guild"))
        if guild is None:
            raise Refusal(404, 10004, "Unknown Guild")
        return guild

    def _show(self, call: Call) -> web.Response:
        guild = self.find(call)
        whole = self._state.guild_object(guild, [])
        return reply(whole | {"approximate_member_count": len(guild.members), "owner": False})

    def _change(self, call: Call) -> web.Response:
        guild, data = self.find(call), call.body.table()
        self._bot.demand(guild, MANAGE_GUILD)
        form = Form()
        form.text("name", data.get("name"), 100)
        form.finish()
        guild.name = data.get("name") or guild.name
        self._state.dispatch("GUILD_UPDATE", self._state.guild_object(guild, []), guild.id)
        return self._show(call)

    def _threads(self, call: Call) -> web.Response:
        return reply({"threads": self.find(call).active_threads, "members": []})

    def _webhooks(self, call: Call) -> web.Response:
        guild = self.find(call)
        self._bot.demand(guild, MANAGE_WEBHOOKS)
        hooks = [webhook for webhook in self._state.webhooks.values() if webhook.guild_id == guild.id]
        return reply([self._state.webhook_object(webhook) for webhook in hooks])

    def _invites(self, call: Call) -> web.Response:
        guild = self.find(call)
        self._bot.demand(guild, MANAGE_GUILD)
        return reply(list(guild.invites.values()))

    def _incidents(self, call: Call) -> web.Response:
        guild, data = self.find(call), call.body.table()
        self._bot.demand(guild, MANAGE_GUILD)
        keys = ("invites_disabled_until", "dms_disabled_until")
        guild.incidents = {**(guild.incidents or dict.fromkeys(keys)), **{key: data[key] for key in keys if key in data}}
        self._state.dispatch("GUILD_UPDATE", self._state.guild_object(guild, []), guild.id)
        return reply(guild.incidents)

    # -- roles

    def _add_role(self, call: Call) -> web.Response:
        guild, data = self.find(call), call.body.table()
        self._bot.demand(guild, MANAGE_ROLES)
        changes = self._role_changes(guild, data)
        if len(guild.roles) >= _MOST_ROLES:
            raise Refusal(400, 30005, f"Maximum number of server roles reached ({_MOST_ROLES})")
        name, permissions = changes.pop("name", "new role"), int(changes.pop("permissions", 0))
        return reply(self._state.add_role(guild, name, permissions, **changes))

    def _role(self, call: Call) -> web.Response:
        return reply(found(self.find(call).roles.get(call.id("role")), 10011, "Unknown Role"))

    def _move_roles(self, call: Call) -> web.Response:
        guild = self.find(call)
        for move in call.body.items():
            self._manageable(guild, int(move["id"]))
            self._state.change_role(guild, int(move["id"]), position=int(move["position"]))
        return reply(list(guild.roles.values()))

    def _change_role(self, call: Call) -> web.Response:
        guild = self.find(call)
        self._manageable(guild, call.id("role"))
        return reply(self._state.change_role(guild, call.id("role"), **self._role_changes(guild, call.body.table())))

    def _delete_role(self, call: Call) -> web.Response:
        guild, role_id = self.find(call), call.id("role")
        self._manageable(guild, role_id)
        del guild.roles[role_id]
        for member in guild.members.values():
            member["roles"] = [held for held in member["roles"] if held != str(role_id)]
        self._state.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(guild.id), "role_id": str(role_id)}, guild.id)
        self._state.emit("roles", {"guild_id": str(guild.id), "roles": list(guild.roles.values())})
        return no_content()

    def _manageable(self, guild: Guild, role_id: int) -> None:
        self._bot.demand(guild, MANAGE_ROLES)
        role = found(guild.roles.get(role_id), 10011, "Unknown Role")
        if role["position"] >= self._bot.rank(guild, self._bot.id):
            raise Refusal(403, 50013, "Missing Permissions")

    def _role_changes(self, guild: Guild, data: JSON) -> JSON:
        form = Form()
        form.text("name", data.get("name"), 100)
        form.whole("color", data.get("color"), 0xFFFFFF)
        form.finish()
        wanted = {key: data[key] for key in ("name", "color", "hoist", "mentionable") if data.get(key) is not None}
        if data.get("permissions") is not None:
            wanted["permissions"] = str(int(data["permissions"]))
            # A bot cannot give what it does not have.
            self._bot.demand(guild, int(data["permissions"]))
        return wanted

    # -- the audit log

    def _audit_log(self, call: Call) -> web.Response:
        guild, query = self.find(call), call.query
        self._bot.demand(guild, VIEW_AUDIT_LOG)
        entries = guild.audit_log[::-1]
        for key in ("user_id", "action_type", "target_id"):
            if key in query:
                entries = [entry for entry in entries if str(entry[key]) == query[key]]
        if "before" in query:
            entries = [entry for entry in entries if int(entry["id"]) < int(query["before"])]
        if "after" in query:
            # Asked this way the oldest come first.
            entries = [entry for entry in entries if int(entry["id"]) > int(query["after"])][::-1]
        entries = entries[: call.number("limit", 50)]
        ids = {int(entry[key]) for entry in entries for key in ("user_id", "target_id") if entry[key]}
        users = [self._state.users[user_id] for user_id in ids if user_id in self._state.users]
        empty: JSON = {key: [] for key in ("webhooks", "threads", "integrations", "guild_scheduled_events")}
        more: JSON = {"auto_moderation_rules": [], "application_commands": []}
        return reply({**empty, **more, "audit_log_entries": entries, "users": users})

    # -- channels

    def _add_channel(self, call: Call) -> web.Response:
        guild, data = self.find(call), call.body.table()
        self._bot.demand(guild, MANAGE_CHANNELS)
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
        more: JSON = {}
        if kind == FORUM:
            more["available_tags"] = self.tags(data.get("available_tags"))
        channel_id = self._state.add_channel(
            guild, channel_name(data["name"], kind), data.get("topic") or "", kind, flags=data.get("flags") or 0,
            parent_id=None if parent is None else parent["id"], permission_overwrites=clean_overwrites(overwrites), **more,
        )  # fmt: skip
        return reply(guild.channels[channel_id], 201)

    def _move_channels(self, call: Call) -> web.Response:
        guild = self.find(call)
        self._bot.demand(guild, MANAGE_CHANNELS)
        for move in call.body.items():
            found(guild.channels.get(int(move["id"])), 10003, "Unknown Channel")
            changes = {key: move[key] for key in ("position", "parent_id") if key in move}
            self._state.change_channel(guild, int(move["id"]), **changes)
        return no_content()

    def tags(self, wanted: Any) -> list[JSON]:
        """Return the tags of a forum, each with an id."""
        return [
            {"moderated": False, "emoji_id": None, "emoji_name": None, **tag, "id": str(tag.get("id") or self._state.snowflake())}
            for tag in parts(wanted)
        ]


def channel_name(name: str, kind: int) -> str:
    """Return the name that a channel really gets: those for text have no capitals and no spaces."""
    return name.strip() if kind in (2, CATEGORY, 13) else "-".join(name.lower().split())


def clean_overwrites(overwrites: list[JSON]) -> list[JSON]:
    """Return permission overwrites as Discord shows them."""

    def clean(item: JSON) -> JSON:
        bits = {key: str(item.get(key) or 0) for key in ("allow", "deny")}
        return {"id": str(item["id"]), "type": int(item["type"]), **bits}

    return [clean(item) for item in overwrites]
