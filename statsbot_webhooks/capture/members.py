"""Members coming and going. A ban and the leave that belongs to it are one event, and so are a kick and its leave."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import discord
from discord.ext import commands

from ..event import Event, EventKind, LogLevel, Person, to_plain

_log = logging.getLogger(__name__)

# Gateway events of one ban come in any order, and the audit log entry after them.
_WAIT_SECONDS = 3.0
_VERBS = {
    "join": "joined",
    "leave": "left",
    "kick": "was kicked from",
    "ban": "was banned from",
    "unban": "was unbanned from",
}


@dataclass(slots=True)
class _Departure:
    """A leave or a ban that waits for what explains it."""

    type: str
    guild: discord.Guild
    user: discord.abc.User
    timer: asyncio.TimerHandle
    details: dict[str, object]
    moderator: discord.abc.User | None = None


class MemberHooks:
    """Listen on the bot; `add_listener` leaves the host's own handlers as they are (H7)."""

    def __init__(
        self,
        bot: commands.Bot,
        submit: Callable[[Event], object],
        *,
        now: Callable[[], float],
        guild_ids: frozenset[int],
    ) -> None:
        self._bot = bot
        self._submit = submit
        self._now = now
        self._guild_ids = guild_ids
        self._waiting: dict[tuple[int, int], _Departure] = {}

    def install(self, stack: ExitStack) -> None:
        """Add the listeners; the stack removes them and submits what still waits."""
        stack.callback(self.flush)
        listeners = (
            self.on_member_join,
            self.on_raw_member_remove,
            self.on_member_ban,
            self.on_member_unban,
            self.on_audit_log_entry_create,
        )
        for listener in listeners:
            self._bot.add_listener(listener)
            stack.callback(self._bot.remove_listener, listener)

    def flush(self) -> None:
        """Submit the departures that still wait for an explanation."""
        for key in list(self._waiting):
            self._finish(key)

    async def on_member_join(self, member: discord.Member) -> None:
        age = datetime.now(UTC) - member.created_at
        details = {"account_created": f"<t:{int(member.created_at.timestamp())}:R>", "account_age_days": age.days}
        self._ship("join", member.guild, member, {**details, "member_count": member.guild.member_count})

    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        guild = self._bot.get_guild(payload.guild_id)
        if guild is None or (guild.id, payload.user.id) in self._waiting:
            return
        details: dict[str, object] = {"member_count": guild.member_count}
        if isinstance(payload.user, discord.Member):
            details["roles"] = ", ".join(role.name for role in payload.user.roles if not role.is_default()) or "none"
            if payload.user.joined_at is not None:
                details["joined"] = f"<t:{int(payload.user.joined_at.timestamp())}:R>"
        self._wait("leave", guild, payload.user, details)

    async def on_member_ban(self, guild: discord.Guild, user: discord.User | discord.Member) -> None:
        self._wait("ban", guild, user, {})

    async def on_member_unban(self, guild: discord.Guild, user: discord.User) -> None:
        self._ship("unban", guild, user, {})

    async def on_audit_log_entry_create(self, entry: discord.AuditLogEntry) -> None:
        kinds = {discord.AuditLogAction.kick: "kick", discord.AuditLogAction.ban: "ban"}
        kind = kinds.get(entry.action)
        target_id = getattr(entry.target, "id", None)
        if kind is None or target_id is None:
            return
        departure = self._waiting.get((entry.guild.id, target_id))
        if departure is None:
            user = entry.target if isinstance(entry.target, (discord.User, discord.Member)) else self._bot.get_user(target_id)
            if user is None:
                return
            departure = self._wait(kind, entry.guild, user, {})
        departure.type = kind
        departure.moderator = entry.user
        if entry.reason:
            departure.details["reason"] = entry.reason

    def _wait(self, kind: str, guild: discord.Guild, user: discord.abc.User, details: dict[str, object]) -> _Departure:
        key = (guild.id, user.id)
        departure = self._waiting.get(key)
        if departure is None:
            timer = asyncio.get_running_loop().call_later(_WAIT_SECONDS, self._finish, key)
            departure = self._waiting[key] = _Departure(kind, guild, user, timer, {})
        if kind != "leave":
            departure.type = kind
        departure.details.update(details)
        return departure

    def _finish(self, key: tuple[int, int]) -> None:
        departure = self._waiting.pop(key, None)
        if departure is not None:
            departure.timer.cancel()
            self._ship(departure.type, departure.guild, departure.user, departure.details, departure.moderator)

    def _ship(
        self,
        kind: str,
        guild: discord.Guild,
        user: discord.abc.User,
        details: dict[str, Any],
        moderator: discord.abc.User | None = None,
    ) -> None:
        if self._guild_ids and guild.id not in self._guild_ids:
            return
        persons = [user] if moderator is None else [user, moderator]
        context = {"member_id": str(user.id), "username": user.name, "guild": guild.name, **details}
        if moderator is not None:
            context["moderator"] = f"{moderator.name} ({moderator.id})"
        event = Event(
            EventKind.MEMBER,
            LogLevel.WARNING if kind in ("ban", "kick") else LogLevel.INFO,
            f"<@{user.id}> {user.name} {_VERBS[kind]} {guild.name}",
            self._now(),
            kind,
            to_plain(context),
            guild_id=guild.id,
            persons=tuple(Person(person.id, tuple({person.name, person.display_name})) for person in persons),
            template=kind,
        )
        self._submit(event)
