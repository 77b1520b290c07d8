"""Samples of the process and the loop, and alerts when they cross a threshold, with hysteresis."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import psutil
from discord.ext import commands, tasks

from ..config import WebhookConfig
from ..event import Event, LogLevel
from ..event_factory import performance_event
from .border import Border

# A value must fall this far below a threshold before the alert is over: it must not flap.
_RECOVERY = 0.9
_MIB = 1024 * 1024


class Sampler:
    """Take a sample every `sample_interval_seconds` on `discord.ext.tasks`; `last` holds the newest."""

    def __init__(
        self, bot: commands.Bot, submit: Callable[[Event], object], *, settings: WebhookConfig, now: Callable[[], float]
    ) -> None:
        self._bot = bot
        self._submit = submit
        self._now = now
        self._limits = {
            "memory_mb": (settings.memory_warning_mb, settings.memory_critical_mb),
            "cpu_percent": (settings.cpu_warning_percent, settings.cpu_critical_percent),
            "gateway_latency_ms": (settings.latency_warning_ms, settings.latency_critical_ms),
            "loop_lag_ms": (settings.loop_lag_warning_ms, settings.loop_lag_critical_ms),
        }
        self._levels: dict[str, LogLevel] = {}
        self._process = psutil.Process()
        self._interval = settings.sample_interval_seconds
        self._worst_lag = 0.0
        self._probe_at = 0.0
        self._cpu_since = 0.0
        self._cpu: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.border = Border("a performance sample")
        self.last: dict[str, float] = {}
        self._loop = tasks.loop(seconds=self._interval, name="statsbot_webhooks-sampler")(self._sample)

    def install(self, stack: ExitStack) -> None:
        """Start sampling; the stack ends it."""
        self._process.cpu_percent()
        self._cpu_since = time.monotonic()
        self._arm()
        self._loop.start()
        stack.callback(self._stop)

    def _stop(self) -> None:
        self._loop.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        """Lag is how late a timer fires; sleeping between samples would see only the lag of that moment."""
        pause = min(self._interval / 2, 0.25)
        self._probe_at = time.monotonic() + pause
        self._timer = asyncio.get_running_loop().call_later(pause, self._probe)

    def _probe(self) -> None:
        self._worst_lag = max(self._worst_lag, time.monotonic() - self._probe_at)
        self._arm()

    async def _sample(self) -> None:
        started = time.perf_counter()
        # An exception would end the loop for good (H5).
        self.border.call(self._take)
        self.last["sample_ms"] = (time.perf_counter() - started) * 1000

    def _take(self) -> None:
        self.last = self._measure()
        for metric in self._limits.keys() & self.last.keys():
            self._judge(metric, self.last[metric])

    def _measure(self) -> dict[str, float]:
        sample = {
            "memory_mb": self._process.memory_info().rss / _MIB,
            "loop_lag_ms": max(self._worst_lag, 0.0) * 1000,
        }
        self._worst_lag = 0.0
        # The kernel counts CPU time in ticks of 10 ms: over the first instant after a start one tick reads as 1000 %.
        if time.monotonic() - self._cpu_since >= min(self._interval / 2, 1.0):
            self._cpu = self._process.cpu_percent()
            self._cpu_since = time.monotonic()
        if self._cpu is not None:
            sample["cpu_percent"] = self._cpu
        latency = self._bot.latency
        # Before the first heartbeat it is nan or inf (W12).
        if math.isfinite(latency):
            sample["gateway_latency_ms"] = latency * 1000
        return sample

    def _judge(self, metric: str, value: float) -> None:
        """Raise an alert when the level rises, and one recovery when it is over; from CRITICAL to WARNING is silent."""
        warning, critical = self._limits[metric]
        before = self._levels.get(metric)
        level = _level(value, warning, critical, before)
        if level is before:
            return
        if level is None:
            del self._levels[metric]
            self._report(metric, value, warning, LogLevel.INFO)
            return
        self._levels[metric] = level
        if before is None or level.number > before.number:
            self._report(metric, value, critical if level is LogLevel.CRITICAL else warning, level)

    def _report(self, metric: str, value: float, threshold: float, level: LogLevel) -> None:
        others = {name: round(number, 1) for name, number in self.last.items() if name != metric}
        state = "recovered" if level is LogLevel.INFO else "alert"
        context = {"level": level, "state": state, **others}
        event = performance_event(metric, round(value, 1), threshold, now=self._now(), context=context)
        if level is LogLevel.INFO:
            text = f"{metric} is back to {value:.1f}, below the warning threshold of {threshold:g}"
        else:
            text = f"{metric} is {value:.1f}, above the {level.value.lower()} threshold of {threshold:g}"
        self._submit(replace(event, message=text))


def _level(value: float, warning: float, critical: float, before: LogLevel | None) -> LogLevel | None:
    if value >= critical or (before is LogLevel.CRITICAL and value >= critical * _RECOVERY):
        return LogLevel.CRITICAL
    if value >= warning or (before is not None and value >= warning * _RECOVERY):
        return LogLevel.WARNING
    return None
