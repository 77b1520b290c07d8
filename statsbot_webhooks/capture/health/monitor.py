"""Health monitor: everything that watches a bot, put together (samples, alerts, the loop, heartbeat). It makes no events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from zoneinfo import ZoneInfo

import discord

from ...clock import Clock
from ...config.model import WebhookConfig
from ...config.network import Network, proxy_of_bot
from ...events.accounting import Stats
from ...events.daily_counts import DailyCounts
from ...events.event import Event
from ..lifecycle.hooks import LifecycleHooks
from .call_watch import CallWatch
from .daily_summary import DailySummary
from .heartbeat import Heartbeat
from .loop_deaths import LoopDeaths, known_bots
from .loop_watchdog import LoopWatchdog
from .sampler import Sampler
from .task_loops import TaskLoops

Submit = Callable[[Event], object]


async def _no_stats() -> Stats:
    return Stats({}, 0, 0, 0)


async def _no_tally() -> DailyCounts:
    return DailyCounts()


def _no_problem() -> str:
    return ""


class HealthMonitor:
    """Watch a bot. `find_delivery_problem` returns why events do not arrive, `stats` the counters, and `take_tally` the
    counts of events since its last call.
    """

    def __init__(
        self,
        bot: discord.Client,
        submit: Submit,
        *,
        settings: WebhookConfig,
        clock: Clock,
        find_delivery_problem: Callable[[], str] = _no_problem,
        stats: Callable[[], Awaitable[Stats]] = _no_stats,
        take_tally: Callable[[], Awaitable[DailyCounts]] = _no_tally,
    ) -> None:
        self._bot = bot
        self._settings = settings
        self._clock = clock
        self._find_delivery_problem = find_delivery_problem
        self._loop_watch = LoopWatchdog(submit, critical_ms=settings.loop_lag_critical_ms, clock=clock)
        self._task_loops = TaskLoops(clock)
        minimum = settings.alert_minimum_seconds
        minimum = 2 * settings.sample_interval_seconds if minimum is None else minimum
        self._loop_deaths = LoopDeaths(bot, clock, minimum_seconds=minimum)
        self._submit = submit
        self.calls = CallWatch(
            bot, submit, clock=clock, command_ms=settings.slow_command_ms, listener_ms=settings.slow_listener_ms
        )
        ship: Submit = submit if settings.lifecycle else _ignore
        self.lifecycle = LifecycleHooks(
            bot, ship, now=clock.now, gap_seconds=settings.gateway_gap_seconds, version=settings.bot_version
        )
        self.sampler = Sampler(
            bot,
            submit,
            settings=settings,
            clock=clock,
            sources=[self._loop_watch.measure, self.calls.measure, self._task_loops.measure],
            loop_thresholds=self._task_loops.thresholds,
            offline_shards=lambda: self.lifecycle.offline_shards,
            after=self._after_sample,
        )
        self.summary = DailySummary(
            submit,
            self.sampler.series,
            hour=settings.summary_hour,
            zone=ZoneInfo(settings.summary_timezone),
            stats=stats,
            take_tally=take_tally,
        )

    def install(self, stack: ExitStack, *, is_leading: bool = True) -> None:
        """Start everything; the stack ends it in reverse, so that the last event is that the bot has stopped.

        Of several bots only the leading one watches what concerns the process.
        """
        self.lifecycle.install(stack)
        if not is_leading:
            self.calls.install(stack)
            # So that the leading bot's watch does not take this bot's cogs for unloaded.
            known_bots.add(self._bot)
            return
        self._loop_watch.install(stack)
        self._task_loops.install(stack)
        self._loop_deaths.install(stack)
        stack.callback(lambda: self._ship(self._loop_deaths.close()))
        self.calls.install(stack)
        self.sampler.install(stack)
        url = self._settings.heartbeat_url
        if url is not None:
            interval = self._settings.heartbeat_interval_seconds
            Heartbeat(
                url.get_secret_value(),
                interval_seconds=interval,
                find_problem=self.find_problem,
                clock=self._clock,
                network=Network.of(self._settings, proxy_of_bot(self._bot.http)),
            ).install(stack)

    async def _after_sample(self, now: float, opened: Sequence[str]) -> None:
        changes = self._loop_deaths.check()
        self._ship(changes)
        self.summary.alerts.update([*opened, *(event.origin for event in changes if not event.ends_card)])
        self.summary.gaps += self.lifecycle.take_gaps()
        await self.summary.tick(now)

    def _ship(self, events: Sequence[Event]) -> None:
        for event in events:
            self._submit(event)

    def find_problem(self) -> str:
        """Return the problem of gateway, loop or delivery; empty when there is none."""
        if not self._bot.is_ready() or self.lifecycle.offline_shards:
            return "the gateway is down"
        if self._clock.monotonic() - self._loop_watch.last_stall < self._settings.heartbeat_interval_seconds:
            return "the event loop was blocked"
        return self._find_delivery_problem()


def _ignore(_event: Event) -> None:
    """Drop lifecycle events, which are switched off; the gateway is still watched."""
