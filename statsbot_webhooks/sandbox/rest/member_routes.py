"""What a bot asks and does about members: it looks them up, edits, kicks, bans and prunes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

from aiohttp import web

from ..moderation import BAN, KICK, MEMBER_ROLE_UPDATE, MEMBER_UPDATE, PRUNE, UNBAN, Moderation
from ..permissions import (
    BAN_MEMBERS,
    CHANGE_NICKNAME,
    KICK_MEMBERS,
    MANAGE_NICKNAMES,
    MANAGE_ROLES,
    MODERATE_MEMBERS,
)
from ..state import Guild, State
from .account import BotAccount, found
from .errors import JSON, Form, Refusal
from .guild_routes import GuildRoutes
from .http import no_content, reply
from .routing import Call, Routes

_LONGEST_TIMEOUT: Final = 28 * 86400


class MemberRoutes:
    """Answers requests about the members of a server, and about those who were banned from it."""

    def __init__(self, state: State, bot: BotAccount, guilds: GuildRoutes, moderation: Moderation) -> None:
        self._state = state
        self._bot = bot
        self._guilds = guilds
        self._moderation = moderation

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        base = "/guilds/{guild}"
        routes.add(f"GET {base}/members", self._list)
        routes.add(f"GET {base}/members/search", self._search)
        routes.add(f"GET {base}/members/{{user}}", lambda call: reply(self._member(call)[1]))
        routes.add(f"PATCH {base}/members/@me", self._change_me)
        routes.add(f"PATCH {base}/members/{{user}}", self._change)
        routes.add(f"DELETE {base}/members/{{user}}", self._kick)
        routes.add(f"PUT {base}/members/{{user}}/roles/{{role}}", self._give_role)
        routes.add(f"DELETE {base}/members/{{user}}/roles/{{role}}", self._take_role)
        routes.add(f"GET {base}/bans", self._bans)
        routes.add(f"GET {base}/bans/{{user}}", self._ban)
        routes.add(f"PUT {base}/bans/{{user}}", self._add_ban)
        routes.add(f"DELETE {base}/bans/{{user}}", self._remove_ban)
        routes.add(f"POST {base}/bulk-ban", self._bulk_ban)
        routes.add(f"POST {base}/prune", self._prune)

    def _member(self, call: Call) -> tuple[Guild, JSON]:
        guild = self._guilds.find(call)
        return guild, found(guild.members.get(call.id("user")), 10007, "Unknown Member")

    def _list(self, call: Call) -> web.Response:
        after, members = call.number("after", 0), self._guilds.find(call).members
        later = [members[user_id] for user_id in sorted(members) if user_id > after]
        return reply(later[: call.number("limit", 1)])

    def _search(self, call: Call) -> web.Response:
        query, members = call.query.get("query", "").lower(), self._guilds.find(call).members.values()
        names = [(member, (member["nick"] or "", member["user"]["username"])) for member in members]
        hits = [member for member, known in names if any(name.lower().startswith(query) for name in known)]
        return reply(hits[: call.number("limit", 1)])

    # -- changes

    def _change_me(self, call: Call) -> web.Response:
        guild, data = self._guilds.find(call), call.body.table()
        self._bot.demand(guild, CHANGE_NICKNAME)
        return reply(self._moderation.change(guild, self._bot.id, nick=data.get("nick")))

    def _change(self, call: Call) -> web.Response:
        (guild, member), data = self._member(call), call.body.table()
        user_id, form = call.id("user"), Form()
        form.text("nick", data.get("nick"), 32)
        form.finish()
        changes: JSON = {}
        if "nick" in data:
            self._bot.demand(guild, MANAGE_NICKNAMES)
            changes["nick"] = data["nick"] or None
        if "roles" in data:
            self._bot.demand(guild, MANAGE_ROLES)
            changes["roles"] = [str(role) for role in cast(list[Any], data["roles"] or []) if int(role) in guild.roles]
            for role_id in set(changes["roles"]) ^ set(member["roles"]):
                self._demand_role(guild, int(role_id))
        if "communication_disabled_until" in data:
            self._bot.demand(guild, MODERATE_MEMBERS)
            changes["communication_disabled_until"] = self._timeout(data["communication_disabled_until"])
        self._bot.demand_above(guild, user_id)
        before = {key: member.get(key) for key in changes}
        shown = self._moderation.change(guild, user_id, **changes)
        differences = [
            {"key": key, "old_value": before[key], "new_value": value} for key, value in changes.items() if before[key] != value
        ]
        self._log(guild, MEMBER_UPDATE, user_id, call, changes=differences)
        return reply(shown)

    def _timeout(self, until: str | None) -> str | None:
        if until is None:
            return None
        left = datetime.fromisoformat(until).timestamp() - self._state.clock.time()
        if left > _LONGEST_TIMEOUT:
            form = Form()
            form.add("communication_disabled_until", "DATE_TIME_TYPE_PARSE", "A timeout lasts 28 days at most.")
            form.finish()
        return until

    def _give_role(self, call: Call) -> web.Response:
        guild, _ = self._member(call)
        self._demand_role(guild, call.id("role"))
        self._moderation.change_roles(guild, call.id("user"), more=[call.id("role")])
        self._log(guild, MEMBER_ROLE_UPDATE, call.id("user"), call)
        return no_content()

    def _take_role(self, call: Call) -> web.Response:
        guild, _ = self._member(call)
        self._demand_role(guild, call.id("role"))
        self._moderation.change_roles(guild, call.id("user"), less=[call.id("role")])
        self._log(guild, MEMBER_ROLE_UPDATE, call.id("user"), call)
        return no_content()

    def _demand_role(self, guild: Guild, role_id: int) -> None:
        self._bot.demand(guild, MANAGE_ROLES)
        role = found(guild.roles.get(role_id), 10011, "Unknown Role")
        if role["managed"] or role["position"] >= self._bot.rank(guild, self._bot.id):
            raise Refusal(403, 50013, "Missing Permissions")

    # -- ends

    def _kick(self, call: Call) -> web.Response:
        guild, _ = self._member(call)
        self._bot.demand(guild, KICK_MEMBERS)
        self._bot.demand_above(guild, call.id("user"))
        self._moderation.remove(guild, call.id("user"))
        self._log(guild, KICK, call.id("user"), call)
        return no_content()

    def _bans(self, call: Call) -> web.Response:
        guild = self._guilds.find(call)
        self._bot.demand(guild, BAN_MEMBERS)
        return reply(list(guild.bans.values()))

    def _ban(self, call: Call) -> web.Response:
        return reply(found(self._guilds.find(call).bans.get(call.id("user")), 10026, "Unknown Ban"))

    def _add_ban(self, call: Call) -> web.Response:
        guild, user_id = self._guilds.find(call), call.id("user")
        self._bot.demand(guild, BAN_MEMBERS)
        user = found(self._state.users.get(user_id), 10013, "Unknown User")
        self._bot.demand_above(guild, user_id)
        self._moderation.ban(guild, user, call.reason)
        self._log(guild, BAN, user_id, call)
        return no_content()

    def _remove_ban(self, call: Call) -> web.Response:
        guild, user_id = self._guilds.find(call), call.id("user")
        self._bot.demand(guild, BAN_MEMBERS)
        found(guild.bans.get(user_id), 10026, "Unknown Ban")
        self._moderation.unban(guild, user_id)
        self._log(guild, UNBAN, user_id, call)
        return no_content()

    def _bulk_ban(self, call: Call) -> web.Response:
        guild, data = self._guilds.find(call), call.body.table()
        self._bot.demand(guild, BAN_MEMBERS)
        banned, failed = list[str](), list[str]()
        for user_id in cast(list[str], data.get("user_ids") or []):
            user = self._state.users.get(int(user_id))
            if user is None or int(user_id) == guild.owner_id:
                failed.append(user_id)
                continue
            self._moderation.ban(guild, user, call.reason)
            self._log(guild, BAN, int(user_id), call)
            banned.append(user_id)
        return reply({"banned_users": banned, "failed_users": failed})

    def _prune(self, call: Call) -> web.Response:
        guild = self._guilds.find(call)
        self._bot.demand(guild, KICK_MEMBERS)
        # No member of the sandbox is ever away: a prune finds none.
        self._log(guild, PRUNE, None, call, options={"delete_member_days": "7", "members_removed": "0"})
        return reply({"pruned": 0})

    def _log(self, guild: Guild, action: int, target_id: int | None, call: Call, **more: object) -> None:
        self._moderation.write(guild, self._moderation.entry(action, target_id, self._bot.id, call.reason, **more))
