"""A formatter of the host's own: what it overrides shows in the channel, and what it gets wrong costs nothing."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig, WebhookLogHandler, WebhookManager, WebhookMessage
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager


class Shouting(MessageFormatter):
    def format_log_message(self, *args: Any, **context: Any) -> WebhookMessage:
        level, message = args
        return WebhookMessage(content=f"{level}!! {message.upper()} {sorted(context)}")


class Polite(MessageFormatter):
    """Changes what the package makes."""

    def format_log_message(self, *args: Any, **context: Any) -> WebhookMessage:
        made = super().format_log_message(*args, **context)
        made.embeds[0]["title"] = f"Please: {made.embeds[0]['title']}"
        return made

    def format_member_event(self, *args: Any, **context: Any) -> WebhookMessage:
        return WebhookMessage(content=f"{args[2]} {args[0]} {args[1]}")

    def format_performance_alert(self, *args: Any, **context: Any) -> WebhookMessage:
        return WebhookMessage(content=f"{args[0]} {args[1]:g} of {args[2]:g}")


class Sorry(MessageFormatter):
    """Says of errors what it likes."""

    def format_error_message(self, error: BaseException, context: Any = None) -> WebhookMessage:
        notes = getattr(error, "__notes__", [])
        return WebhookMessage(content=f"Sorry: {type(error).__name__} ({error}) {notes} {sorted(context)}")


class Stamped(MessageFormatter):
    def format_error_message(self, error: BaseException, context: Any = None) -> WebhookMessage:
        made = super().format_error_message(error, {**context, "team": "tea people"})
        made.embeds[0]["title"] = f"Ours: {type(error).__name__}"
        return made


class Broken(MessageFormatter):
    def format_log_message(self, *args: Any, **context: Any) -> WebhookMessage:
        raise LookupError("no such text")


class Exiting(MessageFormatter):
    def format_log_message(self, *args: Any, **context: Any) -> WebhookMessage:
        raise SystemExit


class Refused(MessageFormatter):
    def format_log_message(self, *args: Any, **context: Any) -> WebhookMessage:
        return WebhookMessage(content="x" * 5000)


async def shown(sandbox: Sandbox, urls: dict[str, Any], kind: type[MessageFormatter]) -> str:
    config = WebhookConfig(**urls, storage="memory://", batch_timeout_seconds=0.1)
    manager = WebhookManager(config, formatter=kind)
    await manager.start()
    await manager.send_log(LogLevel.WARNING, "tea is out", shelf=3)
    await manager.send_error(LookupError("no such tea"))
    await manager.send_member_event("join", 4711, "mia")
    await manager.send_performance_alert("memory", 600.0, 512.0)
    await manager.flush(10)
    stats = await manager.stats()
    await manager.stop(5)
    assert (stats.balanced, stats.delivered) == (True, 4)
    return "\n".join(message.text for name in ("error", "performance", "member_events") for message in sandbox.messages(name))


async def test_only_log_messages(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    text = await shown(sandbox, urls, Shouting)
    assert "WARNING!! TEA IS OUT ['shelf']" in text
    assert "tea is out" not in text
    assert "no such tea" in text


async def test_what_calls_ours_and_the_other_kinds(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    text = await shown(sandbox, urls, Polite)
    for part in ("Please: WARNING", "tea is out", "mia join 4711", "memory 600 of 512"):
        assert part in text


@pytest.mark.parametrize("kind", [Broken, Exiting, Refused])
async def test_a_broken_one_loses_nothing(
    sandbox: Sandbox, urls: dict[str, Any], kind: type[MessageFormatter], caplog: pytest.LogCaptureFixture
) -> None:
    assert "tea is out" in await shown(sandbox, urls, kind)
    said = [record for record in caplog.records if kind.__name__ in record.getMessage()]
    assert [record.levelno for record in said] == [logging.WARNING]


def fail(number: int) -> None:
    try:
        raise KeyError(number)
    except KeyError as error:
        raise LookupError(f"no tea: {number}\nnot one") from error


async def errors(sandbox: Sandbox, urls: dict[str, Any], kind: type[MessageFormatter]) -> list[Any]:
    config = WebhookConfig(**urls, storage="memory://", batch_timeout_seconds=0.1)
    async with running_manager(config, formatter=kind) as manager:
        handler = WebhookLogHandler(manager.submit)
        for number in range(3):
            try:
                fail(number)
            except LookupError:
                record = logging.LogRecord("shop", logging.ERROR, __file__, 1, "it failed", (), sys.exc_info())
                vars(record)["shelf"] = 3
                handler.handle(record)
        await manager.flush(10)
        assert (await manager.stats()).balanced
    return list(sandbox.messages("error"))


async def test_an_exception_is_shown_as_the_formatter_says(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    (message,) = await errors(sandbox, urls, Sorry)
    assert "Sorry: LookupError (no tea: 2\nnot one) ['it failed'] ['repeats', " in message.text
    # Which shows one of three; all of them are in the file.
    (file,) = message.attachments
    assert [f"no tea: {number}" in file.text for number in range(3)] == [True] * 3


async def test_a_formatter_changes_the_card_of_an_exception(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    (message,) = await errors(sandbox, urls, Stamped)
    for part in ("Ours: LookupError", "tea people", "raise LookupError", "×3"):
        assert part in message.text
    (file,) = message.attachments
    assert "no tea: 0" in file.text
