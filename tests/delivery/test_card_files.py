"""Texts of an error that its card cannot keep: they are in files of the one message, through edits, restarts and failures."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks import LogLevel, WebhookManager
from statsbot_webhooks.delivery import card_files
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..scenarios.test_error_cards import config, counts, error


async def flood(manager: WebhookManager, sandbox: Sandbox, first: int, last: int) -> None:
    """Let errors with different texts come; the very first is shown before the others."""
    for number in range(first, last):
        manager.submit(error(f"order <{number}> failed"))
        if number == 0:
            await sandbox.wait_until(lambda: sandbox.messages("error"))
    await manager.flush(20)


def missing(sandbox: Sandbox, last: int) -> list[int]:
    shown = "".join(file.text for message in sandbox.messages("error") for file in message.attachments)
    return [number for number in range(last) if f"ValueError: order <{number}> failed" not in shown]


async def stored_size(manager: WebhookManager) -> int:
    return len(json.dumps(await manager._intake.run(manager._outbox.read_state, "card/")))  # noqa: SLF001


async def test_a_flood_of_texts_is_one_message_with_all_of_them(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small files, so that several are needed.
    monkeypatch.setattr(card_files, "_GROWING_BYTES", 100_000)
    async with running_manager(config(urls)) as manager:
        for part in range(3):
            await flood(manager, sandbox, part * 330, part * 330 + 330)
        assert await stored_size(manager) < 50_000
        await flood(manager, sandbox, 990, 1000)
        stats = await manager.stats()
    (message,) = sandbox.messages("error")
    names = [file.filename for file in message.attachments]
    assert names == ["events.txt", *(f"events-{number}.txt" for number in range(2, len(names) + 1))]
    assert len(names) >= 3
    assert missing(sandbox, 1000) == []
    assert counts(sandbox) == [1000]
    assert "older texts of this error: in the attached files" in message.text
    assert (stats.delivered + stats.folded, stats.lost, stats.pending, stats.balanced) == (1000, 0, 0, True)


async def test_a_message_that_takes_no_more_files_is_followed_by_another(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_files, "_MOST_BYTES", 60_000)
    async with running_manager(config(urls)) as manager:
        for part in range(3):
            await flood(manager, sandbox, part * 200, part * 200 + 200)
        assert (await manager.stats()).balanced
    messages = sandbox.messages("error")
    assert 2 <= len(messages) <= 4
    assert missing(sandbox, 600) == []
    assert counts(sandbox)[-1] == 600
    assert "older texts of this error: see the messages before" in messages[-1].text


async def test_a_restart_goes_on_with_the_files_of_the_message(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await flood(manager, sandbox, 0, 100)
    async with running_manager(config(urls)) as manager:
        await flood(manager, sandbox, 100, 200)
        await flood(manager, sandbox, 200, 210)
    assert len(sandbox.messages("error")) == 1
    assert missing(sandbox, 210) == []
    assert counts(sandbox) == [210]


async def test_files_of_a_deleted_message_are_counted_as_such(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await flood(manager, sandbox, 0, 100)
        path = urls["error_webhook_url"].removeprefix("https://discord.com")
        async with aiohttp.ClientSession() as session:
            await session.delete(f"{sandbox.base_url}{path}/messages/{sandbox.messages('error')[0].id}")
        assert not sandbox.messages("error")
        await flood(manager, sandbox, 100, 200)
        stats = await manager.stats()
    text = "".join(message.text for message in sandbox.messages("error"))
    assert "100 older texts of this error: in an earlier message, if it was not deleted" in text
    assert set(missing(sandbox, 200)) <= set(range(100))
    assert counts(sandbox)[-1] == 200
    assert (stats.pending, stats.balanced) == (0, True)


@pytest.mark.parametrize(
    ("kind", "messages"), [("503", 1), ("saved_500", 1), ("400", 2), ("413", 2), ("old_edits", 2), ("announcement_edits", 2)]
)
async def test_an_edit_that_fails_keeps_the_texts(sandbox: Sandbox, urls: dict[str, Any], kind: str, messages: int) -> None:
    async with running_manager(replace(config(urls), breaker_cooldown_seconds=0.2)) as manager:
        await flood(manager, sandbox, 0, 60)
        sandbox.fault("error", kind, times=1, methods=("PATCH",))
        await flood(manager, sandbox, 60, 200)
        stats = await manager.stats()
    shown = sandbox.messages("error")
    assert len(shown) == messages
    assert "deleted" not in shown[-1].text
    files = [file for message in shown for file in message.attachments]
    # No file of an edit whose answer was lost is left beside that of the next. The newest text may be in the message alone.
    text = "".join(file.text for file in files)
    assert max(text.count(f"ValueError: order <{number}> failed") for number in range(60, 200)) == 1
    assert missing(sandbox, 200) == []
    assert counts(sandbox)[-1] == 200
    assert (stats.delivered + stats.folded, stats.lost, stats.pending, stats.balanced) == (200, 0, 0, True)


async def test_a_webhook_deleted_within_a_flood_leaves_the_rest_to_another(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(replace(config(urls), info_webhook_url=urls["info_webhook_url"])) as manager:
        await flood(manager, sandbox, 0, 60)
        sandbox.fault("error", "404")
        await flood(manager, sandbox, 60, 200)
        # A webhook that is gone is not waited for; the one that takes over is.
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        await manager.flush(20)
        stats = await manager.stats()
    shown = "".join(file.text for name in ("error", "info") for each in sandbox.messages(name) for file in each.attachments)
    assert [number for number in range(200) if f"ValueError: order <{number}> failed" not in shown] == []
    assert (stats.lost, stats.pending, stats.balanced) == (0, 0, True)


async def test_a_flood_in_plain_text_is_one_message_too(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(replace(config(urls), use_embeds=False)) as manager:
        await flood(manager, sandbox, 0, 150)
        await flood(manager, sandbox, 150, 300)
    assert len(sandbox.messages("error")) == 1
    assert missing(sandbox, 300) == []


async def test_many_texts_of_many_errors_are_a_summary_and_no_lines(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        # How many have come when the first message leaves depends on the machine.
        await manager.stats()
        manager.workers["error"].is_enabled = False
        for number in range(1200):
            manager.submit(error(f"order <{number}> failed", line=number % 20))
        await manager._intake.settle()
        manager.workers["error"].is_enabled = True
        await manager.flush(20)
        stats = await manager.stats()
    assert len(sandbox.messages("error")) <= 4
    assert missing(sandbox, 1200) == []
    assert (stats.lost, stats.pending, stats.balanced) == (0, 0, True)


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_an_edit_after_one_whose_answer_was_lost_keeps_the_texts(
    sandbox: Sandbox, urls: dict[str, Any], is_restarted: bool
) -> None:
    """The one exchanged the last file, and its events went to another destination; the next knows only the file of before."""
    settings = replace(config(urls), info_webhook_url=urls["info_webhook_url"], breaker_cooldown_seconds=0.2)
    manager = WebhookManager(settings)
    await manager.start()
    await flood(manager, sandbox, 0, 200)
    sandbox.fault("error", "saved_500", methods=("PATCH",), times=1)
    for number in range(200, 300):
        manager.submit(error(f"order <{number}> failed"))
    await sandbox.wait_until(lambda: any(request.status == 500 for request in sandbox.requests))
    sandbox.fault("error", "404_bare")
    await sandbox.wait_until(lambda: manager.workers["error"].state.value == "gone", 60)
    await sandbox.wait_until(lambda: sandbox.messages("info"), 60)
    await manager.flush(20)
    sandbox.heal("error")
    if is_restarted:
        await manager.stop()
        manager = WebhookManager(settings)
        await manager.start()
    await sandbox.wait_until(lambda: manager.workers["error"].state.value == "working", 600)
    await flood(manager, sandbox, 300, 310)
    stats = await manager.stats()
    await manager.stop()
    messages = [each for name in ("error", "info") for each in sandbox.messages(name)]
    shown = "".join(text for each in messages for text in (each.text, *(file.text for file in each.attachments)))
    assert [number for number in range(310) if f"order <{number}> failed" not in shown.replace("\\", "")] == []
    assert (stats.lost, stats.pending, stats.balanced) == (0, 0, True)


async def test_an_end_while_a_file_is_exchanged_keeps_the_texts(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """Discord has exchanged the file, and the process ends before it knows; the next one knows only the file of before."""
    manager = WebhookManager(config(urls))
    await manager.start()
    await flood(manager, sandbox, 0, 200)
    sandbox.fault("error", "saved_no_answer", methods=("PATCH",), times=1)
    for number in range(200, 300):
        manager.submit(error(f"order <{number}> failed"))
    await sandbox.wait_until(
        lambda: "order <299> failed" in "".join(f.text for m in sandbox.messages("error") for f in m.attachments)
    )
    # This one carries the note that events are from before the restart; the others are added to a file as before.
    manager.submit(Event(EventKind.LOG, LogLevel.CRITICAL, "first of all", time.time(), "x"))
    await manager.stop(0)
    async with running_manager(config(urls)) as manager:
        await flood(manager, sandbox, 300, 400)
        stats = await manager.stats()
    assert missing(sandbox, 400) == []
    assert (stats.lost, stats.pending, stats.balanced) == (0, 0, True)
