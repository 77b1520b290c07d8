"""The cog: ties the life of the manager and of `Capture` to the life of the extension on a bot."""

from __future__ import annotations

import discord
from discord.ext import commands

from .capture import Capture
from .commands import WebhookCommands
from .config.loading import load_forgiving
from .config.model import WebhookConfig
from .config.renewal import Renews
from .current_manager import set_current_manager
from .delivery.formatters import CustomFormatter
from .integration.statsbot import resume_integrations, suspend_integrations
from .runtime import tell_problems
from .sigterm import Termination
from .webhook_manager import WebhookManager

# Bot.close unloads extensions with no time limit of its own (L3).
_DRAIN_SECONDS = 7.0
_REST_SECONDS = 1.0


class WebhookCog(commands.Cog, name="Webhooks"):
    """Capture what happens to the bot and ship it."""

    def __init__(self, bot: commands.Bot, config: WebhookConfig, *, formatter: CustomFormatter | None = None) -> None:
        self.bot = bot
        self.manager = WebhookManager(config, formatter=formatter)
        self._capture = Capture(settings=config)
        self._commands = WebhookCommands(self)
        self._termination = Termination(bot)

    async def cog_load(self) -> None:
        """Start delivering and install the hooks. Runs before login: no user, no session (L4)."""
        set_current_manager(self.manager)
        self.manager.add_listener(self)
        await self.manager.start()
        self._install_capture()
        resume_integrations()
        self._commands.install()
        self._termination.install()
        self._set_bot_info()

    async def cog_unload(self) -> None:
        """Deliver what waits, and undo everything in reverse. The hooks stay to the last moment: a drain takes seconds."""
        self._capture.report_end()
        self._termination.uninstall()
        self._commands.uninstall()
        await self.manager.flush(_DRAIN_SECONDS)
        suspend_integrations()
        self._capture.uninstall()
        self.manager.remove_listener(self)
        await self.manager.stop(_REST_SECONDS)

    def _install_capture(self) -> None:
        manager = self.manager
        self._capture.install(
            self.bot,
            manager.submit,
            manager.settle,
            find_delivery_problem=manager.find_delivery_problem,
            stats=manager.stats,
            take_tally=manager.take_tally,
        )

    async def reconfigure(self, config: WebhookConfig) -> None:
        """Go on with other settings; see `WebhookManager.reconfigure`."""
        await self.manager.reconfigure(config)

    def apply_choices(self) -> None:
        """Capture loggers from the levels that admins chose."""
        self._capture.set_logger_levels(self.manager.admin.overrides.logger_levels)

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        """Install anew what takes its settings when it is installed."""
        if Renews.CAPTURE in renewed:
            self._capture.uninstall()
            self._capture = Capture(settings=self.manager.config)
            self._install_capture()
            self.apply_choices()
        if Renews.COMMANDS in renewed:
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


async def setup(bot: commands.Bot) -> None:
    """Load the extension; called by `bot.load_extension`. A wrong setting costs itself only, and is named."""
    loaded = load_forgiving()
    cog = WebhookCog(bot, loaded.config)
    tell_problems(cog.manager, loaded)
    await bot.add_cog(cog)


async def teardown(_bot: commands.Bot) -> None:
    """Unload the extension; discord.py removes the cog, which undoes the rest."""
