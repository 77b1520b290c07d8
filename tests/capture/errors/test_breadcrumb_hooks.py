"""The file of an error in a real bot ends with what came before it."""

from __future__ import annotations

import logging

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.capture.breadcrumbs import trail
from statsbot_webhooks.sandbox import Sandbox

from ...conftest import new_bot, online

_log = logging.getLogger("shop")


async def test_records_commands_and_refused_requests_before_an_error(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setattr(_log, "level", logging.INFO)
    levels = {name: logging.getLogger(name).level for name in ("", "discord", "discord.http", "shop")}
    async with new_bot(commands.Bot) as bot:
        await bot.load_extension("statsbot_webhooks")

        @bot.command()
        async def buy(context: commands.Context[commands.Bot]) -> None:
            _log.info("order 17 with token=%s", "Zq8fjKw3LmN0pQrS5tUv")
            with pytest.raises(discord.NotFound):
                await context.channel.fetch_message(10**17)
            raise ValueError("out of stock")

        async with online(bot, sandbox):
            sandbox.say("!buy")
            await sandbox.wait_until(lambda: sandbox.messages("error"), 20)
        assert {name: logging.getLogger(name).level for name in levels} == levels
    [message] = sandbox.messages("error")
    text = next(file.text for file in message.attachments if file.filename == "events.txt")
    lines = [line.strip() for line in text.partition("Before it:")[2].splitlines() if line.strip()]
    assert [line.partition(" s ")[2].split()[0] for line in lines] == ["command", "INFO", "HTTP"]
    assert lines[0].endswith("command !buy")
    assert "INFO shop: order 17" in lines[1]
    assert "Zq8fjKw3LmN0pQrS5tUv" not in text
    assert lines[2].endswith("HTTP 404 for GET /channels/{id}/messages/{id} (code 10008)")
    assert all(line.startswith(("-", "0.0 s ")) for line in lines), lines
    # Nothing of it is shown in the card itself.
    assert "order 17" not in str(message.embeds)


async def test_no_breadcrumbs_when_they_are_off(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_BREADCRUMBS", "0")
    async with new_bot(commands.Bot) as bot:
        await bot.load_extension("statsbot_webhooks")

        @bot.command()
        async def fail(_context: commands.Context[commands.Bot]) -> None:
            _log.warning("before")
            raise ValueError

        async with online(bot, sandbox):
            sandbox.say("!fail")
            await sandbox.wait_until(lambda: sandbox.messages("error"), 20)
    assert not [file for message in sandbox.messages("error") for file in message.attachments if "Before it" in file.text]
    trail.most = 20
