"""Threads and forums against the sandbox, which refuses what Discord refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, load_webhook_config
from statsbot_webhooks.config.destination import Destination, ThreadMode, WebhookURL
from statsbot_webhooks.delivery.card import error_key
from statsbot_webhooks.delivery.message_threads import ThreadPlace, Threads
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager

URL = "https://discord.com/api/webhooks/123456789012345678/" + "x" * 68


@pytest.fixture
def forum(sandbox: Sandbox) -> str:
    """The URL of a webhook of a forum."""
    sandbox.add_channel("reports", forum=True)
    return sandbox.webhook_url("reports", "reports")


def config(url: str, **values: str) -> WebhookConfig:
    return load_webhook_config({"WEBHOOK_INFO_URL": url, "WEBHOOK_BATCH_TIMEOUT_SECONDS": "0", **values})


def threads(sandbox: Sandbox) -> list[str]:
    return [thread["name"] for guild in sandbox.state.guilds.values() for thread in guild.threads.values()]


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


async def test_a_thread_of_the_url(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    thread_id = sandbox.add_thread("info", "quiet corner")
    async with running_manager(config(f"{urls['info_webhook_url']}?thread_id={thread_id}")) as manager:
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.flush()
    assert not sandbox.messages("info")
    assert "number 1." in sandbox.messages("quiet corner")[0].text


async def test_a_forum_gets_one_post_a_day_that_outlives_a_restart(sandbox: Sandbox, forum: str) -> None:
    for number in range(2):
        async with running_manager(config(forum, WEBHOOK_INFO_THREAD_NAME="Bot log")) as manager:
            for level in (LogLevel.INFO, LogLevel.ERROR):
                await manager.send_log(level, f"{level} {number}.")
                await manager.flush()
    assert threads(sandbox) == [f"Bot log {today()}"]
    assert len(sandbox.messages(f"Bot log {today()}")) >= 3


async def test_a_post_that_was_deleted_is_made_anew(sandbox: Sandbox, forum: str) -> None:
    async with running_manager(config(forum, WEBHOOK_INFO_THREAD_NAME="Bot log")) as manager:
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.flush()
        for guild in sandbox.state.guilds.values():
            guild.threads.clear()
        await manager.send_log(LogLevel.INFO, "number 2.")
        await manager.flush(10)
        stats = await manager.stats()
        assert manager.workers["info"].state.value == "working"
    assert (stats.delivered, stats.dead) == (2, 0)
    assert "number 2." in sandbox.messages(f"Bot log {today()}")[-1].text


async def test_a_forum_without_a_thread_name_gets_one(sandbox: Sandbox, forum: str, caplog: pytest.LogCaptureFixture) -> None:
    async with running_manager(config(forum)) as manager:
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.flush(10)
        stats = await manager.stats()
    assert (stats.delivered, stats.dead) == (1, 0)
    assert threads(sandbox) == [f"info {today()}"]
    assert caplog.text.count("WEBHOOK_INFO_THREAD_NAME") == 1


async def test_a_thread_name_where_there_is_no_forum(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with running_manager(config(urls["info_webhook_url"], WEBHOOK_INFO_THREAD_NAME="Bot log")) as manager:
        await manager.send_log(LogLevel.INFO, "number 1.")
        await manager.flush(10)
        stats = await manager.stats()
    assert (stats.delivered, stats.dead) == (1, 0)
    assert "number 1." in sandbox.messages("info")[0].text
    assert caplog.text.count("WEBHOOK_INFO_THREAD_NAME") == 1


def test_a_wrong_mode_is_named() -> None:
    with pytest.raises(ConfigError, match="WEBHOOK_INFO_THREAD_MODE"):
        config("https://discord.com/api/webhooks/1/a", WEBHOOK_INFO_THREAD_MODE="weekly")


async def test_a_forum_with_a_post_for_each_error(sandbox: Sandbox, forum: str) -> None:
    settings = {"WEBHOOK_INFO_THREAD_NAME": "Bot log", "WEBHOOK_INFO_THREAD_MODE": "Error", "WEBHOOK_INFO_LEVEL": "INFO"}
    async with running_manager(config(forum, **settings)) as manager:
        await manager.send_log(LogLevel.INFO, "all is well")
        for error in (ValueError("x is wrong"), KeyError("y")):
            await manager.send_error(error)
            await manager.flush()
    assert sorted(threads(sandbox)) == sorted([f"Bot log {today()}", "ValueError: x is wrong", "KeyError: 'y'"])


def destination(url: str = URL, **options: Any) -> Destination:
    return Destination("member_events", WebhookURL(url), **options)


def log(message: str = "hello", level: LogLevel = LogLevel.INFO, **parts: Any) -> Event:
    return Event(EventKind.LOG, level, message, 5.0, "tests", **parts)


def test_which_thread_a_message_goes_to() -> None:
    plain, fixed = Threads(destination()), Threads(destination(f"{URL}?thread_id=77", thread_name="Log"))
    assert (plain.place(log(), "", 0.0), fixed.place(log(), "", 0.0)) == (ThreadPlace(), ThreadPlace(77))
    assert (plain.place(log(), "", 0.0).thread_of(5), fixed.place(log(), "", 0.0).thread_of(5)) == (None, 77)
    daily = Threads(destination(thread_name="Log"))
    assert (daily.prefix, daily.has_post_for_each_error) == ("thread/member_events/", False)
    place = daily.place(log(), "", 1_800_000_000.0)
    assert place == ThreadPlace(None, "Log 2027-01-15", "day-2027-01-15")
    assert (place.thread_of(5), place.thread_of(None)) == (5, None)
    assert daily.used(plain.place(log(), "", 0.0), 5, 0.0) == daily.used(place, None, 0.0) == {}
    now = 1_800_000_000.0
    assert daily.used(place, 5, now) == {"thread/member_events/day-2027-01-15": {"id": 5, "used": now}}
    assert daily.place(log(), "", now) == ThreadPlace(5, "Log 2027-01-15", "day-2027-01-15")
    # The next day has a post of its own; after a month the old one is forgotten.
    later = daily.place(log(), "", now + 30 * 86400)
    assert later.thread_id is None
    assert set(daily.used(later, 6, now + 30 * 86400)) == {f"thread/member_events/{later.key}"}
    assert daily.used(later, 6, now + 30 * 86400 + 1)["thread/member_events/day-2027-01-15"] is None
    assert daily.place(log(), "", now).thread_id is None
    assert daily.forget(later) == {f"thread/member_events/{later.key}": None}
    assert daily.forget(ThreadPlace(3)) == {}
    assert daily.place(log(), "", now + 30 * 86400).thread_id is None


def test_each_error_has_a_post_that_is_named_by_it() -> None:
    threads = Threads(destination(thread_name="Log", thread_mode=ThreadMode.ERROR))
    assert threads.has_post_for_each_error
    error = log("no  stock\nat all", LogLevel.ERROR, traceback="Traceback\n  x\nValueError: no stock\n")
    key = error_key(error)
    assert threads.place(error, key, 0.0) == ThreadPlace(None, "ValueError: no stock", key)
    titled = log("text", LogLevel.ERROR, title="A title", traceback="Traceback\nValueError: x")
    assert threads.place(titled, error_key(titled), 0.0).thread_name == "A title"
    long = log("x" * 300, LogLevel.ERROR)
    assert len(threads.place(long, error_key(long), 0.0).thread_name) == 100
    # What shares a message has the post of the day.
    assert threads.place(error, "", 0.0).key == threads.place(log(), "card", 0.0).key == "day-1970-01-01"
    threads.load(
        {"thread/member_events/" + key: {"id": 9, "used": 1}, "thread/member_events/day-1970-01-01": {"id": "9", "used": 1}}
    )
    threads.load({"thread/member_events/a": {"id": 9, "used": "x"}, "thread/member_events/b": 7})
    assert (threads.place(error, key, 0.0).thread_id, threads.place(log(), "", 0.0).thread_id) == (9, None)


def test_tags_of_the_settings_and_of_the_state() -> None:
    known = {"new": 1, "shop": 2, "bug": 3, "a": 4, "b": 5, "c": 6}
    by_error = Threads(destination(thread_name="Log", thread_mode=ThreadMode.ERROR, tags=("Shop", "99", "none")))
    assert (by_error.tags(known, "new"), by_error.tags(known), by_error.tags(known, "closed")) == ((2, 99, 1), (2, 99), (2, 99))
    assert Threads(destination(thread_name="Log", tags=("Shop",))).tags(known, "new") == (2,)
    many = Threads(destination(thread_name="Log", thread_mode=ThreadMode.ERROR, tags=("new", "shop", "bug", "a", "b", "c")))
    assert many.tags(known, "new") == (1, 2, 3, 4, 5)


def test_a_channel_that_is_a_forum_or_none_other_than_the_settings_say() -> None:
    threads = Threads(destination())
    assert threads.use_forum(is_forum=True) == "member events"
    assert threads.place(log(), "", 0.0).thread_name == "member events 1970-01-01"
    assert threads.use_forum(is_forum=False) == ""
    assert threads.place(log(), "", 0.0) == ThreadPlace()
