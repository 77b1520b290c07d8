"""A logger that is captured from a lower level prints what it printed before, whatever the host sets and when."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from statsbot_webhooks.capture.logs.handler import WebhookLogHandler
from statsbot_webhooks.capture.logs.root_hook import RootHook
from statsbot_webhooks.events.event import Event, LogLevel

NAMES = ("shop", "shop.cart", "shopping", "discord.webhooks", "statsbot_webhooks_extra", "statsbot_webhooks.cog")


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    root.setLevel(logging.WARNING)
    console = io.StringIO()
    handler = logging.StreamHandler(console)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root.handlers[:] = [handler]
    yield console
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in NAMES:
        logging.getLogger(name).setLevel(logging.NOTSET)


def installed(events: list[Event], loggers: dict[str, LogLevel], level: LogLevel = LogLevel.WARNING) -> RootHook:
    hook = RootHook(WebhookLogHandler(events.append, level=level.number, loggers=loggers), loggers, level)
    hook.install()
    return hook


def log_all() -> None:
    for name in ("shop", "shop.cart", "shopping"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "%s", logging.getLevelName(level).lower())


@pytest.mark.parametrize(
    ("loggers", "level", "shown"),
    [({"shop": LogLevel.DEBUG}, LogLevel.WARNING, 7), ({}, LogLevel.INFO, 6), ({"shop.cart": LogLevel.INFO}, LogLevel.ERROR, 2)],
)
def test_the_console_shows_what_it_showed(
    console: io.StringIO, loggers: dict[str, LogLevel], level: LogLevel, shown: int
) -> None:
    log_all()
    before = console.getvalue()
    events: list[Event] = []
    hook = installed(events, loggers, level)
    log_all()
    assert console.getvalue() == before * 2
    assert len(events) == shown
    hook.uninstall()
    log_all()
    assert console.getvalue() == before * 3
    assert len(events) == shown
    assert logging.getLogger().level == logging.WARNING


def test_a_level_that_the_host_sets_later_is_its_own(console: io.StringIO) -> None:
    events: list[Event] = []
    hook = installed(events, {"shop": LogLevel.DEBUG})
    logger = logging.getLogger("shop")
    logger.setLevel(logging.ERROR)
    logger.info("hidden")
    logger.warning("hidden too")
    assert console.getvalue() == ""
    logger.setLevel(logging.INFO)
    logger.debug("ours")
    logger.info("both")
    assert console.getvalue() == "INFO shop both\n"
    assert [event.message for event in events] == ["hidden", "hidden too", "ours", "both"]
    hook.uninstall()
    assert logger.level == logging.INFO


def test_a_record_that_is_handed_over_passes_at_any_level(console: io.StringIO) -> None:
    events: list[Event] = []
    hook = installed(events, {"shop": LogLevel.DEBUG})
    # As a QueueListener does with the records of another process.
    logging.getLogger("shop").handle(logging.LogRecord("shop", logging.DEBUG, __file__, 1, "from elsewhere", (), None))
    hook.uninstall()
    assert console.getvalue() == "DEBUG shop from elsewhere\n"
    assert len(events) == 1


def test_only_our_own_loggers_are_left_out(console: io.StringIO) -> None:
    events: list[Event] = []
    hook = installed(events, {})
    for name in (*NAMES, "statsbot_webhooks", "discord.webhook", "discord.webhook.async_"):
        logging.getLogger(name).error("x")
    hook.uninstall()
    assert [event.origin for event in events] == ["shop", "shop.cart", "shopping", "discord.webhooks", "statsbot_webhooks_extra"]
