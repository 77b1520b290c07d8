"""The servers themselves: the bot joins and leaves them, they fail, and roles say who may do what there."""

from __future__ import annotations

from collections.abc import Iterable

from ..permissions import bits
from .context import Context, make_guild


class Guilds:
    """The part of the sandbox that changes servers. Without `guild_id` the first one is meant."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def add_guild(self, name: str) -> int:
        """Add a server with the owner and the bot in it, and tell the bot."""

        def act() -> int:
            context = self._context
            guild = make_guild(context.state, context.moderation, name, context.owner, context.bot)
            context.gateway.add_guild(guild)
            return guild.id

        return self._context.call(act)

    def remove_guild(self, guild_id: int) -> None:
        """Remove the bot from a server: everything in it is gone."""

        def act() -> None:
            state = self._context.state
            guild = state.guilds.pop(guild_id)
            for channel_id in list(guild.channels):
                state.remove_channel(guild, channel_id)
            state.dispatch("GUILD_DELETE", {"id": str(guild_id)}, guild_id)

        self._context.call(act)

    def set_available(self, available: bool, *, guild_id: int | None = None) -> None:
        """Begin or end an outage of a server, in which the bot is told that it is unavailable."""

        def act() -> None:
            guild = self._context.guild(guild_id)
            guild.is_available = available
            if available:
                self._context.gateway.add_guild(guild, known=True)
            else:
                self._context.state.dispatch("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild.id)

        self._context.call(act)

    def add_role(self, name: str, permissions: Iterable[str] = (), *, guild_id: int | None = None) -> int:
        """Add a role with permissions named as in discord.py (`permissions.NAMES`); returns its id."""
        needed = bits(permissions)
        return self._context.call(lambda: int(self._context.state.add_role(self._context.guild(guild_id), name, needed)["id"]))

    def forbid(self, *permissions: str, guild_id: int | None = None) -> None:
        """Take permissions from the bot."""
        self._context.call(self._set_bot, guild_id, 0, bits(permissions))

    def allow(self, *permissions: str, guild_id: int | None = None) -> None:
        """Give permissions to the bot."""
        self._context.call(self._set_bot, guild_id, bits(permissions), 0)

    def _set_bot(self, guild_id: int | None, more: int, less: int) -> None:
        guild = self._context.guild(guild_id)
        # What @everyone may do the bot may do too.
        for role_id in (guild.bot_role_id, guild.id):
            held = int(guild.roles[role_id]["permissions"]) | (more if role_id == guild.bot_role_id else 0)
            self._context.state.change_role(guild, role_id, permissions=str(held & ~less))
