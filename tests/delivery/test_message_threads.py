"""Threads and forums against the sandbox, which refuses what Discord refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, load_webhook_config
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager


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
