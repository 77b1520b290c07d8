"""Samples of this process, and alerts that neither flap nor repeat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture import Capture
from statsbot_webhooks.capture.performance import Sampler
from statsbot_webhooks.event import Event, LogLevel


@pytest.fixture
async def bot() -> AsyncIterator[commands.Bot]:
    """A real bot that never logs in."""
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        yield bot


@pytest.fixture
def events() -> list[Event]:
    return []


async def test_a_sample_measures_the_process_and_the_loop(bot: commands.Bot, events: list[Event]) -> None:
    settings = WebhookConfig(sample_interval_seconds=0.1, loop_lag_warning_ms=100, loop_lag_critical_ms=10_000)
    capture = Capture(settings=settings, now=time.time)
    capture.install(bot, events.append)
    sampler = capture.sampler
    assert sampler is not None
    await asyncio.sleep(0.15)
    time.sleep(0.25)  # noqa: ASYNC251 - a host that blocks its loop
    async with asyncio.timeout(5):
        while not any(event.origin == "loop_lag_ms" for event in events):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.02)
    capture.uninstall()
    assert sampler.last.keys() >= {"memory_mb", "cpu_percent", "loop_lag_ms", "sample_ms"}
    # Before the first heartbeat the latency is nan.
    assert "gateway_latency_ms" not in sampler.last
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "sampler" in task.get_name()]


async def test_the_start_of_the_sampler_is_no_alert(bot: commands.Bot, events: list[Event]) -> None:
    settings = WebhookConfig(cpu_warning_percent=0.001, cpu_critical_percent=0.002)
    capture = Capture(settings=settings, now=time.time)
    for _ in range(20):
        capture.install(bot, events.append)
        assert capture.sampler is not None
        sum(range(200_000))
        while not capture.sampler.last:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0)
        capture.uninstall()
    await asyncio.sleep(0)
    assert events == []


async def test_alerts_rise_once_and_end_once(bot: commands.Bot, events: list[Event]) -> None:
    settings = WebhookConfig(cpu_warning_percent=80, cpu_critical_percent=95)
    sampler = Sampler(bot, events.append, settings=settings, now=lambda: 1.0)
    for value in (50, 81, 79, 81, 96, 90, 96, 79, 96, 79, 73, 71, 71, 81):
        sampler._judge("cpu_percent", value)
    assert [(event.level, event.context["value"]) for event in events] == [
        (LogLevel.WARNING, 81),
        (LogLevel.CRITICAL, 96),
        (LogLevel.CRITICAL, 96),
        (LogLevel.INFO, 71),
        (LogLevel.WARNING, 81),
    ]
    assert events[1].message == "cpu_percent is 96.0, above the critical threshold of 95"
    assert events[3].message == "cpu_percent is back to 71.0, below the warning threshold of 80"


async def test_a_failing_sample_does_not_end_the_loop(bot: commands.Bot) -> None:
    taken: list[Event] = []

    def submit(event: Event) -> None:
        taken.append(event)
        raise RuntimeError("no")

    capture = Capture(settings=WebhookConfig(sample_interval_seconds=0.05, memory_warning_mb=1), now=time.time)
    capture.install(bot, submit)
    sampler = capture.sampler
    assert sampler is not None
    first = None
    async with asyncio.timeout(5):
        while first is None or sampler.last is first:
            await asyncio.sleep(0.02)
            first = first or (sampler.last or None)
    capture.uninstall()
    assert sampler.border.failures == len(taken) == 1
