"""What the channel shows of an alert, from its first minute to its end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alerts, Threshold
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.events.colors import GREEN
from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot

CPU = {"cpu_percent": Threshold(80, 95)}


class ShiftedClock(SystemClock):
    """The machine's clock, set forward by some seconds."""

    shift = 0.0

    def now(self) -> float:
        return super().now() + self.shift


@pytest.mark.slow
async def test_cpu_at_100_percent_for_an_hour_is_one_card_edited_and_then_green(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock, alerts = ShiftedClock(), Alerts(60)
    manager = WebhookManager(WebhookConfig(**urls, card_edit_seconds=0.2), clock=clock)
    await manager.start()
    shown = 0
    for minute in range(66):
        clock.shift = minute * 60
        value = 97.0 + minute % 4 if 2 <= minute < 63 else 5.0
        for alert in alerts.judge(clock.now(), {"cpu_percent": value}, CPU):
            manager.submit(alert_event(alert, {"cpu_percent": value}))
            shown += 1
            # The clock must not run ahead of the worker: a card's age is the time since it was posted.
            async with asyncio.timeout(20):
                while (await manager.stats()).pending:
                    await asyncio.sleep(0.01)
            # The first, some between and the last are waited for; the others may be one edit.
            if shown % 15 == 1 or not alerts.open:
                text = "back to normal" if not alerts.open else f"CPU is critical: {value:.0f} %"
                await sandbox.wait_until(lambda text=text: text in str([m.embeds for m in sandbox.messages("performance")]))
    await manager.stop()
    (message,) = sandbox.messages("performance")
    (embed,) = message.embeds
    assert (embed["title"], embed["color"]) == ("CPU is back to normal", GREEN)
    assert "too high for 1 h 2 min" in embed["description"]
    assert "100 % at most" in embed["description"]
    assert sum(request.method == "PATCH" for request in sandbox.requests) >= 2


@pytest.mark.slow
async def test_a_real_sample_over_a_threshold_has_a_chart(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "0.1")
    env.setenv("WEBHOOK_MEMORY_WARNING_MB", "1")
    env.setenv("WEBHOOK_ALERT_MINIMUM_SECONDS", "1")
    async with running_bot(sandbox) as bot:
        sampler = bot.cogs["Webhooks"]._hooks.capture.sampler
        # Buckets of ten seconds: a chart needs two of them, as after half a minute of a real life.
        sampler.series.add(time.time() - 30, {"memory_mb": 60.0})
        sampler.series.add(time.time() - 10, sampler.last)

        def charts() -> list[bytes]:
            return [file.data for message in sandbox.messages("performance") for file in message.attachments]

        await sandbox.wait_until(charts, 20)
        assert all(data.startswith(b"\x89PNG") for data in charts())
        assert "chart.png" in str(sandbox.messages("performance")[0].embeds)
    (message,) = sandbox.messages("performance")
    assert "Memory was too high when the bot stopped" in message.text
