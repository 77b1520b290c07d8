"""What happens when Discord, the network or the disk fails: nothing is lost, order holds, and it is said once."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.delivery.destination_health import DestinationState
from statsbot_webhooks.sandbox import Sandbox, redirect

from ..conftest import NAMES, running_bot, running_manager


def shown(sandbox: Sandbox, name: str) -> str:
    """Everything that can be read in a channel, files included."""
    messages = sandbox.messages(name)
    text = "\n".join(f"{m.content}\n{m.text}\n" + "".join(file.text for file in m.attachments) for m in messages)
    return text.replace("\\", "")


def numbers(sandbox: Sandbox, name: str) -> list[int]:
    """The numbered events of a channel in the order in which they are shown, each at its first place."""
    # A summary names what is in the file beside it, in another order.
    texts = ["".join(file.text for file in m.attachments) or m.text for m in sandbox.messages(name)]
    return list(dict.fromkeys(int(found) for found in re.findall(r"number (\d+)\.", "\n".join(texts))))


def posts(sandbox: Sandbox, name: str) -> int:
    return sum(request.webhook == name and request.method == "POST" for request in sandbox.requests)


async def looked_up(sandbox: Sandbox, names: tuple[str, ...] = NAMES) -> None:
    """Wait until the workers have looked their webhooks up: what is scripted now befalls their messages."""
    await sandbox.wait_until(lambda: {r.webhook for r in sandbox.requests if r.method == "GET"} >= set(names))


def config(urls: dict[str, Any], **settings: Any) -> WebhookConfig:
    return WebhookConfig(**urls, **{"batch_timeout_seconds": 0, "breaker_cooldown_seconds": 0.2, **settings})


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.soak)])
async def test_outages_lose_nothing(sandbox: Sandbox, urls: dict[str, Any], seconds: int) -> None:
    """Four outages at once, one for each webhook, in a steady 20 events a second."""
    count = seconds * 5
    kinds = dict(zip(NAMES, ("500", "reset", "no_answer", "429_global"), strict=True))
    slow = config(urls, breaker_cooldown_seconds=seconds / 3, batch_timeout_seconds=1)
    async with running_manager(slow) as manager:
        await looked_up(sandbox)
        for name, kind in kinds.items():
            sandbox.fault(name, kind, seconds=seconds, delay=seconds / 10 if kind == "429_global" else 0.0)
        for number in range(count):
            await manager.send_log(LogLevel.WARNING, f"number {number}.")
            await manager.send_log(LogLevel.INFO, f"number {number}.")
            await manager.send_performance_alert(f"number {number}.", 2, 1)
            await manager.send_member_event("join", number + 1, f"number {number}.")
            await asyncio.sleep(0.2)
        during = {name: posts(sandbox, name) for name in NAMES}
        await manager.flush(60)
        stats = await manager.stats()
    assert stats.balanced
    assert (stats.pending, stats.lost, stats.dead) == (0, 0, 0)
    for name in NAMES:
        assert numbers(sandbox, name) == list(range(count)), name
        # discord.py itself tries a 500 five times; a 429 that names its end is waited for, in one send.
        assert during[name] <= 12, (name, during)
        assert kinds[name] == "429_global" or "works again after" in "".join(shown(sandbox, other) for other in NAMES)


async def test_a_hanging_webhook_holds_up_no_other(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", "no_answer")
        await manager.send_log(LogLevel.INFO, "number 1.")
        await asyncio.sleep(0.2)  # it hangs now: a request that is not answered is on no list
        await manager.send_log(LogLevel.ERROR, "number 2.")
        await manager.send_performance_alert("number 3.", 2, 1)
        await manager.send_member_event("join", 4, "number 4.")
        for name, number in (("error", 2), ("performance", 3), ("member_events", 4)):
            await sandbox.wait_until(lambda name=name, number=number: number in numbers(sandbox, name))
        await manager.stop(0.1)


async def test_the_events_of_a_deleted_webhook_go_to_another(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await manager.send_log(LogLevel.INFO, "number 0.")
        await sandbox.wait_until(lambda: numbers(sandbox, "info"))
        sandbox.fault("info", "404")
        before = posts(sandbox, "info")
        for number in range(1, 4):
            await manager.send_log(LogLevel.INFO, f"number {number}.")
            await sandbox.wait_until(lambda number=number: number in numbers(sandbox, "error"))
        assert posts(sandbox, "info") == before + 1
        assert manager.workers["info"].state.value == "gone"
        assert shown(sandbox, "error").count("WEBHOOK_INFO_URL: Discord does not know this webhook any more") == 1
        await manager.flush(5)
        assert (await manager.stats()).balanced


async def test_status_says_that_a_webhook_is_gone(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox):
        await looked_up(sandbox)
        sandbox.fault("info", "404")
        logging.getLogger("app").critical("number 1.")
        await sandbox.wait_until(lambda: "does not know this webhook any more" in shown(sandbox, "error"))
        answer = await sandbox.invoke("webhooks status")
        assert "State: **gone**" in answer.text
        assert "Last error: 404 Unknown Webhook" in answer.text


async def test_with_nowhere_to_go_events_wait(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    only = {"info_webhook_url": urls["info_webhook_url"]}
    sandbox.fault("info", "401")
    async with running_manager(config(only)) as manager:
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.flush(0.5)
        assert (await manager.stats()).pending == 1
    sandbox.heal("info")
    async with running_manager(config(only)):
        await sandbox.wait_until(lambda: numbers(sandbox, "info") == [1])


@pytest.mark.slow
async def test_one_poisonous_event_among_500(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    sandbox.fault("info", "400", match="number 371.")
    manager = WebhookManager(config(urls))
    for number in range(500):
        await manager.send_log(LogLevel.INFO, f"number {number}.")
    await manager.start()
    await manager.flush(45)
    stats, letters = await manager.stats(), await manager.dead_letters()
    await manager.stop()
    assert stats.balanced
    info = stats.destinations["info"]
    assert (info.delivered + info.folded, stats.dead) == (499, 1)
    assert numbers(sandbox, "info") == [number for number in range(500) if number != 371]
    assert [(letter.event.message, letter.reason) for letter in letters] == [("number 371.", "400 Invalid Form Body")]
    # 2 * log2(500) is 17.9: what the search may cost beside the one message that 500 events need.
    assert posts(sandbox, "info") <= 1 + 17


async def test_too_large_a_message_is_halved(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    sandbox.fault("info", "413", times=1)
    manager = WebhookManager(config(urls))
    for number in range(40):
        await manager.send_log(LogLevel.INFO, f"number {number}.")
    await manager.start()
    await manager.flush(20)
    stats = await manager.stats()
    await manager.stop()
    info = stats.destinations["info"]
    assert (info.delivered + info.folded, stats.dead) == (40, 0)
    assert numbers(sandbox, "info") == list(range(40))


@pytest.mark.parametrize("kind", ["saved_html", "saved_reset"])
async def test_a_message_that_may_have_arrived_is_sent_again_and_can_be_told(
    sandbox: Sandbox, urls: dict[str, Any], kind: str
) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", kind, times=1)
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.flush(10)
        stats = await manager.stats()
    first, second = sandbox.messages("info")
    ids = [re.findall(r"#([0-9a-f]+)", str(message.embeds[-1]["footer"])) for message in (first, second)]
    assert ids[0] == ids[1] != []
    assert (stats.delivered, stats.destinations["info"].repeated) == (1, 1)


@pytest.mark.parametrize("kind", ["saved_html", "html_200"])
async def test_an_answer_that_is_never_understood_is_never_taken_for_a_success(
    sandbox: Sandbox, urls: dict[str, Any], kind: str
) -> None:
    """A proxy may answer every request with its own page: nothing may be given up for that."""
    async with running_manager(config(urls, breaker_cooldown_seconds=30)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", kind)
        await manager.send_log(LogLevel.INFO, "number 1.")
        await sandbox.wait_until(lambda: manager.workers["info"].state.value == "failing")
        stats = (await manager.stats()).destinations["info"]
        assert len(sandbox.messages("info")) == (2 if kind == "saved_html" else 0)
        assert (stats.delivered, stats.pending) == (0, 1)
        sandbox.heal("info")
        manager.workers["info"].revive()
        await sandbox.wait_until(lambda: numbers(sandbox, "info") == [1])


async def test_a_cloudflare_block_stops_all(sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", "429_no_via", times=1, delay=2)
        await manager.send_log(LogLevel.INFO, "number 1.")
        async with asyncio.timeout(60):
            while "Discord blocks this address" not in caplog.text:
                await asyncio.sleep(0.01)
        blocked = sandbox.requests[-1].at
        await manager.send_log(LogLevel.ERROR, "number 2.")
        await sandbox.wait_until(lambda: numbers(sandbox, "error") and numbers(sandbox, "info"))
        later = [request.at for request in sandbox.requests if request.method == "POST" and request.at > blocked]
        assert min(later) - blocked >= 1.9


@pytest.mark.slow
async def test_a_full_buffer_says_what_it_lost(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, storage_max_events=50, breaker_cooldown_seconds=3)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", "reset", times=5)
        sandbox.fault("error", "reset", times=5)
        await manager.send_log(LogLevel.CRITICAL, "number 1000.")
        for number in range(200):
            await manager.send_log(LogLevel.INFO, f"number {number}.")
            await asyncio.sleep(0.001)
        await sandbox.wait_until(lambda: "events for this channel were lost" in shown(sandbox, "info"), 600)
        await manager.flush(20)
        stats = await manager.stats()
    assert stats.balanced
    text = shown(sandbox, "info")
    found = re.search(r"([\d,]+) events for this channel were lost \(storage full: ([\d,]+) INFO\)", text)
    assert found
    assert found[1] == found[2] == f"{stats.lost:,}"
    assert stats.lost > 100
    # A summary and its file may both show a text.
    parts = [[message.text, *(file.text for file in message.attachments)] for message in sandbox.messages("info")]
    assert sum(any("were lost" in part for part in found) for found in parts) == 1
    assert 1000 in numbers(sandbox, "info")
    assert 199 in numbers(sandbox, "info")


@pytest.mark.slow
async def test_a_clean_stop_keeps_what_is_left(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    manager = WebhookManager(config(urls))
    await manager.start()
    sandbox.fault("info", "500")
    for number in range(5000):
        await manager.send_log(LogLevel.INFO, f"number {number}.")
    # The fault has no end: it returns because its time is over.
    await manager.stop(20)
    sandbox.heal("info")
    async with running_manager(config(urls)) as again:
        await again.flush(30)
        stats = await again.stats()
    assert stats.balanced
    assert stats.delivered + stats.folded == 5000
    assert "5,000 events from before the restart (last one at" in shown(sandbox, "info")
    assert numbers(sandbox, "info") == list(range(5000))


async def test_the_disk_fails_while_the_bot_lives(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with running_manager(config(urls)) as manager:
        await manager.send_log(LogLevel.INFO, "number 0.")
        await manager.flush(5)
        await looked_up(sandbox)
        for path in Path().glob("statsbot_webhooks.sqlite3*"):  # noqa: ASYNC240 - a test has nothing else to do
            path.write_bytes(b"garbage" * 500)
        for number in range(1, 300):
            await manager.send_log(LogLevel.INFO, f"number {number}.")
        await manager.flush(20)
        stats = await manager.stats()
    assert stats.balanced
    assert numbers(sandbox, "info") == list(range(300))
    assert caplog.text.count("WEBHOOK_STORAGE: the storage file statsbot_webhooks.sqlite3 was damaged") == 1
    assert sorted(os.listdir()) == [
        *("statsbot_webhooks.sqlite3", "statsbot_webhooks.sqlite3.corrupt-1", "statsbot_webhooks.sqlite3.corrupt-1-wal")
    ]


@pytest.mark.real_time
async def test_a_file_that_is_locked_for_a_moment_at_the_end_gets_what_waits(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """The file failed before, so that memory holds what waits, and something holds it when the bot stops."""
    settings = WebhookConfig(info_webhook_url=urls["info_webhook_url"])
    lock = sqlite3.connect("statsbot_webhooks.sqlite3", check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    sandbox.fault("info", "500")
    manager = WebhookManager(settings)
    await manager.start()
    await manager.send_log(LogLevel.INFO, "waits in memory")
    await manager._intake.settle()
    assert not manager.is_durable
    asyncio.get_running_loop().call_later(1, lock.close)
    await manager.stop(0)
    assert (await manager.stats()).lost == 0
    sandbox.heal("info")
    async with running_manager(settings) as again:
        await again.flush(10)
    assert "waits in memory" in sandbox.messages("info")[0].text


async def test_a_flush_sends_what_a_file_holds_that_was_locked_at_the_start(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """The file is free again, and memory, which stands in for it until it is tried again, holds nothing."""
    settings = WebhookConfig(info_webhook_url=urls["info_webhook_url"])
    sandbox.fault("info", "500")
    async with running_manager(settings) as manager:
        await manager.send_log(LogLevel.INFO, "waits in the file")
        await manager.stop(0)
    sandbox.heal("info")
    lock = sqlite3.connect("statsbot_webhooks.sqlite3")
    lock.execute("BEGIN EXCLUSIVE")
    async with running_manager(settings) as again:
        assert (await again.stats()).pending == 0
        assert not again.is_durable
        lock.close()
        await again.flush(10)
        assert (again.is_durable, (await again.stats()).pending) == (True, 0)
        assert "waits in the file" in sandbox.messages("info")[0].text


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_gets_no_message(sandbox: Sandbox, urls: dict[str, Any], status: int) -> None:
    """A network that wants a log-in answers so: nothing goes where it points, and what waits is sent later."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{sandbox.base_url}{request.path_qs}"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as portal, running_manager(config(urls)) as manager:
        with redirect(str(portal.make_url("")).rstrip("/")):
            await manager.send_log("INFO", "number 1.")
            await sandbox.wait_until(lambda: manager.workers["info"].state == DestinationState.FAILING, 10)
            assert "a redirect, which is not followed" in manager.workers["info"].last_error
            assert not sandbox.requests
        await sandbox.wait_until(lambda: numbers(sandbox, "info") == [1], 20)
        assert (await manager.stats()).balanced
