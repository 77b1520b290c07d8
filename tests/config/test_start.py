"""A bot that starts with wrong settings: it runs, and one card names them all."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot


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
