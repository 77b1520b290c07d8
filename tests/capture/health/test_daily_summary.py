"""The daily summary: when it is due, what it says, and that it arrives."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.capture.health import daily_summary
from statsbot_webhooks.capture.health.charts import Chart, draw_chart
from statsbot_webhooks.capture.health.daily_summary import DailySummary
from statsbot_webhooks.capture.health.daily_summary_event import next_time
from statsbot_webhooks.capture.health.time_series import TimeSeries
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.errors import ConfigError, NotRunningError
from statsbot_webhooks.events.accounting import Stats
from statsbot_webhooks.events.daily_counts import DailyCounts
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.formatting.presentation import present
from statsbot_webhooks.sandbox import Sandbox

from ...clocks import WallClock
from ...conftest import running_manager

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 11, 24, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "hour", "due"),
    [
        ("2026-11-24T12:00+01:00", 9, "2026-11-25T09:00+01:00"),
        ("2026-11-24T08:59+01:00", 9, "2026-11-24T09:00+01:00"),
        ("2026-11-24T09:00+01:00", 9, "2026-11-25T09:00+01:00"),
        # The clock is put forward on 2026-03-29 from 2 to 3, and back on 2026-10-25 from 3 to 2.
        ("2026-03-28T12:00+01:00", 2, "2026-03-29T03:00+02:00"),
        ("2026-03-28T12:00+01:00", 9, "2026-03-29T09:00+02:00"),
        ("2026-10-24T12:00+02:00", 2, "2026-10-25T02:00+02:00"),
        ("2026-10-25T02:30+02:00", 2, "2026-10-26T02:00+01:00"),
        ("2026-12-31T23:30+01:00", 0, "2027-01-01T00:00+01:00"),
    ],
)
def test_when_it_is_due(now: str, hour: int, due: str) -> None:
    assert next_time(datetime.fromisoformat(now).timestamp(), hour, BERLIN) == datetime.fromisoformat(due).timestamp()


def filled_ring() -> TimeSeries:
    ring = TimeSeries(30)
    for number in range(2880):
        sample = {"cpu_percent": 20.0 + 70 * (number == 1000), "memory_mb": 100.0, "members": 1000.0 + number // 100}
        ring.add(NOON + number * 30, sample)
    return ring


@pytest.mark.slow
async def test_it_sums_up_the_day_in_the_channel(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0.2)) as manager:
        summary = DailySummary(
            manager.submit,
            filled_ring(),
            hour=13,
            zone=BERLIN,
            stats=manager.stats,
            take_tally=manager.host.take_tally,
        )
        await summary.tick(NOON)
        for _ in range(3):
            await manager.send_error(ZeroDivisionError("division"))
        await manager.send_log(LogLevel.INFO, "an order")
        await manager.flush(10)
        summary.alerts.update(["cpu_percent"])
        summary.gaps = 2
        await summary.tick(NOON + 3600)
        await summary.tick(NOON + 86400)
        await summary.tick(NOON + 86430)
        await sandbox.wait_until(lambda: len(sandbox.messages("info")) == 2)
        (shown,) = sandbox.messages("info")[1:]
    (embed,) = shown.embeds
    assert embed["title"] == "Daily summary, Monday 25 November 2024"
    assert "In the last 24 h: 4 events, 3 errors, 1 alert, 2 gateway gaps" in embed["description"]
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert fields["Events"] == "error 3 · log 1"
    assert fields["Errors"] == "ZeroDivisionError ×3"
    assert fields["Alerts"] == "CPU"
    assert fields["CPU"] == f"20 %, peak 90 % at <t:{int(NOON) + 30000}:t>"
    assert fields["Members"] == "1,028 (+28)"
    assert fields["Delivery"].startswith("4 delivered · ")


async def test_one_that_fails_is_complete_when_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, events = DailyCounts(), list[Event]()
    counts.add(Event(EventKind.LOG, LogLevel.INFO, "an order", NOON))
    failing = 0

    async def answer(value: Any, part: int) -> Any:
        if part == failing:
            raise NotRunningError("the storage does not answer")
        return value() if callable(value) else value

    async def draw(*_: object) -> None:
        await answer(None, 3)

    monkeypatch.setattr(daily_summary, "draw_chart", draw)
    summary = DailySummary(
        events.append,
        filled_ring(),
        hour=13,
        zone=BERLIN,
        stats=lambda: answer(Stats({}, 0, 0, 0), 1),
        take_tally=lambda: answer(counts.take, 2),
    )
    await summary.tick(NOON)
    summary.gaps = 2
    for failing in (1, 2, 3):
        with pytest.raises(NotRunningError):
            await summary.tick(NOON + 86400 + failing)
    failing = 0
    await summary.tick(NOON + 86410)
    (event,) = events
    assert "1 event, no errors, no alerts, 2 gateway gaps" in present(event).message
    assert summary.gaps == 0


async def test_hour_and_zone_are_what_the_settings_say() -> None:
    events: list[Event] = []
    clock = [datetime(2026, 6, 1, 6, 30, tzinfo=UTC).timestamp()]
    settings = WebhookConfig(sample_interval_seconds=0.05, summary_hour=9, summary_timezone="Europe/Berlin")
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        capture = Capture(settings=settings, clock=WallClock(lambda: clock[0]))
        capture.install(bot, events.append)
        assert capture.sampler is not None
        await samples(capture, 2)
        clock[0] += 29 * 60
        await samples(capture, 2)
        assert not [event for event in events if event.origin == "summary"]
        clock[0] += 60
        await samples(capture, 2)
        capture.uninstall()
    (event,) = (event for event in events if event.origin == "summary")
    assert event.time == datetime(2026, 6, 1, 9, tzinfo=BERLIN).timestamp()


async def samples(capture: Capture, count: int) -> None:
    assert capture.sampler is not None
    until = capture.sampler._loop.current_loop + count
    async with asyncio.timeout(20):
        while capture.sampler._loop.current_loop < until:
            await asyncio.sleep(0.02)


def test_a_wrong_zone_or_hour_is_named() -> None:
    with pytest.raises(ConfigError, match=r"WEBHOOK_SUMMARY_TIMEZONE.*is not a time zone such as Europe/Berlin"):
        WebhookConfig(summary_timezone="Mars/Base")
    with pytest.raises(ConfigError, match="WEBHOOK_SUMMARY_HOUR"):
        WebhookConfig(summary_hour=24)


async def test_a_chart_is_a_png_and_needs_values() -> None:
    points = [(NOON + number * 30, 20.0) for number in range(100)]
    data = await draw_chart([Chart("cpu_percent", points, 80, 95), Chart("memory_mb", points[:1])])
    assert data is not None
    assert data.startswith(b"\x89PNG\r\n")
    assert 2000 < len(data) < 100_000
    assert await draw_chart([Chart("cpu_percent", points[:1])]) is None


@pytest.mark.slow
async def test_matplotlib_is_not_imported_with_the_package() -> None:
    code = "import sys, statsbot_webhooks.cog; sys.exit('matplotlib' in sys.modules or 'numpy' in sys.modules)"
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False)
    assert done.returncode == 0


async def test_without_matplotlib_there_is_a_line_of_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    # What an import finds when it is not installed.
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    events: list[Event] = []
    settings = WebhookConfig(sample_interval_seconds=0.05, memory_warning_mb=1, alert_minimum_seconds=0)
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        clock = [NOON]

        def now() -> float:
            clock[0] += 10
            return clock[0]

        capture = Capture(settings=settings, clock=WallClock(now))
        capture.install(bot, events.append)
        async with asyncio.timeout(20):
            while len(events) < 2:
                await asyncio.sleep(0.02)
        capture.uninstall()
    assert not events[1].files
    trend = str(present(events[1]).context["trend"])
    assert set(trend) <= set("▁▂▃▄▅▆▇█ ")
    assert len(trend) > 1
