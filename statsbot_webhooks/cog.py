"""The cog: ties the life of the manager and of `Capture` to the life of the extension on a bot."""

from __future__ import annotations

import logging
import time

import discord
from discord.ext import commands

from .capture import Capture
from .commands import WebhookCommands
from .config import WebhookConfig, load_webhook_config
from .errors import ConfigError
from .runtime import set_webhook_manager
from .termination import Termination
from .webhook_manager import WebhookManager

_log = logging.getLogger(__name__)
# Bot.close unloads extensions with no time limit of its own (L3).
_DRAIN_SECONDS = 8.0


class WebhookCog(commands.Cog, name="Webhooks"):
    """Capture what happens to the bot and ship it."""

    def __init__(self, bot: commands.Bot, config: WebhookConfig) -> None:
        self.bot = bot
        self.manager = WebhookManager(config)
        self._capture = Capture(settings=config, now=time.time)
        self._commands = WebhookCommands(bot, self.manager)
        self._termination = Termination(bot)

    async def cog_load(self) -> None:
        """Start delivering and install the hooks. Runs before login: no user, no session (L4)."""
        set_webhook_manager(self.manager)
        await self.manager.start()
        manager = self.manager
        self._capture.install(
            self.bot,
            manager.submit,
            manager.settle,
            find_delivery_problem=manager.find_delivery_problem,
            stats=manager.stats,
        )
        self._commands.install()
        self._termination.install()
        self._set_bot_info()

    async def cog_unload(self) -> None:
        """Undo everything in reverse, and deliver what waits."""
        self._capture.report_end()
        self._termination.uninstall()
        self._commands.uninstall()
        self._capture.uninstall()
        await self.manager.stop(_DRAIN_SECONDS)

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
