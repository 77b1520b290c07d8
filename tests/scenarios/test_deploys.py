"""Errors over deploys: two versions of a bot on one storage, keys of version 0.1, and floods of texts with values in them."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig, WebhookLogHandler, WebhookManager
from statsbot_webhooks.events.event import encode
from statsbot_webhooks.events.factory import error_event
from statsbot_webhooks.events.folding import fold_of, to_state
from statsbot_webhooks.issues.fingerprint import fingerprint, finish
from statsbot_webhooks.issues.old_fingerprint import old_fingerprint
from statsbot_webhooks.pipeline.mutes import Mute, MuteKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from .test_error_cards import config, counts

SOURCE = "def load(key):\n    return {}[key]\n"


def crash(folder: Path, source: str = SOURCE) -> Exception:
    """Raise the error of a bot that was deployed into a folder."""
    folder.mkdir(exist_ok=True)
    path = folder / "shop.py"
    path.write_text(source)
    scope: dict[str, Any] = {}
    exec(compile(source, str(path), "exec"), scope)  # noqa: S102 - as an import does
    try:
        scope["load"]("x")
    except KeyError as error:
        return error
    raise AssertionError


async def submit(manager: WebhookManager, error: Exception, times: int = 1) -> None:
    for _ in range(times):
        manager.submit(error_event(error, now=time.time()))
    await manager.flush(20)


async def test_a_known_error_of_another_version_is_said_to_be_known(
    sandbox: Sandbox, urls: dict[str, Any], tmp_path: Path
) -> None:
    async with running_manager(config(urls, bot_version="1.0")) as manager:
        await submit(manager, crash(tmp_path / "v1"), 43)
    async with running_manager(config(urls, bot_version="1.1")) as manager:
        await submit(manager, crash(tmp_path / "v2", "import os\n\n" + SOURCE), 2)
    assert counts(sandbox) == [43, 2]
    assert "Again in version 1.1; 43 times in 1.0" in sandbox.messages("error")[1].content


async def test_without_versions_a_known_error_goes_on_in_its_card(sandbox: Sandbox, urls: dict[str, Any], tmp_path: Path) -> None:
    async with running_manager(config(urls)) as manager:
        await submit(manager, crash(tmp_path / "v1"), 43)
    async with running_manager(config(urls)) as manager:
        await submit(manager, crash(tmp_path / "v2", "import os\n\n" + SOURCE))
    assert counts(sandbox) == [44]


async def test_a_mute_holds_over_a_deploy(sandbox: Sandbox, urls: dict[str, Any], tmp_path: Path) -> None:
    now = time.time()
    first = crash(tmp_path / "v1")
    async with running_manager(config(urls)) as manager:
        target = fingerprint(finish(error_event(first, now=now)))
        await manager.admin.mute(Mute(MuteKind.FINGERPRINT, target, now + 600, now))
        await submit(manager, first)
    async with running_manager(config(urls)) as manager:
        await submit(manager, crash(tmp_path / "v2", "import os\n" + SOURCE))
        stats = await manager.stats()
        assert (stats.muted, stats.balanced) == (1, True)
    assert sandbox.messages("error") == []


async def test_cards_and_mutes_of_0_1_still_match(sandbox: Sandbox, urls: dict[str, Any], tmp_path: Path) -> None:
    now = time.time()
    shown, muted = crash(tmp_path / "a"), crash(tmp_path / "b", "def load(key):\n    raise KeyError(key)\n")
    async with running_manager(config(urls)) as manager:
        await submit(manager, shown)
        (message,) = sandbox.messages("error")
        # As 0.1 stored them: under the hash of the whole traceback, and without a fingerprint in the event.
        state = await manager._intake.run(manager._outbox.read_state, "card/")
        ((key, card),) = state.items()
        event = finish(error_event(shown, now=now))
        old = f"card/error/error-{old_fingerprint(event)}"
        fold = {**to_state(fold_of(event)), "event": encode(event).replace(f'"fingerprint":"{event.fingerprint}"', "")}
        mute = Mute(MuteKind.FINGERPRINT, old_fingerprint(finish(error_event(muted, now=now))), now + 600, now)
        await manager.admin.mute(mute)
        await manager._intake.run(manager._outbox.write_state, {key: None, old: {**card, "fold": fold}})
    assert message
    async with running_manager(config(urls)) as manager:
        await submit(manager, shown)
        await submit(manager, muted)
        assert (await manager.stats()).muted == 1
        keys = list(await manager._intake.run(manager._outbox.read_state, "card/"))
    assert counts(sandbox) == [2]
    assert keys == [key]


async def test_sixty_texts_with_values_in_them_are_two_cards_at_most(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(error_webhook_url=urls["error_webhook_url"], card_edit_seconds=0.3)) as manager:
        handler = WebhookLogHandler(manager.submit)
        for number in range(60):
            text = f"order {number * 7919} of user 'u{number}' failed after {number / 7:.3f} s"
            handler.handle(logging.LogRecord("shop", logging.ERROR, __file__, 1, text, (), None))
            if number % 30 == 0:
                # The first is shown alone, the others are counted in its card.
                await manager.flush(5)
        await manager.flush(20)
        stats = await manager.stats()
    assert len(sandbox.messages("error")) <= 2
    assert max(counts(sandbox)) == 60
    assert stats.balanced


@pytest.mark.slow
async def test_ten_thousand_texts_are_one_thing_and_none_is_lost(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        handler = WebhookLogHandler(manager.submit)
        for number in range(10_000):
            text = f"order {number} of {number * 31:08x} failed"
            handler.handle(logging.LogRecord("shop", logging.ERROR, __file__, 1, text, (), None))
        await manager.flush(40)
        stats = await manager.stats()
        cards = await manager._intake.run(manager._outbox.read_state, "card/")
    assert (stats.delivered + stats.folded, stats.lost, stats.pending, stats.balanced) == (10_000, 0, 0, True)
    assert len(cards) <= 2
    # One message, with files that hold thousands each; what is in them is stored no more.
    (message,) = sandbox.messages("error")
    shown = "".join(file.text for file in message.attachments)
    assert all(f"order {number} of {number * 31:08x} failed" in shown for number in range(10_000))
    assert len(json.dumps(cards)) < 100_000
