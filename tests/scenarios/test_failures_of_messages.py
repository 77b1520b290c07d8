"""One bad message, one lost worker, one missing place: each costs itself only, and what is urgent does not wait for it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig, WebhookManager, WebhookMessage
from statsbot_webhooks.config.destination import WebhookURL
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.events.folding import Group
from statsbot_webhooks.sandbox import Sandbox

from ..clocks import SkippingClock
from ..conftest import NAMES, running_manager
from .test_error_cards import error
from .test_faults import looked_up, numbers, posts, shown


def config(urls: dict[str, Any], *names: str, **settings: object) -> WebhookConfig:
    some = {f"{name}_webhook_url": urls[f"{name}_webhook_url"] for name in names or NAMES}
    return WebhookConfig(**some, **{"batch_timeout_seconds": 0, **settings})  # type: ignore[arg-type]


def log(text: str, level: LogLevel = LogLevel.INFO, **more: object) -> Event:
    # An origin of its own each, so that they are no repeats of each other.
    return Event(EventKind.LOG, level, text, time.time(), f"of {text}", **more)  # type: ignore[arg-type]


@pytest.mark.slow
async def test_what_is_urgent_does_not_wait_for_the_search_of_a_refused_event(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    sandbox.fault("info", "400", match="number 6371.")
    manager = WebhookManager(config(urls, "info"))
    for number in range(10_000):
        manager.submit(log(f"number {number}."))
    await manager.start()
    await sandbox.wait_until(lambda: sandbox.count_status(400) >= 2, 30)
    before = len(sandbox.requests)
    await manager.send_log(LogLevel.CRITICAL, "the urgent one")
    await sandbox.wait_until(lambda: "the urgent one" in shown(sandbox, "info"))
    # The search takes more than twenty requests.
    assert len(sandbox.requests) - before <= 5
    assert not await manager.dead_letters()
    await manager.stop(0)


class PoisonFormatter(MessageFormatter):
    """Fails for one text, in every presentation."""

    def format_groups(self, groups: Sequence[Group]) -> tuple[WebhookMessage, int]:
        self._check(event for group in groups for event in group.events)
        return super().format_groups(groups)

    def format_lines(self, groups: Sequence[Group]) -> tuple[WebhookMessage, int]:
        self._check(event for group in groups for event in group.events)
        return super().format_lines(groups)

    def format_digest(self, events: Sequence[Event], keys: Sequence[str] | None = None) -> tuple[WebhookMessage, int]:
        self._check(events)
        return super().format_digest(events, keys)

    def _check(self, events: Any) -> None:
        if any("poison" in event.message for event in events):
            raise ZeroDivisionError


@pytest.mark.parametrize("level", [LogLevel.INFO, LogLevel.ERROR])
async def test_an_event_that_cannot_be_laid_out_costs_itself_only(
    sandbox: Sandbox, urls: dict[str, Any], level: LogLevel
) -> None:
    settings = config(urls, "info")
    manager = WebhookManager(settings, formatter=PoisonFormatter(settings))
    for number in range(40):
        manager.submit(log(f"number {number}." if number != 23 else "poison", level))
    await manager.start()
    await manager.flush(60)
    stats, letters = await manager.stats(), await manager.dead_letters()
    # Nothing is left leased: what comes later arrives too.
    await manager.send_log(LogLevel.ERROR, "number 100.")
    await manager.flush(20)
    await manager.stop()
    assert numbers(sandbox, "info") == [*(n for n in range(40) if n != 23), 100]
    assert [(letter.event.message, letter.reason) for letter in letters] == [
        ("poison", "ZeroDivisionError while it was laid out")
    ]
    assert (stats.balanced, stats.pending) == (True, 0)


async def test_what_was_claimed_with_an_event_that_cannot_be_laid_out_arrives(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """Each of few errors gets a message of its own, so that the others wait while the first is laid out."""
    settings = config(urls, "error")
    manager = WebhookManager(settings, formatter=PoisonFormatter(settings))
    for text in ("poison", "number 1.", "number 2."):
        manager.submit(log(text, LogLevel.ERROR))
    await manager.start()
    await manager.flush(20)
    stats = await manager.stats()
    await manager.stop()
    assert numbers(sandbox, "error") == [1, 2]
    assert (stats.dead, stats.pending, stats.balanced) == (1, 0, True)


async def test_a_message_goes_before_an_edit_that_is_due_too(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = WebhookManager(config(urls, "error", card_edit_seconds=3000, breaker_failures=1), clock=clock)
    await manager.start()
    manager.submit(error("no song", at=clock.now()))
    await sandbox.wait_until(lambda: sandbox.messages("error"))
    manager.submit(error("no song", at=clock.now()))
    await manager.flush(0.5)
    sandbox.fault("error", "500")
    manager.submit(error("another", line=9, at=clock.now()))
    await sandbox.wait_until(lambda: manager.workers["error"].state.value == "failing")
    before = len(sandbox.requests)
    sandbox.heal("error")
    # From now on both are due.
    clock.skip(3001)
    await sandbox.wait_until(lambda: any(r.method == "PATCH" for r in sandbox.requests), 20)
    arrived = [request.method for request in sandbox.requests[before:] if request.method != "GET" and request.status == 200]
    await manager.stop(2)
    # The message, what is told of the outage, and the edit.
    assert (arrived[0], arrived[-1]) == ("POST", "PATCH")


async def test_recovered_events_leave_at_once(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """However long the batch timeout: the last words of a process must not wait for company."""
    settings = config(urls, "info", batch_timeout_seconds=3000, batch_size=1000)
    manager = WebhookManager(settings)
    await manager.start()
    await manager.send_log(LogLevel.INFO, "number 1.")
    await manager.stop(0)
    assert not sandbox.messages("info")
    async with running_manager(settings):
        await sandbox.wait_until(lambda: numbers(sandbox, "info") == [1], 5)


async def test_a_deleted_thread_is_told_once_and_makes_no_loop(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    url = f"{urls['error_webhook_url']}?thread_id=123456789012345678"
    settings = WebhookConfig(error_webhook_url=url, info_webhook_url=urls["info_webhook_url"], batch_timeout_seconds=0)
    manager = WebhookManager(settings, clock=clock)
    await manager.start()
    for number in range(5):
        manager.submit(log(f"number {number}.", LogLevel.ERROR))
        await sandbox.wait_until(lambda number=number: number in numbers(sandbox, "info"))
    await sandbox.wait_until(lambda: "?thread_id= was deleted" in shown(sandbox, "info"))
    assert posts(sandbox, "error") == 1
    assert shown(sandbox, "info").count("was deleted") == 1
    assert (await manager.stats()).dead == 0
    await manager.stop(2)


async def test_a_ping_whose_message_failed_does_not_begin_the_cool_down(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    settings = config(urls, "error", ping_role_id=77, ping_cooldown_seconds=3600)
    async with running_manager(settings) as manager:
        await looked_up(sandbox, ("error",))
        sandbox.fault("error", "400", match="number 1.")
        await manager.send_log(LogLevel.CRITICAL, "number 1.")
        async with asyncio.timeout(20):
            while not await manager.dead_letters():
                await asyncio.sleep(0.05)
        await manager.send_log(LogLevel.CRITICAL, "number 2.")
        await sandbox.wait_until(lambda: 2 in numbers(sandbox, "error"), 20)
    assert [message.pinged for message in sandbox.messages("error") if "number 2." in message.text] == [["<@&77>"]]


async def test_a_clock_that_is_set_back_silences_no_ping(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = WebhookManager(config(urls, "error", ping_role_id=77, ping_cooldown_seconds=600), clock=clock)
    await manager.start()
    manager.submit(log("number 1.", LogLevel.CRITICAL))
    await sandbox.wait_until(lambda: 1 in numbers(sandbox, "error"))
    clock.wall = -86400.0
    manager.submit(log("number 2.", LogLevel.CRITICAL))
    await sandbox.wait_until(lambda: 2 in numbers(sandbox, "error"))
    await manager.stop(2)
    assert [message.pinged for message in sandbox.messages("error")] == [["<@&77>"], ["<@&77>"]]


async def test_a_worker_that_is_cancelled_gives_back_what_it_was_sending(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """What `asyncio.run` does after a `sys.exit()` in some task, before it lets the bot close."""
    manager = WebhookManager(config(urls, "info", storage="memory://"))
    await manager.start()
    await looked_up(sandbox, ("info",))
    sandbox.fault("info", "no_answer", delay=100, times=1)
    for number in range(3):
        manager.submit(log(f"number {number}."))
    await asyncio.sleep(0.3)
    for task in asyncio.all_tasks():
        if task.get_name() == "statsbot_webhooks-info":
            task.cancel()
    await asyncio.sleep(0.1)
    manager.submit(log("number 3.", LogLevel.CRITICAL))
    # It would wait for the answer that never comes for as long as it may.
    async with asyncio.timeout(60):
        await manager.stop(100)
    stats = await manager.stats()
    assert sorted(numbers(sandbox, "info")) == [0, 1, 2, 3]
    assert (stats.lost, stats.balanced) == (0, True)


async def test_a_webhook_that_is_replaced_while_it_hangs_loses_nothing(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, "info")) as manager:
        await looked_up(sandbox, ("info",))
        sandbox.fault("info", "no_answer", delay=100)
        for number in range(3):
            manager.submit(log(f"number {number}."))
        await asyncio.sleep(0.3)
        await manager.admin.add_destinations({"info": WebhookURL(sandbox.webhook_url("fresh"))})
        manager.submit(log("number 3."))
        await sandbox.wait_until(lambda: sorted(numbers(sandbox, "fresh")) == [0, 1, 2, 3], 20)
        await manager.flush(10)
        stats = await manager.stats()
        assert (stats.pending, stats.balanced) == (0, True)


async def test_a_destination_that_is_gone_is_looked_after_when_another_recovers(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    clock = SkippingClock()
    manager = WebhookManager(config(urls, "error", "info"), clock=clock)
    await manager.start()
    await looked_up(sandbox, ("error", "info"))
    sandbox.fault("info", "500")
    manager.submit(log("number 1."))
    await sandbox.wait_until(lambda: manager.workers["info"].state.value == "failing")
    sandbox.fault("error", "404")
    manager.submit(log("number 2.", LogLevel.ERROR))
    await sandbox.wait_until(lambda: posts(sandbox, "error"))
    sandbox.heal("info")
    clock.skip(60)
    await sandbox.wait_until(lambda: set(numbers(sandbox, "info")) == {1, 2}, 20)
    await manager.stop(2)


async def test_an_event_is_not_handed_to_a_destination_that_has_it(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, "error", "info", card_edit_seconds=0.3)) as manager:
        await looked_up(sandbox, ("error", "info"))
        sandbox.fault("error", "404")
        for _ in range(3):
            manager.submit(Event(EventKind.LOG, LogLevel.CRITICAL, "the disk is full", time.time(), "shop"))
        manager.submit(log("an error", LogLevel.ERROR))
        await sandbox.wait_until(lambda: "an error" in shown(sandbox, "info"))
        await manager.flush(10)
        stats = await manager.stats()
    counts = [int(found) for found in re.findall(r"`×(\d+)`", shown(sandbox, "info"))]
    assert counts == [3]
    assert (stats.balanced, stats.pending, stats.lost) == (True, 0, 0)


async def test_repeats_that_a_deleted_webhook_was_to_show_are_shown_elsewhere(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, "error", "info", card_edit_seconds=1)) as manager:
        manager.submit(error("no song 0."))
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        sandbox.fault("error", "404")
        for number in range(1, 101):
            manager.submit(error(f"no song {number}."))
        await sandbox.wait_until(lambda: "no song 100." in shown(sandbox, "info"), 20)
        await manager.flush(10)
        stats = await manager.stats()
    assert all(f"no song {number}." in shown(sandbox, "info") for number in range(1, 101))
    assert (stats.balanced, stats.pending, stats.lost, stats.dead) == (True, 0, 0, 0)


async def test_repeats_that_an_edit_was_refused_for_are_shown_or_dead_letters(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, "error", card_edit_seconds=0.5)) as manager:
        manager.submit(error("no song 0."))
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        sandbox.fault("error", "400", match="no song 3.")
        for number in range(1, 7):
            manager.submit(error(f"no song {number}."))
        # On a busy machine one flush was seen to end before the refused event was found.
        async with asyncio.timeout(60):
            while not (await manager.stats()).dead:
                await manager.flush(1)
                await asyncio.sleep(0.05)
        await manager.flush(60)
        stats, letters = await manager.stats(), await manager.dead_letters()
    assert ["no song 3." in letter.event.message for letter in letters] == [True]
    everything = shown(sandbox, "error")
    assert [number for number in range(7) if f"no song {number}." not in everything] == [3]
    assert (stats.balanced, stats.pending, stats.dead) == (True, 0, 1)


async def test_joined_and_left_stand_in_that_order(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, "member_events", batch_timeout_seconds=0.5)) as manager:
        for number in range(3):
            await manager.send_member_event("join", number + 1, f"mia{number}")
            await manager.send_member_event("leave", number + 1, f"mia{number}")
        await manager.flush(10)
    titles = [embed["title"] for message in sandbox.messages("member_events") for embed in message.embeds]
    assert [title.split()[-1] for title in titles] == ["joined", "left"] * 3
