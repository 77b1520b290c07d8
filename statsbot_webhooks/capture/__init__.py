"""Something happened: turn it into an Event. Never awaits, knows no destination."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

from discord.ext import commands

from ..config import WebhookConfig
from ..event import Event
from .exceptions import ExceptionHooks
from .logs import WebhookLogHandler
from .loop_watch import LoopWatch
from .members import MemberHooks
from .performance import Sampler
from .root_hook import RootHook
from .seen import Seen

_log = logging.getLogger(__name__)
_CONSEQUENCES = {
    "members": "joins and leaves are not seen",
    "moderation": "bans, kicks and unbans are not seen",
}


class Capture:
    """Everything installed on a bot, undone in reverse."""

    def __init__(self, *, settings: WebhookConfig, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._stack = ExitStack()
        self.sampler: Sampler | None = None

    def install(self, bot: commands.Bot, submit: Callable[[Event], object]) -> None:
        """Install every hook, once. Needs a running loop; nothing of Discord."""
        self.uninstall()
        settings = self._settings
        seen = Seen()
        handler = WebhookLogHandler(
            submit,
            level=settings.log_level.number,
            loggers=settings.loggers,
            include_stack_traces=settings.include_stack_traces,
            seen=seen,
        )
        loop_watch = LoopWatch(submit, critical_ms=settings.loop_lag_critical_ms, now=self._now)
        sampler = Sampler(bot, submit, settings=settings, now=self._now, sources=[loop_watch.measure])
        keep_traces = settings.include_stack_traces
        # A hook that fails must not leave those before it behind.
        with ExitStack() as stack:
            hook = RootHook(handler, settings.loggers, settings.log_level)
            stack.callback(hook.uninstall)
            hook.install()
            ExceptionHooks(bot, submit, now=self._now, keeps_traces=keep_traces, seen=seen).install(stack)
            MemberHooks(bot, submit, now=self._now, guild_ids=settings.guild_ids).install(stack)
            loop_watch.install(stack)
            sampler.install(stack)
            self._stack = stack.pop_all()
        self.sampler = sampler
        for intent, consequence in _CONSEQUENCES.items():
            if not getattr(bot.intents, intent):
                _log.warning("the bot runs without the %s intent: %s. Set intents.%s = True", intent, consequence, intent)

    def uninstall(self) -> None:
        """Undo everything, in reverse, and only where the value is still ours."""
        self.sampler = None
        self._stack.close()
