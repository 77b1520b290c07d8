"""Samples of this process, and what a channel shows when they are too high."""

from __future__ import annotations

import asyncio
import time

import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.health.time_series import TimeSeries
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.events.metric_names import format_metric
from statsbot_webhooks.events.sparkline import course_of, value_sparkline
from statsbot_webhooks.sandbox import Sandbox

from ...conftest import new_bot, online, running_bot


async def test_a_sample_measures_the_process_and_the_loop(bot: commands.Bot, events: list[Event]) -> None:
    settings = WebhookConfig(
        sample_interval_seconds=0.1, loop_lag_warning_ms=100, loop_lag_critical_ms=10_000, alert_minimum_seconds=0
    )
    capture = Capture(settings=settings)
    capture.install(bot, events.append)
    sampler = capture.sampler
    assert sampler is not None
    await asyncio.sleep(0.15)
    time.sleep(0.4)  # noqa: ASYNC251 - a host that blocks its loop
    async with asyncio.timeout(20):
        while not any(event.origin == "loop_lag_ms" for event in events):
            await asyncio.sleep(0.02)
    last = sampler.last
    capture.uninstall()
    assert last.keys() >= {"memory_mb", "cpu_percent", "loop_lag_ms", "sample_ms", "tasks", "threads", "open_files", "guilds"}
    # Before the first heartbeat the latency is nan.
    assert "gateway_latency_ms" not in last
    assert all(map(sampler.series.series, ("memory_mb", "loop_lag_ms", "members")))
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "sampler" in task.get_name()]


async def test_the_start_of_the_sampler_is_no_alert(bot: commands.Bot, events: list[Event]) -> None:
    # On a busy machine the loop does lag.
    lag = {"loop_lag_warning_ms": 60_000.0, "loop_lag_critical_ms": 60_000.0}
    settings = WebhookConfig(cpu_warning_percent=0.001, cpu_critical_percent=0.002, alert_minimum_seconds=0, **lag)
    capture = Capture(settings=settings)
    for _ in range(20):
        capture.install(bot, events.append)
        assert capture.sampler is not None
        sum(range(200_000))
        while not capture.sampler.last:
            await asyncio.sleep(0)
        capture.uninstall()
    await asyncio.sleep(0)
    assert events == []


async def test_a_failing_sample_does_not_end_the_loop(bot: commands.Bot) -> None:
    taken: list[Event] = []

    def submit(event: Event) -> None:
        taken.append(event)
        raise RuntimeError("no")

    settings = WebhookConfig(sample_interval_seconds=0.05, memory_warning_mb=1, alert_minimum_seconds=0)
    capture = Capture(settings=settings)
    capture.install(bot, submit)
    sampler = capture.sampler
    assert sampler is not None
    async with asyncio.timeout(20):
        while len(sampler.series) < 1 or not taken or sampler._loop.current_loop < 2:
            await asyncio.sleep(0.02)
    assert sampler.guard.failures == len(taken) == 1
    capture.uninstall()


def test_the_series_hold_a_day_and_no_more() -> None:
    series = TimeSeries(30)
    for number in range(4000):
        series.add(1000.0 + number * 30, {"cpu_percent": float(number % 100), **({"late": 1.0} if number > 3990 else {})})
    points = series.series("cpu_percent")
    assert len(points) == len(series) == 2880
    assert points == sorted(points)
    assert points[-1] == (1000.0 + 3999 * 30, 99.0)
    assert points[-1][0] - points[0][0] == 2879 * 30
    assert [value for _, value in series.series("late")] == [1.0] * 9
    assert series.peak("cpu_percent", since=points[-1][0] - 60) == points[-1]
    assert series.series("unknown") == []


def test_a_clock_that_is_set_back_costs_no_sample_and_no_chart() -> None:
    series = TimeSeries(30)
    for moment in (1000, 1030, 400, 430, 460):
        series.add(moment, {"cpu_percent": float(moment)})
    assert [at for at, _ in series.series("cpu_percent")] == [400, 430, 460, 1000, 1030]
    assert len(course_of(series.series("cpu_percent"))) == 5


def test_samples_that_come_faster_share_a_slot_and_keep_the_peak() -> None:
    series = TimeSeries(0.05)
    for number in range(2_000_000 // 200):
        series.add(number * 1.0, {"cpu_percent": float(number % 7), "bad": float("nan")})
    assert len(series) == 1000
    assert {value for _, value in series.series("cpu_percent")} == {6.0}
    assert series.series("bad") == []
    for number in range(500):
        series.add(20_000.0, {f"metric {number}": 1.0})
    assert sum(bool(series.series(f"metric {number}")) for number in range(500)) == 126, "with the two before 128"


def test_a_sparkline_shows_values_and_gaps() -> None:
    assert value_sparkline(course_of([(0, 1), (1, 2), (2, 4), (3, 8)])) == "▁▂▄█"
    assert value_sparkline(course_of([(0, 8), (1, 8), (8, 0), (9, 0)], 4)) == "█  ▁"
    assert value_sparkline(course_of([(0, 0.0)])) == "▁"
    assert value_sparkline(course_of([])) == ""


async def test_the_latency_of_every_bot_of_the_process_is_measured(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "0.1")
    second: commands.Bot = new_bot(commands.Bot)
    async with running_bot(sandbox) as first, second:
        await second.load_extension("statsbot_webhooks")
        async with online(second, sandbox):
            sampler = first.cogs["Webhooks"]._hooks.capture.sampler
            assert second.user is not None
            name = f"gateway_latency_ms/@{second.user.name}"
            async with asyncio.timeout(20):
                while name not in sampler.last or "gateway_latency_ms" not in sampler.last:
                    await asyncio.sleep(0.02)
            assert format_metric(name) == f"Gateway latency of {second.user.name}"
        async with asyncio.timeout(20):
            while name in sampler.last:
                await asyncio.sleep(0.02)
