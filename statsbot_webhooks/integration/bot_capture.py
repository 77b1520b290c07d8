"""The hooks on one bot or client, for a manager that several may share: the same for the extension and for `watch_client`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord

from .. import runtime
from ..capture.errors.deduplication import SeenExceptions
from ..capture.installation import Capture
from ..capture.members.hooks import installed_hooks
from ..config.renewal import Renews
from ..delivery.channel_reader import BotChannelReader
from ..events.event import Event
from ..formatting.formatter import BotInfo
from ..webhook_manager import WebhookManager
from .sigterm import Termination
from .statsbot import resume_integrations, suspend_integrations

# Bot.close unloads extensions with no time limit of its own (L3), and a client's own `close` has none either.
_DRAIN_SECONDS = 7.0
_LAST_WORDS_SECONDS = 1.0


async def _renew_nothing(_renewed: frozenset[Renews]) -> None:
    pass


class BotCapture:
    """Share a manager on behalf of a bot (a `runtime.Holder`), and give it what happens there.

    `join`, `install`, and at the end `drain`, `uninstall`, `leave`. `renew` is awaited with what other settings renew.
    """

    def __init__(
        self,
        bot: discord.Client,
        manager: WebhookManager,
        *,
        answers_presses: bool = False,
        renew: Callable[[frozenset[Renews]], Awaitable[None]] = _renew_nothing,
    ) -> None:
        self.bot = bot
        self.manager = manager
        self.answers_presses = answers_presses
        self.capture = Capture(settings=manager.config)
        self._renew = renew
        self._termination = Termination(bot)
        self._reader = BotChannelReader(bot)
        self._is_sent = False

    @property
    def bot_info(self) -> BotInfo | None:
        """The bot's name and picture, once it has logged in."""
        user: discord.ClientUser | None = self.bot.user
        return None if user is None else BotInfo(user.name, user.display_avatar.url)

    @property
    def is_last(self) -> bool:
        """Whether nothing else shares the manager."""
        return len(runtime.holders_of(self.manager)) < 2

    async def join(self) -> None:
        """Share the manager, which is started unless it runs."""
        self.manager.host.use_bot_proxy(self.bot.http)
        await runtime.join(self)
        self.manager.listeners.add(self)
        self.manager.host.readers.append(self._reader)

    def install(self) -> None:
        """Install the hooks. Needs a running loop; nothing of Discord."""
        self.lead()
        resume_integrations()
        self._termination.install()

    def lead(self) -> None:
        """Install the hooks anew: the bot that captured what belongs to no bot has left, and this one may do so now."""
        manager = self.manager

        def submit(event: Event) -> bool:
            # Where several bots share the manager, an event says whose it is.
            info = self.bot_info
            if info is not None and not self.is_last:
                event = replace(event, context={"bot": info.name, **event.context})
            return manager.submit(event)

        self.capture.install(
            self.bot,
            submit,
            manager.host.settle,
            is_leading=runtime.is_leading(self),
            submit_of_process=manager.submit,
            seen=runtime.share(manager, "seen exceptions", SeenExceptions),
            find_delivery_problem=manager.host.find_delivery_problem,
            stats=manager.stats,
            take_tally=manager.host.take_tally,
        )
        self.apply_choices()

    def sign(self) -> None:
        """Learn what is known once the bot is ready: its name, and its token, which may not be in the environment."""
        runtime.sign(self.manager)
        self.manager.add_secrets(self.bot.http.token or "")

    def apply_choices(self) -> None:
        """Capture loggers from the levels that admins chose."""
        self.capture.set_logger_levels(self.manager.admin.overrides.logger_levels)

    def forget(self) -> None:
        """Submit what the hooks hold of members, and drop it."""
        for hooks in list(installed_hooks):
            hooks.forget()

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        """Install anew what takes its settings when it is installed."""
        if Renews.CAPTURE in renewed:
            self.capture.reconfigure(self.manager.config)
            self.apply_choices()
        await self._renew(renewed)

    async def show_buttons(self) -> None:
        """Let cards have buttons that the bots answer. Before the login there is no application (L4)."""
        await self.manager.host.use_clients([each.bot for each in runtime.holders_of(self.manager) if each.answers_presses])

    async def drain(self) -> None:
        """Report what ends the bot, leave SIGTERM to the host again, and deliver what waits; the hooks stay meanwhile."""
        self.capture.report_end()
        self._termination.uninstall()
        self._is_sent = await self.manager.drain(_DRAIN_SECONDS)

    def uninstall(self, *, is_closing: bool) -> None:
        """Undo the hooks."""
        # What the host logs after it has closed the bot is kept for the next start.
        if self.is_last and not is_closing:
            suspend_integrations()
        self.capture.uninstall()

    async def leave(self, *, is_closing: bool) -> None:
        """Share the manager no longer; it is stopped when nothing needs it any more."""
        was_last = self.is_last
        self.manager.listeners.remove(self)
        self.manager.host.readers.remove(self._reader)
        is_unused = runtime.leave(self)
        await self.show_buttons()
        if is_unused or (was_last and is_closing):
            # What did not get through in all that time will not do so now, when nothing is captured any more.
            await self.manager.stop(_LAST_WORDS_SECONDS if self._is_sent else 0)
