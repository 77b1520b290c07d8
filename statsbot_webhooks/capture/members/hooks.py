"""Member hooks: listen to members who join and leave, and submit what `departures`, `raids` and `surges` make of it."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

import discord

from ...clock import Clock
from ...config.model import WebhookConfig
from ...events.event import Event
from ...patching import add_listeners
from ..guard import Guard
from .crowd_events import prune_event, surge_event
from .departures import Departure, Departures, Type
from .member_events import departure_event, departure_row, hidden_audit_log_event, joins_event
from .profiles import AuditEntry, GuildProfile, Who
from .prunes import Prune
from .raids import Join, Raids
from .rows import Row
from .surges import Surges

_log = logging.getLogger(__name__)
_ACTIONS: Final = {
    discord.AuditLogAction.kick: Type.KICK,
    discord.AuditLogAction.ban: Type.BAN,
    discord.AuditLogAction.unban: Type.UNBAN,
}
# The wall clock was set when it differs by more than this from the time since the start.
_STEP_SECONDS: Final = 1.0
_MAX_SLEEP: Final = 5.0
# At most this many departures a minute get a message that can be corrected; the rest share messages.
_MAX_CARDS: Final = 15
_CARD_SECONDS: Final = 60.0
# The surge of a departure, "departures" by default; each surge has a list of its own.
_CROWDS: Final = {Type.UNBAN: "unbans"}


class MemberHooks:
    """Listen to the bot's events; the host's handlers stay as they are (H7)."""

    def __init__(self, bot: discord.Client, submit: Callable[[Event], object], *, clock: Clock, settings: WebhookConfig) -> None:
        self._bot = bot
        self._ship = submit
        self._clock = clock
        # Added to the monotonic clock, so that no raid begins or ends when the wall clock is set.
        self._epoch = clock.now() - clock.monotonic()
        self._settings = settings
        self._begin()
        self._blind: set[int] = set()
        self._cards: deque[float] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.guard = Guard("a member event")

    def _begin(self) -> None:
        self._departures = Departures(self._show, self._show_prune)
        self._surges: dict[tuple[int, str], Surges] = {}
        self._raids: dict[int, Raids] = {}
        # Those with something to show now or later, so that not all servers are checked each time.
        self._busy: dict[tuple[int, str], Surges | Raids] = {}

    def forget(self) -> None:
        """Submit what still waits, and begin anew: a list that goes on would name its members again."""
        self.flush()
        self._begin()

    def install(self, stack: ExitStack) -> None:
        """Add the listeners; the stack removes them, and submits what still waits."""
        stack.callback(self.flush)
        installed_hooks.add(self)
        stack.callback(installed_hooks.discard, self)
        listeners: tuple[Callable[..., Any], ...] = (
            self.on_member_join,
            self.on_raw_member_remove,
            self.on_member_ban,
            self.on_member_unban,
            self.on_audit_log_entry_create,
        )
        add_listeners(stack, self._bot, {listener.__name__: listener for listener in listeners})

    @property
    def sees_members(self) -> bool:
        """Whether the bot has the intent for members who join and leave."""
        return self._bot.intents.members

    def _now(self) -> float:
        return self._epoch + self._clock.monotonic()

    def _submit(self, event: Event) -> None:
        step = self._clock.now() - self._now()
        self._ship(replace(event, time=event.time + step) if abs(step) > _STEP_SECONDS else event)

    def flush(self) -> None:
        """Submit departures that still wait for an explanation, and end open surges."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.guard.call(self._departures.flush)
        for surges in (*self._surges.values(), *self._raids.values()):
            surges.close(self._now())
        self.guard.call(self._show_surges)

    # -- what discord.py calls

    async def on_member_join(self, member: discord.Member) -> None:
        self._call(self._join, member)

    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        self._call(self._leave, payload)

    async def on_member_ban(self, guild: discord.Guild, user: discord.User | discord.Member) -> None:
        self._call(self._tell, self._departures.ban, guild, user)

    async def on_member_unban(self, guild: discord.Guild, user: discord.User) -> None:
        self._call(self._tell, self._departures.unban, guild, user)

    async def on_audit_log_entry_create(self, entry: discord.AuditLogEntry) -> None:
        self._call(self._explain, entry)

    # -- from discord.py's objects to plain facts

    def _call(self, hook: Callable[..., None], *args: Any) -> None:
        self.guard.call(hook, *args)
        self.guard.call(self._show_surges)
        self._arm()

    def _join(self, member: discord.Member) -> None:
        if not self._is_shown(member.guild, member):
            return
        now, place, who = self._now(), self._place(member.guild), read_who(member)
        gone = self._departures.join(place, who, now)
        join = Join(Row(f"{who.id}/{now}", now, who, "joined"), place, member.flags.did_rejoin, gone)
        self.add_join(join, now)

    def add_join(self, join: Join, now: float) -> None:
        """Submit a join in a message of ordinary joins, or in the list of a raid."""
        place = join.place
        if place.id not in self._raids:
            self._raids[place.id] = Raids(limit=self._settings.raid_joins, seconds=self._settings.raid_seconds)
        raids = self._busy[place.id, "raid"] = self._raids[place.id]
        for card in raids.add(join, now):
            self._submit(joins_event(card, now))

    def _leave(self, payload: discord.RawMemberRemoveEvent) -> None:
        guild = self._bot.get_guild(payload.guild_id)
        if guild is not None:
            self._tell(self._departures.leave, guild, payload.user)

    def _tell(self, what: Callable[[GuildProfile, Who, float], None], guild: discord.Guild, user: discord.abc.User) -> None:
        if self._is_shown(guild, user):
            place = self._place(guild)
            self._check_sight(place)
            what(place, read_who(user), self._now())

    def _explain(self, entry: discord.AuditLogEntry) -> None:
        if not self._is_shown(entry.guild, entry.target):
            return
        place, now = self._place(entry.guild), self._now()
        if entry.action is discord.AuditLogAction.member_prune:
            self._departures.explain_prune(read_entry(entry, "prune"), place, now)
            return
        action, target_id = _ACTIONS.get(entry.action), getattr(entry.target, "id", None)
        if action is None or target_id is None:
            return
        # For a person who is not in the cache, the entry has only the id.
        user = entry.target if isinstance(entry.target, discord.abc.User) else self._bot.get_user(target_id)
        who = Who(target_id) if user is None else read_who(user)
        self._departures.explain(read_entry(entry, action.value), place, who, now)

    def _is_shown(self, guild: discord.Guild, user: object) -> bool:
        if self._settings.ignore_bots and getattr(user, "bot", False):
            return False
        return not self._settings.guild_ids or guild.id in self._settings.guild_ids

    def _place(self, guild: discord.Guild) -> GuildProfile:
        # `me` is None for a moment while the bot itself is being removed.
        allowed = guild.me.guild_permissions if guild.me is not None else discord.Permissions.none()  # pyright: ignore[reportUnnecessaryComparison]
        told = self._bot.intents.moderation
        # Discord reports bans to bots with one of the two: https://github.com/discord/discord-api-docs/pull/7948
        sees_bans = told and (allowed.view_audit_log or allowed.ban_members)
        return GuildProfile(guild.id, guild.name, guild.member_count, told and allowed.view_audit_log, sees_bans)

    # -- from facts to events

    def _check_sight(self, place: GuildProfile) -> None:
        """Submit once for each server that its audit log is hidden, and again after it was visible."""
        if place.sees_audit_log:
            self._blind.discard(place.id)
        elif place.id not in self._blind:
            self._blind.add(place.id)
            event = hidden_audit_log_event(place, self._now(), has_intent=self._bot.intents.moderation)
            _log.warning("%s", event.message)
            self._submit(event)

    def _show(self, departure: Departure) -> None:
        row, now = departure_row(departure), self._now()
        surges = self._surge(departure.place, _CROWDS.get(departure.type, "departures"))
        is_listed = surges.correct(row, now)
        if not is_listed and not departure.is_shown:
            is_listed = surges.add(row, departure.place, now)
        if not departure.is_shown and not is_listed:
            departure.is_carded = departure.may_change and self._take_card(now)
        if departure.is_shown or not is_listed:
            self._submit(departure_event(departure))
            departure.is_shown = True

    def _take_card(self, now: float) -> bool:
        """Whether there may be another card, which is a message of its own; a channel takes 30 messages a minute."""
        while self._cards and now - self._cards[0] > _CARD_SECONDS:
            self._cards.popleft()
        if len(self._cards) >= _MAX_CARDS:
            return False
        self._cards.append(now)
        return True

    def _show_prune(self, prune: Prune) -> None:
        self._submit(prune_event(prune))

    def _surge(self, place: GuildProfile, what: str) -> Surges:
        """Return the surges of one kind of a server, and mark them as busy."""
        key = (place.id, what)
        if key not in self._surges:
            self._surges[key] = Surges(what, limit=self._settings.raid_joins, seconds=self._settings.raid_seconds)
        self._busy[key] = self._surges[key]
        return self._surges[key]

    def _show_surges(self) -> None:
        now = self._now()
        for key, surges in list(self._busy.items()):
            for surge in surges.tick(now):
                self._submit(surge_event(surge, now))
            if surges.next_due is None:
                del self._busy[key]

    # -- time

    def _arm(self) -> None:
        """Set the timer to the next moment at which something is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        times = [surges.next_due for surges in self._busy.values()]
        due = min((time for time in (self._departures.next_due, *times) if time is not None), default=None)
        if due is not None:
            pause = min(max(due - self._now(), 0.0), _MAX_SLEEP)
            self._timer = asyncio.get_running_loop().call_later(pause, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._call(self._departures.tick, self._now())


installed_hooks: weakref.WeakSet[MemberHooks] = weakref.WeakSet()
"""The installed hooks of this process."""


def read_who(user: discord.abc.User) -> Who:
    """Return a copy of what is known about a user, because the object may change later."""
    names = tuple(name for key in ("global_name", "nick") if (name := getattr(user, key, None)))
    roles: tuple[str, ...] | None = None
    joined: float | None = None
    # Only a member from the cache has more than names.
    if isinstance(user, discord.Member):
        roles = tuple(role.name for role in reversed(user.roles) if not role.is_default())
        joined = user.joined_at.timestamp() if user.joined_at is not None else None
    return Who(
        user.id,
        user.name,
        user.display_name,
        names,
        user.display_avatar.url,
        discord.utils.snowflake_time(user.id).timestamp(),
        user.bot,
        roles,
        joined,
    )


def read_entry(entry: discord.AuditLogEntry, action: str) -> AuditEntry:
    """Return the content of an entry; a moderator who is not in the cache has only an id."""
    moderator = read_who(entry.user) if entry.user is not None else Who(entry.user_id) if entry.user_id is not None else None
    removed, days = getattr(entry.extra, "members_removed", 0), getattr(entry.extra, "delete_member_days", 0)
    created = entry.created_at.timestamp()
    return AuditEntry(entry.id, action, created, moderator, entry.reason or "", int(removed), int(days))
