"""Who may steer: asked at each call, each completion and each component, never remembered. Refusals are counted."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from enum import StrEnum
from typing import Final

import discord
from discord.ext import commands

from ..clock import Clock
from ..config.model import WebhookConfig

_log = logging.getLogger(__name__)
# The token of an interaction lasts 15 minutes: an older one is no call that a user is waiting for.
# https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
_OLDEST_SECONDS: Final = 15 * 60.0
_REMEMBERED: Final = 2000
# Who left the team of the application must not get in for longer than this.
_TEAM_SECONDS: Final = 60.0
# https://discord.com/developers/docs/topics/teams#team-member-roles: read-only members may not act.
_TEAM_ROLES: Final = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)


class Denial(StrEnum):
    """Why a call was refused."""

    DIRECT = "direct message"
    ELSEWHERE = "other server"
    STRANGER = "no admin"
    FORGED = "forged component"
    REPLAYED = "replayed"
    STALE = "too old"


class Access:
    """The check of one bot."""

    def __init__(self, bot: commands.Bot, clock: Clock) -> None:
        self._bot = bot
        self._clock = clock
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._team: tuple[float, frozenset[int]] | None = None
        # Owners that the host named are its choice; those that discord.py learns from the application are asked for anew.
        self._named = frozenset([*([bot.owner_id] if bot.owner_id else []), *(bot.owner_ids or ())])
        self.refused: Counter[Denial] = Counter()

    async def check(self, interaction: discord.Interaction, config: WebhookConfig) -> Denial | None:
        """Return why a call is refused, and count it; None for who may steer."""
        refusal = self._wrong(interaction) or await self._stranger(interaction, config)
        if refusal is not None:
            self.refuse(refusal)
        return refusal

    def refuse(self, reason: Denial) -> None:
        """Count a refusal; the first of each kind is logged."""
        self.refused[reason] += 1
        if self.refused[reason] == 1:
            _log.warning("a call of /webhooks was refused: %s. /webhooks status counts them", reason.value)

    def _wrong(self, interaction: discord.Interaction) -> Denial | None:
        """Judge the call itself, not the caller."""
        if interaction.id in self._seen:
            return Denial.REPLAYED
        self._seen[interaction.id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        age = self._clock.now() - discord.utils.snowflake_time(interaction.id).timestamp()
        if age > _OLDEST_SECONDS:
            return Denial.STALE
        return Denial.DIRECT if interaction.guild_id is None else None

    async def _stranger(self, interaction: discord.Interaction, config: WebhookConfig) -> Denial | None:
        """Judge who calls, and from where. With an admin server nothing is steered from another, not even by the owner."""
        admin_guild = config.admin_guild_id
        if admin_guild is not None and interaction.guild_id != admin_guild:
            return Denial.ELSEWHERE
        if admin_guild is not None:
            # Discord computed both for this very call; nothing of them comes from a cache of ours.
            if interaction.permissions.administrator:
                return None
            roles = {role.id for role in getattr(interaction.user, "roles", ())}
            # The role with the server's own id is @everyone.
            if roles & config.admin_role_ids - {admin_guild}:
                return None
        return None if await self._is_owner(interaction.user) else Denial.STRANGER

    async def _is_owner(self, user: discord.abc.User) -> bool:
        if user.id in self._named:
            return True
        if not await self._bot.is_owner(user):
            return False
        # A host with a rule of its own knows better than the application.
        if type(self._bot).is_owner is not commands.Bot.is_owner:
            return True
        return user.id in await self._owners()

    async def _owners(self) -> frozenset[int]:
        now = self._clock.monotonic()
        if self._team is None or now - self._team[0] > _TEAM_SECONDS:
            info = await self._bot.application_info()
            if info.team is None:
                owners = frozenset([info.owner.id])
            else:
                owners = frozenset(member.id for member in info.team.members if member.role in _TEAM_ROLES)
            self._team = (now, owners)
        return self._team[1]
