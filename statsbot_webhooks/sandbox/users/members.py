"""Life in the servers of the local Discord: people come, talk, and go, one way or another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from ..gateway import Gateway
from ..guild_payload import DEFAULT_PERMISSIONS
from ..permissions import bits
from ..state import JSON, Guild, State, iso
from ..thread import Server

_KICK: Final = 20
_PRUNE: Final = 21
_BAN: Final = 22
_UNBAN: Final = 23
# What bots usually ask for when they are invited.
BOT_PERMISSIONS: Final = ("view_audit_log", "manage_channels", "manage_roles", "manage_webhooks", "manage_messages")


class People(Server):
    """The part of the sandbox where people are.

    `audit_delay` is how many seconds the audit log entry of an action comes after it: before it when negative, and with
    `None` never.
    """

    def __init__(self, port: int, state: State, gateway: Gateway, owner: JSON, bot: JSON) -> None:
        super().__init__(port)
        self.state = state
        self._gateway = gateway
        self._people = (owner, bot)
        self._bot_permissions = DEFAULT_PERMISSIONS | bits(BOT_PERMISSIONS)
        self.owner_id, self.bot_id = int(owner["id"]), int(bot["id"])
        self._guild = self._make_guild("Sandbox")
        self.guild_id = self._guild.id
        adam = state.add_member(self._guild, state.user("adam"), (self._guild.admin_role_id,))
        self.admin_id = int(adam["user"]["id"])
        self.member_id = int(state.add_member(self._guild, state.user("mia"))["user"]["id"])

    def _make_guild(self, name: str) -> Guild:
        guild = self.state.add_guild(name, self.owner_id, self._bot_permissions)
        owner, bot = self._people
        self.state.add_member(guild, owner)
        self.state.add_member(guild, bot, (guild.bot_role_id,))
        return guild

    def _where(self, guild_id: int | None) -> Guild:
        return self._guild if guild_id is None else self.state.guilds[guild_id]

    def add_guild(self, name: str) -> int:
        """Add a server with the owner and the bot in it, and tell the bot."""
        return self._call(self._add_guild, name)

    def _add_guild(self, name: str) -> int:
        guild = self._make_guild(name)
        self._gateway.add_guild(guild)
        return guild.id

    def join(
        self, name: str, *, account_age_days: float = 400, bot: bool = False, user_id: int | None = None,
        guild_id: int | None = None, admin: bool = False, role_ids: Iterable[int] = (), joined_days_ago: float = 0,
    ) -> int:  # fmt: skip
        """Let somebody join, a known person when `user_id` is given, with roles; returns the user's id.

        `joined_days_ago` makes a member of long standing; do that before the bot logs in.
        """

        def act() -> int:
            guild = self._where(guild_id)
            user = self.state.user(name, user_id=user_id, bot=bot, age_days=account_age_days)
            held = (*role_ids, *((guild.admin_role_id,) if admin else ()))
            member = self.state.add_member(guild, user, held)
            if joined_days_ago:
                member["joined_at"] = iso(time.time() - joined_days_ago * 86400)
            self._gateway.dispatch("GUILD_MEMBER_ADD", {**member, "guild_id": str(guild.id)}, guild.id)
            return int(user["id"])

        return self._call(act)

    def leave(self, user_id: int, *, guild_id: int | None = None) -> None:
        """Let a member leave; raises `KeyError` when there is no such member."""
        self._call(self._remove, self._where(guild_id), user_id)

    def _remove(self, guild: Guild, user_id: int) -> None:
        user = self.state.remove_member(guild, user_id)
        self._gateway.dispatch("GUILD_MEMBER_REMOVE", {"guild_id": str(guild.id), "user": user}, guild.id)

    def kick(
        self, user_id: int, moderator_id: int | None = None, reason: str | None = None, *,
        guild_id: int | None = None, audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Kick a member: a leave and the audit log entry."""
        guild = self._where(guild_id)
        entry = self._entry(_KICK, user_id, moderator_id, reason)
        self._act(guild, lambda: self._remove(guild, user_id), entry, audit_delay)

    def ban(
        self, user_id: int, moderator_id: int | None = None, reason: str | None = None, *,
        guild_id: int | None = None, audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Ban a person: the ban, the leave that follows if they were a member, and the audit log entry."""
        guild = self._where(guild_id)

        def act() -> None:
            user = self.state.users[user_id]
            guild.bans[user_id] = {"user": user, "reason": reason}
            self._gateway.dispatch("GUILD_BAN_ADD", {"guild_id": str(guild.id), "user": user}, guild.id)
            if user_id in guild.members:
                self._remove(guild, user_id)

        self._act(guild, act, self._entry(_BAN, user_id, moderator_id, reason), audit_delay)

    def unban(
        self, user_id: int, moderator_id: int | None = None, *, guild_id: int | None = None,
        audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Lift a ban; raises `KeyError` when there is none."""
        guild = self._where(guild_id)

        def act() -> None:
            user = guild.bans.pop(user_id)["user"]
            self._gateway.dispatch("GUILD_BAN_REMOVE", {"guild_id": str(guild.id), "user": user}, guild.id)

        self._act(guild, act, self._entry(_UNBAN, user_id, moderator_id, None), audit_delay)

    def softban(self, user_id: int, moderator_id: int | None = None, reason: str | None = None, **where: Any) -> None:
        """Ban a person and lift the ban at once, as moderation bots do to delete somebody's messages."""
        self.ban(user_id, moderator_id, reason, **where)
        self.unban(user_id, moderator_id, **where)

    def prune(
        self, user_ids: Iterable[int], moderator_id: int | None = None, *, days: int = 7, guild_id: int | None = None,
        audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Prune members that were away for so many days: a leave each, and one audit log entry that names nobody."""
        guild, ids = self._where(guild_id), list(user_ids)

        def act() -> None:
            for user_id in ids:
                self._remove(guild, user_id)

        # https://discord.com/developers/docs/resources/audit-log: the numbers travel as text.
        options = {"delete_member_days": str(days), "members_removed": str(len(ids))}
        entry = self._entry(_PRUNE, None, moderator_id, None) | {"options": options}
        self._act(guild, act, entry, audit_delay)

    def _entry(self, action: int, target_id: int | None, moderator_id: int | None, reason: str | None) -> JSON:
        # The id carries the time of the action, however late the entry comes.
        return {
            "id": str(self._call(self.state.snowflake)), "user_id": str(moderator_id or self.admin_id),
            "target_id": None if target_id is None else str(target_id), "action_type": action, "changes": [],
            **({} if reason is None else {"reason": reason}),
        }  # fmt: skip

    def _act(self, guild: Guild, act: Callable[[], object], entry: JSON, delay: float | None) -> None:
        """Do something, and let its audit log entry come `delay` seconds later, before it, or never."""

        def write() -> None:
            guild.audit_log.append(entry)
            self._gateway.dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", {**entry, "guild_id": str(guild.id)}, guild.id)

        if delay is not None and delay < 0:
            self._call(write)
            self._later(-delay, act)
            return
        self._call(act)
        if delay == 0:
            self._call(write)
        elif delay is not None:
            self._later(delay, write)

    def say(self, text: str, *, channel: str = "general", author_id: int | None = None, guild_id: int | None = None) -> int:
        """Let a member write a message; returns its id."""

        def act() -> int:
            guild = self._where(guild_id)
            channel_id = self._channel_id(channel, guild)
            if channel_id is None:
                raise LookupError(f"no channel {channel!r}")
            somebody = self.member_id if guild is self._guild else self.owner_id
            user = guild.members[author_id or somebody]["user"]
            # Members may not notify everyone, only each other.
            payload: JSON = {"content": text, "allowed_mentions": {"parse": ["users"]}}
            return int(self.state.add_message(channel_id, user, payload, [])["id"])

        return self._call(act)

    def _channel_id(self, name: str, guild: Guild | None = None) -> int | None:
        guild = guild or self._guild
        places = [*guild.channels.items(), *guild.threads.items()]
        return next((place_id for place_id, place in places if place["name"] == name), None)
