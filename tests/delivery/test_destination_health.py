"""Outages are shown soon, told once and in one place, with when it is tried again; only a deleted webhook is given up."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.colors import GREEN, RED
from statsbot_webhooks.sandbox import Sandbox

from ..clocks import SkippingClock
from ..conftest import NAMES, running_manager


def text_of(sandbox: Sandbox, name: str) -> str:
    return "\n".join(message.text for message in sandbox.messages(name)).replace("\\", "")


def posts(sandbox: Sandbox, name: str) -> int:
    return sum(request.webhook == name and request.method == "POST" for request in sandbox.requests)


def gets(sandbox: Sandbox, name: str) -> int:
    return sum(request.webhook == name and request.method == "GET" for request in sandbox.requests)


async def looked_up(sandbox: Sandbox, names: tuple[str, ...] = NAMES) -> None:
    await sandbox.wait_until(lambda: {r.webhook for r in sandbox.requests if r.method == "GET"} >= set(names))


async def started(sandbox: Sandbox, urls: dict[str, Any], clock: SkippingClock, **settings: float) -> WebhookManager:
    manager = WebhookManager(WebhookConfig(**urls, **{"batch_timeout_seconds": 0, **settings}), clock=clock)
    await manager.start()
    await looked_up(sandbox)
    return manager


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("500", "500"),
        ("502", "502 Bad Gateway"),
        ("reset", "connection lost"),
        ("429", "429"),
        ("429_global", "429"),
        ("429_shared", "429"),
    ],
)
async def test_an_outage_shows_within_three_seconds_and_ends_where_it_was_told(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture, kind: str, reason: str
) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("info", kind, delay=600 if kind.startswith("429") else 0.0)
    await manager.send_log(LogLevel.INFO, "the event")
    await sandbox.wait_until(lambda: "webhook info fails" in text_of(sandbox, "error"), 20)
    # How long so many take: `test_an_outage_is_known_within_three_seconds_however_much_of_the_budget_is_used`.
    assert posts(sandbox, "info") <= 2
    worker = manager.workers["info"]
    assert worker.state.value == "failing"
    assert reason in worker.last_error
    assert worker.next_try_seconds is not None
    assert (550 if kind.startswith("429") else 20) < worker.next_try_seconds <= 720
    assert "info is failing (next try in" in manager.host.find_delivery_problem()
    assert caplog.text.count("webhook info fails") == 1
    assert "it is tried again after" in text_of(sandbox, "error")
    before = posts(sandbox, "info")
    sandbox.heal("info")
    clock.skip(worker.next_try_seconds + 1)
    await sandbox.wait_until(lambda: "the event" in text_of(sandbox, "info"))
    await sandbox.wait_until(lambda: "Webhook info works again after" in text_of(sandbox, "error"), 20)
    # Of the outage nothing stands in a third place.
    assert "ebhook info" not in text_of(sandbox, "performance") + text_of(sandbox, "member_events")
    assert posts(sandbox, "info") <= before + 2
    await manager.stop(2)


async def test_a_failure_after_which_the_budget_is_used_up_is_told_at_once(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock, max_requests_per_minute=1)
    sandbox.fault("info", "429", delay=1)
    await manager.send_log(LogLevel.INFO, "the event")
    await sandbox.wait_until(lambda: "webhook info fails" in text_of(sandbox, "error"), 20)
    assert posts(sandbox, "info") == 1
    await manager.stop(2)


async def test_a_failure_is_followed_by_a_request_that_is_urgent(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    await sandbox.wait_until(lambda: manager.workers["info"].channel_id is not None)
    sandbox.fault("info", "500", times=1)
    await manager.send_log(LogLevel.INFO, "the event")
    await sandbox.wait_until(lambda: posts(sandbox, "info") == 1)
    # Only what is urgent may leave in this minute.
    limiter = manager.workers["info"]._parts.limiter
    for _ in range(23):
        limiter.count_one()
    assert limiter.budget_left() == 0
    clock.skip(10)
    await sandbox.wait_until(lambda: "the event" in text_of(sandbox, "info"), 20)
    await manager.stop(2)


async def test_what_is_let_through_between_errors_holds_none_of_them_up(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    only = {"error_webhook_url": urls["error_webhook_url"]}
    async with running_manager(WebhookConfig(**only, batch_timeout_seconds=0)) as manager:
        await sandbox.wait_until(lambda: manager.workers["error"].channel_id is not None)
        limiter = manager.workers["error"]._parts.limiter
        # What is not urgent has no budget left in this minute.
        for _ in range(20):
            limiter.count_one()
        await manager.send_log(LogLevel.WARNING, "something calm")
        for name in ("first", "second", "third", "fourth", "fifth"):
            await manager.send_log(LogLevel.ERROR, f"the {name} error")
            await sandbox.wait_until(lambda name=name: f"the {name} error" in text_of(sandbox, "error"), 20)
        assert "something calm" in text_of(sandbox, "error")


async def test_recovery_is_told_where_the_outage_was_though_a_better_place_works_again(
    sandbox: Sandbox, urls: dict[str, Any]
) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("error", "500")
    await manager.send_log(LogLevel.ERROR, "an error")
    await sandbox.wait_until(lambda: "webhook error fails" in text_of(sandbox, "info"))
    sandbox.fault("performance", "500")
    await manager.send_performance_alert("lag", 2, 1)
    # The errors' channel, where such things are told first, does not work.
    await sandbox.wait_until(lambda: "webhook performance fails" in text_of(sandbox, "info"), 20)
    sandbox.heal("error")
    clock.skip(60)
    await sandbox.wait_until(lambda: "Webhook error works again" in text_of(sandbox, "info"), 20)
    sandbox.heal("performance")
    clock.skip(120)
    await sandbox.wait_until(lambda: "Webhook performance works again" in text_of(sandbox, "info"), 20)
    await manager.stop(2)


async def test_a_long_outage_of_the_only_webhook_is_told_with_its_end(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = WebhookManager(WebhookConfig(info_webhook_url=urls["info_webhook_url"], batch_timeout_seconds=0), clock=clock)
    await manager.start()
    await looked_up(sandbox, ("info",))
    sandbox.fault("info", "500")
    await manager.send_log(LogLevel.INFO, "the event")
    await sandbox.wait_until(lambda: manager.workers["info"].state.value == "failing", 5)
    sandbox.heal("info")
    clock.skip(100)
    await sandbox.wait_until(lambda: "Webhook info works again after 1" in text_of(sandbox, "info"), 20)
    await manager.stop(2)


@pytest.mark.parametrize("kind", ["401", "403", "401_bare", "403_bare", "404_bare", "403_html", "404_html"])
async def test_a_refusal_that_may_be_an_outage_is_looked_at_again(sandbox: Sandbox, urls: dict[str, Any], kind: str) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("info", kind)
    await manager.send_log(LogLevel.INFO, "event 1")
    # Its events go elsewhere meanwhile.
    await sandbox.wait_until(lambda: "event 1" in text_of(sandbox, "error"))
    worker = manager.workers["info"]
    assert worker.state.value == "gone"
    before, waits = posts(sandbox, "info"), list[float]()
    for _ in range(4):
        assert worker.next_try_seconds is not None
        waits.append(worker.next_try_seconds)
        looks = gets(sandbox, "info")
        clock.skip(waits[-1] + 1)
        await sandbox.wait_until(lambda looks=looks: gets(sandbox, "info") > looks)
        await sandbox.wait_until(lambda: worker.next_try_seconds)
    assert all(later > earlier * 1.8 for earlier, later in itertools.pairwise(waits))
    clock.skip(86_401)
    await sandbox.wait_until(lambda: (worker.next_try_seconds or 0) > 0)
    assert (worker.next_try_seconds or 0) <= 86_400
    assert posts(sandbox, "info") == before
    sandbox.heal("info")
    clock.skip(86_401)
    await sandbox.wait_until(lambda: "Webhook info is there again" in text_of(sandbox, "error"))
    await manager.send_log(LogLevel.INFO, "event 2")
    await sandbox.wait_until(lambda: "event 2" in text_of(sandbox, "info"))
    assert text_of(sandbox, "error").count("Discord refuses this webhook") == 1
    await manager.stop(2)


async def test_a_deleted_webhook_is_not_asked_for_again(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("info", "404")
    await manager.send_log(LogLevel.INFO, "event 1")
    await sandbox.wait_until(lambda: "event 1" in text_of(sandbox, "error"))
    before = len([r for r in sandbox.requests if r.webhook == "info"])
    assert manager.workers["info"].next_try_seconds is None
    for _ in range(3):
        clock.skip(86_401)
        await asyncio.sleep(0.1)
    assert len([r for r in sandbox.requests if r.webhook == "info"]) == before
    # A test message is an admin's own try, and is answered.
    assert (await manager.admin.send_test("info", 10)).outcome.value == "gone"
    sandbox.heal("info")
    assert (await manager.admin.send_test("info", 10)).outcome.value == "delivered"
    await manager.stop(2)


@pytest.mark.parametrize("kind", ["500", "reset", "429", "401_bare"])
async def test_a_test_message_is_answered_while_the_webhook_waits_for_its_next_try(
    sandbox: Sandbox, urls: dict[str, Any], kind: str
) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("info", kind, delay=600)
    await manager.send_log(LogLevel.INFO, "event 1")
    await sandbox.wait_until(lambda: manager.workers["info"].state.value in ("failing", "gone"))
    assert (await manager.admin.send_test("info", 5)).outcome.value != "delivered"
    sandbox.heal("info")
    if kind == "429":
        # The limit holds for a test message too.
        clock.skip(601)
    assert (await manager.admin.send_test("info", 10)).outcome.value == "delivered"
    await manager.stop(2)


async def test_a_test_message_is_answered_when_its_worker_ends(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", "no_answer")
        answer = asyncio.create_task(manager.admin.send_test("info", 20))
        await asyncio.sleep(0.3)
        await manager.stop(0)
        async with asyncio.timeout(15):
            assert (await answer).outcome.value != "delivered"


async def test_a_block_of_the_address_is_shown_and_told(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("info", "429_no_via", times=1, delay=600)
    await manager.send_log(LogLevel.INFO, "event 1")
    await sandbox.wait_until(lambda: manager.workers["error"].state.value == "failing", 5)
    assert {worker.state.value for worker in manager.workers.values()} == {"failing"}
    await manager.send_log(LogLevel.ERROR, "event 2")
    await asyncio.sleep(0.3)
    assert not sandbox.messages("error")
    clock.skip(601)
    await sandbox.wait_until(lambda: "event 2" in text_of(sandbox, "error") and "event 1" in text_of(sandbox, "info"), 20)
    await sandbox.wait_until(lambda: "Discord blocks this address" in text_of(sandbox, "error"), 20)
    await manager.stop(2)


async def test_what_was_lost_is_told_though_nothing_follows(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    settings = WebhookConfig(info_webhook_url=urls["info_webhook_url"], batch_timeout_seconds=0, storage_max_events=50)
    async with running_manager(settings) as manager:
        await looked_up(sandbox, ("info",))
        manager.workers["info"].is_enabled = False
        for number in range(120):
            while not (await manager.stats()).accepted > number:
                await manager.send_log(LogLevel.INFO, f"number {number}.")
        manager.workers["info"].is_enabled = True
        await manager.flush(10)
        await sandbox.wait_until(lambda: "events for this channel were lost" in text_of(sandbox, "info"))


async def test_an_outage_and_its_end_are_one_card_that_turns_green(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, urls, clock)
    sandbox.fault("info", "500")
    await manager.send_log(LogLevel.INFO, "the event")
    await sandbox.wait_until(lambda: "webhook info fails" in text_of(sandbox, "error"))
    [red] = sandbox.messages("error")
    assert (red.embeds[0]["title"], red.embeds[0]["color"]) == ("Webhook info does not work", RED)
    # What stands there for hours names no moment that will be past.
    assert "it is tried again after" in red.text
    assert "next try" not in red.text.lower()
    sandbox.heal("info")
    clock.skip(100)
    await sandbox.wait_until(lambda: "Webhook info works again after" in text_of(sandbox, "error"), 20)
    [green] = sandbox.messages("error")
    assert green.id == red.id
    assert (green.embeds[0]["title"], green.embeds[0]["color"]) == ("Webhook info works again", GREEN)
    assert "500" in green.text
    assert "1 event waited" in green.text
    # The next outage is another card.
    sandbox.fault("info", "500")
    await manager.send_log(LogLevel.INFO, "another event")
    await sandbox.wait_until(lambda: len(sandbox.messages("error")) == 2, 20)
    await manager.stop(2)
