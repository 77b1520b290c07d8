"""A bot that starts with wrong settings: it runs, and one card names them all."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot, running_manager


async def test_one_card_names_every_wrong_setting(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_BATCH_SIZE", "sEcReT")
    env.setenv("WEBHOOK_RAID_JOINS", "0")
    env.setenv("WEBHOOK_INFO_URL", "https://discord.com/api/webhooks/1/sEcReT/slack")
    Path(".env").write_bytes("# Schlüssel\n".encode("cp1252"))  # noqa: ASYNC240 - before anything runs
    async with running_bot(sandbox) as bot:
        logging.getLogger("shop").error("the shop burns")
        await sandbox.wait_until(lambda: len(sandbox.messages("error")) >= 1, 10)
        await bot.cogs["Webhooks"].manager.flush(10)
    text = "\n".join(message.text for message in sandbox.messages("error")).replace("\\", "")
    for part in (
        "4 settings are wrong; everything else works",
        "WEBHOOK_BATCH_SIZE: must be a whole number",
        "WEBHOOK_RAID_JOINS: must be a whole number",
        "WEBHOOK_INFO_URL is not the URL of a Discord webhook: it ends with /slack",
        ".env, line 1: not UTF-8",
        "the shop burns",
    ):
        assert text.count(part) == 1, part
    assert "sEcReT" not in text


async def test_an_invalid_pattern_holds_events_until_it_is_right(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("WEBHOOK_REDACT_PATTERNS=(order-[0-9]+\n")  # noqa: ASYNC240 - before anything runs
    async with running_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        logging.getLogger("shop").error("order-17 failed")
        await manager.flush(5)
        assert sandbox.messages("error") == []
        answer = (await sandbox.invoke("webhooks status")).text
        assert "State: **held**" in answer
        assert "What is wrong: WEBHOOK_REDACT_PATTERNS cannot be used" in answer
        assert "What to do: Put the setting right, then `/webhooks reload`" in answer
        assert manager.host.find_delivery_problem().count("held") == 4
        Path(".env").write_text("WEBHOOK_REDACT_PATTERNS=order-[0-9]+\n")  # noqa: ASYNC240 - nothing waits for it
        assert "delivery: goes on" in (await sandbox.invoke("webhooks reload")).text
        await manager.flush(10)
        shown = "\n".join(message.text for message in sandbox.messages("error")).replace("\\", "")
        assert (await manager.stats()).balanced
    # What was accepted while the pattern could not be used is redacted by it all the same.
    assert "failed" in shown
    assert "order-17" not in shown


async def test_what_a_hold_kept_is_redacted_after_a_restart_too(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    held = replace(WebhookConfig(**urls, batch_timeout_seconds=0), hold_reason="WEBHOOK_REDACT_PATTERNS cannot be used")
    async with running_manager(held) as manager:
        await manager.send_log("ERROR", "order-17 failed")
    assert sandbox.messages("error") == []
    async with running_manager(WebhookConfig(**urls, redact_patterns=("order-[0-9]+",))) as manager:
        await manager.flush(10)
    shown = "\n".join(message.text for message in sandbox.messages("error"))
    assert "failed" in shown
    assert "order" not in shown.replace("\\", "")
