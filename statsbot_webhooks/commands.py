"""The slash group `/webhooks`: status, test, toggle, deadletters. Every call is checked; no answer shows a URL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from .delivery.outcome import Outcome
from .storage import DeadLetter
from .webhook_manager import WebhookManager

_log = logging.getLogger(__name__)
_REFUSAL = "Only the bot's owner, or an administrator of the bot's admin server, may use this."


class WebhookCommands(app_commands.Group):
    """The group, and its registration on a bot's command tree."""

    def __init__(self, bot: commands.Bot, manager: WebhookManager) -> None:
        super().__init__(
            name="webhooks",
            description="Steer the webhook logging",
            default_permissions=discord.Permissions(administrator=True),
            guild_only=True,
        )
        self._bot = bot
        self._manager = manager
        guild_id = manager.config.admin_guild_id
        self._guild = discord.Object(guild_id) if guild_id else None
        self._synced = False

    def install(self) -> None:
        """Add the group to the bot's tree, for the admin guild only when one is configured."""
        self._bot.tree.add_command(self, guild=self._guild, override=True)

    def uninstall(self) -> None:
        """Remove the group where it is still ours."""
        if self._bot.tree.get_command("webhooks", guild=self._guild) is self:
            self._bot.tree.remove_command("webhooks", guild=self._guild)

    async def sync(self) -> None:
        """Tell Discord the commands, once, unless `WEBHOOK_SYNC_COMMANDS` is off. A failure is logged."""
        if self._synced or not self._manager.config.sync_commands:
            return
        self._synced = True
        try:
            await self._bot.tree.sync(guild=self._guild)
        except discord.HTTPException as error:
            _log.warning("the slash commands could not be registered: %s", error)

    async def _is_admin(self, interaction: discord.Interaction) -> bool:
        if await self._bot.is_owner(interaction.user):
            return True
        # interaction.permissions is what Discord computed for this call, in this guild.
        in_admin_guild = self._guild is not None and interaction.guild_id == self._guild.id
        return in_admin_guild and interaction.permissions.administrator

    async def _refuses(self, interaction: discord.Interaction) -> bool:
        if await self._is_admin(interaction):
            return False
        await interaction.response.send_message(_REFUSAL, ephemeral=True)
        return True

    @app_commands.command(name="status")
    async def status(self, interaction: discord.Interaction) -> None:
        """Show the state of each destination."""
        if await self._refuses(interaction):
            return
        await interaction.response.defer(ephemeral=True)
        stats = await self._manager.stats()
        embed = discord.Embed(title="Webhook logging", color=0x5865F2)
        for name, worker in self._manager.workers.items():
            books = stats.destinations[name]
            lost = ", ".join(f"{count} {reason.value}" for reason, count in books.lost.items() if count) or "0"
            lines = [
                f"State: **{worker.state.value}** · breaker {worker.breaker.state.value}",
                f"Pending {books.pending} · delivered {books.delivered} · dead {books.dead} · lost {lost}",
                f"Requests {books.requests} · 429s {books.rate_limited}",
            ]
            if worker.last_error:
                lines.append(f"Last error: {worker.last_error[:200]}")
            embed.add_field(name=name, value="\n".join(lines), inline=False)
        if not self._manager.workers:
            embed.description = "Off: no valid webhook URL is configured."
        elif not self._manager.is_durable:
            embed.description = "The storage is memory: what waits is lost when the bot ends."
        elif not stats.balanced:
            embed.description = "The books do not balance: please report this."
        await interaction.followup.send(embed=embed, ephemeral=True)

    @app_commands.command(name="test")
    @app_commands.describe(destination="Which one; all of them when left out")
    async def test(self, interaction: discord.Interaction, destination: str | None = None) -> None:
        """Send a test message and show what Discord answers."""
        if await self._refuses(interaction):
            return
        await interaction.response.defer(ephemeral=True)
        names = [destination] if destination else list(self._manager.workers)
        lines = await asyncio.gather(*(self._test_one(name) for name in names))
        await interaction.followup.send("\n".join(lines) or "No destination is configured.", ephemeral=True)

    async def _test_one(self, name: str) -> str:
        if name not in self._manager.workers:
            return self._unknown(name)
        try:
            result = await self._manager.send_test(name)
        except TimeoutError:
            return f"**{name}**: no answer yet; the test message waits with the others."
        if result.outcome == Outcome.DELIVERED:
            return f"**{name}**: delivered, Discord answered {result.status}."
        return f"**{name}**: {result.outcome.value}, Discord answered: {result.reason}"

    @app_commands.command(name="toggle")
    @app_commands.describe(destination="Which one")
    async def toggle(self, interaction: discord.Interaction, destination: str) -> None:
        """Switch a destination off or on; its events wait meanwhile."""
        if await self._refuses(interaction):
            return
        worker = self._manager.workers.get(destination)
        if worker is None:
            await interaction.response.send_message(self._unknown(destination), ephemeral=True)
            return
        worker.is_enabled = not worker.is_enabled
        worker.wake()
        _log.info("destination %s was switched %s", destination, "on" if worker.is_enabled else "off")
        state = "on" if worker.is_enabled else "off; its events wait"
        await interaction.response.send_message(f"**{destination}** is {state}.", ephemeral=True)

    @app_commands.command(name="deadletters")
    @app_commands.describe(action="What to do with them; they are listed when left out", number="Which one; all when left out")
    async def deadletters(
        self, interaction: discord.Interaction, action: Literal["list", "replay", "purge"] = "list", number: int | None = None
    ) -> None:
        """Show the events that Discord refused, send them again, or delete them."""
        if await self._refuses(interaction):
            return
        await interaction.response.defer(ephemeral=True)
        letters = await self._manager.dead_letters(None if number is None else [number])
        ids = [letter.id for letter in letters]
        if not letters:
            text = "There are no dead letters." if number is None else f"There is no dead letter {number}."
        elif action == "list":
            text = "\n".join(_letter_line(letter) for letter in letters[:10])
            text += f"\n… and {len(letters) - 10} more" if len(letters) > 10 else ""
        elif action == "replay":
            text = f"{await self._manager.replay(ids)} events wait for delivery again."
        else:
            text = f"{await self._manager.purge(ids)} dead letters are deleted."
        await interaction.followup.send(text[:2000], ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    @test.autocomplete("destination")
    @toggle.autocomplete("destination")
    async def complete_destination(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer the destinations' names to admins only."""
        with contextlib.suppress(discord.HTTPException):
            if await self._is_admin(interaction):
                names = [name for name in self._manager.workers if current.lower() in name]
                return [app_commands.Choice(name=name, value=name) for name in names[:25]]
        return []

    def _unknown(self, name: str) -> str:
        names = ", ".join(self._manager.workers) or "none"
        return f"There is no destination {discord.utils.escape_markdown(name[:50])}. Configured: {names}."


def _letter_line(letter: DeadLetter) -> str:
    text = discord.utils.escape_markdown(" ".join(letter.event.message.split())[:60])
    reason = discord.utils.escape_markdown(letter.reason[:60])
    return f"`{letter.id}` **{letter.destination}** <t:{int(letter.time)}:R> {letter.event.level.value} {text} ({reason})"
