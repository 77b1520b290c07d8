"""The cog: ties the life of the manager and of `Capture` to the life of the extension on a bot."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import fields, replace

import discord
from discord.ext import commands

from .capture import Capture
from .commands import WebhookCommands
from .config.loading import load_webhook_config
from .config.model import WebhookConfig
from .current_manager import set_current_manager
from .errors import ConfigError
from .integration.statsbot import resume_integrations, suspend_integrations
from .sigterm import Termination
from .webhook_manager import WebhookManager

_log = logging.getLogger(__name__)
# Bot.close unloads extensions with no time limit of its own (L3).
_DRAIN_SECONDS = 8.0


class WebhookCog(commands.Cog, name="Webhooks"):
    """Capture what happens to the bot and ship it."""

    def __init__(self, bot: commands.Bot, config: WebhookConfig) -> None:
        self.bot = bot
        self.manager = WebhookManager(config)
        self.manager.on_open = self.apply_logger_levels
        self._capture = Capture(settings=config, now=time.time)
        self._commands = WebhookCommands(self)
        self._termination = Termination(bot)

    async def cog_load(self) -> None:
        """Start delivering and install the hooks. Runs before login: no user, no session (L4)."""
        set_current_manager(self.manager)
        await self.manager.start()
        self._install_capture()
        resume_integrations()
        self._commands.install()
        self._termination.install()
        self._set_bot_info()

    async def cog_unload(self) -> None:
        """Undo everything in reverse, and deliver what waits."""
        self._capture.report_end()
        self._termination.uninstall()
        self._commands.uninstall()
        suspend_integrations()
        self._capture.uninstall()
        await self.manager.stop(_DRAIN_SECONDS)

    def _install_capture(self) -> None:
        # The hooks outlive the manager, which `reconfigure` replaces: they ask for the one of the moment.
        self._capture.install(
            self.bot,
            lambda event: self.manager.submit(event),
            lambda seconds: self.manager.settle(seconds),
            find_delivery_problem=lambda: self.manager.find_delivery_problem(),
            stats=lambda: self.manager.stats(),
            take_tally=lambda: self.manager.take_tally(),
        )

    def apply_logger_levels(self) -> None:
        """Capture loggers from the levels that admins chose."""
        self._capture.set_logger_levels(self.manager.control.logger_levels)

    async def reconfigure(self, config: WebhookConfig) -> None:
        """Go on with other settings; what happens meanwhile is delivered too. The storage stays until the next start."""
        old = self.manager
        config = replace(config, storage=old.settings.storage, storage_max_events=old.settings.storage_max_events)
        new = WebhookManager(config, predecessor=old)
        new.on_open = self.apply_logger_levels
        self.manager = new
        set_current_manager(new)
        if _captured(config) != _captured(old.settings):
            self._capture.uninstall()
            self._capture = Capture(settings=config, now=time.time)
            self._install_capture()
        await new.take_over()
        if (config.admin_guild_id, config.admin_role_ids) != (old.settings.admin_guild_id, old.settings.admin_role_ids):
            self._commands.uninstall()
            self._commands = WebhookCommands(self)
            self._commands.install()
            await self._commands.sync()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        self._set_bot_info()
        # The token may come from elsewhere than the environment.
        self.manager.add_secrets(self.bot.http.token or "")
        await self._commands.sync()

    def _set_bot_info(self) -> None:
        user: discord.ClientUser | None = self.bot.user
        if user is not None:
            self.manager.set_bot_info(user.name, user.display_avatar.url)


# What only the manager reads. A change of anything else needs the hooks to be installed anew.
_DELIVERY = re.compile(
    r".*_webhook_url|destination.*|max_requests.*|batch_.*|card_.*|use_embeds|include_(timestamps|bot_info)"
    r"|max_message_length|storage.*|max_age_hours|mask_.*|redact_.*|breaker_.*|admin_.*|sync_commands"
)


def _captured(config: WebhookConfig) -> dict[str, object]:
    return {item.name: getattr(config, item.name) for item in fields(config) if not _DELIVERY.fullmatch(item.name)}


async def setup(bot: commands.Bot) -> None:
    """Load the extension; called by `bot.load_extension`. Wrong settings are logged, and the bot starts without them."""
    try:
        config = load_webhook_config()
    except ConfigError as error:
        for problem in error.problems:
            _log.error("%s", problem)
        _log.error("webhook logging is off until the settings above are put right")
        config = WebhookConfig()
    await bot.add_cog(WebhookCog(bot, config))


async def teardown(_bot: commands.Bot) -> None:
    """Unload the extension; discord.py removes the cog, which undoes the rest."""
