"""`setup`: private channels and webhooks made by the bot itself, so that no URL has to be copied."""

from __future__ import annotations

from typing import Any, Final

import discord
from discord import app_commands

from ..config.destination import BUILT_IN, WebhookURL
from .base import Complaint, Theme, checked, make_command, plain
from .delivery import Delivery

_CHANNELS: Final = {
    "error": ("bot-errors", "Warnings and errors of the bot"),
    "info": ("bot-info", "What the bot tells"),
    "performance": ("bot-performance", "Performance alerts of the bot"),
    "member_events": ("bot-members", "Members who join, leave, are kicked or banned"),
}
_Overwrites = dict[discord.Role | discord.Member | discord.Object, discord.PermissionOverwrite]
_REASON: Final = "/webhooks setup"
_NEEDS: Final = ("manage_channels", "manage_webhooks")


class Setup(Theme):
    """Make what is missing; a second call repairs what was deleted since."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        command = make_command("setup", "Create private channels and webhooks for destinations without one", self.setup)
        return [command]

    @checked
    @app_commands.describe(category="The category that the channels go into")
    async def setup(self, interaction: discord.Interaction, category: app_commands.Range[str, 1, 100] = "Bot log") -> str:
        guild = interaction.guild
        if guild is None or guild.me is None:  # pyright: ignore[reportUnnecessaryComparison] - without the members intent
            raise Complaint("The bot does not see this server: it must be a member of it, with the guilds intent.")
        missing = [name for name in _NEEDS if not getattr(guild.me.guild_permissions, name)]
        if missing:
            names = " and ".join(name.replace("_", " ").title() for name in missing)
            raise Complaint(
                f"The bot lacks {names} in this server: Server Settings, Roles, the bot's role. Then call this again."
            )
        wanted = [name for name in BUILT_IN if await self._is_missing(name)]
        if not wanted:
            audience = await self._audience(guild, await self._channels_of_ours(guild))
            return "\n".join(["Every destination has a working webhook already; nothing was changed.", *audience])
        overwrites = self._overwrites(guild)
        place = await self._category(guild, category, overwrites)
        made: dict[str, WebhookURL] = {}
        channels: set[int] = set()
        for name in wanted:
            channel = await self._channel(guild, place, name, overwrites)
            channels.add(channel.id)
            webhook = await channel.create_webhook(name=f"bot {name.replace('_', ' ')}", reason=_REASON)
            made[name] = WebhookURL(f"https://discord.com/api/webhooks/{webhook.id}/{webhook.token}")
        await self.manager.admin.add_destinations(made)
        await self.runner.record(interaction, f"set up {', '.join(made)} in {place.name}")
        lines = [await Delivery(self.runner).test_one(name) for name in made]
        lines += await self._audience(guild, channels)
        if not self.manager.is_durable:
            lines.append("The storage is memory: these webhooks are forgotten when the bot ends. Set WEBHOOK_STORAGE.")
        return "\n".join([f"Made in **{plain(place.name, 80)}**:", *lines])

    async def _is_missing(self, name: str) -> bool:
        """Whether a destination has no webhook, or one of ours that Discord does not know any more."""
        worker = self.manager.workers.get(name)
        if worker is None:
            return True
        if name in {destination.name for destination in self.manager.config.destinations}:
            return False
        return await worker.is_gone()

    async def _channels_of_ours(self, guild: discord.Guild) -> set[int]:
        """Return the channels of the webhooks that an earlier call made: others may have been let in since."""
        configured = {destination.name for destination in self.manager.config.destinations}
        ids = {worker.destination.url.id for name, worker in self.manager.workers.items() if name not in configured}
        return {webhook.channel_id for webhook in await guild.webhooks() if webhook.id in ids and webhook.channel_id}

    def _overwrites(self, guild: discord.Guild) -> _Overwrites:
        # What is logged concerns admins alone. The bot must see the channel to make webhooks in it.
        found: _Overwrites = {
            guild.default_role: discord.PermissionOverwrite(view_channel=False),
            guild.me: discord.PermissionOverwrite(view_channel=True, manage_webhooks=True),
        }
        for role_id in self.manager.config.admin_role_ids:
            role = guild.get_role(role_id)
            if role is not None and not role.is_default():
                found[role] = discord.PermissionOverwrite(view_channel=True)
        return found

    async def _category(self, guild: discord.Guild, name: str, overwrites: _Overwrites) -> discord.CategoryChannel:
        for channel in await guild.fetch_channels():
            if isinstance(channel, discord.CategoryChannel) and channel.name.lower() == name.lower():
                return channel
        return await guild.create_category(name, overwrites=overwrites, reason=_REASON)

    async def _channel(
        self, guild: discord.Guild, place: discord.CategoryChannel, name: str, overwrites: Any
    ) -> discord.TextChannel:
        wanted, topic = _CHANNELS[name]
        for channel in await guild.fetch_channels():
            if not isinstance(channel, discord.TextChannel) or (channel.name, channel.category_id) != (wanted, place.id):
                continue
            # One that others see or follow is not ours, or is not private any more; in one closed to the bot it can do nothing.
            is_closed = not channel.is_news() and not self._others(guild, channel)
            if is_closed and channel.permissions_for(guild.me).manage_webhooks:
                return channel
        return await guild.create_text_channel(wanted, category=place, topic=topic, overwrites=overwrites, reason=_REASON)

    async def _audience(self, guild: discord.Guild, ids: set[int]) -> list[str]:
        """Return who sees the channels, as Discord tells it now."""
        channels = [each for each in await guild.fetch_channels() if each.id in ids]
        open_ones = [(each, others) for each in channels if (others := self._others(guild, each))]
        lines = [f"⚠ **#{plain(each.name, 80)}** is also seen by {plain(', '.join(others), 200)}." for each, others in open_ones]
        if len(channels) > len(open_ones):
            roles = [role for role in map(guild.get_role, self.manager.config.admin_role_ids) if role and not role.is_default()]
            start = "The others are seen" if open_ones else "Seen"
            lines.append(f"{start} by administrators{''.join(f' and {plain(role.name, 60)}' for role in roles)} only.")
        return lines

    def _others(self, guild: discord.Guild, channel: discord.abc.GuildChannel) -> list[str]:
        """Return the names of roles and members that see a channel though they are neither admins nor the bot's own."""
        ours = {*self.manager.config.admin_role_ids, *(role.id for role in guild.me.roles if role.is_bot_managed())} - {guild.id}
        found = [
            role.name
            for role in guild.roles
            if role.id not in ours and not role.permissions.administrator and channel.permissions_for(role).view_channel
        ]
        for who, overwrite in channel.overwrites.items():
            is_member = not isinstance(who, discord.Role) and guild.get_role(who.id) is None
            if is_member and overwrite.view_channel and who.id not in (guild.me.id, guild.owner_id):
                found.append(getattr(who, "name", str(who.id)))
        return found
