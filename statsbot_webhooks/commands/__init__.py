"""The slash group `/webhooks` and the message menu: one file for each theme. Every call is checked; no answer shows a URL."""

from __future__ import annotations

import logging

import discord
from discord import app_commands

from ..clock import SystemClock
from .base import Cog, CommandRunner
from .button_presses import CardPresses
from .card_menu import About
from .delivery import Delivery
from .drill import Drill
from .forget import Persons
from .issues import Issues
from .mutes import Muting
from .settings import Settings
from .setup import Setup
from .status import Overview

__all__ = ["WebhookCommands"]
_log = logging.getLogger(__name__)


class WebhookCommands:
    """The group and the menu, and their registration on a bot's command tree."""

    def __init__(self, cog: Cog) -> None:
        self.runner = CommandRunner(cog, SystemClock())
        self._bot = cog.bot
        config = cog.manager.config
        guild_id = config.admin_guild_id
        self._guild = discord.Object(guild_id) if guild_id else None
        self._syncs = config.sync_commands
        self._synced = False
        # Discord hides commands from those without this permission; holders of a role are known only to our own check.
        hidden = None if config.admin_role_ids else discord.Permissions(administrator=True)
        self.group = app_commands.Group(
            name="webhooks", description="Steer the webhook logging", default_permissions=hidden, guild_only=True
        )
        muting = Muting(self.runner)
        issues = Issues(self.runner)
        themes = (Overview, Delivery, Drill, Settings, Setup, Persons)
        for theme in (muting, issues, *(each(self.runner) for each in themes)):
            for command in theme.commands():
                self.group.add_command(command)
        self._about = About(self.runner, muting, issues)
        self._presses = CardPresses(self.runner, muting, issues)
        self._menu = self._about.menu()
        self._menu.default_permissions, self._menu.guild_only = hidden, True

    def install(self) -> None:
        """Add the commands to the bot's tree, for the admin guild only when one is configured."""
        for command in (self.group, self._menu):
            self._bot.tree.add_command(command, guild=self._guild, override=True)
        for listener in (self._about.press, self._presses.press):
            self._bot.add_listener(listener, "on_interaction")

    def uninstall(self) -> None:
        """Remove the commands where they are still ours."""
        for listener in (self._about.press, self._presses.press):
            self._bot.remove_listener(listener, "on_interaction")
        for command in (self.group, self._menu):
            kind = command.type if isinstance(command, app_commands.ContextMenu) else discord.AppCommandType.chat_input
            if self._bot.tree.get_command(command.name, guild=self._guild, type=kind) is command:
                self._bot.tree.remove_command(command.name, guild=self._guild, type=kind)

    async def sync(self) -> None:
        """Tell Discord the commands, once, unless `WEBHOOK_SYNC_COMMANDS` is off. A failure is logged."""
        # Before the login there is nothing to tell them to; it is done when the bot is ready.
        if self._synced or not self._syncs or self._bot.application_id is None:
            return
        self._synced = True
        try:
            await self._bot.tree.sync(guild=self._guild)
        except discord.HTTPException as error:
            _log.warning("the slash commands could not be registered: %s", error)
