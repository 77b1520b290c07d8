"""The bot itself, asked over REST with its token: intents, servers, roles and permissions that the configuration needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import aiohttp
import discord
from discord.http import Route

from ...config.model import WebhookConfig
from ...config.network import Network
from .report import Finding, Grade

# What is missing without a permission, in the order in which one would care.
_PERMISSIONS: Final = {
    "view_audit_log": "a kick looks like a leave, and bans do not name the moderator",
    "manage_channels": "/webhooks setup cannot make channels",
    "manage_webhooks": "/webhooks setup cannot make webhooks",
}
_GUILDS: Final = 10


async def look_at_bot(
    token: str, config: WebhookConfig, webhooks: Iterable[discord.Webhook], network: Network
) -> tuple[list[Finding], dict[int, str], int | None]:
    """Return what is wrong with the bot, the names of the channels and guilds of the webhooks, and the id of its application."""
    client = discord.Client(
        intents=discord.Intents.none(), proxy=network.find_proxy(Route.BASE), connector=network.make_connector()
    )
    try:
        async with client:
            await client.login(token)
            return *await _look(client, config, list(webhooks)), client.application_id
    except discord.LoginFailure:
        text = "Discord does not know this token; copy it anew from the developer portal"
        return [Finding(Grade.ERROR, "DISCORD_TOKEN", text)], {}, None
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        return [Finding(Grade.ERROR, "bot", f"Discord cannot be asked ({type(error).__name__})")], {}, None


async def _look(
    client: discord.Client, config: WebhookConfig, webhooks: list[discord.Webhook]
) -> tuple[list[Finding], dict[int, str]]:
    info = await client.application_info()
    findings = [Finding(Grade.OK, "bot", f"logged in as {client.user}, owned by {info.team or info.owner}")]
    flags = info.flags
    if not (flags.gateway_guild_members or flags.gateway_guild_members_limited):
        text = "is off in the developer portal (Bot, Privileged Gateway Intents): joins and leaves are not seen"
        findings.append(Finding(Grade.WARNING, "Server Members Intent", text))
    names: dict[int, str] = {}
    wanted = {config.admin_guild_id, *config.guild_ids, *(webhook.guild_id for webhook in webhooks)} - {None}
    for guild_id in sorted(one for one in wanted if one is not None)[:_GUILDS]:
        findings += await _look_at_guild(client, config, guild_id, names)
    for channel_id in {webhook.channel_id for webhook in webhooks} - {None}:
        try:
            channel = await client.fetch_channel(channel_id or 0)
            names[channel_id or 0] = f"#{channel}"
        except discord.HTTPException:
            # A private channel that the bot cannot see: its webhook works all the same.
            continue
    return findings, names


async def _look_at_guild(client: discord.Client, config: WebhookConfig, guild_id: int, names: dict[int, str]) -> list[Finding]:
    is_admin_guild = guild_id == config.admin_guild_id
    setting = "WEBHOOK_ADMIN_GUILD_ID" if is_admin_guild else "WEBHOOK_GUILD_IDS"
    try:
        guild = await client.fetch_guild(guild_id)
        assert client.user is not None
        me = await guild.fetch_member(client.user.id)
    except discord.HTTPException:
        if not is_admin_guild and guild_id not in config.guild_ids:
            return []  # a webhook may well be in a server without the bot
        return [Finding(Grade.ERROR, setting, f"the bot is not in the server {guild_id}; invite it, or correct the id")]
    names[guild_id] = guild.name
    findings: list[Finding] = []
    for name, consequence in _PERMISSIONS.items():
        is_needed = is_admin_guild or name == "view_audit_log"
        if is_needed and not getattr(me.guild_permissions, name):
            shown = name.replace("_", " ").title()
            findings.append(Finding(Grade.WARNING, guild.name, f"the bot lacks {shown}: {consequence}"))
    if is_admin_guild:
        unknown = sorted(config.admin_role_ids - {role.id for role in guild.roles})
        findings += [Finding(Grade.WARNING, "WEBHOOK_ADMIN_ROLE_IDS", f"{guild.name} has no role {one}") for one in unknown]
    return findings or [Finding(Grade.OK, guild.name, "the bot has the permissions that it needs")]
