"""The cog: ties the life of the manager and of `Capture` to the life of the extension on a bot."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from types import new_class
from typing import Any

from discord.ext import commands

from . import runtime
from .capture.errors.extension_hooks import is_closing, is_reloading
from .commands import WebhookCommands
from .config.loading import load_forgiving
from .config.model import WebhookConfig
from .config.renewal import Renews
from .delivery.formatters import CustomFormatter
from .events.event import decode
from .integration.bot_capture import BotCapture
from .webhook_manager import WebhookManager

# Hooks that stay for the next load of a reload go after this time when it never came.
_RELOAD_SECONDS = 60.0


class WebhookCog(commands.Cog, name="Webhooks"):
    """Capture what happens to the bot and ship it."""

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
        self._hooks = BotCapture(bot, self.manager, answers_presses=True, renew=self._renew)
        self._commands = WebhookCommands(self)

    async def cog_load(self) -> None:
        """Start delivering and install the hooks. Runs before login: no user, no session (L4)."""
        await self._hooks.join()
        for text in runtime.take_over(self._hooks.install):
            self.manager.submit(decode(text))
        self._commands.install()
        await self._hooks.show_buttons()

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """Tell the other processes which shards this one has; they are known once the gateway is."""
        ids = getattr(self.bot, "shard_ids", None) or ([] if self.bot.shard_id is None else [self.bot.shard_id])
        self.manager.host.describe_process(_ranges(ids))

    async def cog_unload(self) -> None:
        """Deliver what waits, and undo everything in reverse. The hooks stay to the last moment: a drain takes seconds."""
        self._commands.uninstall()
        await self._hooks.drain()
        is_ending = is_closing(self.bot)
        if self._hooks.is_last and is_reloading(self.bot):
            # Making the next cog takes half a second, in which things happen too.
            runtime.hand_over(self._let_go, _RELOAD_SECONDS)
        else:
            self._hooks.uninstall(is_closing=is_ending)
        await self._hooks.leave(is_closing=is_ending)

    def _let_go(self, install: Callable[[], object]) -> Sequence[str]:
        """Undo the hooks that stayed for a reload; returns what they captured after the manager's end."""
        # Other threads log meanwhile.
        self._hooks.capture.uninstall(but_log=True)
        try:
            install()
        finally:
            self._hooks.capture.uninstall()
        return self.manager.host.take_unstored()

    async def reconfigure(self, config: WebhookConfig) -> None:
        """Go on with other settings; see `WebhookManager.reconfigure`."""
        await self.manager.reconfigure(config)

    async def _renew(self, renewed: frozenset[Renews]) -> None:
        if Renews.COMMANDS in renewed:
            self._commands.uninstall()
            self._commands = WebhookCommands(self)
            self._commands.install()
            await self._commands.sync()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        self._hooks.sign()
        await self._hooks.show_buttons()
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
