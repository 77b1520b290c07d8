"""The thread that owns the storage: it takes as much as it may, and outlives every event and call that fails."""

from __future__ import annotations

import asyncio
import linecache
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.errors import NotRunningError
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.pipeline import at_exit
from statsbot_webhooks.pipeline.incoming_events import IncomingEvents, pieces_of
from statsbot_webhooks.redaction import scanner

URL = "https://discord.com/api/webhooks/123456789012345678/" + "x" * 68


def event(text: str, **parts: Any) -> Event:
    return Event(EventKind.LOG, LogLevel.INFO, text, 5.0, **parts)


@pytest.fixture
async def manager() -> AsyncIterator[WebhookManager]:
    """A manager that accepts and does not deliver."""
    manager = WebhookManager(WebhookConfig(info_webhook_url=URL))
    manager._intake.start()
    await manager._intake.settle()
    yield manager
    await manager._intake.stop(asyncio.get_running_loop().time() + 5)


async def stored(manager: WebhookManager) -> list[str]:
    await manager._intake.settle()
    entries = await manager._intake.run(manager._outbox.claim, "info", 1000)
    return [entry.event.message for entry in entries]


async def test_events_are_stored_while_the_patterns_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed in its first moments loses what is not stored."""
    may_go_on = threading.Event()
    monkeypatch.setattr(scanner, "LARGE_PATTERNS", (lambda: may_go_on.wait(10),))
    manager = WebhookManager(WebhookConfig(info_webhook_url=URL))
    manager.submit(event("before"))
    manager._intake.start()
    manager.submit(event("meanwhile"))
    found = await stored(manager)
    assert not may_go_on.is_set()
    may_go_on.set()
    await manager._intake.stop(asyncio.get_running_loop().time() + 5)
    assert found == ["before", "meanwhile"]


def test_exactly_as_many_events_as_the_limit_are_accepted() -> None:
    incoming = IncomingEvents(3, 1)
    assert [incoming.add(event("x"), 0) for _ in range(5)] == [True, True, True, False, False]
    assert (len(incoming), incoming.take_refusals(), incoming.take_refusals()) == (3, 2, 0)
    assert len(incoming.take(10)) == 3
    assert incoming.add(event("x"), 0)


@pytest.mark.parametrize("where", ["message", "traceback", "context"])
def test_what_waits_to_be_filed_is_bounded_by_its_size(where: str) -> None:
    incoming = IncomingEvents(1000, 1)
    text = "x" * 100_000
    large = event("m", context={"a": text}) if where == "context" else event("m", traceback=text)
    large = event(text) if where == "message" else large
    accepted = [incoming.add(large, pieces_of(large)) for _ in range(20)]
    assert 8 <= accepted.count(True) <= 11
    assert incoming.add(event("small"), 0)
    incoming.take(1000)
    assert incoming.add(large, pieces_of(large))


async def test_what_cannot_be_filed_is_counted_as_refused_and_the_next_arrives(
    manager: WebhookManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    redact = manager._intake.redactor.redact

    def fail(each: Event) -> Event:
        if each.message == "secret":
            raise RuntimeError("no redaction")
        return redact(each)

    monkeypatch.setattr(manager._intake.redactor, "redact", fail)
    for each in (event("one"), "no event", event("secret"), None, event("two")):
        manager.submit(each)  # type: ignore[arg-type]
    assert await stored(manager) == ["one", "two"]
    stats = await manager._intake.run(manager._pipeline.snapshot)
    assert (stats.refused, stats.accepted, stats.balanced) == (3, 5, True)
    assert "no redaction" not in caplog.text


async def test_one_event_that_cannot_be_stored_costs_itself(manager: WebhookManager, monkeypatch: pytest.MonkeyPatch) -> None:
    put = manager._outbox.put

    def fail(items: Any) -> None:
        found = list(items)
        if any(each.message == "bad" for _, each in found):
            raise RuntimeError
        put(found)

    monkeypatch.setattr(manager._outbox, "put", fail)
    for text in ("one", "bad", "two"):
        manager.submit(event(text))
    assert sorted(await stored(manager)) == ["one", "two"]
    stats = await manager._intake.run(manager._pipeline.snapshot)
    assert (stats.refused, stats.balanced) == (1, True)


async def test_a_call_that_fails_costs_itself(manager: WebhookManager) -> None:
    def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await manager._intake.run(fail)
    manager._intake.post(fail)
    manager.submit(event("after"))
    assert await stored(manager) == ["after"]
    assert (manager._intake.failures, manager._intake.find_problem()) == (1, "")


async def test_calls_into_a_thread_that_has_ended_fail_at_once_and_health_says_so(
    manager: WebhookManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def end() -> None:
        raise SystemExit

    async with asyncio.timeout(60):
        with pytest.raises(NotRunningError):
            await manager._intake.run(end)
        thread = manager._intake._thread
        assert thread is not None
        await asyncio.to_thread(thread.join)
        with pytest.raises(NotRunningError):
            await manager._intake.run(int)
        assert "has ended" in manager.host.find_delivery_problem()
        manager.submit(event("meanwhile"))
        manager._intake.start()
        assert await stored(manager) == ["meanwhile"]
    assert manager._intake.find_problem() == ""


async def test_records_with_odd_values_are_stored(manager: WebhookManager) -> None:
    from statsbot_webhooks import WebhookLogHandler

    handler = WebhookLogHandler(manager.submit, level=logging.INFO)
    for created in (datetime.now(), None, float("nan"), "2026-01-01T00:00:00"):
        handler.handle(logging.makeLogRecord({"msg": "odd", "levelno": 20, "name": "host", "created": created}))
    for values in ({"name": None}, {"levelno": "high"}, {"exc_info": True}, {"msg": None}, {"args": 5}):
        handler.handle(logging.makeLogRecord({"msg": "odd", "levelno": 20, "name": "host", **values}))
    handler.handle(logging.makeLogRecord({"msg": "after", "levelno": 20, "name": "host"}))
    await manager._intake.settle()
    stats = await manager._intake.run(manager._pipeline.snapshot)
    assert (stats.accepted + stats.filtered, stats.refused) == (10, 0)
    assert "after" in await stored(manager)


def _with_a_number_that_cannot_be_printed(_monkeypatch: pytest.MonkeyPatch) -> None:
    raise SyntaxError("odd", ("file", 10**5000, 1, "text"))


def _from_a_loader_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise KeyError("no such module")

    names: dict[str, Any] = {}
    exec(compile("def f():\n    raise LookupError('odd')", "made-up.py", "exec"), names)  # noqa: S102
    monkeypatch.setitem(linecache.cache, "made-up.py", (fail,))  # type: ignore[arg-type] - one that is asked later
    names["f"]()


def _with_a_path_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, None, b"bytes", ["list"]])
    raise LookupError("odd")


def _of_a_class_without_a_name(_monkeypatch: pytest.MonkeyPatch) -> None:
    class Nameless(type):
        @property
        def __qualname__(cls) -> str:  # type: ignore[override]
            raise RuntimeError("no name")

    class OddError(Exception, metaclass=Nameless):
        pass

    raise OddError("odd")


@pytest.mark.parametrize(
    "failing",
    [_with_a_number_that_cannot_be_printed, _from_a_loader_that_fails, _with_a_path_that_is_none, _of_a_class_without_a_name],
)
async def test_an_exception_that_cannot_be_printed_costs_its_traceback_only(
    manager: WebhookManager, monkeypatch: pytest.MonkeyPatch, failing: Callable[[pytest.MonkeyPatch], None]
) -> None:
    from statsbot_webhooks import WebhookLogHandler

    try:
        failing(monkeypatch)
    except Exception as error:  # noqa: BLE001 - any of them
        record = logging.makeLogRecord({"msg": "failed", "levelno": 40, "name": "host"})
        record.exc_info = (type(error), error, error.__traceback__)
        WebhookLogHandler(manager.submit).handle(record)
    await manager._intake.settle()
    entries = await manager._intake.run(manager._outbox.claim, "info", 10)
    assert [entry.event.message for entry in entries] == ["failed"]
    assert failing.__name__ in (entries[0].event.traceback or "")


async def test_records_and_events_are_stored_in_the_order_in_which_they_came(manager: WebhookManager) -> None:
    from statsbot_webhooks import WebhookLogHandler

    handler, told = WebhookLogHandler(manager.submit), ["fish", "is", "sold"]
    for number, word in enumerate(told):
        manager.submit(event(f"event {number}"))
        handler.handle(logging.LogRecord("host", logging.WARNING, __file__, 1, "%s %d", (word, number), None))
        handler.handle(logging.makeLogRecord({"msg": f"more {number}", "levelno": 30, "name": "host", "shard": 3}))
    expected = [text for number, word in enumerate(told) for text in (f"event {number}", f"{word} {number}", f"more {number}")]
    assert await stored(manager) == expected


@pytest.mark.parametrize("odd", [(), (1, 2), (1, [], 3, 4, 5, 6), ("a",) * 6, None, 5])
async def test_what_is_no_event_costs_itself_only(manager: WebhookManager, odd: Any) -> None:
    for what in (event("before"), odd, event("after")):
        assert manager.submit(what)
    found = await stored(manager)
    assert (found[0], found[-1]) == ("before", "after")
    stats = await manager._intake.run(manager._pipeline.snapshot)
    assert len(found) + stats.refused == 3


def test_what_waits_and_was_never_started_is_kept_however_often_it_is_asked_for(
    manager: WebhookManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    monkeypatch.setattr(at_exit, "keep", kept.append)
    intake = WebhookManager(manager.config)._intake
    for _ in range(2):
        intake.submit(event("x"))
        intake.submit(event("y"))
        assert len(intake.take_unstored()) == 2
    assert kept == [intake, intake]
