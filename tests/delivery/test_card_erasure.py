"""A card that names a forgotten person goes, also one whose request is under way; what others did is shown all the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookManager
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import everything_stored, running_manager
from ..scenarios.test_error_cards import config, error

ANNA = 111111111111111111


def shown(sandbox: Sandbox) -> str:
    texts = [text for each in sandbox.messages("error") for text in (each.text, *(file.text for file in each.attachments))]
    return "\n".join(texts).replace("\\", "")


async def begin(manager: WebhookManager, sandbox: Sandbox) -> None:
    manager.submit(error(f"order <{ANNA}> failed"))
    await sandbox.wait_until(lambda: str(ANNA) in shown(sandbox))


@pytest.mark.parametrize(
    ("method", "count"),
    [
        # A file is added to the card's message.
        ("PATCH", 100),
        # The card gets a new message, because it becomes worse.
        ("POST", 1),
    ],
)
async def test_a_card_whose_request_is_under_way_goes_after_it(
    sandbox: Sandbox, urls: dict[str, Any], method: str, count: int
) -> None:
    async with running_manager(config(urls)) as manager:
        await begin(manager, sandbox)
        sandbox.fault("error", "slow", times=1, delay=1.0, methods=(method,))
        for number in range(count):
            level = LogLevel.CRITICAL if method == "POST" else LogLevel.ERROR
            manager.submit(replace(error(f"order <{number}> failed"), level=level))
        await sandbox.wait_until(lambda: sandbox._faults.by_name["error"].times == 0)
        await manager.forget(ANNA)
        assert str(ANNA) not in everything_stored()
        assert str(ANNA) not in repr(dict(manager.workers["error"].cards.items()))
        for number in range(count, count + 2):
            manager.submit(error(f"order <{number}> failed"))
        await manager.flush(20)
        stats = await manager.stats()
        assert (stats.balanced, stats.pending) == (True, 0)
        assert manager.workers["error"].last_error == ""
    assert [number for number in range(count + 2) if f"order <{number}> failed" not in shown(sandbox)] == []
    assert str(ANNA) not in shown(sandbox).partition(f"order <{count}>")[2]
    assert str(ANNA) not in everything_stored()


async def test_what_a_card_had_not_shown_yet_is_shown_without_the_person(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, card_edit_seconds=30)) as manager:
        await begin(manager, sandbox)
        manager.submit(error("order <7> failed"))
        await sandbox.wait_until(lambda: manager.workers["error"].has_stale_cards)
        await manager.forget(ANNA)
        await sandbox.wait_until(lambda: "order <7> failed" in shown(sandbox))
        await manager.flush(20)
        stats = await manager.stats()
        assert (stats.balanced, stats.pending) == (True, 0)
        assert str(ANNA) not in everything_stored()


async def test_a_worker_that_ends_keeps_no_one_waiting(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await begin(manager, sandbox)
        worker = manager.workers["error"]
        sandbox.fault("error", "slow", times=1, delay=2.0)
        manager.submit(error("another kind", line=9))
        await sandbox.wait_until(lambda: sandbox._faults.by_name["error"].times == 0)
        asked = asyncio.create_task(manager.forget(ANNA))
        await manager.reconfigure(replace(config(urls), error_webhook_url=urls["info_webhook_url"]))
        await asked
        assert str(ANNA) not in repr(dict(worker.cards.items()))
        assert str(ANNA) not in everything_stored()
