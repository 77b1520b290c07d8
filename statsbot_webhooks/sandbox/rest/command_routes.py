"""The bot's application commands: registered globally or for one server, listed, changed and deleted."""

from __future__ import annotations

from aiohttp import web

from ..state import State
from .account import BotAccount, found
from .errors import JSON, Refusal
from .http import no_content, reply
from .routing import Call, Routes


class CommandRoutes:
    """Answers requests about commands."""

    def __init__(self, state: State, bot: BotAccount) -> None:
        self._state = state
        self._bot = bot

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        for base in ("/applications/{app}/commands", "/applications/{app}/guilds/{guild}/commands"):
            routes.add(f"GET {base}", self._list)
            routes.add(f"PUT {base}", self._replace)
            routes.add(f"POST {base}", self._add)
            routes.add(f"GET {base}/{{command}}", lambda call: reply(self._find(call)))
            routes.add(f"PATCH {base}/{{command}}", self._change)
            routes.add(f"DELETE {base}/{{command}}", self._delete)

    def _known(self, call: Call) -> tuple[int | None, list[JSON]]:
        if call.ids["app"] != self._bot.user["id"]:
            raise Refusal(403, 20012, "You are not authorized to perform this action on this application")
        guild_id = call.id("guild") if "guild" in call.ids else None
        if guild_id is not None and guild_id not in self._state.guilds:
            raise Refusal(403, 50001, "Missing Access")
        return guild_id, self._bot.commands.setdefault(guild_id, [])

    def _list(self, call: Call) -> web.Response:
        return reply(self._known(call)[1])

    def _replace(self, call: Call) -> web.Response:
        guild_id, known = self._known(call)
        known[:] = [self._command(guild_id, command, known) for command in call.body.items()]
        self._state.emit("commands", {"guild_id": guild_id})
        return reply(known)

    def _add(self, call: Call) -> web.Response:
        guild_id, known = self._known(call)
        command = self._command(guild_id, call.body.table(), known)
        known[:] = [*(old for old in known if old["id"] != command["id"]), command]
        self._state.emit("commands", {"guild_id": guild_id})
        return reply(command, 201)

    def _find(self, call: Call) -> JSON:
        _, known = self._known(call)
        same = next((command for command in known if command["id"] == call.ids["command"]), None)
        return found(same, 10063, "Unknown application command")

    def _change(self, call: Call) -> web.Response:
        command = self._find(call)
        command |= call.body.table()
        return reply(command)

    def _delete(self, call: Call) -> web.Response:
        command = self._find(call)
        self._known(call)[1].remove(command)
        return no_content()

    def _command(self, guild_id: int | None, command: JSON, known: list[JSON]) -> JSON:
        kind, name = command.get("type", 1), command["name"]
        same = next((old for old in known if (old["type"], old["name"]) == (kind, name)), None)
        kept = {"id": same["id"] if same else str(self._state.snowflake()), "version": str(self._state.snowflake())}
        place: JSON = {} if guild_id is None else {"guild_id": str(guild_id)}
        permissions = command.get("default_member_permissions")
        own: JSON = {"application_id": self._bot.user["id"], "type": kind, "default_member_permissions": permissions}
        return {"description": "", "options": [], **command, **kept, **own, **place}
