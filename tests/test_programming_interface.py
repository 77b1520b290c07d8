"""What a program may say and ask: a context for a block, a hook before sending, the reference of an error."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookLogHandler, error_reference, webhook_context
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.sandbox import Sandbox

from .conftest import running_bot, running_manager


def texts(sandbox: Sandbox, name: str = "error") -> str:
    return "\n".join(message.text for message in sandbox.messages(name))


def config(urls: dict[str, Any]) -> WebhookConfig:
    return WebhookConfig(**urls, batch_timeout_seconds=0.1)


async def test_a_context_is_shown_with_everything_within_it() -> None:
    events: list[Event] = []
    handler = WebhookLogHandler(events.append)

    def log(**extra: object) -> None:
        record = logging.LogRecord("shop", logging.ERROR, __file__, 1, "x", (), None)
        vars(record).update(extra)
        handler.handle(record)

    with webhook_context(order=17, user="ann"):
        log()
        await asyncio.create_task(asyncio.to_thread(log))
        with webhook_context(order=18):
            log(user="bob")
    log()
    assert [event.context for event in events] == [{"order": 17, "user": "ann"}] * 2 + [{"order": 18, "user": "bob"}, {}]


async def test_a_context_goes_with_errors_and_send_log(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        with webhook_context(order="order-17", password="hunter2hunter2"):
            await manager.send_error(ValueError("bad"))
            await manager.send_log(LogLevel.ERROR, "text")
        await manager.flush(10)
    assert texts(sandbox).count("order-17") == 2
    assert "hunter2" not in texts(sandbox)


async def test_a_hook_changes_and_drops_events(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    def hook(event: Event) -> Event | None:
        return None if "noise" in event.message else replace(event, message=event.message.upper() + " password=hunter2")

    async with running_manager(config(urls)) as manager:
        manager.before_send = hook
        for text in ("noise", "kept"):
            await manager.send_log(LogLevel.ERROR, text)
        await manager.flush(10)
        stats = await manager.stats()
    assert (stats.filtered, stats.delivered, stats.balanced) == (1, 1, True)
    assert "KEPT" in texts(sandbox)
    # What the hook says is redacted too.
    assert "hunter2" not in texts(sandbox)


@pytest.mark.parametrize("what", ["raises", "returns a text", "is slow"])
async def test_a_hook_that_fails_is_named_and_not_called_again(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    calls = 0
    monkeypatch.setattr("statsbot_webhooks.pipeline.before_send._SLOW_SECONDS", -1.0 if what == "is slow" else 60.0)

    def my_hook(event: Event) -> Event | None:
        nonlocal calls
        calls += 1
        if what == "raises":
            raise RuntimeError("sEcReT")
        return "text" if what == "returns a text" else event  # type: ignore[return-value]

    async with running_manager(config(urls)) as manager:
        manager.before_send = my_hook
        for text in ("first", "second"):
            await manager.send_log(LogLevel.ERROR, text)
        await manager.flush(10)
        stats = await manager.stats()
        assert manager.before_send is None
    assert (calls, stats.delivered, stats.balanced) == (1, 2, True)
    assert "my_hook" in caplog.text
    assert "sEcReT" not in caplog.text


async def test_the_reference_that_a_user_is_shown_is_that_of_the_card(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    async with running_bot(sandbox) as bot:

        @bot.command()
        async def buy(_context: commands.Context) -> None:
            raise LookupError("no such thing")

        @bot.event
        async def on_command_error(_context: commands.Context, error: commands.CommandError) -> None:
            said.append(error_reference(error))

        sandbox.say("!buy")
        await sandbox.wait_until(lambda: sandbox.messages("error") and said)
    assert re.fullmatch(r"E-[0-9A-F]{4}", said[0])
    assert said[0] in sandbox.messages("error")[0].embeds[0]["footer"]["text"]
