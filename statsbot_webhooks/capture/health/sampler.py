"""Sampler: take samples of the process, the loop and the bot, keep them for a day, and submit the alerts they raise."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import discord
from discord.ext import tasks

from ...clock import Clock
from ...config.model import WebhookConfig
from ...events.event import Event
from ...events.sparkline import course_of
from ..guard import Guard
from .alert_event import alert_event
from .alerts import Alert, Alerts, AlertState, Threshold
from .charts import Chart, draw_chart
from .loop_deaths import known_bots
from .process_probe import ProcessProbe
from .time_series import TimeSeries

# Span of an alert's chart.
_CHART_SECONDS: Final = 3600.0
_STATIC: Final = {
    "memory_mb": "memory",
    "cpu_percent": "cpu",
    "gateway_latency_ms": "latency",
    "loop_lag_ms": "loop_lag",
}

Source = Callable[[], Mapping[str, float]]


class Sampler:
    """Take a sample every `sample_interval_seconds`; `last` is the newest and `series` holds those of 24 hours.

    `sources` add their metrics to each sample, and `loop_thresholds` the thresholds that depend on the bot. After each
    sample `after` is awaited, with the time and the metrics whose alerts have begun. `offline_shards` are those whose
    gateway is down, which hides their latency; None is all of them.
    """

    def __init__(
        self,
        bot: discord.Client,
        submit: Callable[[Event], object],
        *,
        settings: WebhookConfig,
        clock: Clock,
        sources: Sequence[Source] = (),
        loop_thresholds: Callable[[], Mapping[str, Threshold]] = dict,
        offline_shards: Callable[[], Collection[int | None]] = tuple,
        after: Callable[[float, Sequence[str]], Awaitable[None]] | None = None,
    ) -> None:
        interval = settings.sample_interval_seconds
        self._bot = bot
        self._submit = submit
        self._clock = clock
        self._sources = sources
        self._loop_thresholds = loop_thresholds
        self._offline_shards = offline_shards
        self._after = after
        self._thresholds = {
            metric: Threshold(getattr(settings, f"{name}_warning_{unit}"), getattr(settings, f"{name}_critical_{unit}"))
            for metric, name in _STATIC.items()
            for unit in (metric.rpartition("_")[2],)
        }
        self._process = ProcessProbe(interval, clock)
        minimum = settings.alert_minimum_seconds
        self.alerts = Alerts(2 * interval if minimum is None else minimum)
        self.series = TimeSeries(interval)
        self.guard = Guard("a performance sample")
        self.last: dict[str, float] = {}
        self._changes: list[Alert] = []
        self._loop = tasks.loop(seconds=interval, name="statsbot_webhooks-sampler")(self._sample)

    def install(self, stack: ExitStack) -> None:
        """Start sampling; the stack ends it."""
        self._process.start()
        self._loop.start()
        stack.callback(self._stop)

    def _stop(self) -> None:
        self._loop.cancel()
        for alert in self.alerts.close(self._clock.now()):
            self.guard.call(self._submit, alert_event(alert, self.last))

    async def _sample(self) -> None:
        started = self._clock.monotonic()
        # An exception would end the loop for good (H5).
        self.guard.call(self._take)
        self.last["sample_ms"] = (self._clock.monotonic() - started) * 1000
        changes, self._changes = self._changes, []
        for alert in changes:
            await self.guard.wait(self._show(alert))
        if self._after is not None:
            opened = [alert.metric for alert in changes if alert.state is AlertState.OPENED]
            await self.guard.wait(self._after(self._clock.now(), opened))

    def _take(self) -> None:
        now = self._clock.now()
        self.last = self._measure()
        self.series.add(now, self.last)
        thresholds = {**self._latency_thresholds(), **self._loop_thresholds()}
        self._changes = self.alerts.judge(now, self.last, thresholds, self._hidden(thresholds))

    def _measure(self) -> dict[str, float]:
        sample = self._process.measure()
        for source in self._sources:
            sample.update(source())
        sample.update(_latencies(self._bot))
        sample["guilds"] = float(len(self._bot.guilds))
        sample["members"] = float(sum(guild.member_count or 0 for guild in self._bot.guilds))
        return sample

    def _latency_thresholds(self) -> dict[str, Threshold]:
        """Return the thresholds of the settings, with those of the latency for each shard."""
        shards = {name: self._thresholds["gateway_latency_ms"] for name in self.last if name.startswith("gateway_latency_ms/")}
        return {**self._thresholds, **shards}

    def _hidden(self, thresholds: Mapping[str, Threshold]) -> set[str]:
        """Return the latencies that have a worse cause, which is reported: no gateway, or a blocked loop."""
        latencies = {metric for metric in thresholds if metric.startswith("gateway_latency_ms")}
        offline = self._offline_shards()
        if None in offline or any(alert.metric == "loop_lag_ms" for alert in self.alerts.open):
            return latencies
        return {metric for metric in latencies if metric.rpartition("/")[2] in {str(shard) for shard in offline}}

    async def _show(self, alert: Alert) -> None:
        """Submit an alert with its chart, which is drawn in another thread."""
        points = self.series.series(alert.metric, min(alert.now - _CHART_SECONDS, alert.since - _CHART_SECONDS / 6))
        chart = Chart(alert.metric, points, alert.threshold.warning, alert.threshold.critical)
        sample = self.last
        data = await draw_chart([chart])
        self._submit(alert_event(alert, sample, course=course_of(points), chart=data))


def _is_online(other: discord.Client, bot: discord.Client) -> bool:
    return other is not bot and other.user is not None and not other.is_closed()


def _latencies(bot: discord.Client) -> dict[str, float]:
    """Return the latency of the gateway, by shard if there are several; not before a heartbeat, when it is nan or inf (W12)."""
    shards = bot.latencies if isinstance(bot, discord.AutoShardedClient) else []
    named = {f"gateway_latency_ms/{shard}": latency for shard, latency in shards} if len(shards) > 1 else {}
    named = named or {"gateway_latency_ms": bot.latency}
    # The leading bot samples for the whole process, its other bots included.
    named.update({f"gateway_latency_ms/@{other.user.name}": other.latency for other in known_bots if _is_online(other, bot)})
    return {name: latency * 1000 for name, latency in named.items() if math.isfinite(latency)}
