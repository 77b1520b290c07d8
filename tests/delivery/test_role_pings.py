"""Who is notified, who is not, and what stops everything."""

from __future__ import annotations

from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.delivery.role_pings import Pings
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..scenarios.test_faults import numbers

SILENT = 1 << 12  # https://discord.com/developers/docs/resources/message#message-object-message-flags


def config(urls: dict[str, Any], **settings: Any) -> WebhookConfig:
    return WebhookConfig(**urls, **{"batch_timeout_seconds": 0, **settings})


async def test_info_is_silent_and_worse_is_not(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.send_log(LogLevel.WARNING, "number 2.")
        await manager.flush()
    assert [message.flags & SILENT for message in sandbox.messages("info")] == [SILENT]
    assert [message.flags & SILENT for message in sandbox.messages("error")] == [0]


@pytest.mark.parametrize("use_embeds", [True, False])
async def test_critical_pings_one_role_once(sandbox: Sandbox, urls: dict[str, Any], use_embeds: bool) -> None:
    settings = config(urls, ping_role_id=77, ping_cooldown_seconds=3600, use_embeds=use_embeds)
    for number in range(2):
        # Two processes: a bot that crashes at every start must not ping at every start.
        async with running_manager(settings) as manager:
            await manager.send_log(LogLevel.ERROR, f"<@&77> @everyone number 1{number}.")
            await manager.send_log(LogLevel.CRITICAL, f"<@&78> <@99> @here number 2{number}.")
            await manager.flush()
    messages = sandbox.messages("error") + sandbox.messages("info")
    pings = [message.pinged for message in messages if message.pinged]
    assert pings == [["<@&77>"]]
    assert any("number 21." in message.text for message in messages)


async def test_without_a_cooldown_each_critical_pings(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    only = {"error_webhook_url": urls["error_webhook_url"]}
    async with running_manager(config(only, ping_role_id=77, ping_cooldown_seconds=0)) as manager:
        for number in range(2):
            await manager.send_log(LogLevel.CRITICAL, f"number {number}.")
            await sandbox.wait_until(lambda number=number: number in numbers(sandbox, "error"))
    assert [message.pinged for message in sandbox.messages("error")] == [["<@&77>"]] * 2


async def test_a_ping_whose_message_did_not_arrive_begins_no_cool_down(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    only = {"error_webhook_url": urls["error_webhook_url"]}
    async with running_manager(config(only, ping_role_id=77, ping_cooldown_seconds=3600)) as manager:
        await sandbox.wait_until(lambda: manager.workers["error"].channel_id is not None)
        sandbox.fault("error", "400", times=1)
        await manager.send_log(LogLevel.CRITICAL, "number 1.")
        await sandbox.wait_until(lambda: sandbox.requests and any(request.status == 400 for request in sandbox.requests))
        await manager.send_log(LogLevel.CRITICAL, "number 2.")
        await sandbox.wait_until(lambda: 2 in numbers(sandbox, "error"))
    assert [message.pinged for message in sandbox.messages("error") if "number 2." in message.text] == [["<@&77>"]]


@pytest.mark.parametrize("later", [-4, 0, 1799])
def test_a_ping_begins_a_cool_down(later: float) -> None:
    assert pinged(later) == [77, None]


@pytest.mark.parametrize("later", [1800, 86_400, -6, -600, -1800, -3600, -86_400])
def test_a_clock_that_is_set_back_silences_no_ping(later: float) -> None:
    assert pinged(later) == [77, 77]


def pinged(later: float) -> list[int | None]:
    """Return what two CRITICAL events ping, of which the second happens so many seconds after the first, in another process."""
    event, first, second = Event(EventKind.LOG, LogLevel.CRITICAL, "x", 0), Pings(77, 1800), Pings(77, 1800)
    before = first.take([event], 1e9)
    second.load(first.state())
    return [before, second.take([event], 1e9 + later)]


@pytest.mark.slow
async def test_too_many_refused_requests_stop_everything(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with running_manager(config(urls, max_invalid_requests=3)) as manager:
        await manager.send_log(LogLevel.INFO, "number 0.")
        await sandbox.wait_until(lambda: 0 in numbers(sandbox, "info"))
        sandbox.fault("info", "401")
        for _ in range(3):
            await manager.admin.send_test("info", 10)
        assert sandbox.invalid_requests == 3
        assert caplog.text.count("WEBHOOK_MAX_INVALID_REQUESTS=3") == 1
        # One may be on its way at that moment; none follows.
        await manager.flush(0.5)
        before = len(sandbox.requests)
        await manager.send_log(LogLevel.ERROR, "number 1.")
        await manager.send_member_event("join", 1, "number 2.")
        await manager.flush(0.5)
        assert len(sandbox.requests) == before
        assert (await manager.stats()).pending > 0
