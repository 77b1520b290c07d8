"""Occurrences of an error: one card that counts, also when other things happen in between."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..delivery.test_live_cards import ShiftedClock
from .test_crash import _COMMON, start

TRACE = 'Traceback (most recent call last):\n  File "bot.py", line {line}, in play\n    go({line})\nValueError: {text}\n'


def error(text: str = "no song", line: int = 7, at: float | None = None, **context: str) -> Event:
    trace = TRACE.format(line=line, text=text)
    return Event(EventKind.ERROR, LogLevel.ERROR, text, at or time.time(), "play", context, trace)


def config(urls: dict[str, Any], **settings: Any) -> WebhookConfig:
    return WebhookConfig(error_webhook_url=urls["error_webhook_url"], **{"card_edit_seconds": 0.3, **settings})


def counts(sandbox: Sandbox) -> list[int]:
    """The count of each card; a message without one shows an error once."""
    return [int(found[1]) if (found := re.search(r"`×(\d+)`", m.text)) else 1 for m in sandbox.messages("error")]


async def test_repeats_are_counted_in_one_card(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        for number in range(300):
            manager.submit(error(guild=f"Guild {number % 2}", command="play" if number % 3 else "skip"))
        await manager.flush(20)
        stats = await manager.stats()
    assert counts(sandbox) == [300]
    text = sandbox.messages("error")[0].text
    assert "Guild 0 ×150, Guild 1 ×150" in text
    assert re.search("[▁▂▃▄▅▆▇█]", text)
    assert stats.balanced
    assert (stats.delivered, stats.folded, stats.pending) == (1, 299, 0)
    assert all(not message.pinged for message in sandbox.messages("error"))


async def test_the_edits_of_a_card_keep_the_id_of_its_batch(sandbox: Sandbox, urls: dict[str, Any], tmp_path: Path) -> None:
    def footer() -> str:
        return str(sandbox.messages("error")[-1].embeds[0]["footer"]["text"])

    footers = list[str]()
    for number in (1, 2, 3):
        # Each edit comes after a restart.
        async with running_manager(config(urls, storage=f"sqlite:///{tmp_path}/events.sqlite3")) as manager:
            manager.submit(error())
            await sandbox.wait_until(lambda number=number: counts(sandbox) == [number])
        footers.append(footer())
    assert re.search(r" · #\w+$", footers[0])
    assert footers == footers[:1] * 3


async def test_a_different_error_does_not_wait_for_the_edits_of_another(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls, card_edit_seconds=600)) as manager:
        for _ in range(200):
            manager.submit(error())
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        manager.submit(error(line=8, text="another"))
        await sandbox.wait_until(lambda: len(sandbox.messages("error")) == 2)
        assert not any(request.method == "PATCH" for request in sandbox.requests)
        await manager.stop()
    assert counts(sandbox) == [200, 1]


async def test_different_texts_of_an_error_are_all_there(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        manager.submit(error("song 0 is gone"))
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        for number in range(1, 30):
            manager.submit(error(f"song {number} is gone"))
        await manager.flush(20)
    message = sandbox.messages("error")[0]
    shown = message.text + "".join(file.text for file in message.attachments)
    assert counts(sandbox) == [30]
    assert all(f"song {number} is gone" in shown for number in range(30))


async def test_each_exception_that_is_logged_with_one_text_can_be_read(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """With its own traceback, on the card or in its file."""
    async with running_manager(config(urls)) as manager:
        for number in range(20):
            event = error(f"no order {number:02d}")
            manager.submit(replace(event, message="lookup failed"))
            if number == 0:
                await sandbox.wait_until(lambda: sandbox.messages("error"))
        await manager.flush(20)
    (message,) = sandbox.messages("error")
    assert counts(sandbox) == [20]
    whole = message.attachments[0].text
    assert [whole.count(f"ValueError: no order {number:02d}") for number in range(20)] == [1] * 20


async def test_texts_that_a_card_cannot_keep_are_in_files_of_its_message(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        manager.submit(error("text 0."))
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        for number in range(1, 130):
            manager.submit(error(f"text {number}."))
        await manager.flush(20)
        manager.submit(error("text 130."))
        await manager.flush(20)
        assert (await manager.stats()).balanced
    messages = sandbox.messages("error")
    shown = "".join(message.text + "".join(file.text for file in message.attachments) for message in messages)
    assert all(f"text {number}." in shown for number in range(131))
    assert len(messages) == 1
    assert counts(sandbox)[-1] == 131
    assert re.search(r"\d+ older texts of this error: in the attached files", messages[-1].text)


async def test_many_different_errors_share_a_message_and_go_on_counting(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    manager = WebhookManager(config(urls))
    for line in range(8):
        manager.submit(error(f"text {line}.", line=line))
        manager.submit(error(f"text {line}.", line=line))
    await manager.start()
    await manager.flush(20)
    assert len(sandbox.messages("error")) <= 2
    manager.submit(error("text 5.", line=5))
    await manager.flush(20)
    last = sandbox.messages("error")[-1]
    await manager.stop()
    assert "text 5." in last.text
    assert "×3" in last.text


@pytest.mark.parametrize(("shift", "note"), [(55 * 60, ""), (2 * 3600 + 300, "Back after 2 h 5 min of silence; 3 times before")])
async def test_when_a_new_card_begins(sandbox: Sandbox, urls: dict[str, Any], shift: int, note: str) -> None:
    clock = ShiftedClock()
    manager = WebhookManager(config(urls), clock=clock)
    await manager.start()
    for _ in range(3):
        manager.submit(error())
    await manager.flush(10)
    clock.shift = shift
    manager.submit(error(at=clock.now()))
    await manager.flush(10)
    manager.submit(error(at=clock.now()))
    await manager.flush(10)
    await manager.stop()
    # After 50 minutes the count goes on; after an hour of silence it begins again.
    assert counts(sandbox) == ([3, 2] if note else [3, 5])
    assert note in sandbox.messages("error")[1].content


async def test_another_version_of_the_bot_gets_a_new_card(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    for version in ("1.0", "1.0", "1.1"):
        async with running_manager(config(urls, bot_version=version)) as manager:
            manager.submit(error())
            await manager.flush(10)
    assert counts(sandbox) == [2, 1]
    assert "Again in version 1.1; 2 times in 1.0" in sandbox.messages("error")[1].content


async def test_a_test_message_is_never_folded_into_an_old_one(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    for _ in range(2):
        async with running_manager(config(urls)) as manager:
            assert (await manager.admin.send_test("error", 10)).outcome.value == "delivered"
    assert len(sandbox.messages("error")) == 2


_RAISE = (
    _COMMON
    + """
def fail():
    raise ValueError("no song")
async def main():
    manager = setup_webhook_logging()
    await manager.start()
    for number in range(60):
        try:
            fail()
        except ValueError as error:
            await manager.send_error(error)
        await asyncio.sleep(0.003)
    await manager._intake.settle()
    print("said", flush=True)
    await asyncio.sleep(60)
with redirect(sys.argv[1]):
    asyncio.run(main())
"""
)


@pytest.mark.slow
async def test_a_crash_loses_no_count(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.3")
    for _ in range(3):
        process = await start(sandbox, _RAISE, 0)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"said\n"
        process.kill()
        await process.wait()
    process = await start(sandbox, _RAISE, 0)
    await sandbox.wait_until(lambda: max(counts(sandbox), default=0) == 240, 60)
    process.kill()
    await process.wait()
    # A kill between Discord's answer and ours may leave a card twice, which its batch id tells.
    assert len(sandbox.messages("error")) <= 2
