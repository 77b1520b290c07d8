"""A stored value with another type or an impossible number in any of its places costs itself only."""

from __future__ import annotations

import json
import math
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.pipeline.mutes import Mute, MuteKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES, running_manager

FILE, KEPT = Path("statsbot_webhooks.sqlite3"), Path("kept.sqlite3")
ODD: tuple[Any, ...] = (None, "text", -(10**15), 10**400, math.nan, [], {"a": 1}, True, 1e308, "\ud800")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def put(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    value[path[0]] = put(value[path[0]], path[1:], odd)
    return value


def damage(odd: Any, rng: random.Random) -> None:
    """Put an odd value into one place of each stored value."""
    with sqlite3.connect(FILE) as db:
        for key, text in db.execute("SELECT key, value FROM state").fetchall():
            value = json.loads(text)
            new = put(value, rng.choice(list(places(value))), odd)
            db.execute("UPDATE state SET value = ? WHERE key = ?", (json.dumps(new), key))
    db.close()


def settings(urls: dict[str, Any]) -> WebhookConfig:
    return WebhookConfig(**urls, batch_timeout_seconds=0, remind_minutes="1", ping_role_id=1)


async def leave_state(urls: dict[str, Any]) -> None:
    async with running_manager(settings(urls)) as manager:
        for _ in range(2):
            await manager.send_log(LogLevel.CRITICAL, "an error that has a card")
            await manager.flush(10)
        now = time.time()
        for kind, target in ((MuteKind.LOGGER, "shop"), (MuteKind.DESTINATION, "member_events")):
            await manager.admin.mute(Mute(kind, target, now + 3600, now))
        await manager.admin.toggle("performance", False)
        await manager.admin.set_level("info", LogLevel.DEBUG)
        for issue in await manager.admin.list_issues():
            await manager.admin.decide(issue.fingerprint, IssueState.ACKNOWLEDGED, "an admin")
    with sqlite3.connect(FILE) as db:
        cards = db.execute("SELECT key, value FROM state WHERE key GLOB 'card/*'").fetchall()
        reminder = {"since": now - 30, "told": now - 30, "step": 0, "message_id": 5, "thread_id": 0}
        more = {f"reminder/{key.removeprefix('card/')}": json.dumps(reminder) for key, _ in cards}
        more |= {f"left/{key.removeprefix('card/')}": value for key, value in cards}
        db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", more.items())
    db.close()
    shutil.move(FILE, KEPT)


@pytest.mark.slow
async def test_a_stored_value_with_something_odd_in_it_costs_itself_only() -> None:
    # Each life knows nothing of the requests of the one before.
    async with Sandbox(limits=False) as sandbox:
        with sandbox.redirect():
            urls = {f"{name}_webhook_url": sandbox.webhook_url(name) for name in NAMES}
            await leave_state(urls)
            rng = random.Random(8)
            for life, odd in enumerate(ODD):
                shutil.copy(KEPT, FILE)
                damage(odd, rng)
                await live(sandbox, urls, f"what life {life} has to say")


async def live(sandbox: Sandbox, urls: dict[str, Any], text: str) -> None:
    async with running_manager(settings(urls)) as manager:
        await manager.send_log(LogLevel.CRITICAL, "an error that has a card")
        await manager.send_log(LogLevel.CRITICAL, text)
        await sandbox.wait_for_message("error", text)
        await manager._intake.run(manager._pipeline._begin_house_keeping)
        await manager.flush(10)
        assert {name: worker.last_error for name, worker in manager.workers.items() if worker.last_error} == {}, text
        assert (manager._intake.failures, (await manager.stats()).balanced) == (0, True), text
