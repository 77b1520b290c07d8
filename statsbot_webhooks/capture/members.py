"""Members coming and going. A ban and the leave that belongs to it are one event, and so are a kick and its leave."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import discord
from discord.ext import commands

from ..event import Event, EventKind, LogLevel, Person, to_plain
from .border import Border

# Gateway events of one ban come in any order, and the audit log entry after them.
_WAIT_SECONDS = 3.0
# What comes later than that, of a ban or kick that was already shipped, tells nothing new for this long.
_REMEMBER_SECONDS = 60.0
_REMEMBERED = 256
_DAY = 86400
_REMOVALS = {discord.AuditLogAction.kick: "kick", discord.AuditLogAction.ban: "ban"}
_VERBS = {
    "join": "joined",
    "leave": "left",
    "kick": "was kicked from",
    "ban": "was banned from",
    "unban": "was unbanned from",
}


@dataclass(slots=True)
class _Departure:
    """A leave, kick or ban that waits for what explains it; `time` is when it happened."""

    type: str
    guild: discord.Guild
    user: discord.abc.User
    time: float
    timer: asyncio.TimerHandle
    details: dict[str, object]
    moderator: discord.abc.User | None = None


class MemberHooks:
    """Listen on the bot; `add_listener` leaves the host's own handlers as they are (H7)."""

    def __init__(
        self, bot: commands.Bot, submit: Callable[[Event], object], *, now: Callable[[], float], guild_ids: frozenset[int]
    ) -> None:
        self._bot = bot
        self._submit = submit
        self._now = now
        self._guild_ids = guild_ids
        self._waiting: dict[tuple[int, int], _Departure] = {}
        self._removed: OrderedDict[tuple[int, int], float] = OrderedDict()
        self.border = Border("a member event")

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
            self.border.call(self._finish, key)

    async def on_member_join(self, member: discord.Member) -> None:
        self.border.call(self._join, member)

    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        self.border.call(self._remove, payload)

    async def on_member_ban(self, guild: discord.Guild, user: discord.User | discord.Member) -> None:
        self.border.call(self._depart, "ban", guild, user, {})

    async def on_member_unban(self, guild: discord.Guild, user: discord.User) -> None:
        self.border.call(self._return, "unban", guild, user, {})

    async def on_audit_log_entry_create(self, entry: discord.AuditLogEntry) -> None:
        self.border.call(self._explain, entry)

    def _join(self, member: discord.Member) -> None:
        created = member.created_at.timestamp()
        details: dict[str, object] = {
            "account_created": f"<t:{int(created)}:R>",
            "account_age_days": int((self._now() - created) // _DAY),
            "member_count": member.guild.member_count,
        }
        self._return("join", member.guild, member, details)

    def _return(self, kind: str, guild: discord.Guild, user: discord.abc.User, details: dict[str, object]) -> None:
        """Ship a join or unban, after the departure of the same person that still waits."""
        key = (guild.id, user.id)
        self._finish(key)
        self._removed.pop(key, None)
        self._ship(kind, guild, user, details, self._now())

    def _remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        guild = self._bot.get_guild(payload.guild_id)
        if guild is None or self._was_removed((guild.id, payload.user.id)):
            return
        details: dict[str, object] = {"member_count": guild.member_count}
        # Only a member that was in the cache has more than a name.
        if isinstance(payload.user, discord.Member):
            details["roles"] = ", ".join(role.name for role in payload.user.roles if not role.is_default()) or "none"
            if payload.user.joined_at is not None:
                joined = payload.user.joined_at.timestamp()
                details["joined"] = f"<t:{int(joined)}:R>"
                details["stayed"] = _format_duration(self._now() - joined)
        self._depart("leave", guild, payload.user, details)

    def _explain(self, entry: discord.AuditLogEntry) -> None:
        kind = _REMOVALS.get(entry.action)
        target_id = getattr(entry.target, "id", None)
        if kind is None or target_id is None:
            return
        key = (entry.guild.id, target_id)
        if key not in self._waiting:
            # The entry may come first, or so late that the ban was shipped without it.
            user = entry.target if isinstance(entry.target, (discord.User, discord.Member)) else self._bot.get_user(target_id)
            if user is None or self._was_removed(key):
                return
            self._depart(kind, entry.guild, user, {})
        departure = self._waiting.get(key)
        if departure is None:
            return
        # A kick does not explain away a ban, and the ban's moderator is the one to name.
        if departure.type == "ban" and kind == "kick":
            return
        departure.type = kind
        departure.moderator = entry.user
        if entry.user is None and entry.user_id is not None:
            departure.details["moderator"] = f"<@{entry.user_id}>"
        if entry.reason:
            departure.details["reason"] = entry.reason

    def _depart(self, kind: str, guild: discord.Guild, user: discord.abc.User, details: dict[str, object]) -> None:
        if not self._is_shown(guild):
            return
        key = (guild.id, user.id)
        departure = self._waiting.get(key)
        if departure is None:
            timer = asyncio.get_running_loop().call_later(_WAIT_SECONDS, self.border.call, self._finish, key)
            departure = self._waiting[key] = _Departure(kind, guild, user, self._now(), timer, {})
        if kind != "leave":
            departure.type = kind
        if isinstance(user, discord.Member):
            departure.user = user
        departure.details.update(details)

    def _finish(self, key: tuple[int, int]) -> None:
        departure = self._waiting.pop(key, None)
        if departure is None:
            return
        departure.timer.cancel()
        if departure.type != "leave":
            self._removed[key] = self._now()
            if len(self._removed) > _REMEMBERED:
                self._removed.popitem(last=False)
        self._ship(departure.type, departure.guild, departure.user, departure.details, departure.time, departure.moderator)

    def _was_removed(self, key: tuple[int, int]) -> bool:
        return key not in self._waiting and self._now() - self._removed.get(key, -math.inf) < _REMEMBER_SECONDS

    def _is_shown(self, guild: discord.Guild) -> bool:
        return not self._guild_ids or guild.id in self._guild_ids

    def _ship(
        self,
        kind: str,
        guild: discord.Guild,
        user: discord.abc.User,
        details: dict[str, object],
        time: float,
        moderator: discord.abc.User | None = None,
    ) -> None:
        if not self._is_shown(guild):
            return
        context = {"member_id": str(user.id), "username": user.name, "guild": guild.name, **details}
        if moderator is not None:
            context["moderator"] = f"{moderator.name} ({moderator.id})"
        event = Event(
            EventKind.MEMBER,
            LogLevel.WARNING if kind in ("ban", "kick") else LogLevel.INFO,
            f"<@{user.id}> {user.name} {_VERBS[kind]} {guild.name}",
            time,
            kind,
            to_plain(context),
            guild_id=guild.id,
            persons=tuple(_person(who) for who in (user, moderator) if who is not None),
            template=kind,
        )
        self._submit(event)


def _person(user: discord.abc.User) -> Person:
    """Return the person under every name that a text may use: masking must find them all."""
    names = (user.name, user.display_name, getattr(user, "global_name", None), getattr(user, "nick", None))
    return Person(user.id, tuple(dict.fromkeys(name for name in names if name)))


def _format_duration(seconds: float) -> str:
    days, rest = divmod(max(int(seconds), 0), _DAY)
    return (
        f"{days} days" if days > 1 else f"{days * 24 + rest // 3600} hours" if days or rest >= 3600 else f"{rest // 60} minutes"
    )
