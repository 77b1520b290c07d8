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


async def test_a_context_goes_with_alerts_and_members(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        with webhook_context(order="order-17", level="debug", value="no number"):
            await manager.send_performance_alert("queue", 30, 10)
            await manager.send_member_event("join", 1234, "ann")
        await manager.flush(10)
    shown = [texts(sandbox, name) for name in ("performance", "member_events")]
    assert ["order-17" in text for text in shown] == [True, True]
    assert "queue is 30, the threshold is 10" in shown[0]


async def test_an_exception_keeps_the_context_in_which_it_was_raised(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async def pay() -> None:
        with webhook_context(order="order-17", step="pay"), webhook_context(step="charge"):
            raise LookupError("no card")

    async def ship() -> None:
        try:
            await pay()
        except LookupError as error:
            raise RuntimeError("no parcel") from error

    async with running_bot(sandbox) as bot:

        @bot.command()
        async def buy(_context: commands.Context[Any]) -> None:
            await pay()

        # The loop and the logger know nothing of the block.
        task = asyncio.create_task(pay())
        await asyncio.wait([task])
        del task
        try:
            await ship()
        except RuntimeError:
            logging.getLogger("shop").exception("it failed")
        sandbox.say("!buy")
        await sandbox.wait_until(lambda: len(sandbox.messages("error")) == 3)
    assert all(word in message.text for message in sandbox.messages("error") for word in ("order-17", "charge"))


async def test_the_exceptions_of_a_group_keep_theirs() -> None:
    async def pay(order: int) -> None:
        with webhook_context(shop="north", order=order):
            raise LookupError(order)

    events: list[Event] = []
    try:
        async with asyncio.TaskGroup() as group:
            for order in (17, 18):
                group.create_task(pay(order))
    except ExceptionGroup as error:
        record = logging.LogRecord("shop", logging.ERROR, __file__, 1, "x", (), (type(error), error, error.__traceback__))
        WebhookLogHandler(events.append).handle(record)
    assert [event.context for event in events] == [{"shop": "north", "order": [17, 18]}]


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


@pytest.mark.parametrize("what", ["raises", "exits", "returns a text", "is slow"])
async def test_a_hook_that_fails_is_named_and_not_called_again(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    calls = 0
    monkeypatch.setattr("statsbot_webhooks.pipeline.before_send._SLOW_SECONDS", -1.0 if what == "is slow" else 60.0)

    def my_hook(event: Event) -> Event | None:
        nonlocal calls
        calls += 1
        if what == "exits":
            raise SystemExit
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
        async def buy(_context: commands.Context[Any]) -> None:
            raise LookupError("no such thing")

        @bot.event
        async def on_command_error(_context: commands.Context[Any], error: commands.CommandError) -> None:
            said.append(error_reference(error))

        sandbox.say("!buy")
        await sandbox.wait_until(lambda: sandbox.messages("error") and said)
    assert re.fullmatch(r"E-[0-9A-F]{4}", said[0])
    assert said[0] in sandbox.messages("error")[0].embeds[0]["footer"]["text"]


def refer(error: BaseException, said: list[str]) -> None:
    said.append(error_reference(error))


async def ask_inside_and_out(said: list[str], *, logs: bool) -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    def inner() -> None:
        try:
            fail()
        except LookupError as error:
            if logs:
                logging.getLogger("shop").exception("it failed")
            else:
                refer(error, said)
            raise

    def outer() -> None:
        try:
            inner()
        except LookupError as error:
            refer(error, said)
            raise

    outer()


@pytest.mark.parametrize("logs", [False, True])
async def test_a_reference_is_the_same_wherever_it_is_asked_for(sandbox: Sandbox, env: pytest.MonkeyPatch, logs: bool) -> None:
    said: list[str] = []
    async with running_bot(sandbox) as bot:

        @bot.command()
        async def buy(_context: commands.Context[Any]) -> None:
            await ask_inside_and_out(said, logs=logs)

        @bot.event
        async def on_command_error(_context: commands.Context[Any], error: commands.CommandError) -> None:
            refer(error, said)

        sandbox.say("!buy")
        await sandbox.wait_until(lambda: sandbox.messages("error") and len(said) == (2 if logs else 3))
    assert len(set(said)) == 1
    assert said[0] in sandbox.messages("error")[0].embeds[0]["footer"]["text"]


async def test_one_exception_that_is_raised_at_two_places_has_two_references(urls: dict[str, Any]) -> None:
    constant = LookupError("made once")

    def first() -> None:
        raise constant

    def second() -> None:
        raise constant from None

    said: list[str] = []
    async with running_manager(config(urls)):
        for place in (first, second):
            try:
                place()
            except LookupError as error:
                refer(error, said)
                refer(error, said)
    assert said[0] == said[1]
    assert said[1] != said[2]
    assert said[2] == said[3]
