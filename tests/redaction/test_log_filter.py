"""The host's console at DEBUG shows no token of our webhooks, and of the host's own what it always shows."""

from __future__ import annotations

import io
import logging
import threading
from typing import Any, cast

import aiohttp
import discord
import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.config.renewal import Renews
from statsbot_webhooks.errors import NotRunningError
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.feedback import suppressed
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager


async def test_the_console_shows_no_token_of_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.StringIO()
    handler = logging.StreamHandler(console)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        url, own = sandbox.webhook_url("error"), sandbox.webhook_url("info")
        config = WebhookConfig(error_webhook_url=url, storage="memory://", batch_timeout_seconds=0.05)
        async with running_manager(config) as manager, aiohttp.ClientSession() as session:
            await manager.send_log(LogLevel.ERROR, "something")
            await manager.flush(5)
            await discord.Webhook.from_url(own, session=session).send("the host's own")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    printed = console.getvalue()
    token, own_token = url.rsplit("/", 1)[1], own.rsplit("/", 1)[1]
    assert "has returned status code" in printed
    assert token not in printed
    assert own_token in printed


class Failing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("the console is closed")

    def refuse(self, record: logging.LogRecord) -> bool:
        raise LookupError("no request")

    def make(self, *args: Any, **options: Any) -> logging.LogRecord:
        if str(args[0]).startswith(("statsbot_webhooks", "discord.webhook")):
            raise LookupError("no request")
        return logging.LogRecord(*args, **options)


@pytest.mark.parametrize("what", ["log handler", "log filter", "record factory"])
async def test_code_of_the_host_that_fails_in_logging_ends_nothing_of_ours(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def end() -> None:
        raise SystemExit

    urls = {f"{name}_webhook_url": sandbox.webhook_url(name) for name in ("error", "info")}
    config = WebhookConfig(**urls, storage="memory://", batch_timeout_seconds=0, breaker_failures=1, breaker_cooldown_seconds=1)
    async with running_manager(config) as manager:
        # discord.py logs every request at DEBUG.
        loggers = [
            logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("statsbot_webhooks")
        ]
        loggers.append(logging.getLogger("discord.webhook.async_"))
        level, failing, factory = loggers[-1].level, Failing(), logging.getLogRecordFactory()
        loggers[-1].setLevel(logging.DEBUG)
        for logger in loggers:
            if what == "log handler":
                logger.addHandler(failing)
            elif what == "log filter":
                logger.addFilter(failing.refuse)
        if what == "record factory":
            logging.setLogRecordFactory(failing.make)
        try:
            # An outage, a task and a thread that end, and an event that is lost: each is said in the log.
            sandbox.fault("info", "500", times=1)
            await manager.send_log(LogLevel.INFO, "waits for the end of an outage")
            manager._pool._tasks._tasks["error"].cancel()
            with pytest.raises(NotRunningError):
                await manager._intake.run(end)
            manager.submit(cast("Event", 5))
            await manager.send_log(LogLevel.ERROR, "after all of it")
            await sandbox.wait_for_message("error", "after all of it")
            await sandbox.wait_for_message("info", "waits for the end of an outage")
            assert len([message for message in sandbox.messages("error") if "after all of it" in message.text]) == 1
            if what == "log handler":
                # A request of the host fails as it does without us.
                with pytest.raises(RuntimeError):
                    loggers[-1].warning("of the host")
        finally:
            logging.setLogRecordFactory(factory)
            for logger in loggers:
                logger.removeHandler(failing)
                logger.removeFilter(failing.refuse)
            loggers[-1].setLevel(level)
    raised = "RuntimeError" if what == "log handler" else "LookupError"
    assert f"a {what} of the program raised {raised}" in capsys.readouterr().err


class Quiet:
    def apply_choices(self) -> None:
        pass

    def forget(self) -> None:
        pass

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        pass


async def test_a_module_that_is_imported_after_the_start_is_guarded_too(capsys: pytest.CaptureFixture[str]) -> None:
    """As when a bot calls `setup_webhook_logging()` first, and loads the extension later."""
    async with running_manager(WebhookConfig(storage="memory://")) as manager:
        late, failing = logging.getLogger("statsbot_webhooks.imported_late"), Failing()
        late.addHandler(failing)
        try:
            with pytest.raises(RuntimeError):
                late.warning("before")
            manager.listeners.add(Quiet())
            late.warning("after")
        finally:
            late.removeHandler(failing)
    assert "a log handler of the program raised RuntimeError" in capsys.readouterr().err
    assert late.filters == []


async def test_a_record_whose_values_do_not_fit_is_never_raised(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("discord.webhook.async_")
    async with running_manager(WebhookConfig(info_webhook_url=sandbox.webhook_url("info"), storage="memory://")):
        token = suppressed.set(True)
        try:
            logger.warning("the number %d", "a word of the program")
        finally:
            suppressed.reset(token)
    assert [record.getMessage() for record in caplog.records if record.name == logger.name] == ["the number %d"]
    assert "a word of the program" not in capsys.readouterr().err
