"""Live cards against the sandbox: one message that is kept up to date."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager


class ShiftedClock(SystemClock):
    """The machine's clock, set forward by some seconds."""

    shift = 0.0

    def now(self) -> float:
        return super().now() + self.shift


def state(number: int, card: str = "board", level: LogLevel = LogLevel.INFO, **more: Any) -> Event:
    return Event(EventKind.LOG, level, f"state {number}.", time.time(), "tests", card=card, **more)


def config(urls: dict[str, Any], **settings: Any) -> WebhookConfig:
    return WebhookConfig(info_webhook_url=urls["info_webhook_url"], **{"card_edit_seconds": 0.3, **settings})


def count(sandbox: Sandbox, method: str) -> int:
    return sum(request.webhook == "info" and request.method == method for request in sandbox.requests) - (method == "GET")


async def test_a_card_is_one_message_that_shows_the_newest_state(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    # A batch would wait for a minute: a card does not.
    slow = config(urls, batch_timeout_seconds=60, batch_size=1000, card_edit_seconds=1)
    async with running_manager(slow) as manager:
        for number in range(50):
            manager.submit(state(number))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        for number in range(50, 100):
            manager.submit(state(number))
        await sandbox.wait_until(lambda: "state 99." in sandbox.messages("info")[0].text)
        stats = await manager.stats()
    assert len(sandbox.messages("info")) == 1
    assert count(sandbox, "PATCH") <= 2
    assert stats.balanced
    assert (stats.delivered + stats.folded, stats.delivered) == (100, 1)


@pytest.mark.slow
async def test_edits_keep_their_pace(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, card_edit_seconds=1)) as manager:
        manager.submit(state(0))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        for number in range(1, 4):
            manager.submit(state(number))
            await sandbox.wait_until(lambda number=number: f"state {number}." in sandbox.messages("info")[0].text)
    times = [request.at for request in sandbox.requests if request.method in ("POST", "PATCH")]
    assert len(times) == 4
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(times))


async def test_cards_of_different_keys_are_different_messages(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, batch_timeout_seconds=0)) as manager:
        for number, card in enumerate(["a", "b", "a", "", "b"]):
            manager.submit(state(number, card))
        await manager.flush(10)
        assert (await manager.stats()).balanced
    texts = [message.text for message in sandbox.messages("info")]
    assert sorted(next(n for n in range(5) if f"state {n}." in text) for text in texts) == [2, 3, 4]


async def test_files_are_replaced(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        for number in range(3):
            files = (EventFile("list.txt", text=f"list {number}"), EventFile("chart.png", data=b"\x89PNG%d" % number))
            manager.submit(state(number, files=files))
            await sandbox.wait_until(lambda number=number: [m for m in sandbox.messages("info") if f"state {number}." in m.text])
        files = {file.filename: file.data for file in sandbox.messages("info")[0].attachments}
    assert files == {"list.txt": b"list 2", "chart.png": b"\x89PNG2"}


async def test_a_card_outlives_a_restart(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    for number in range(3):
        async with running_manager(config(urls)) as manager:
            manager.submit(state(number))
            manager.submit(state(number, card="other"))
            # At the end the newest state is shown without waiting for the pace.
            await manager.stop()
        messages = sandbox.messages("info")
        assert len(messages) == 2
        assert all(f"state {number}." in message.text for message in messages)


async def test_a_state_that_was_not_shown_is_shown_after_the_restart(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    slow = config(urls, card_edit_seconds=60)
    async with running_manager(slow) as manager:
        manager.submit(state(1))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        manager.submit(state(2))
        await sandbox.wait_until(lambda: manager.workers["info"].has_stale_cards)
        await manager.stop(0)
    assert "state 1." in sandbox.messages("info")[0].text
    async with running_manager(config(urls)):
        await sandbox.wait_until(lambda: "state 2." in sandbox.messages("info")[0].text)
    assert len(sandbox.messages("info")) == 1


@pytest.mark.slow
async def test_a_deleted_message_is_posted_anew(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        manager.submit(state(1))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        first = sandbox.messages("info")[0]
        path = urls["info_webhook_url"].removeprefix("https://discord.com")
        async with aiohttp.ClientSession() as session:
            await session.delete(f"{sandbox.base_url}{path}/messages/{first.id}")
        assert not sandbox.messages("info")
        manager.submit(state(2))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        manager.submit(state(3))
        await sandbox.wait_until(lambda: "state 3." in sandbox.messages("info")[0].text)
        assert manager.workers["info"].state.value == "working"
    assert len(sandbox.messages("info")) == 1


@pytest.mark.parametrize(("minutes", "messages"), [(49, 1), (51, 2)])
async def test_after_50_minutes_a_card_moves_to_a_new_message(
    sandbox: Sandbox, urls: dict[str, Any], minutes: int, messages: int
) -> None:
    clock = ShiftedClock()
    manager = WebhookManager(config(urls), clock=clock)
    await manager.start()
    manager.submit(state(1))
    await manager.flush()
    clock.shift = minutes * 60
    manager.submit(state(2))
    await sandbox.wait_until(lambda: "state 2." in sandbox.messages("info")[-1].text)
    await manager.stop()
    assert len(sandbox.messages("info")) == messages


async def test_a_refused_state_is_said_and_the_next_one_shown(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("info", "400", match="state 2.")
    async with running_manager(config(urls)) as manager:
        manager.submit(state(1))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        manager.submit(state(2))
        await sandbox.wait_until(lambda: "refuses the new state of a card" in caplog.text)
        manager.submit(state(3))
        await sandbox.wait_until(lambda: "state 3." in sandbox.messages("info")[0].text)


async def test_an_edit_that_fails_is_tried_again(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, breaker_cooldown_seconds=0.1)) as manager:
        manager.submit(state(1))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        sandbox.fault("info", "reset", times=2)
        manager.submit(state(2))
        await sandbox.wait_until(lambda: "state 2." in sandbox.messages("info")[0].text, 20)
    assert len(sandbox.messages("info")) == 1


class StumblingClock(SystemClock):
    """The machine's clock, which fails some times."""

    failures = 0

    def now(self) -> float:
        if self.failures:
            self.failures -= 1
            raise ArithmeticError("no time")
        return super().now()


@pytest.mark.slow
async def test_a_failure_of_our_own_does_not_end_the_delivery(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    clock = StumblingClock()
    manager = WebhookManager(config(urls, breaker_failures=1, breaker_cooldown_seconds=0.1), clock=clock)
    await manager.start()
    manager.submit(state(1))
    await sandbox.wait_until(lambda: sandbox.messages("info"))
    clock.failures = 3
    manager.submit(state(2))
    manager.submit(state(3, card="other"))
    await sandbox.wait_until(lambda: any("state 3." in m.text for m in sandbox.messages("info")), 20)
    await sandbox.wait_until(lambda: any("state 2." in m.text for m in sandbox.messages("info")), 20)
    await manager.flush(10)
    assert (await manager.stats()).balanced
    assert caplog.text.count("ArithmeticError in the delivery") == 1
    await manager.stop()


@pytest.mark.parametrize("level", [LogLevel.WARNING, LogLevel.INFO])
async def test_a_text_that_comes_again_is_one_live_card(sandbox: Sandbox, urls: dict[str, Any], level: LogLevel) -> None:
    async with running_manager(config(urls, error_webhook_url=urls["info_webhook_url"], batch_timeout_seconds=0)) as manager:
        for number in range(1, 4):
            await manager.send_log(level, "the disk is nearly full", attempt=number)
            await sandbox.wait_until(lambda number=number: f"×{number}" in _text(sandbox) or (number == 1 and _text(sandbox)))
        await manager.send_log(level, "another text")
        await sandbox.wait_until(lambda: len(sandbox.messages("info")) == 2)
        await manager.flush(10)
        stats = await manager.stats()
    first, second = sandbox.messages("info")
    assert "×3" in first.text
    assert "×" not in second.text
    # Not a detail of a repeat is lost.
    assert all(f"attempt: {number}" in first.attachments[0].text.lower() for number in (1, 2, 3))
    assert stats.balanced
    assert (stats.delivered, stats.folded) == (2, 2)


async def test_texts_that_shared_a_message_are_counted_on_each_in_its_own(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, batch_timeout_seconds=60, batch_size=3)) as manager:
        for text in ("one", "two", "three"):
            await manager.send_log(LogLevel.INFO, text)
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        for text in ("one", "one", "four"):
            await manager.send_log(LogLevel.INFO, text)
        await sandbox.wait_until(lambda: len(sandbox.messages("info")) == 2)
        await manager.flush(10)
        assert "×" not in sandbox.messages("info")[0].text
        texts = {message.embeds[0]["description"].partition("\n")[0]: message.text for message in sandbox.messages("info")[1:]}
        assert set(texts) == {"one", "four"}
        assert "×3" in texts["one"]


async def test_a_thousand_texts_write_no_state(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, batch_timeout_seconds=0.1)) as manager:
        for number in range(1000):
            manager.submit(Event(EventKind.LOG, LogLevel.INFO, f"text {number}", time.time(), "tests"))
        await manager.flush(20)
        cards = manager.workers["info"]._parts.cards._cards
    assert len(cards) <= 60


def _text(sandbox: Sandbox) -> str:
    return "".join(message.text for message in sandbox.messages("info"))


@pytest.mark.real_time
@pytest.mark.parametrize("has_begun_anew", [False, True])
async def test_what_a_card_has_not_shown_is_shown_after_a_lock_at_the_start(
    sandbox: Sandbox, urls: dict[str, Any], has_begun_anew: bool
) -> None:
    """The first life ends while Discord fails; at the start of the second one its file is locked for a while."""
    settings = config(urls, breaker_cooldown_seconds=0.2)
    async with running_manager(settings) as manager:
        await manager.send_log(LogLevel.ERROR, "no stock of 1")
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        sandbox.fault("info", "500")
        await manager.send_log(LogLevel.ERROR, "no stock of 2")
        await sandbox.wait_until(lambda: count(sandbox, "PATCH"))
        await manager.stop(0.1)
    sandbox.heal("info")
    lock = sqlite3.connect("statsbot_webhooks.sqlite3")
    lock.execute("BEGIN EXCLUSIVE")
    async with running_manager(settings) as manager:
        if has_begun_anew:
            await manager.send_log(LogLevel.ERROR, "no stock of 3")
            await sandbox.wait_until(lambda: len(sandbox.messages("info")) > 1)
        assert not manager.is_durable
        lock.close()
        await sandbox.wait_until(lambda: any("no stock of 2" in message.text for message in sandbox.messages("info")))
        assert manager.is_durable
        await manager.flush(5)
        stats = await manager.stats()
        assert not await manager._intake.run(manager._outbox.read_state, "left/")
    assert (stats.balanced, stats.pending, stats.lost) == (True, 0, 0)
    assert all(books.folded >= 0 for books in stats.destinations.values())


async def test_what_is_decided_before_the_cards_are_read_is_drawn_once_they_are(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, storage="sqlite:///cards.sqlite3")) as manager:
        await manager.send_error(ValueError("it failed"))
        await sandbox.wait_until(lambda: sandbox.messages("info"))
    again = WebhookManager(config(urls, storage="sqlite:///cards.sqlite3"))
    # The worker asks for its channel before it reads anything.
    sandbox.fault("info", "slow", delay=1)
    await again.start()
    (issue,) = await again.admin.list_issues()
    await again.admin.decide(issue.fingerprint, IssueState.ACKNOWLEDGED, "olivia")
    assert not list(again.workers["info"].cards.items()), "the worker was too early for this test"
    sandbox.heal("info")
    await sandbox.wait_until(lambda: "Acknowledged by olivia" in sandbox.messages("info")[0].content)
    await again.stop()


async def test_of_a_message_and_an_edit_that_are_both_due_the_message_goes_first(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, batch_timeout_seconds=0, card_edit_seconds=30)) as manager:
        for number in range(2):
            manager.submit(state(number))
            await sandbox.wait_until(lambda number=number: any(f"state {number}." in m.text for m in sandbox.messages("info")))
        manager.submit(state(2))
        while (await manager.stats()).folded < 2:
            await asyncio.sleep(0.05)
        await manager.admin.toggle("info", False)
        shown, before = time.monotonic(), len(sandbox.requests)
        manager.submit(Event(EventKind.LOG, LogLevel.INFO, "a message", time.time(), "tests"))
        await sandbox.wait_until(lambda: time.monotonic() > shown + 31, 90)
        assert len(sandbox.requests) == before
        await manager.admin.toggle("info", True)
        await sandbox.wait_until(lambda: "state 2." in sandbox.messages("info")[0].text)
    assert [request.method for request in sandbox.requests[before : before + 2]] == ["POST", "PATCH"]
