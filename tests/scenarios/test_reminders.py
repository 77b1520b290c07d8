"""Reminders in the channel: a line about what lasts, in place of the line before, until it is acknowledged, muted or over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alerts, Threshold
from statsbot_webhooks.issues.decisions import Decision
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.pipeline.mutes import Mute, MuteKind
from statsbot_webhooks.sandbox import Message, Sandbox

from ..clocks import SkippingClock
from ..commands.test_commands import steered_bot
from ..commands.test_permissions import MENU, button

MINUTE = 60.0


class Channel:
    """A manager on a clock that is set forward, and what a channel shows."""

    def __init__(self, sandbox: Sandbox, urls: dict[str, Any], name: str, **settings: Any) -> None:
        self.sandbox = sandbox
        self.name = name
        self.clock = SkippingClock()
        self.config = WebhookConfig(**urls, batch_timeout_seconds=0.05, card_edit_seconds=0.1, **settings)
        self.manager = WebhookManager(self.config, clock=self.clock)

    async def __aenter__(self) -> Channel:
        await self.manager.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.manager.stop(5)

    @property
    def lines(self) -> list[Message]:
        return [message for message in self.sandbox.messages(self.name) if message.content.startswith("⏰")]

    async def pass_minutes(self, minutes: float) -> None:
        """Let time pass, and the workers see it."""
        self.clock.skip(minutes * MINUTE)
        self.sandbox.skip(minutes * MINUTE)
        for worker in self.manager.workers.values():
            worker.wake()
        await self.settled()

    async def settled(self) -> None:
        await self.manager.flush(2)
        for _ in range(3):
            await asyncio.sleep(0.05)

    async def noted(self) -> None:
        """The worker knows that there is something to remind of."""
        await self.until(lambda: self.manager.workers[self.name]._reminders._known)

    async def until(self, holds: Callable[[], object]) -> None:
        # The limits go by the machine's clock.
        await self.sandbox.wait_until(holds, 30)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["400", "404_channel"])
async def test_a_line_that_discord_refuses_holds_up_no_other(sandbox: Sandbox, urls: dict[str, Any], fault: str) -> None:
    """As of a card in a thread that was deleted."""
    async with Channel(sandbox, urls, "error") as channel:
        for _ in range(2):
            for text in ("the first is away", "no second one is there"):
                await channel.manager.send_log("CRITICAL", text)
            await channel.until(lambda: len(sandbox.messages("error")) >= 2)
            await channel.noted()
            await channel.pass_minutes(7)
        sandbox.fault("error", fault, match="the first is away: came again")

        def tries() -> int:
            return sum(request.status in (400, 404) for request in sandbox.requests)

        await channel.pass_minutes(2)
        # In any order; after a refusal the next line waits for a minute.
        await channel.until(lambda: channel.lines or tries())
        await channel.settled()
        await channel.pass_minutes(1.1)
        await channel.until(lambda: channel.lines and tries())
        assert ["no second one" in line.content for line in channel.lines] == [True]
        assert tries() == 1


async def test_a_critical_error_that_comes_again(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with Channel(sandbox, urls, "error") as channel:
        manager = channel.manager
        await manager.send_log("CRITICAL", "the database is away")
        await channel.until(lambda: sandbox.messages("error") and sandbox.messages("info"))
        await channel.noted()
        await channel.pass_minutes(14)
        await manager.send_log("CRITICAL", "the database is away")
        await channel.settled()
        assert not channel.lines
        await channel.pass_minutes(2)
        await channel.until(lambda: channel.lines)
        (line,) = channel.lines
        card = sandbox.messages("error")[0]
        assert "came again" in line.content
        assert f"https://discord.com/channels/{sandbox.guild_id}/{card.channel_id}/" in line.content
        assert "/webhooks about E-" in line.content, "without buttons it says how to end it"
        assert not line.mentions
        # It does not come again, so the second time passes in silence.
        await channel.pass_minutes(60)
        assert [each.id for each in channel.lines] == [line.id]
        await manager.send_log("CRITICAL", "the database is away")
        await channel.settled()
        await channel.pass_minutes(180)
        # The line before is deleted.
        await channel.until(lambda: [each.id != line.id for each in channel.lines] == [True])
        assert not [message for message in sandbox.messages("info") if "⏰" in message.content], "one channel is enough"
        (issue,) = await manager.admin.list_issues()
        await manager.admin.decide(issue.fingerprint, IssueState.ACKNOWLEDGED, "olivia")
        await channel.until(lambda: not channel.lines)
        await manager.send_log("CRITICAL", "the database is away")
        await channel.settled()
        await channel.pass_minutes(3 * 1440)
        assert not channel.lines


@pytest.mark.parametrize("end", ["mute", pytest.param("recovery", marks=pytest.mark.slow), "acknowledge"])
async def test_an_alert_that_lasts(sandbox: Sandbox, urls: dict[str, Any], end: str) -> None:
    alerts, limits = Alerts(0), {"cpu_percent": Threshold(80, 95)}
    async with Channel(sandbox, urls, "performance", remind_minutes=(15, 60)) as channel:
        manager, clock = channel.manager, channel.clock

        def measure(value: float) -> None:
            for alert in alerts.judge(clock.now(), {"cpu_percent": value}, limits):
                manager.submit(alert_event(alert, {}))

        measure(90)
        await channel.until(lambda: sandbox.messages("performance"))
        await channel.noted()
        told: list[int] = []
        for minutes in (15, 45, 60, 60, 60, 60, 60)[: 7 if end == "recovery" else 2]:
            await channel.pass_minutes(minutes + 0.1)
            # The line before is deleted.
            await channel.until(lambda told=tuple(told): [line.id in told for line in channel.lines] == [False])
            told += [line.id for line in channel.lines]
        await channel.pass_minutes(1000)
        assert channel.lines[0].id == told[-1] or end != "recovery", "there is no eighth"
        assert "lasts for" in channel.lines[0].content
        if end == "mute":
            await manager.admin.mute(Mute(MuteKind.LOGGER, "cpu_percent", clock.now() + 3600, clock.now()))
        elif end == "acknowledge":
            (key,) = (key for key, _ in manager.workers["performance"]._parts.cards.items())
            await manager.admin.decide_card(key, Decision("olivia", clock.now()))
        else:
            measure(5)
            clock.shift += 60
            measure(5)
        await channel.until(lambda: not channel.lines)


async def test_a_restart_goes_on(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with Channel(sandbox, urls, "error", remind_minutes=(15, 60)) as first:
        await first.manager.send_log("CRITICAL", "the database is away")
        await first.until(lambda: sandbox.messages("error"))
        await first.noted()
        await first.manager.send_log("CRITICAL", "the database is away")
        await first.settled()
        await first.pass_minutes(15.1)
        await first.until(lambda: first.lines)
        (line,) = first.lines
    async with Channel(sandbox, urls, "error", remind_minutes=(15, 60)) as second:
        second.clock.shift = first.clock.shift
        await second.until(lambda: second.manager.workers["error"].channel_id)
        await second.pass_minutes(30)
        assert [each.id for each in second.lines] == [line.id], "neither told again nor forgotten"
        await second.manager.send_log("CRITICAL", "the database is away")
        await second.settled()
        await second.pass_minutes(15.1)
        await second.until(lambda: [each.id != line.id for each in second.lines] == [True])


async def test_none_where_there_are_none_wanted(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with Channel(sandbox, urls, "error", remind_minutes=()) as channel:
        for _ in range(3):
            await channel.manager.send_log("CRITICAL", "the database is away")
            await channel.pass_minutes(1000)
        assert not channel.lines


async def test_an_alert_is_acknowledged_by_the_menu_of_its_card(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """The way that a reminder names where a card has no buttons."""
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "86400")
    async with steered_bot(sandbox) as bot:
        (alert,) = Alerts(0).judge(SkippingClock().now(), {"cpu_percent": 90}, {"cpu_percent": Threshold(80, 95)})
        bot.cogs["Webhooks"].manager.submit(alert_event(alert, {}))
        await sandbox.wait_until(lambda: sandbox.messages("performance"))
        menu = await sandbox.context_menu(MENU, sandbox.messages("performance")[0])
        assert "Acknowledged" in (await sandbox.click(menu, button(menu, "Acknowledge"))).text
        await sandbox.wait_until(lambda: "Acknowledged by olivia" in sandbox.messages("performance")[0].content)
        menu = await sandbox.context_menu(MENU, sandbox.messages("performance")[0])
        assert "Already acknowledged by olivia" in (await sandbox.click(menu, button(menu, "Acknowledge"))).text
