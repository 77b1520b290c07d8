"""The cog: ties the life of the manager and of `Capture` to the life of the extension on a bot."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from types import new_class
from typing import Any

from discord.ext import commands

from . import runtime
from .capture import Capture
from .capture.errors.extension_hooks import is_closing, is_reloading
from .commands import WebhookCommands
from .config.loading import load_forgiving
from .config.model import WebhookConfig
from .config.renewal import Renews
from .delivery.channel_reader import BotChannelReader
from .delivery.formatters import CustomFormatter
from .events.event import decode
from .formatting.formatter import BotInfo
from .integration.bot_capture import bot_info_of, install_capture
from .integration.sigterm import Termination
from .integration.statsbot import resume_integrations, suspend_integrations
from .webhook_manager import WebhookManager

# Bot.close unloads extensions with no time limit of its own (L3).
_DRAIN_SECONDS = 7.0
_LAST_WORDS_SECONDS = 1.0
# Hooks that stay for the next load of a reload go after this time when it never came.
_RELOAD_SECONDS = 60.0


class WebhookCog(commands.Cog, name="Webhooks"):
    """Capture what happens to the bot and ship it."""

    answers_presses = True

    def __init__(
        self,
        bot: commands.Bot,
        config: WebhookConfig,
        *,
        formatter: CustomFormatter | None = None,
        manager: WebhookManager | None = None,
    ) -> None:
        """Make a manager of the settings, or use a `manager`, whose settings then hold."""
        self.bot = bot
        self.manager = manager or WebhookManager(config, formatter=formatter)
        self._capture = Capture(settings=self.manager.config)
        self._commands = WebhookCommands(self)
        self._termination = Termination(bot)
        self._reader = BotChannelReader(bot)

    @property
    def bot_info(self) -> BotInfo | None:
        """The bot's name and picture, once it has logged in."""
        return bot_info_of(self.bot)

    async def cog_load(self) -> None:
        """Start delivering and install the hooks. Runs before login: no user, no session (L4)."""
        self.manager.host.use_bot_proxy(self.bot.http)
        await runtime.join(self)
        self.manager.listeners.add(self)
        self.manager.host.readers.append(self._reader)
        unstored = runtime.take_over()
        install_capture(self._capture, self.bot, self)
        for text in unstored:
            self.manager.submit(decode(text))
        self.apply_choices()
        resume_integrations()
        self._commands.install()
        self._termination.install()
        await self._use_clients()

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """Tell the other processes which shards this one has; they are known once the gateway is."""
        ids = getattr(self.bot, "shard_ids", None) or ([] if self.bot.shard_id is None else [self.bot.shard_id])
        self.manager.host.describe_process(_ranges(ids))

    async def cog_unload(self) -> None:
        """Deliver what waits, and undo everything in reverse. The hooks stay to the last moment: a drain takes seconds."""
        self._capture.report_end()
        self._termination.uninstall()
        self._commands.uninstall()
        is_sent = await self.manager.drain(_DRAIN_SECONDS)
        is_last = len(runtime.holders_of(self.manager)) < 2
        if is_last and is_reloading(self.bot):
            # Making the next cog takes half a second, in which things happen too.
            runtime.hand_over(self._let_go, _RELOAD_SECONDS)
        else:
            # What the host logs after it has closed the bot is kept for the next start.
            if is_last and not is_closing(self.bot):
                suspend_integrations()
            self._capture.uninstall()
        self.manager.listeners.remove(self)
        self.manager.host.readers.remove(self._reader)
        await self._use_clients()
        if runtime.leave(self) or (is_last and is_closing(self.bot)):
            # What did not get through in all that time will not do so now, when nothing is captured any more.
            await self.manager.stop(_LAST_WORDS_SECONDS if is_sent else 0)

    def _let_go(self) -> Sequence[str]:
        """Undo the hooks that stayed for a reload; returns what they captured after the manager's end."""
        self._capture.uninstall()
        return self.manager.host.take_unstored()

    def lead(self) -> None:
        """Capture what belongs to no bot too: the bot that did so has left."""
        self._capture.uninstall()
        install_capture(self._capture, self.bot, self)
        self.apply_choices()

    async def _use_clients(self) -> None:
        """Let cards have buttons that the bots answer. Before the login there is no application (L4)."""
        has_left = self._reader not in self.manager.host.readers
        holders = [each for each in runtime.holders_of(self.manager) if each.answers_presses and not (each is self and has_left)]
        await self.manager.host.use_clients([holder.bot for holder in holders])

    async def reconfigure(self, config: WebhookConfig) -> None:
        """Go on with other settings; see `WebhookManager.reconfigure`."""
        await self.manager.reconfigure(config)

    def apply_choices(self) -> None:
        """Capture loggers from the levels that admins chose."""
        self._capture.set_logger_levels(self.manager.admin.overrides.logger_levels)

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        """Install anew what takes its settings when it is installed."""
        if Renews.CAPTURE in renewed:
            self._capture.reconfigure(self.manager.config)
            self.apply_choices()
        if Renews.COMMANDS in renewed:
            self._commands.uninstall()
            self._commands = WebhookCommands(self)
            self._commands.install()
            await self._commands.sync()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        runtime.sign(self.manager)
        await self._use_clients()
        # The token may come from elsewhere than the environment.
        self.manager.add_secrets(self.bot.http.token or "")
        await self._commands.sync()


def _class_for(bot: object) -> type[WebhookCog]:
    """Return the class of the cog for a bot: Red takes none that is not of its own (`Red.add_cog`)."""
    own: Any = getattr(sys.modules.get("redbot.core.commands"), "Cog", None)
    red: Any = getattr(sys.modules.get("redbot.core.bot"), "Red", None)
    if own is None or red is None or not isinstance(bot, red):
        return WebhookCog
    kind: Any = new_class("WebhookCog", (WebhookCog, own), {"name": WebhookCog.__cog_name__})
    kind.__module__ = __name__
    return kind


async def setup(bot: commands.Bot) -> None:
    """Load the extension; called by `bot.load_extension`. A wrong setting costs itself only, and is named."""
    manager, make = runtime.find_usable_manager(), _class_for(bot)
    if manager is not None:
        await bot.add_cog(make(bot, manager.config, manager=manager))
        return
    loaded = load_forgiving()
    cog = make(bot, loaded.config)
    runtime.tell_problems(cog.manager, loaded)
    await bot.add_cog(cog)


async def teardown(_bot: commands.Bot) -> None:
    """Unload the extension; discord.py removes the cog, which undoes the rest."""


def _ranges(ids: Iterable[int]) -> str:
    """Return numbers as people write them: 0-3, 7."""
    ranges: list[list[int]] = []
    for number in sorted(ids):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
