"""Log records: from any thread, with broken formats, without feedback, and back after the host cleared its handlers."""

from __future__ import annotations

import logging
import pickle
import sys
import threading
from collections.abc import Iterator

import pytest

from statsbot_webhooks.capture.errors.deduplication import SeenExceptions
from statsbot_webhooks.capture.logs.handler import WebhookLogHandler
from statsbot_webhooks.capture.logs.root_hook import RootHook
from statsbot_webhooks.events.event import Event, EventKind, LogLevel, Person
from statsbot_webhooks.feedback import suppressed
from statsbot_webhooks.issues.fingerprint import finish


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("capture_test")
    yield logger
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def failure(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_record_is_read_at_once(events: list[Event], logger: logging.Logger) -> None:
    logger.addHandler(WebhookLogHandler(events.append))
    names = ["anna"]
    logger.warning("hello %s", names, extra={"shard": 3, "who": names})
    names.append("bob")
    thread = threading.Thread(target=logger.error, args=("from a thread",))
    thread.start()
    thread.join()
    logger.info("below the level")
    first, second = events
    assert first == Event(
        EventKind.LOG,
        LogLevel.WARNING,
        "hello ['anna']",
        first.time,
        "capture_test",
        {"shard": 3, "who": ["anna"]},
        template="hello %s",
    )
    assert type(first) is Event
    assert second.context == {}
    with pytest.raises(AttributeError):
        first.message = "frozen"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("message", "args"), [("%d heartbeats", ("x",)), ("100 %", (1,)), ("%s", (Unprintable(),)), (Unprintable(), ())]
)
def test_a_record_that_cannot_be_formatted_survives(
    events: list[Event], capsys: pytest.CaptureFixture[str], message: object, args: tuple[object, ...]
) -> None:
    handler = WebhookLogHandler(events.append)
    handler.handle(logging.LogRecord("app", logging.WARNING, __file__, 1, message, args, None))
    assert "do not fit" in events[0].message
    assert handler.failures == 0
    assert capsys.readouterr().err == ""


def test_own_records_and_records_of_the_delivery_are_left_out(events: list[Event]) -> None:
    handler = WebhookLogHandler(events.append)
    for name in ("statsbot_webhooks.delivery.worker", "discord.webhook.async_"):
        handler.handle(logging.LogRecord(name, logging.ERROR, __file__, 1, "no", (), None))
    token = suppressed.set(True)
    handler.handle(logging.LogRecord("app", logging.ERROR, __file__, 1, "no", (), None))
    suppressed.reset(token)
    assert events == []


def test_a_failing_submit_is_counted_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    def submit(_event: Event) -> None:
        raise RuntimeError("sEcReT")

    handler = WebhookLogHandler(submit)
    for _ in range(3):
        handler.handle(logging.LogRecord("app", logging.ERROR, __file__, 1, "sEcReT", (), None))
    assert handler.failures == 3
    printed = capsys.readouterr().err
    assert printed.count("could not be read") == 1
    assert "sEcReT" not in printed


@pytest.mark.parametrize(("raises", "lines"), [(True, 1), (False, 0)])
def test_whether_it_is_said_is_for_logging_to_decide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, raises: bool, lines: int
) -> None:
    def submit(_event: Event) -> None:
        raise RuntimeError

    monkeypatch.setattr(logging, "raiseExceptions", raises)
    handler = WebhookLogHandler(submit)
    handler.handle(logging.LogRecord("app", logging.ERROR, __file__, 1, "x", (), None))
    assert handler.failures == 1
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_an_exception_is_shipped_once_but_as_an_error_after_a_warning(events: list[Event], logger: logging.Logger) -> None:
    logger.addHandler(WebhookLogHandler(events.append))
    error = failure(KeyError("k"))
    logger.warning("retry", exc_info=error)
    logger.warning("retry", exc_info=error)
    logger.error("gave up", exc_info=error)
    logger.error("gave up again", exc_info=error)
    logger.warning("too late", exc_info=error)
    assert [(event.message, event.kind) for event in events] == [("retry", EventKind.LOG), ("gave up", EventKind.ERROR)]
    assert "KeyError: 'k'" in (finish(events[1]).traceback or "")


def test_without_stack_traces_the_type_stays(events: list[Event], logger: logging.Logger) -> None:
    logger.addHandler(WebhookLogHandler(events.append, include_stack_traces=False))
    logger.error("broken", exc_info=failure(KeyError("k")), stack_info=True)
    assert finish(events[0]).traceback is None
    assert events[0].context == {"exception": "KeyError: 'k'"}


def test_seen_holds_no_exception_and_does_not_hinder_pickling() -> None:
    seen = SeenExceptions()
    error = failure(ValueError("x"))
    references = sys.getrefcount(error)
    assert [seen.is_new(error), seen.is_new(error), SeenExceptions().is_new(error)] == [True, False, True]
    assert sys.getrefcount(error) == references
    assert str(pickle.loads(pickle.dumps(error))) == "x"  # noqa: S301 - our own bytes


def test_seen_lets_one_thread_through() -> None:
    seen, error, answers = SeenExceptions(), failure(ValueError("x")), []
    threads = [threading.Thread(target=lambda: answers.append(seen.is_new(error))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(True) == 1


async def test_named_loggers_have_their_own_level_and_get_it_back(events: list[Event], logger: logging.Logger) -> None:
    loggers = {"capture_test": LogLevel.INFO}
    hook = RootHook(WebhookLogHandler(events.append, loggers=loggers), loggers)
    logging.getLogger("capture_testing").setLevel(logging.INFO)
    hook.install()
    logger.getChild("db").info("child")
    logger.debug("too low")
    logging.getLogger("capture_testing").info("another tree")
    logging.getLogger("capture_testing").warning("root level")
    hook.uninstall()
    logging.getLogger("capture_testing").setLevel(logging.NOTSET)
    assert [event.message for event in events] == ["child", "root level"]
    assert logger.level == logging.NOTSET


async def test_a_logger_that_does_not_propagate_is_reached(events: list[Event], logger: logging.Logger) -> None:
    logger.propagate = False
    loggers = {"capture_test.db": LogLevel.INFO}
    hook = RootHook(WebhookLogHandler(events.append, loggers=loggers), loggers)
    hook.install()
    logger.getChild("db").info("shipped")
    hook.uninstall()
    assert [event.message for event in events] == ["shipped"]
    assert logger.handlers == []


async def test_the_root_level_is_lowered_only_when_asked(events: list[Event]) -> None:
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        for level, expected in ((LogLevel.WARNING, logging.ERROR), (LogLevel.INFO, logging.INFO)):
            hook = RootHook(WebhookLogHandler(events.append, level=level.number), {}, level)
            hook.install()
            assert root.level == expected
            hook.uninstall()
            assert root.level == logging.ERROR
    finally:
        root.setLevel(before)


async def test_a_host_that_clears_its_handlers_loses_nothing(events: list[Event]) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    hook = RootHook(WebhookLogHandler(events.append), {})
    hook.install()
    try:
        assert root.handlers == before
        root.handlers.clear()
        logging.getLogger("app").warning("at once")
    finally:
        hook.uninstall()
        root.handlers[:] = before
    logging.getLogger("app").warning("after us")
    assert [event.message for event in events] == ["at once"]


class Failing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            raise ValueError("a handler of the host fails")
        except ValueError:
            self.handleError(record)


async def test_what_logging_prints_of_a_failing_handler_is_the_same(
    events: list[Event], logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.addHandler(Failing())
    hook = RootHook(WebhookLogHandler(events.append), {})
    printed: list[str] = []
    for is_installed in (False, True):
        if is_installed:
            hook.install()
        logger.warning("x")
        printed.append(capsys.readouterr().err)
    hook.uninstall()
    assert "Call stack" in printed[0]
    assert printed[0] == printed[1]
    assert len(events) == 1


async def test_a_bot_without_handlers_keeps_its_stderr(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    root.handlers.clear()
    hooks = [RootHook(WebhookLogHandler(events.append), {}) for _ in range(2)]
    try:
        for hook in hooks:
            hook.install()
        logging.getLogger("app").warning("seen on the console")
        logging.getLogger("statsbot_webhooks.capture").warning("ours")
        printed = capsys.readouterr().err
        root.addHandler(logging.NullHandler())
        logging.getLogger("app").warning("handled by the host")
    finally:
        for hook in hooks:
            hook.uninstall()
        root.handlers[:] = before
    assert printed == "seen on the console\nours\n"
    assert capsys.readouterr().err == ""


class User:
    """Named as discord.py's class is."""

    id, name, display_name, global_name = 5, "anna", "Anna", None

    def __str__(self) -> str:
        return self.name


class Odd(User):
    @property
    def id(self) -> int:  # type: ignore[override]
        raise ValueError


def test_persons_are_found_among_arguments_and_fields(events: list[Event], logger: logging.Logger) -> None:
    logger.addHandler(WebhookLogHandler(events.append, names_persons=True))
    anna = Person(5, ("anna", "Anna"))
    logger.warning("hello %s", User())
    logger.warning("hello %(who)s", {"who": User()})
    logger.warning("hello", extra={"whom": [1, User()]})
    logger.warning("hello %s and %s", Odd(), "bob")
    assert [event.persons for event in events] == [(anna,), (anna,), (anna,), ()]
    assert events[3].message == "hello anna and bob"
    quiet: list[Event] = []
    logger.addHandler(WebhookLogHandler(quiet.append))
    logger.warning("hello %s", User())
    assert quiet[0].persons == ()
