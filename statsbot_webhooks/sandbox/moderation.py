"""What happens to members: they join, leave, are kicked, banned, timed out, given roles; and the audit log of it.

Both users of the sandbox and the bot's own requests come here; no request is read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .clock import iso
from .state import JSON, Guild, State

KICK: Final = 20
PRUNE: Final = 21
BAN: Final = 22
UNBAN: Final = 23
MEMBER_UPDATE: Final = 24
MEMBER_ROLE_UPDATE: Final = 25
_DID_REJOIN: Final = 1 << 0


class Moderation:
    """Changes members and tells the gateway. All calls on the server's thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, guild: Guild, user: JSON, role_ids: Iterable[int] = (), *, joined_days_ago: float = 0.0) -> JSON:
        """Let a user join; an older member is there without an event."""
        user_id = int(user["id"])
        joined_at = iso(self._state.clock.time() - joined_days_ago * 86400)
        member: JSON = {
            "user": user, "nick": None, "avatar": None, "roles": [str(role_id) for role_id in role_ids],
            "joined_at": joined_at, "deaf": False, "mute": False, "pending": False, "premium_since": None,
            "flags": _DID_REJOIN if user_id in guild.former else 0, "communication_disabled_until": None,
        }  # fmt: skip
        guild.members[user_id] = member
        self._state.emit("member", {"guild_id": str(guild.id), "user": user, "joined": True, "roles": member["roles"]})
        self._state.dispatch("GUILD_MEMBER_ADD", {**member, "guild_id": str(guild.id)}, guild.id)
        return member

    def remove(self, guild: Guild, user_id: int) -> None:
        """Let a member leave; raises `KeyError` when there is no such member."""
        user = guild.members.pop(user_id)["user"]
        guild.former.add(user_id)
        place = {"guild_id": str(guild.id), "user": user}
        self._state.emit("member", {**place, "joined": False})
        self._state.dispatch("GUILD_MEMBER_REMOVE", place, guild.id)

    def ban(self, guild: Guild, user: JSON, reason: str | None) -> None:
        """Ban a user, who leaves with it when they are a member."""
        user_id = int(user["id"])
        guild.bans[user_id] = {"user": user, "reason": reason}
        self._state.dispatch("GUILD_BAN_ADD", {"guild_id": str(guild.id), "user": user}, guild.id)
        self._state.emit("ban", {"guild_id": str(guild.id), "user": user, "banned": True})
        if user_id in guild.members:
            self.remove(guild, user_id)

    def unban(self, guild: Guild, user_id: int) -> None:
        """Lift a ban; raises `KeyError` when there is none."""
        user = guild.bans.pop(user_id)["user"]
        self._state.dispatch("GUILD_BAN_REMOVE", {"guild_id": str(guild.id), "user": user}, guild.id)
        self._state.emit("ban", {"guild_id": str(guild.id), "user": user, "banned": False})

    def change(self, guild: Guild, user_id: int, **changes: Any) -> JSON:
        """Change a member's nickname, roles or timeout; raises `KeyError` when there is no such member."""
        member: JSON = guild.members[user_id]
        member |= changes
        self._state.dispatch("GUILD_MEMBER_UPDATE", {**member, "guild_id": str(guild.id)}, guild.id)
        place = {"guild_id": str(guild.id), "user": member["user"], "joined": True}
        self._state.emit("member", {**place, "roles": member["roles"], "nick": member["nick"]})
        return member

    def rename(self, user: JSON, **names: str | None) -> None:
        """Change a user's own names, which every server of theirs tells its bots."""
        user |= names
        for guild in self._state.guilds.values():
            if int(user["id"]) in guild.members:
                self.change(guild, int(user["id"]))

    def change_roles(self, guild: Guild, user_id: int, more: Iterable[int] = (), less: Iterable[int] = ()) -> JSON:
        """Give and take roles; raises `KeyError` when there is no such member."""
        added, taken = [str(role_id) for role_id in more], {str(role_id) for role_id in less}
        held: list[str] = guild.members[user_id]["roles"]
        kept = [role_id for role_id in held if role_id not in taken and role_id not in added]
        return self.change(guild, user_id, roles=[*kept, *added])

    def entry(self, action: int, target_id: int | None, moderator_id: int, reason: str | None, **more: Any) -> JSON:
        """Return an audit log entry that carries the present time, however late it is written."""
        return {
            "id": str(self._state.snowflake()), "user_id": str(moderator_id), "action_type": action, "changes": [],
            "target_id": None if target_id is None else str(target_id), **({} if reason is None else {"reason": reason}),
            **more,
        }  # fmt: skip

    def write(self, guild: Guild, entry: JSON) -> None:
        """Write an entry into the audit log."""
        guild.audit_log.append(entry)
        self._state.dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", {**entry, "guild_id": str(guild.id)}, guild.id)
