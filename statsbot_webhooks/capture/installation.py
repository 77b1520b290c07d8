"""Installation of all hooks on a bot, in their order. What each hook does is in the folders beside this module."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import discord

from ..clock import Clock, SystemClock
from ..config.model import WebhookConfig
from ..events.event import Event, LogLevel
from .breadcrumbs import trail
from .errors.bot_hooks import BotHooks
from .errors.breadcrumb_hooks import BreadcrumbHooks
from .errors.component_hooks import ComponentHooks
from .errors.deduplication import SeenExceptions
from .errors.extension_hooks import ExtensionHooks
from .errors.process_hooks import ProcessHooks
from .errors.reporter import ErrorRules, Reporter
from .errors.unasked_results import UnaskedResults
from .health.monitor import HealthMonitor
from .health.sampler import Sampler
from .logs.handler import WebhookLogHandler
from .logs.loguru_hook import LoguruHook
from .logs.root_hook import RootHook
from .logs.structlog_hook import StructlogHook
from .members.hooks import MemberHooks

_log = logging.getLogger(__name__)
# What is not captured without an intent, and what to do about it.
_CONSEQUENCES = {
    "members": "joins and leaves are not seen. On https://discord.com/developers/applications open the bot, page Bot, and switch "
    "on Server Members Intent; then set",
    "moderation": "bans, kicks and unbans are not seen. Set",
}


@dataclass(frozen=True, slots=True)
class _Host:
    """The bot, and the receivers of its events."""

    bot: discord.Client
    submit: Callable[[Event], object]
    submit_of_process: Callable[[Event], object]
    seen: SeenExceptions
    is_leading: bool
    delivery: Mapping[str, Any]


class Capture:
    """Everything installed on a bot, undone in reverse."""

    def __init__(self, *, settings: WebhookConfig, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._host: _Host | None = None
        self._process_stack = ExitStack()
        self._log_stack = ExitStack()
        self._bot_stack = ExitStack()
        self.sampler: Sampler | None = None
        self.health: HealthMonitor | None = None
        self._endings: ExtensionHooks | None = None
        self._hook: RootHook | None = None
        self._loguru: LoguruHook | None = None
        self._loguru_stack = ExitStack()
        self._process_reporter: Reporter | None = None

    def install(
        self,
        bot: discord.Client,
        submit: Callable[[Event], object],
        settle: Callable[[float], object] = lambda _seconds: None,
        *,
        is_leading: bool = True,
        submit_of_process: Callable[[Event], object] | None = None,
        seen: SeenExceptions | None = None,
        **delivery: Any,
    ) -> None:
        """Install every hook, once. Needs a running loop, but no connection to Discord.

        Of several bots in a process one is leading: it also captures what belongs to no bot, such as log records, and passes
        it to `submit_of_process`. They share `seen`. `settle(seconds)` blocks until submitted events are stored; it is called
        at the end of the interpreter. `delivery` are further arguments of `HealthMonitor`.
        """
        self.uninstall()
        self._host = host = _Host(bot, submit, submit_of_process or submit, seen or SeenExceptions(), is_leading, delivery)
        # When a hook fails, those installed before it are removed.
        with ExitStack() as log_stack, ExitStack() as stack:
            if is_leading:
                self._install_on_process(host, settle, stack, log_stack)
            self._install_on_bot(host)
            self._process_stack, self._log_stack = stack.pop_all(), log_stack.pop_all()
        for intent, consequence in _CONSEQUENCES.items():
            if not getattr(bot.intents, intent):
                _log.warning("the bot runs without the %s intent: %s intents.%s = True in its code", intent, consequence, intent)

    def reconfigure(self, settings: WebhookConfig) -> None:
        """Apply other settings. Hooks for other threads stay installed, so that nothing is missed.

        When that raises, the previous hooks are installed again.
        """
        before, self._settings = self._settings, settings
        host = self._host
        if host is None:
            return
        self._bot_stack.close()
        try:
            self._install_on_bot(host)
        except Exception:
            self._settings = before
            self._install_on_bot(host)
            raise
        if self._hook is not None and self._process_reporter is not None:
            self._process_reporter.use(self._rules())
            trail.most = settings.breadcrumbs
            self._hook.exchange(self._make_handler(host), settings.loggers, settings.log_level)
            self._switch_loguru()

    def _rules(self) -> ErrorRules:
        settings = self._settings
        return ErrorRules(settings.include_stack_traces, settings.ship_user_errors, settings.expected_errors)

    def _make_handler(self, host: _Host) -> WebhookLogHandler:
        settings = self._settings
        return WebhookLogHandler(
            host.submit_of_process,
            level=settings.log_level.number,
            loggers=settings.loggers,
            include_stack_traces=settings.include_stack_traces,
            seen=host.seen,
            names_persons=settings.mask_user_ids or settings.mask_level is not None,
        )

    def _install_on_process(self, host: _Host, settle: Callable[[float], object], stack: ExitStack, log_stack: ExitStack) -> None:
        # Set before the first record is captured.
        trail.most = self._settings.breadcrumbs
        hook = RootHook(
            self._make_handler(host),
            self._settings.loggers,
            self._settings.log_level,
            lambda record: self._loguru is not None and self._loguru.makes(record),
        )
        log_stack.callback(hook.uninstall)
        hook.install()
        self._hook = hook
        self._switch_loguru()
        stack.callback(self._loguru_stack.close)
        StructlogHook(lambda: hook.handler).install(stack)
        reporter = Reporter(host.submit_of_process, now=self._clock.now, seen=host.seen, rules=self._rules())
        ProcessHooks(reporter, settle).install(stack)
        UnaskedResults(reporter).install(stack)
        BreadcrumbHooks(host.bot, now=self._clock.now).install_on_process(stack)
        self._process_reporter = reporter

    def _switch_loguru(self) -> None:
        """Listen to loguru or not, as the settings say, at the current level."""
        hook, is_on = self._hook, self._settings.loguru
        if hook is None:
            return
        if self._loguru is None and is_on:
            self._loguru = LoguruHook(lambda: hook.handler, hook.takes)
            self._loguru.install(self._loguru_stack)
        elif self._loguru is not None and not is_on:
            self._loguru_stack.close()
            self._loguru = None
        elif self._loguru is not None:
            self._loguru.refresh()

    def _install_on_bot(self, host: _Host) -> None:
        bot, settings = host.bot, self._settings
        reporter = Reporter(host.submit, now=self._clock.now, seen=host.seen, rules=self._rules())
        endings = ExtensionHooks(bot, reporter)
        health = HealthMonitor(bot, host.submit, settings=settings, clock=self._clock, **host.delivery)
        with ExitStack() as stack:
            BotHooks(bot, reporter).install(stack)
            BreadcrumbHooks(bot, now=self._clock.now).install(stack)
            ComponentHooks(bot, reporter).install(stack)
            endings.install(stack)
            MemberHooks(bot, host.submit, clock=self._clock, settings=settings).install(stack)
            health.install(stack, is_leading=host.is_leading)
            self._bot_stack = stack.pop_all()
        self.sampler, self.health, self._endings = health.sampler, health, endings

    def set_logger_levels(self, levels: Mapping[str, LogLevel]) -> None:
        """Capture single loggers from other levels than those of the settings."""
        if self._hook is not None:
            self._hook.set_loggers({**self._settings.loggers, **levels})
            self._switch_loguru()

    def report_end(self) -> None:
        """Report the exception that ends the bot, if any, and that it stops. Call it while the bot is being closed."""
        self.report_exception()
        if self.health is not None:
            self.health.lifecycle.tell_stop()

    def report_exception(self, *, is_closed: bool = False) -> None:
        """Report only the exception that ends the bot; `is_closed` must be set when the caller runs before the bot's `close`."""
        if self._endings is not None:
            self._endings.report_end(is_closed=is_closed)

    def uninstall(self, *, but_log: bool = False) -> None:
        """Undo everything in reverse, only where the value is still ours; with `but_log`, log records are still captured."""
        self.sampler = self.health = self._endings = self._hook = self._process_reporter = self._host = None
        self._bot_stack.close()
        self._process_stack.close()
        if not but_log:
            self._log_stack.close()
        self._loguru = None
