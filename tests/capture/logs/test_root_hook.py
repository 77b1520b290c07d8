"""A logger that is captured from a lower level prints what it printed before, whenever the host sets its level."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

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
    disabled = {name for name, logger in root.manager.loggerDict.items() if getattr(logger, "disabled", False)}
    yield console
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).disabled = name in disabled
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


def set_up_by_dictionary(console: io.StringIO) -> None:
    handlers = {"console": {"class": "logging.StreamHandler", "stream": console, "formatter": "plain"}}
    plain = {"format": "%(levelname)s %(name)s %(message)s"}
    root = {"level": "INFO", "handlers": ["console"]}
    logging.config.dictConfig({"version": 1, "formatters": {"plain": plain}, "handlers": handlers, "root": root})


def set_up_by_force(console: io.StringIO) -> None:
    logging.basicConfig(force=True, level=logging.INFO, stream=console, format="%(levelname)s %(name)s %(message)s")


def set_up_by_hand(console: io.StringIO) -> None:
    root = logging.getLogger()
    root.handlers = [logging.StreamHandler(console)]
    root.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root.setLevel("INFO")


@pytest.mark.parametrize("set_up", [set_up_by_dictionary, set_up_by_force, set_up_by_hand])
def test_a_host_that_sets_up_its_logging_late_is_heard(console: io.StringIO, set_up: Callable[[io.StringIO], None]) -> None:
    events: list[Event] = []
    logging.getLogger("shop.cart").warning("before")
    hook = installed(events, {"shop": LogLevel.DEBUG})
    # A logger is there for the rest of the process, and the dictionary switches it off: each way has names of its own.
    others = {round_: f"shopping.{set_up.__name__}.{round_}" for round_ in ("first", "second")}
    for round_, other in others.items():
        set_up(console)
        # What exists already is switched off by a dictionary, unless it says otherwise: then the host prints nothing either.
        shop = logging.getLogger("shop")
        shop.disabled = False
        shop.debug("%s: ours", round_)
        logging.getLogger(other).warning("%s: both", round_)
        logging.getLogger().info("%s: theirs", round_)
    hook.uninstall()
    shown = [f"{round_}: {whose}" for round_ in others for whose in ("ours", "both")]
    assert [event.message for event in events] == shown
    lines = [f"WARNING {other} {round_}: both\nINFO root {round_}: theirs\n" for round_, other in others.items()]
    assert console.getvalue() == "WARNING shop.cart before\n" + "".join(lines)


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


class Level(int):
    def __lt__(self, _other: object) -> bool:
        raise RuntimeError("this level cannot be compared")


def test_a_filter_that_raises_costs_no_record_that_only_we_want(console: io.StringIO) -> None:
    events: list[Event] = []
    hook = installed(events, {"shop": LogLevel.DEBUG})
    logger = logging.getLogger("shop")

    def refuse(record: logging.LogRecord) -> bool:
        raise LookupError("no request")

    logger.addFilter(refuse)
    try:
        logger.info("info")
        with pytest.raises(LookupError) as raised:
            logger.error("error")
    finally:
        logger.removeFilter(refuse)
        hook.uninstall()
    assert [event.message for event in events] == ["info"]
    assert not any("statsbot_webhooks" in str(frame.path) for frame in raised.traceback)
    assert console.getvalue() == ""


@pytest.fixture
def factory() -> Iterator[Callable[[], None]]:
    """Puts a record factory into the place that raises for every record with "bad" in its text."""
    before = logging.getLogRecordFactory()

    def make(*args: Any, **options: Any) -> logging.LogRecord:
        if "bad" in str(args[4]):
            raise LookupError("no request")
        return before(*args, **options)

    yield lambda: logging.setLogRecordFactory(make)
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_record_factory_that_raises_costs_no_record(console: io.StringIO, factory: Callable[[], None], is_first: bool) -> None:
    events: list[Event] = []
    if is_first:
        factory()
    hook = installed(events, {"shop": LogLevel.DEBUG})
    if not is_first:
        factory()
    logger = logging.getLogger("shop")
    # Only we want it: without us the host's factory would not be called.
    logger.info("bad info %s", 1, extra={"order": 7})
    with pytest.raises(LookupError) as raised:
        logger.error("bad error %s", 2)
    logger.error("good")
    assert [event.message for event in events] == ["bad info 1", "bad error 2", "good"]
    assert events[0].context == {"order": 7}
    # As without the hook: what the host sees is its own mistake, at its own place.
    assert [frame.name for frame in raised.traceback][1:] == ["error", "_log", "makeRecord", "make"]
    assert console.getvalue() == "ERROR shop good\n"
    hook.uninstall()
    with pytest.raises(LookupError):
        logger.error("bad again")
    logger.info("bad info")
    assert len(events) == 3
    assert "makeRecord" in repr(logging.Logger.makeRecord)


@pytest.mark.parametrize("level", ["40", None, Level(40)], ids=["text", "none", "failing"])
def test_a_level_that_cannot_be_compared_costs_neither_the_record_nor_the_host(level: object) -> None:
    events: list[Event] = []
    hook = installed(events, {"shop": LogLevel.DEBUG})
    record = logging.makeLogRecord({"msg": "odd", "name": "shop", "levelno": level})
    try:
        assert logging.getLogger("shop").filter(record)
    finally:
        hook.uninstall()
    assert [event.message.partition(" (")[0] for event in events] == ["odd"]
