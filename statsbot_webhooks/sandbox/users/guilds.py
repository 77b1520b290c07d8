"""The servers themselves: the bot joins and leaves them, they fail, and roles say who may do what."""

from __future__ import annotations

from collections.abc import Iterable

from ..permissions import bits
from ..state import JSON
from .members import People


class Servers(People):
    """The part of the sandbox that changes servers. Without `guild_id` the first one is meant."""

    def remove_guild(self, guild_id: int) -> None:
        """Remove the bot from a server: everything in it is gone."""

        def act() -> None:
            guild = self.state.guilds.pop(guild_id)
            for channel_id in list(guild.channels):
                self.state.remove_channel(guild, channel_id)
            self._gateway.dispatch("GUILD_DELETE", {"id": str(guild_id)}, guild_id)

        self._call(act)

    def set_available(self, available: bool, *, guild_id: int | None = None) -> None:
        """Begin or end an outage of a server, in which the bot is told that it is unavailable."""

        def act() -> None:
            guild = self._where(guild_id)
            guild.is_available = available
            if available:
                self._gateway.add_guild(guild, known=True)
            else:
                self._gateway.dispatch("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild.id)

        self._call(act)

    def add_role(self, name: str, permissions: Iterable[str] = (), *, guild_id: int | None = None) -> int:
        """Add a role with permissions named as in discord.py (`permissions.NAMES`); returns its id."""
        needed = bits(permissions)

        def act() -> int:
            guild = self._where(guild_id)
            role = self.state.add_role(guild, name, needed)
            self._gateway.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": role}, guild.id)
            return int(role["id"])

        return self._call(act)

    def give_role(self, user_id: int, role_id: int, *, guild_id: int | None = None) -> None:
        """Give a role to a member."""
        self._call(self._set_roles, guild_id, user_id, {role_id}, set[int]())

    def take_role(self, user_id: int, role_id: int, *, guild_id: int | None = None) -> None:
        """Take a role from a member; the role of administrators is `admin_role_id`."""
        self._call(self._set_roles, guild_id, user_id, set[int](), {role_id})

    @property
    def admin_role_id(self) -> int:
        """The role of the first server's administrators."""
        return self._guild.admin_role_id

    def _set_roles(self, guild_id: int | None, user_id: int, more: set[int], less: set[int]) -> None:
        guild = self._where(guild_id)
        member = guild.members[user_id]
        held = [role for role in member["roles"] if int(role) not in less | more]
        member["roles"] = [*held, *map(str, more)]
        self._gateway.dispatch("GUILD_MEMBER_UPDATE", {**member, "guild_id": str(guild.id)}, guild.id)

    def forbid(self, *permissions: str, guild_id: int | None = None) -> None:
        """Take permissions from the bot."""
        self._call(self._set_bot, guild_id, 0, bits(permissions))

    def allow(self, *permissions: str, guild_id: int | None = None) -> None:
        """Give permissions to the bot."""
        self._call(self._set_bot, guild_id, bits(permissions), 0)

    def _set_bot(self, guild_id: int | None, more: int, less: int) -> None:
        guild = self._where(guild_id)
        # What @everyone may do the bot may do too.
        for role_id in (guild.bot_role_id, guild.id):
            role: JSON = guild.roles[role_id]
            role["permissions"] = str((int(role["permissions"]) | (more if role_id == guild.bot_role_id else 0)) & ~less)
            self._gateway.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(guild.id), "role": role}, guild.id)
