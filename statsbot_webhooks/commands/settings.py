"""What holds, and from where: `settings` and `reload`."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from ..config.description import describe_changes, describe_settings, find_problems
from ..config.loading import build_config
from ..config.sources import Source, read_sources
from ..events.colors import BLURPLE
from .base import Answer, Complaint, Theme, checked, make_command

# Read when the storage is opened; another one is for the next start.
_AT_START = ("WEBHOOK_STORAGE:", "WEBHOOK_STORAGE_MAX_EVENTS:")


class Settings(Theme):
    """Show the settings and read them anew."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        settings = make_command("settings", "Show every setting and where it comes from, secrets masked", self.settings)
        reload = make_command("reload", "Read .env again, show what changed and apply it", self.reload)
        settings.autocomplete("name")(self.complete_setting)
        return [settings, reload]

    @checked
    @app_commands.describe(name="Only settings with this in their name")
    async def settings(self, interaction: discord.Interaction, name: str | None = None) -> Answer:
        sources = read_sources()
        wanted = [each for each in describe_settings(sources) if name is None or name.strip().upper() in each.name]
        if not wanted:
            raise Complaint("There is no such setting.")
        # Those that were set come first: they are the ones to look for.
        wanted.sort(key=lambda each: each.source == Source.DEFAULT)
        lines = [f"{each.name.removeprefix('WEBHOOK_')} = {each.value} ({each.source.value})" for each in wanted]
        text = "\n".join(lines).replace("`", "ˋ")
        embed = discord.Embed(title="Settings, without WEBHOOK_", description=f"```\n{text[:4000]}\n```", color=BLURPLE)
        made = await self.manager.admin.stored_destinations()
        if made and name is None:
            embed.add_field(name="Webhooks made by /webhooks setup", value=", ".join(made)[:1024], inline=False)
        problems = find_problems(sources)
        if problems and name is None:
            embed.add_field(name="Wrong, or without effect", value="\n".join(problems)[:1024], inline=False)
        return Answer(embed=embed)

    @checked
    async def reload(self, interaction: discord.Interaction) -> str:
        loaded = build_config(read_sources())
        if loaded.problems:
            raise Complaint("\n".join(["Nothing was changed:", *loaded.problems])[:2000])
        config = loaded.config
        changes = describe_changes(self.manager.config, config)
        if not changes:
            return "Nothing changed."
        await self.manager.reconfigure(config)
        await self.runner.record(interaction, f"reloaded the settings: {'; '.join(changes)}"[:1500])
        lines = [f"{line} (from the next start on)" if line.startswith(_AT_START) else line for line in changes]
        return "\n".join(["Applied:", *lines])[:2000]

    async def complete_setting(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer the names of the settings."""
        names = [setting.name for setting in describe_settings(read_sources())]
        return await self.runner.offers(interaction, current, lambda: [(name, name) for name in names])
