"""structlog: the event is the text and the template, keys are fields, a traceback is one, and each call is there once."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookLogHandler
from statsbot_webhooks.capture.logs.root_hook import RootHook
from statsbot_webhooks.capture.logs.structlog_hook import StructlogHook
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.issues.fingerprint import finish

structlog: Any = pytest.importorskip("structlog")


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def events() -> Iterator[list[Event]]:
    found: list[Event] = []
    handler = WebhookLogHandler(found.append)
    with ExitStack() as stack:
        root = RootHook(handler, {})
        root.install()
        stack.callback(root.uninstall)
        StructlogHook(lambda: root.handler).install(stack)
        yield found


def through_logging(*last: Any) -> None:
    std = structlog.stdlib
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            std.filter_by_level,
            std.add_logger_name,
            std.add_log_level,
            std.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso"),
            *last,
        ],
        logger_factory=std.LoggerFactory(),
        wrapper_class=std.BoundLogger,
    )


def with_formatter() -> None:
    through_logging(structlog.stdlib.ProcessorFormatter.wrap_for_formatter)


def as_json() -> None:
    through_logging(structlog.processors.format_exc_info, structlog.processors.JSONRenderer())


def on_a_coloured_console() -> None:
    through_logging(structlog.dev.ConsoleRenderer(colors=True))


def as_keywords() -> None:
    through_logging(structlog.stdlib.render_to_log_kwargs)


def printing() -> None:
    structlog.configure(
        processors=[*structlog.get_config()["processors"]], logger_factory=structlog.PrintLoggerFactory(io.StringIO())
    )


def writing() -> None:
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(io.StringIO()))


def bytes_() -> None:
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, lambda _l, _m, event: repr(event).encode()],
        logger_factory=structlog.BytesLoggerFactory(io.BytesIO()),
    )


def filtering() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(io.StringIO()),
    )


SETUPS = [with_formatter, as_json, on_a_coloured_console, as_keywords, printing, writing, bytes_, filtering]


@pytest.mark.parametrize("setup", SETUPS)
def test_event_fields_and_traceback_are_where_they_belong(events: list[Event], setup: Callable[[], None]) -> None:
    setup()
    structlog.contextvars.bind_contextvars(request="r-1")
    log = structlog.get_logger("shop").bind(shop="Berlin")
    for number in (1, 2):
        log.warning("order_failed", order=number)
    log.error("order %s of %s", 17, "mia")
    log.info("below our level")
    try:
        raise LookupError("no such order")
    except LookupError:
        log.exception("it failed", order=3)
    first, second, said, failed = map(finish, events)
    assert [first.message, second.message, said.message, failed.message] == ["order_failed"] * 2 + [
        "order 17 of mia",
        "it failed",
    ]
    assert (first.template, said.template) == ("order_failed", "order %s of %s")
    assert {**first.context} == {"shop": "Berlin", "order": 1, "request": "r-1"}
    assert (first.level, said.level, failed.level) == (LogLevel.WARNING, LogLevel.ERROR, LogLevel.ERROR)
    assert "LookupError: no such order" in (failed.traceback or "")
    assert failed.context["order"] == 3
    assert failed.kind.value == "error"
    assert first.origin in ("shop", __name__)


def test_what_a_processor_drops_or_a_level_keeps_is_not_there(events: list[Event]) -> None:
    def drop(_logger: Any, _method: str, event: dict[str, Any]) -> Any:
        if event.get("drop"):
            raise structlog.DropEvent
        return str(event)

    structlog.configure(processors=[drop], logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    structlog.get_logger().error("dropped", drop=True)
    structlog.get_logger().error("kept")
    through_logging(structlog.stdlib.render_to_log_kwargs)
    logging.getLogger("shop.silent").setLevel(logging.CRITICAL)
    structlog.get_logger("shop.silent").error("silent")
    assert [event.message for event in events] == ["kept"]


def test_a_record_that_comes_later_and_without_the_call(events: list[Event]) -> None:
    with_formatter()
    kept: list[logging.LogRecord] = []
    apart, logger = logging.Handler(), logging.getLogger("shop.apart")
    apart.emit = kept.append  # type: ignore[method-assign]
    logger.propagate = False
    logger.addHandler(apart)
    try:
        structlog.get_logger("shop.apart").error("late %s", "x", order=1)
    finally:
        logger.removeHandler(apart)
        logger.propagate = True
    assert events == []
    logging.getLogger("shop.heard").handle(kept[0])
    [event] = events
    assert (event.message, event.context) == ("late x", {"order": 1})


def test_the_place_of_the_call_and_tracebacks_are_the_hosts(events: list[Event]) -> None:
    output = io.StringIO()

    def fail(_logger: Any, _method: str, event: dict[str, Any]) -> Any:
        if event.get("fail"):
            raise RuntimeError("in a processor")
        return event

    structlog.configure(
        processors=[
            fail,
            structlog.processors.CallsiteParameterAdder(
                [structlog.processors.CallsiteParameter.FUNC_NAME, structlog.processors.CallsiteParameter.MODULE]
            ),
            structlog.processors.KeyValueRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(output),
    )
    structlog.get_logger().error("here")
    assert output.getvalue() == (
        "event='here' func_name='test_the_place_of_the_call_and_tracebacks_are_the_hosts' module='test_structlog'\n"
    )
    with pytest.raises(RuntimeError) as raised:
        structlog.get_logger().error("there", fail=True)
    assert not [entry for entry in raised.traceback if "statsbot_webhooks/capture" in str(entry.path)]
    assert [event.message for event in events] == ["here"]


async def test_an_asynchronous_logger(events: list[Event]) -> None:
    filtering()
    await structlog.get_logger("shop").aerror("from a thread", order=1)
    [event] = events
    assert (event.message, event.context["order"]) == ("from a thread", 1)


def test_nothing_is_left() -> None:
    function = structlog.BoundLoggerBase._proxy_to_logger
    with ExitStack() as stack:
        before = function.__code__
        StructlogHook(lambda: WebhookLogHandler(print)).install(stack)
        assert function.__code__ is not before
    assert function.__code__ is before


@pytest.mark.slow
def test_it_is_found_when_it_is_imported_later() -> None:
    script = """
        import sys
        from contextlib import ExitStack
        from statsbot_webhooks import WebhookLogHandler
        from statsbot_webhooks.capture.logs.structlog_hook import StructlogHook
        assert "structlog" not in sys.modules
        found = []
        handler = WebhookLogHandler(found.append)
        with ExitStack() as stack:
            StructlogHook(lambda: handler).install(stack)
            import structlog
            structlog.get_logger().error("at once", order=1)
        structlog.get_logger().error("after the end")
        assert [event.message for event in found] == ["at once"], found
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
