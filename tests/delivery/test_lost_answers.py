"""Messages whose answer was lost: once where the bot can look, and never a storm where it cannot."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager, load_webhook_config
from statsbot_webhooks.delivery.message_sender import _id_of
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage import Entry

from ..clocks import SkippingClock
from ..conftest import new_bot, online, running_manager

AFTER = ("saved_html", "saved_reset", "saved_500", "saved_502")


def shown(sandbox: Sandbox, name: str, text: str) -> int:
    """In how many messages of a channel a text stands."""
    return sum(
        text in f"{message.content}\n{message.text}" + "".join(file.text for file in message.attachments)
        for message in sandbox.messages(name)
    )


@asynccontextmanager
async def bot_that_reads(sandbox: Sandbox, intents: discord.Intents) -> AsyncGenerator[commands.Bot]:
    async with new_bot(commands.Bot, intents=intents) as bot:
        await bot.load_extension("statsbot_webhooks")
        async with online(bot, sandbox):
            await sandbox.wait_until(lambda: any(r.webhook == "error" and r.method == "GET" for r in sandbox.requests))
            yield bot


@pytest.mark.slow
@pytest.mark.parametrize("kind", AFTER)
async def test_the_bot_looks_before_it_sends_again(sandbox: Sandbox, env: pytest.MonkeyPatch, kind: str) -> None:
    """Also without the message content intent: texts of messages are read through the webhook."""
    async with bot_that_reads(sandbox, discord.Intents.default()) as bot:
        log = logging.getLogger("shop")
        log.warning("before")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "before"))
        sandbox.fault("error", kind)
        for number in range(3):
            log.warning("order %s failed", "abc"[number])
            await sandbox.wait_until(lambda number=number: shown(sandbox, "error", f"order {'abc'[number]} failed"))
        sandbox.heal("error")
        log.warning("after")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "after"), 20)
        manager = bot.cogs["Webhooks"].manager  # type: ignore[attr-defined]
        await manager.flush(10)
        stats = await manager.stats()
    assert [shown(sandbox, "error", f"order {letter} failed") for letter in "abc"] == [1, 1, 1]
    assert (stats.balanced, stats.pending, stats.destinations["error"].repeated) == (True, 0, 0)


async def test_a_card_that_is_posted_anew_is_looked_for_too(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.3")
    async with bot_that_reads(sandbox, discord.Intents.default()) as bot:
        log = logging.getLogger("shop")
        log.error("no stock")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "no stock"))
        # A moderator deletes the message, and the answer to the new one is lost.
        sandbox.fault("error", "saved_reset", times=1, methods=("POST",))
        path = os.environ["WEBHOOK_ERROR_URL"].removeprefix("https://discord.com")
        async with aiohttp.ClientSession() as session:
            await session.delete(f"{sandbox.base_url}{path}/messages/{sandbox.messages('error')[0].id}")
        log.error("no stock")
        await sandbox.wait_until(lambda: "×2" in "".join(message.text for message in sandbox.messages("error")), 20)
        await bot.cogs["Webhooks"].manager.flush(10)  # type: ignore[attr-defined]
        log.error("no stock")
        await sandbox.wait_until(lambda: "×3" in sandbox.messages("error")[-1].text, 20)
    assert len(sandbox.messages("error")) == 1


async def test_what_came_after_a_lost_answer_is_shown_in_the_message_that_is_found(
    sandbox: Sandbox, env: pytest.MonkeyPatch
) -> None:
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.3")
    async with bot_that_reads(sandbox, discord.Intents.default()) as bot:
        log = logging.getLogger("shop")
        log.error("no stock of %s", "apples")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "of apples"))
        # The answer to the new message is lost, and then nothing can be read for a moment.
        sandbox.fault("error", "saved_reset", times=1, methods=("POST",))
        path = os.environ["WEBHOOK_ERROR_URL"].removeprefix("https://discord.com")
        async with aiohttp.ClientSession() as session:
            await session.delete(f"{sandbox.base_url}{path}/messages/{sandbox.messages('error')[0].id}")
        log.error("no stock of %s", "pears")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "of pears"), 20)
        sandbox.fault("error", "500", methods=("GET",))
        log.error("no stock of %s", "plums")
        await bot.cogs["Webhooks"].manager.flush(1)  # type: ignore[attr-defined]
        sandbox.heal("error")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "of plums"), 20)
    assert len(sandbox.messages("error")) == 1


async def test_what_a_crash_left_in_doubt_is_looked_for(sandbox: Sandbox, env: pytest.MonkeyPatch, urls: dict[str, Any]) -> None:
    """The message was there, and the process ended before it knew; the next one must not send it again."""
    manager = WebhookManager(WebhookConfig(error_webhook_url=urls["error_webhook_url"], batch_timeout_seconds=0))
    await manager.start()
    await sandbox.wait_until(lambda: any(r.method == "GET" for r in sandbox.requests))
    sandbox.fault("error", "saved_reset")
    await manager.send_log(LogLevel.WARNING, "the last words")
    await sandbox.wait_until(lambda: shown(sandbox, "error", "the last words"))
    await manager.stop(0)
    before = shown(sandbox, "error", "the last words")
    sandbox.heal("error")
    async with bot_that_reads(sandbox, discord.Intents.default()):
        logging.getLogger("shop").warning("first words")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "first words"), 20)
    assert shown(sandbox, "error", "the last words") == before


@pytest.mark.parametrize("kind", ["saved_reset", "saved_html"])
async def test_without_a_bot_there_are_few_copies_and_nothing_is_given_up(
    sandbox: Sandbox, urls: dict[str, Any], kind: str
) -> None:
    """At the default settings."""
    clock = SkippingClock()
    manager = WebhookManager(WebhookConfig(**urls), clock=clock)
    await manager.start()
    await sandbox.wait_until(lambda: any(r.webhook == "error" and r.method == "GET" for r in sandbox.requests))
    sandbox.fault("error", kind)
    await manager.send_log(LogLevel.ERROR, "once")
    await sandbox.wait_until(lambda: manager.workers["error"].state.value == "failing")
    clock.skip(18)
    await asyncio.sleep(0.3)
    copies = shown(sandbox, "error", "once")
    assert 1 <= copies <= 3
    for _ in range(5):
        # Hours later it is still tried, a few times.
        clock.skip(3600)
        await sandbox.wait_until(lambda copies=copies: shown(sandbox, "error", "once") > copies)
        assert shown(sandbox, "error", "once") == copies + 1
        copies += 1
        await sandbox.wait_until(lambda: manager.workers["error"].next_try_seconds)
    assert (await manager.stats()).destinations["error"].pending == 1
    sandbox.heal("error")
    clock.skip(3600)
    await manager.flush(10)
    stats = await manager.stats()
    await manager.stop()
    assert (stats.destinations["error"].pending, stats.balanced, stats.lost) == (0, True, 0)
    # Each copy can be told by its id.
    ids = {re.findall(r"#([0-9a-f]+)", str(m.embeds[-1]["footer"]))[0] for m in sandbox.messages("error") if "once" in m.text}
    assert len(ids) == 1


async def test_a_reset_before_the_message_was_taken_costs_one_message(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with bot_that_reads(sandbox, discord.Intents.default()):
        sandbox.fault("error", "reset", times=1)
        logging.getLogger("shop").warning("only once")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "only once"), 20)
    assert shown(sandbox, "error", "only once") == 1


async def test_a_500_is_one_request_of_ours(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """discord.py would repeat it five times by itself, for 25 seconds in which nothing says so (W3)."""
    async with running_manager(WebhookConfig(info_webhook_url=urls["info_webhook_url"], batch_timeout_seconds=0)) as manager:
        await sandbox.wait_until(lambda: any(r.method == "GET" for r in sandbox.requests))
        sandbox.fault("info", "500")
        await manager.send_log(LogLevel.INFO, "text")
        await sandbox.wait_until(lambda: manager.workers["info"].state.value == "failing", 3)
        assert sandbox.count_status(500) == 2
        assert (await manager.stats()).requests == len([r for r in sandbox.requests if r.webhook == "info"])
        await manager.stop(0)


@pytest.mark.slow
@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_message_whose_sending_was_cancelled_is_looked_for_once_it_has_had_time(
    sandbox: Sandbox, env: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    """`sys.exit()` in a task cancels every task, and other settings replace a worker, while an answer is slow."""
    async with bot_that_reads(sandbox, discord.Intents.default()) as bot:
        manager = bot.cogs["Webhooks"].manager  # type: ignore[attr-defined]
        logging.getLogger("shop").warning("before")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "before"))
        sandbox.fault("error", "slow", delay=1.5, times=1)
        started = asyncio.get_running_loop().time()
        logging.getLogger("shop").error("in flight")
        async with asyncio.timeout(10):
            while (depth := await manager._intake.run(manager._outbox.depth, "error")).ready or not depth.entries:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        if is_replaced:
            before = manager.workers["error"]
            env.setenv("WEBHOOK_ERROR_LEVEL", "DEBUG")
            await manager.reconfigure(load_webhook_config())
            assert manager.workers["error"] is not before
        else:
            manager._pool._tasks._tasks["error"].cancel()
        logging.getLogger("shop").error("last words")
        await sandbox.wait_until(lambda: shown(sandbox, "error", "last words"), 20)
        await manager.flush(10)
        stats = (await manager.stats()).destinations["error"]
        # The slow one has arrived by now in any case.
        await asyncio.sleep(max(started + 2.0 - asyncio.get_running_loop().time(), 0))
    # The file of the other one may have what was logged before it.
    assert sum("in flight" in message.text for message in sandbox.messages("error")) == 1
    assert stats.pending == 0


def test_no_two_sets_of_events_have_one_id() -> None:
    """A message that grew would be taken for the one that began with the same event and is in the channel already."""
    entries = [Entry(number, "info", Event(EventKind.LOG, LogLevel.INFO, "x", 1.0)) for number in range(256, 356)]
    ids = [_id_of(entries[:count]) for count in range(1, 100)] + [
        _id_of([entries[0], *entries[2:count]]) for count in range(3, 100)
    ]
    assert len(set(ids)) == len(ids)
    # Nor is one id the beginning of another one up to what ends it in a text.
    assert not [one for one in ids if any(re.search(rf"#{one}\b", f"#{other}") for other in ids if other != one)]
    assert _id_of(entries[:3]) == _id_of(entries[:3])
    assert _id_of([replace(entries[0], batch="5z1"), entries[1]]) == "5z1"
