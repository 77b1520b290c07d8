"""What a bot asks about itself: its user, its application, its servers, other users, and the gateway's address.

Its servers, channels, messages and commands have files of their own.
"""

from __future__ import annotations

from aiohttp import web

from ..moderation import Moderation
from ..state import State
from .account import BotAccount, found
from .errors import JSON, Refusal
from .http import no_content, reply
from .routing import Call, Routes


class BotRoutes:
    """Answers requests that carry the bot's token."""

    def __init__(self, state: State, bot: BotAccount, moderation: Moderation) -> None:
        self._state = state
        self._bot = bot
        self._moderation = moderation

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        routes.add("GET /users/@me", self._me)
        routes.add("PATCH /users/@me", self._change_me)
        routes.add("GET /users/@me/guilds", self._guilds)
        routes.add("DELETE /users/@me/guilds/{guild}", self._leave)
        routes.add("POST /users/@me/channels", self._direct_channel)
        routes.add("GET /users/{user}", self._user)
        routes.add("GET /oauth2/applications/@me", self._application)
        routes.add("GET /applications/@me", self._application)
        routes.add("GET /applications/{app}/emojis", lambda call: reply({"items": []}))
        routes.add("GET /gateway", lambda call: reply({"url": self._bot.gateway_url}))
        routes.add("GET /gateway/bot", self._gateway)

    def _me(self, call: Call) -> web.Response:
        return reply(self._own_user())

    def _own_user(self) -> JSON:
        return {**self._bot.user, "verified": True, "mfa_enabled": False, "flags": 0, "locale": "en-US"}

    def _change_me(self, call: Call) -> web.Response:
        name = call.body.table().get("username")
        if name and name != self._bot.user["username"]:
            self._moderation.rename(self._bot.user, username=name)
            self._state.dispatch("USER_UPDATE", self._own_user(), None)
        return self._me(call)

    def _guilds(self, call: Call) -> web.Response:
        return reply([{**self._state.guild_object(guild, []), "owner": False} for guild in self._state.guilds.values()])

    def _leave(self, call: Call) -> web.Response:
        guild = self._state.guilds.pop(call.id("guild"), None)
        if guild is None:
            raise Refusal(404, 10004, "Unknown Guild")
        self._state.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild.id)
        return no_content()

    def _direct_channel(self, call: Call) -> web.Response:
        user_id = int(call.body.table().get("recipient_id") or 0)
        return reply(self._state.direct_channel(found(self._state.users.get(user_id), 10013, "Unknown User")))

    def _user(self, call: Call) -> web.Response:
        return reply(found(self._state.users.get(call.id("user")), 10013, "Unknown User"))

    def _gateway(self, call: Call) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return reply({"url": self._bot.gateway_url, "shards": self._bot.shards, "session_start_limit": limit})

    def _application(self, call: Call) -> web.Response:
        me, owner = self._bot.user, self._bot.owner
        shown: JSON = {
            "id": me["id"], "name": me["username"], "icon": None, "description": "", "bot_public": True,
            "bot_require_code_grant": False, "owner": owner, "bot": me, "verify_key": "0" * 64,
            "flags": self._bot.flags, "team": self._bot.team, "summary": "", "hook": True, "tags": [], "redirect_uris": [],
            "interactions_endpoint_url": None, "role_connections_verification_url": None,
            "approximate_guild_count": len(self._state.guilds), "approximate_user_install_count": 0,
        }  # fmt: skip
        return reply(shown)
