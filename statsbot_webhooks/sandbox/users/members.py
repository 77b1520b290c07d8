"""Members come and go: they join, leave, are kicked, banned, pruned, timed out, given roles and nicknames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..clock import iso
from ..invites import use_invite
from ..moderation import BAN, KICK, MEMBER_UPDATE, PRUNE, UNBAN
from ..state import JSON, Guild
from .context import Context


class Members:
    """The part of the sandbox where users come and go.

    `audit_delay` is how many seconds the audit log entry of an action comes after it: before it when negative, and with
    `None` never.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def join(
        self, name: str, *, account_age_days: float = 400, bot: bool = False, user_id: int | None = None,
        guild_id: int | None = None, admin: bool = False, role_ids: Iterable[int] = (), joined_days_ago: float = 0,
        invite: str = "",
    ) -> int:  # fmt: skip
        """Let a user join, a known one when `user_id` is given, with roles; returns the user's id.

        `invite` is the code by which the user comes: a `LookupError` when there is none. `joined_days_ago` makes a member of
        long standing; do that before the bot logs in.
        """

        def act() -> int:
            guild = self._context.guild(guild_id)
            if invite:
                use_invite(self._context.state, guild, invite)
            user = self._context.state.user(name, user_id=user_id, bot=bot, age_days=account_age_days)
            held = (*role_ids, *((guild.admin_role_id,) if admin else ()))
            self._context.moderation.add(guild, user, held, joined_days_ago=joined_days_ago)
            return int(user["id"])

        return self._context.call(act)

    def set_team(self, roles: Mapping[int, str]) -> None:
        """Let a team own the bot's application: `roles` are "admin", "developer" or "read_only", by user id."""

        def act() -> None:
            context = self._context
            members = [
                {"user": context.state.users[user_id], "team_id": "1", "membership_state": 2, "role": role, "permissions": ["*"]}
                for user_id, role in roles.items()
            ]
            owner_id = str(context.owner_id)
            context.rest.bot.team = {"id": "1", "name": "Team", "icon": None, "owner_user_id": owner_id, "members": members}

        self._context.call(act)

    def leave(self, user_id: int, *, guild_id: int | None = None) -> None:
        """Let a member leave; raises `KeyError` when there is no such member."""
        self._context.call(self._context.moderation.remove, self._context.guild(guild_id), user_id)

    def kick(
        self, user_id: int, moderator_id: int | None = None, reason: str | None = None, *,
        guild_id: int | None = None, audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Kick a member: a leave and the audit log entry."""
        guild = self._context.guild(guild_id)
        entry = self._entry(KICK, user_id, moderator_id, reason)
        self._act(guild, lambda: self._context.moderation.remove(guild, user_id), entry, audit_delay)

    def ban(
        self, user_id: int, moderator_id: int | None = None, reason: str | None = None, *,
        guild_id: int | None = None, audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Ban a user: the ban, the leave that follows if they were a member, and the audit log entry."""
        guild = self._context.guild(guild_id)
        user = self._context.state.users[user_id]
        entry = self._entry(BAN, user_id, moderator_id, reason)
        self._act(guild, lambda: self._context.moderation.ban(guild, user, reason), entry, audit_delay)

    def unban(
        self, user_id: int, moderator_id: int | None = None, *, guild_id: int | None = None,
        audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Lift a ban; raises `KeyError` when there is none."""
        guild = self._context.guild(guild_id)
        entry = self._entry(UNBAN, user_id, moderator_id, None)
        self._act(guild, lambda: self._context.moderation.unban(guild, user_id), entry, audit_delay)

    def softban(self, user_id: int, moderator_id: int | None = None, reason: str | None = None, **where: Any) -> None:
        """Ban a user and lift the ban at once, as moderation bots do to delete a user's messages."""
        self.ban(user_id, moderator_id, reason, **where)
        self.unban(user_id, moderator_id, **where)

    def prune(
        self, user_ids: Iterable[int], moderator_id: int | None = None, *, days: int = 7, guild_id: int | None = None,
        audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Prune members that were away for so many days: a leave each, and one audit log entry without a name."""
        guild, ids = self._context.guild(guild_id), list(user_ids)

        def act() -> None:
            for user_id in ids:
                self._context.moderation.remove(guild, user_id)

        # https://discord.com/developers/docs/resources/audit-log: the numbers travel as text.
        options = {"delete_member_days": str(days), "members_removed": str(len(ids))}
        entry = self._entry(PRUNE, None, moderator_id, None) | {"options": options}
        self._act(guild, act, entry, audit_delay)

    def timeout(
        self, user_id: int, seconds: float | None, moderator_id: int | None = None, reason: str | None = None, *,
        guild_id: int | None = None, audit_delay: float | None = 0.0,
    ) -> None:  # fmt: skip
        """Time a member out for some seconds, or end the timeout with `None`."""
        guild, clock = self._context.guild(guild_id), self._context.state.clock
        until = None if seconds is None else iso(clock.time() + seconds)
        entry = self._entry(MEMBER_UPDATE, user_id, moderator_id, reason)
        old = guild.members[user_id].get("communication_disabled_until")
        entry["changes"] = [{"key": "communication_disabled_until", "old_value": old, "new_value": until}]
        change = self._context.moderation.change
        self._act(guild, lambda: change(guild, user_id, communication_disabled_until=until), entry, audit_delay)

    def rename(self, user_id: int, nick: str | None, *, guild_id: int | None = None) -> None:
        """Give a member a nickname in a server, or take it away with `None`."""
        self._context.call(self._context.moderation.change, self._context.guild(guild_id), user_id, nick=nick)

    def rename_user(self, user_id: int, name: str | None = None, **names: str | None) -> None:
        """Change a user's own name, and the one to be shown with `global_name`; raises `KeyError` when there is no such user.

        Bots hear it from each server of theirs (`on_user_update`); only of a bot itself Discord tells it as USER_UPDATE, too.
        """

        def act() -> None:
            user = self._context.state.users[user_id]
            self._context.moderation.rename(user, **names, username=name or user["username"])

        self._context.call(act)

    def give_role(self, user_id: int, role_id: int, *, guild_id: int | None = None) -> None:
        """Give a role to a member."""
        self._context.call(self._context.moderation.change_roles, self._context.guild(guild_id), user_id, more=[role_id])

    def take_role(self, user_id: int, role_id: int, *, guild_id: int | None = None) -> None:
        """Take a role from a member; the role of administrators is `admin_role_id`."""
        self._context.call(self._context.moderation.change_roles, self._context.guild(guild_id), user_id, less=[role_id])

    # -- the audit log

    def _entry(self, action: int, target_id: int | None, moderator_id: int | None, reason: str | None) -> JSON:
        by = moderator_id or self._context.admin_id
        return self._context.call(self._context.moderation.entry, action, target_id, by, reason)

    def _act(self, guild: Guild, act: Callable[[], object], entry: JSON, delay: float | None) -> None:
        """Do something, and let its audit log entry come `delay` seconds later, before it, or never."""
        call, later = self._context.call, self._context.thread.call_later

        def write() -> None:
            self._context.moderation.write(guild, entry)

        if delay is not None and delay < 0:
            call(write)
            later(-delay, act)
            return
        call(act)
        if delay == 0:
            call(write)
        elif delay is not None:
            later(delay, write)
