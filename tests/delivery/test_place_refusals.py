"""Refusals that are about the place: nothing is halved or buried, one line names the way out, events go elsewhere."""

from __future__ import annotations

import asyncio
import os

import discord
import pytest

from statsbot_webhooks import LogLevel, WebhookManager, load_webhook_config
from statsbot_webhooks.config.destination import Destination, WebhookURL
from statsbot_webhooks.delivery.outcome import Outcome, Result
from statsbot_webhooks.delivery.place_refusals import way_out
from statsbot_webhooks.sandbox import Sandbox

from ..clocks import SkippingClock
from ..conftest import running_bot


def text_of(sandbox: Sandbox, name: str) -> str:
    return "\n".join(f"{message.content}\n{message.text}" for message in sandbox.messages(name)).replace("\\", "")


def posts(sandbox: Sandbox) -> int:
    return sum(request.webhook == "error" and request.method == "POST" for request in sandbox.requests)


async def started(sandbox: Sandbox, clock: SkippingClock, kind: str, *, with_info: bool = True, **more: str) -> WebhookManager:
    """A manager whose webhook `error` posts to a thread, or to a forum, and a fault of that place."""
    if kind in ("tags_required", "too_many_threads"):
        sandbox.add_channel("err-forum", forum=True)
        url, extra = sandbox.webhook_url("error", "err-forum"), {"WEBHOOK_ERROR_THREAD_NAME": "Errors"}
    else:
        url, extra = sandbox.webhook_url("error"), {}
        url = f"{url}?thread_id={sandbox.add_thread('errors', 'bot errors')}"
    if with_info:
        extra["WEBHOOK_INFO_URL"] = sandbox.webhook_url("info")
    values = {"WEBHOOK_ERROR_URL": url, "WEBHOOK_BATCH_TIMEOUT_SECONDS": "0", **extra, **more}
    manager = WebhookManager(load_webhook_config(values), clock=clock)
    await manager.start()
    await sandbox.wait_until(lambda: any(r.webhook == "error" and r.method == "GET" for r in sandbox.requests))
    sandbox.fault("error", kind)
    return manager


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("thread_archived", "its thread is archived: open the thread again"),
        ("thread_locked", "its thread is locked: unlock the thread"),
        ("404_channel", "the thread of its ?thread_id= was deleted"),
        ("tags_required", "into WEBHOOK_ERROR_TAGS"),
        ("too_many_threads", "as many active threads as it may have: close some"),
    ],
)
async def test_nothing_is_buried_and_the_way_out_is_said_once(sandbox: Sandbox, kind: str, said: str) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, clock, kind)
    for number in range(6):
        await manager.send_log(LogLevel.ERROR, f"event {number}", fingerprint=str(number))
    await sandbox.wait_until(lambda: all(f"event {number}" in text_of(sandbox, "info") for number in range(6)), 20)
    stats = await manager.stats()
    assert (stats.dead, stats.lost, stats.balanced) == (0, 0, True)
    await sandbox.wait_until(lambda: said in text_of(sandbox, "info"), 20)
    assert "does not know this webhook" not in text_of(sandbox, "info")
    worker = manager.workers["error"]
    assert worker.state.value == "failing"
    assert said in worker.last_error
    # Not one request for each event, nor a loop of them.
    assert posts(sandbox) <= 2
    for _ in range(3):
        clock.skip((worker.next_try_seconds or 0) + 1)
        before = posts(sandbox)
        await manager.send_log(LogLevel.ERROR, "one more", fingerprint="one more")
        await sandbox.wait_until(lambda before=before: posts(sandbox) > before)
        await sandbox.wait_until(lambda: worker.next_try_seconds)
        assert posts(sandbox) <= before + 1
    assert text_of(sandbox, "info").count(said) == 1
    # What is still handed over would take the next event along.
    await manager.flush(20)
    sandbox.heal("error")
    clock.skip((worker.next_try_seconds or 0) + 1)
    await manager.send_log(LogLevel.ERROR, "the place is open", fingerprint="open")
    await sandbox.wait_until(lambda: "Webhook error works again" in text_of(sandbox, "info"), 20)
    await manager.stop(2)
    assert worker.state.value == "working"


async def test_without_another_webhook_the_events_wait(sandbox: Sandbox) -> None:
    clock = SkippingClock()
    manager = await started(sandbox, clock, "thread_archived", with_info=False)
    for number in range(6):
        await manager.send_log(LogLevel.ERROR, f"event {number}", fingerprint=str(number))
    worker = manager.workers["error"]
    await sandbox.wait_until(lambda: worker.state.value == "failing")
    clock.skip((worker.next_try_seconds or 0) + 1)
    await asyncio.sleep(0.3)
    assert (await manager.stats()).pending == 6
    sandbox.heal("error")
    clock.skip((worker.next_try_seconds or 0) + 1)
    await sandbox.wait_until(lambda: all(f"event {n}" in text_of(sandbox, "bot errors") for n in range(6)), 20)
    await manager.stop(2)


@pytest.mark.parametrize("way", ["name", "id"])
async def test_posts_get_the_tags_of_the_settings(sandbox: Sandbox, env: pytest.MonkeyPatch, way: str) -> None:
    """Names are looked up through the bot."""
    forum_id = sandbox.add_channel("err-forum", forum=True, tags=["Bug", "Other"], require_tag=True)
    env.setenv("WEBHOOK_ERROR_URL", sandbox.webhook_url("of the forum", "err-forum"))
    env.setenv("WEBHOOK_ERROR_THREAD_NAME", "Errors")
    async with running_bot(sandbox) as bot:
        forum = bot.get_channel(forum_id)
        assert isinstance(forum, discord.ForumChannel)
        tag = forum.available_tags[0]
        config = load_webhook_config({**os.environ, "WEBHOOK_ERROR_TAGS": "bug" if way == "name" else str(tag.id)})
        await bot.cogs["Webhooks"].reconfigure(config)  # type: ignore[attr-defined]
        await bot.cogs["Webhooks"].manager.send_log(LogLevel.ERROR, "event 1")  # type: ignore[attr-defined]
        await sandbox.wait_until(lambda: any(r.webhook == "of the forum" and r.method == "POST" for r in sandbox.requests))
    payload = next(r.payload for r in sandbox.requests if r.webhook == "of the forum" and r.method == "POST")
    assert [int(number) for number in payload["applied_tags"]] == [tag.id]
    assert not sandbox.count_status(400)


async def test_tags_that_the_forum_does_not_have_bury_nothing(sandbox: Sandbox) -> None:
    manager = await started(sandbox, SkippingClock(), "tags_required", WEBHOOK_ERROR_TAGS="123")
    sandbox.heal("error")
    await manager.send_log(LogLevel.ERROR, "event 1")
    await sandbox.wait_until(lambda: "has none of the tags in WEBHOOK_ERROR_TAGS" in text_of(sandbox, "info"))
    await sandbox.wait_until(lambda: "event 1" in text_of(sandbox, "info"))
    assert (await manager.stats()).dead == 0
    await manager.stop(2)


async def test_a_username_that_is_refused_is_left_out(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager  # type: ignore[attr-defined]
        await sandbox.wait_until(lambda: any(r.webhook == "error" and r.method == "GET" for r in sandbox.requests))
        sandbox.fault("error", "username_refused")
        for number in range(3):
            await manager.send_log(LogLevel.WARNING, f"event {'abc'[number]}")
            await sandbox.wait_until(lambda number=number: f"event {'abc'[number]}" in text_of(sandbox, "error"))
        stats = await manager.stats()
    assert (stats.dead, stats.balanced) == (0, True)
    # The refusal is remembered: it costs one request.
    assert posts(sandbox) == 4


async def test_edits_in_an_announcement_channel_wait_and_messages_do_not(sandbox: Sandbox) -> None:
    clock = SkippingClock()
    values = {"WEBHOOK_ERROR_URL": sandbox.webhook_url("error"), "WEBHOOK_INFO_URL": sandbox.webhook_url("info")}
    more = {"WEBHOOK_BATCH_TIMEOUT_SECONDS": "0", "WEBHOOK_CARD_EDIT_SECONDS": "0.2"}
    manager = WebhookManager(load_webhook_config(values | more), clock=clock)
    await manager.start()
    await manager.send_log(LogLevel.ERROR, "no stock")
    await sandbox.wait_until(lambda: "no stock" in text_of(sandbox, "error"))
    sandbox.fault("error", "announcement_edits", delay=3000)
    await manager.send_log(LogLevel.ERROR, "no stock")
    await sandbox.wait_until(lambda: "Discord limits edits in the announcement channel" in text_of(sandbox, "info"))
    await manager.send_log(LogLevel.ERROR, "another thing")
    await sandbox.wait_until(lambda: "another thing" in text_of(sandbox, "error"))
    assert sum(request.method == "PATCH" for request in sandbox.requests) == 1
    sandbox.heal("error")
    clock.skip(601)
    await manager.send_log(LogLevel.ERROR, "no stock")
    await sandbox.wait_until(lambda: "×3" in sandbox.messages("error")[0].text)
    await manager.stop(2)
    assert text_of(sandbox, "info").count("announcement channel") == 1


def test_what_is_about_the_event_has_no_way_out_of_a_place() -> None:
    destination = Destination("audit", WebhookURL("https://discord.com/api/webhooks/1/abc"))

    def way(code: int, *, is_in_thread: bool = True, fields: frozenset[str] = frozenset()) -> str:
        return way_out(Result(Outcome.REJECTED, code=code, fields=fields), destination, is_in_thread=is_in_thread)

    assert not any(way(code) for code in (0, 50035, 50006, 40005, 10008, 10015, 200000))
    assert not way(50035, fields=frozenset({"embeds.0.title"}))
    # Without a thread in the URL an unknown channel is the webhook's own.
    assert not way(10003, is_in_thread=False)
    assert "WEBHOOK_AUDIT_TAGS" in way(40067, is_in_thread=False)
