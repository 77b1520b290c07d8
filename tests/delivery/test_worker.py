"""A worker goes on after what nothing foresaw: an error in the middle of a turn, and another in what follows it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage import SqliteOutbox

from ..conftest import running_manager


async def test_what_a_failed_turn_has_claimed_is_given_back_though_that_fails_too(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        await sandbox.wait_until(lambda: any(r.webhook == "info" and r.method == "GET" for r in sandbox.requests))
        outbox, failed = manager._pipeline.outbox, {"ack": 0, "release": 0}
        ack, release = outbox.ack, outbox.release

        def fail(name: str, call: Any, times: int) -> Any:
            def failing(*args: Any, **options: Any) -> Any:
                failed[name] += 1
                if failed[name] <= times:
                    raise OSError("no room for a moment")
                return call(*args, **options)

            return failing

        monkeypatch.setattr(outbox, "ack", fail("ack", ack, 1))
        monkeypatch.setattr(outbox, "release", fail("release", release, 3))
        await manager.send_log(LogLevel.INFO, "claimed")
        await manager.flush(30)
        stats = await manager.stats()
    assert failed["release"] > 3
    assert (stats.pending, stats.balanced, stats.delivered) == (0, True, 1)


async def test_what_a_process_before_left_leaves_at_once_however_long_a_batch_may_wait(
    sandbox: Sandbox, urls: dict[str, Any]
) -> None:
    outbox = SqliteOutbox(Path("statsbot_webhooks.sqlite3"), 100, lambda _: None)
    outbox.open()
    outbox.put([("info", Event(EventKind.LOG, LogLevel.INFO, "the last words", time.time()))])
    outbox.close()
    async with running_manager(WebhookConfig(**urls, batch_size=50, batch_timeout_seconds=3600)):
        await sandbox.wait_until(lambda: any("the last words" in message.text for message in sandbox.messages("info")), 20)


async def test_cards_are_known_after_a_start_whose_storage_failed_at_first(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def error() -> Event:
        return Event(EventKind.LOG, LogLevel.ERROR, "the shop is closed", time.time())

    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        manager.submit(error())
        await manager.flush(20)
    read, failed = SqliteOutbox.read_state, 0

    def read_state(outbox: SqliteOutbox, prefix: str) -> dict[str, Any]:
        nonlocal failed
        if prefix.startswith("card/error") and failed < 2:
            failed += 1
            raise OSError("no answer for a moment")
        return read(outbox, prefix)

    monkeypatch.setattr(SqliteOutbox, "read_state", read_state)
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        manager.submit(error())
        await manager.flush(20)
    assert failed == 2
    (message,) = sandbox.messages("error")
    assert "2" in message.text
