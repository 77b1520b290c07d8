"""Records of loguru: text, template, fields and traceback where they belong, each once, with any handlers of the host."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookLogHandler, WebhookManager, get_webhook_manager
from statsbot_webhooks.capture.logs.loguru_hook import LoguruHook
from statsbot_webhooks.capture.logs.root_hook import RootHook
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.issues.fingerprint import finish
from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot

loguru = pytest.importorskip("loguru")
log: Any = loguru.logger


class Intercept(logging.Handler):
    """The handler of loguru's own documentation: what `logging` gets goes to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = log.level(record.levelname).name
        except ValueError:
            level = record.levelno
        frame, depth = logging.currentframe(), 2
        while frame.f_code.co_filename == logging.__file__ and frame.f_back is not None:
            frame, depth = frame.f_back, depth + 1
        log.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


class Propagate(logging.Handler):
    """The other one of its documentation: what loguru gets goes to `logging`."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


@pytest.fixture
def events() -> Iterator[list[Event]]:
    found: list[Event] = []
    handler = WebhookLogHandler(found.append)
    with ExitStack() as stack:
        hooks: list[LoguruHook] = []
        root = RootHook(handler, {}, is_known=lambda record: any(hook.makes(record) for hook in hooks))
        hook = LoguruHook(lambda: root.handler, root.takes)
        hooks.append(hook)
        root.install()
        stack.callback(root.uninstall)
        hook.install(stack)
        yield found
    log.remove()
    log.add(sys.stderr)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    log.remove()


def test_text_template_fields_and_traceback(events: list[Event]) -> None:
    secret = "a value that stays in the frame"
    log.bind(shop="Berlin").warning("order {number} of {} failed", "mia", number=4711)
    try:
        raise LookupError("no such order")
    except LookupError:
        log.exception("it failed")
    log.info("below the level")
    said, failed = map(finish, events)
    assert (said.message, said.template, said.level) == (
        "order 4711 of mia failed",
        "order {number} of {} failed",
        LogLevel.WARNING,
    )
    assert said.context == {"shop": "Berlin", "number": 4711}
    assert said.origin == __name__
    assert failed.message == "it failed"
    assert "LookupError: no such order" in (failed.traceback or "")
    assert secret not in str(failed)


@pytest.mark.parametrize("remove", [lambda: log.remove(), lambda: log.configure(handlers=[]), lambda: _remove_each()])
def test_a_host_that_removes_handlers_means_its_own(events: list[Event], remove: Callable[[], object]) -> None:
    remove()
    log.error("still there")
    remove()
    log.add(sys.stderr, level="CRITICAL")
    log.error("and again")
    assert [event.message for event in events] == ["still there", "and again"]


def _remove_each() -> None:
    for number in list(log._core.handlers):
        log.remove(number)


def test_from_logging_to_loguru_each_record_is_there_once(events: list[Event]) -> None:
    handler, logger = Intercept(), logging.getLogger("shop.intercepted")
    logging.getLogger().addHandler(handler)
    try:
        logger.error("by logging %d", 1)
        log.error("by loguru")
        try:
            raise ValueError("once")
        except ValueError:
            logger.exception("caught")
    finally:
        logging.getLogger().removeHandler(handler)
    assert [event.message for event in events] == ["by logging 1", "by loguru", "caught"]


def test_a_logger_that_does_not_propagate_is_heard_by_loguru(events: list[Event]) -> None:
    handler, logger = Intercept(), logging.getLogger("shop.apart")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.error("only loguru is told")
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    assert [event.message for event in events] == ["only loguru is told"]


@pytest.mark.parametrize("enqueue", [False, True])
def test_from_loguru_to_logging_each_record_is_there_once(events: list[Event], enqueue: bool) -> None:
    log.add(Propagate(), format="{message}", enqueue=enqueue)
    log.bind(order=17).error("by loguru {}", "x")
    try:
        raise ValueError("once")
    except ValueError:
        log.exception("caught")
    log.complete()
    logging.getLogger("shop").error("by logging")
    assert [(event.message, event.context.get("order")) for event in events] == [
        ("by loguru x", 17),
        ("caught", None),
        ("by logging", None),
    ]


def test_the_logger_can_still_be_copied_and_sent_to_another_process(events: list[Event]) -> None:
    assert pickle.loads(pickle.dumps(log)) is not None
    other: Any = copy.deepcopy(log)
    other.remove()
    other.error("of the copy")
    log.error("of the original")
    assert [event.message for event in events] == ["of the copy", "of the original"]


def test_nothing_is_left(events: list[Event]) -> None:
    with ExitStack() as stack:
        hook = LoguruHook(lambda: WebhookLogHandler(events.append), lambda _record: False)
        hook.install(stack)
        assert len(log._core.handlers) == 2
    assert len(log._core.handlers) == 1


@pytest.mark.slow
def test_it_is_found_when_it_is_imported_later() -> None:
    script = """
        import sys
        from contextlib import ExitStack
        from statsbot_webhooks import WebhookLogHandler
        from statsbot_webhooks.capture.logs.loguru_hook import LoguruHook
        assert "loguru" not in sys.modules
        found = []
        handler = WebhookLogHandler(found.append)
        with ExitStack() as stack:
            LoguruHook(lambda: handler, lambda record: False).install(stack)
            finders = len(sys.meta_path)
            from loguru import logger
            logger.remove()
            logger.error("at once")
            assert len(sys.meta_path) == finders - 1
        logger.error("after the end")
        assert [event.message for event in found] == ["at once"], found
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


async def test_a_bot_that_logs_with_loguru(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    def shown() -> list[str]:
        return [str(embed) for message in sandbox.messages("error") for embed in message.embeds]

    async with running_bot(sandbox) as bot:

        @bot.command()
        @log.catch
        async def buy(ctx: commands.Context[Any]) -> None:
            raise RuntimeError("sold out")

        log.remove()
        log.bind(customer="mia").error("order {} failed", 17)
        sandbox.say("!buy")
        await sandbox.wait_until(lambda: "sold out" in str(shown()) and "order 17" in str(shown()))
        manager: WebhookManager = get_webhook_manager()
        await manager.reconfigure(replace(manager.config, loguru=False))
        assert log._core.handlers == {}
        log.error("not any more")
        await manager.reconfigure(replace(manager.config, loguru=True))
        log.error("again")
        await sandbox.wait_until(lambda: "again" in str(shown()))
    assert log._core.handlers == {}
    cards = shown()
    assert len([card for card in cards if "sold out" in card]) == 1
    assert "Customer" in next(card for card in cards if "order 17" in card)
    assert "not any more" not in str(cards)
