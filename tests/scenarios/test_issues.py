"""The life of an issue in the channel: its reference, decisions, a regression in a later version, mutes until it is worse."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from dataclasses import replace
from typing import Any

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.commands.base import REFUSAL
from statsbot_webhooks.events.factory import log_event
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.sandbox import Sandbox

from ..commands.test_button_presses import card, labels, owned, posted, press
from ..commands.test_commands import call, shown, steered_bot
from ..commands.test_permissions import Caller, callers
from ..conftest import running_manager

__all__ = ["callers", "owned"]


def reference(sandbox: Sandbox) -> str:
    footer = sandbox.messages("error")[0].embeds[0]["footer"]["text"]
    found = re.search(r"E-[0-9A-F]{4,}", footer)
    assert found is not None, footer
    return found[0]


async def test_from_the_first_card_to_the_regression(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_BOT_VERSION", "1.1")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.1")
    logger = logging.getLogger("shop")
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        assert "No error has happened yet." in await call(sandbox, "issues")
        logger.error("order %d failed", 1)
        await sandbox.wait_until(lambda: "order 1 failed" in shown(sandbox, "error"))
        name = reference(sandbox)
        assert name.startswith("E-")
        listed = await call(sandbox, "issues")
        assert name in listed
        assert f"https://discord.com/channels/{sandbox.guild_id}/" in listed
        about = await call(sandbox, "about", issue=name.lower())
        assert "State: **open**" in about
        assert "acknowledged by olivia" in await call(sandbox, "about", issue=name, decision="acknowledge")
        assert "already acknowledged by olivia" in await call(sandbox, "about", issue=name, decision="acknowledge")
        await sandbox.wait_until(lambda: "Acknowledged by olivia" in sandbox.messages("error")[0].content)
        assert "resolved in 1.1 by olivia" in await call(sandbox, "about", issue=name, decision="resolve")
        await sandbox.wait_until(lambda: "Resolved in 1.1 by olivia" in sandbox.messages("error")[0].content)
        assert "No issue is open." in await call(sandbox, "issues", state="open")
        # The version that runs does not have the cure yet: only counted.
        logger.error("order %d failed", 2)
        await manager.flush(5)
        stats = await manager.stats()
        assert (stats.muted, stats.balanced) == (1, True)
        assert "1 more in versions that do not have the cure yet" in await call(sandbox, "about", issue=name)
        assert "There is no issue" in await call(sandbox, "about", issue="E-0")
    assert len(sandbox.messages("error")) == 1
    env.setenv("WEBHOOK_BOT_VERSION", "1.2")
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        logger.error("order %d failed", 3)
        await sandbox.wait_until(lambda: len(sandbox.messages("error")) == 2)
        message = sandbox.messages("error")[1]
        assert "Regression: resolved in 1.1 by olivia, seen in 1.2" in message.content
        assert name in message.embeds[0]["footer"]["text"]
        assert "State: **open**" in await call(sandbox, "about", issue=name)
        assert (await manager.stats()).balanced


async def test_a_mute_until_it_is_worse(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.1")
    logger = logging.getLogger("shop")
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        logger.error("order %d failed", 1)
        await sandbox.wait_until(lambda: "order 1 failed" in shown(sandbox, "error"))
        answer = await call(sandbox, "mute", target=reference(sandbox), duration="more than 3 an hour")
        assert "is muted until more than 3 come within an hour" in answer
        for number in range(2, 6):
            logger.error("order %d failed", number)
        await sandbox.wait_until(lambda: "is over, as more than 3 came within an hour" in shown(sandbox, "error"))
        await sandbox.wait_until(lambda: "order 5 failed" in shown(sandbox, "error"))
        stats = await manager.stats()
        assert (stats.muted, stats.balanced) == (3, True)


@pytest.mark.slow
async def test_a_mute_until_the_next_version(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("shop")
    async with steered_bot(sandbox):
        assert "set WEBHOOK_BOT_VERSION" in await call(sandbox, "mute", target="logger/shop", duration="next version")
    env.setenv("WEBHOOK_BOT_VERSION", "1.1")
    for _ in range(2):
        # Also after a restart of the same version.
        async with steered_bot(sandbox) as bot:
            manager = bot.cogs["Webhooks"].manager
            await sandbox.wait_until(lambda manager=manager: manager.workers)
            if not len(manager.admin.overrides.mutes):
                await call(sandbox, "mute", target="logger/shop", duration="next version")
            logger.error("order %d failed", 1)
            await manager.flush(5)
            assert (await manager.stats()).muted == 1
    env.setenv("WEBHOOK_BOT_VERSION", "1.2")
    async with steered_bot(sandbox):
        logger.error("order %d failed", 2)
        await sandbox.wait_until(lambda: "order 2 failed" in shown(sandbox, "error"))
        await sandbox.wait_until(lambda: "The mute of logger shop is over" in shown(sandbox, "error"))


async def test_the_reference_stands_wherever_the_error_does(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """On the card, in plain text, in a line and in a digest, and in the file."""
    texts: dict[str, str] = {}
    async with running_manager(WebhookConfig(**urls, use_embeds=False)) as manager:
        await manager.send_error(ValueError("it failed " + "x" * 3000))
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        (issue,) = await manager.admin.list_issues()
    (message,) = sandbox.messages("error")
    texts |= {"plain text": message.content, "file": message.attachments[-1].text}
    event = log_event("ERROR", "it failed", now=1.0)
    event = replace(event, issue=issue.reference)
    formatter = MessageFormatter(WebhookConfig())
    texts["line"] = str(formatter.format_lines(group_events([event]))[0].embeds)
    digest, _ = formatter.format_digest([event])
    texts |= {"digest": str(digest.embeds), "digest's file": digest.files[0].data.decode()}
    texts["card"] = str(formatter.format_event(event).embeds)
    assert [name for name, text in texts.items() if issue.reference not in text] == []


@pytest.mark.slow
async def test_two_versions_of_a_bot_and_the_buttons_of_its_cards(
    owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch, callers: dict[str, Caller]
) -> None:
    """One storage: a card of 1.1, a restart, a mute, a resolve, an older process, a regression in 1.2, each by another person."""
    role = max(sandbox.state.guilds[sandbox.guild_id].roles)
    env.setenv("WEBHOOK_ADMIN_ROLE_IDS", str(role))
    env.setenv("WEBHOOK_BOT_VERSION", "1.1")
    logger = logging.getLogger("shop")
    async with steered_bot(sandbox):
        logger.error("it failed")
        first = await posted(sandbox)
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        # Posted before the restart, pressed after it.
        assert REFUSAL in (await press(sandbox, first, "Mute 1 h", user_id=callers["member"].user_id)).text
        assert "is muted until" in (await press(sandbox, first, "Mute 1 h", user_id=callers["role holder"].user_id)).text
        logger.error("it failed")
        await manager.flush(5)
        assert "1 event was muted" in (await press(sandbox, card(sandbox), "End the mute", user_id=sandbox.admin_id)).text
        assert "resolved in 1.1 by olivia" in (await press(sandbox, card(sandbox), "Resolve")).text
        logger.error("it failed")
        await manager.flush(5)
        stats = await manager.stats()
        assert (stats.muted, stats.balanced) == (2, True)
        assert len(sandbox.messages("error")) == 1
    env.setenv("WEBHOOK_BOT_VERSION", "1.2")
    async with steered_bot(sandbox) as bot:
        logger.error("it failed")
        text = "Regression: resolved in 1.1 by olivia, seen in 1.2"
        await sandbox.wait_until(lambda: text in sandbox.messages("error")[-1].content)
        again = sandbox.messages("error")[-1]
        assert labels(again) == ["Resolve", "Acknowledge", "Mute 1 h", "Mute until it is worse"]
        assert "resolved in 1.2 by ada" in (await press(sandbox, again, "Resolve", user_id=sandbox.admin_id)).text
    env.setenv("WEBHOOK_BOT_VERSION", "1.1")
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        count = len(sandbox.messages("error"))
        logger.error("it failed")
        await manager.flush(5)
        stats = await manager.stats()
        assert (stats.muted, stats.balanced, len(sandbox.messages("error"))) == (1, True, count), "an older process only counts"
        (issue,) = await manager.admin.list_issues()
        assert (issue.count, issue.held, issue.state) == (5, 1, "resolved")


@pytest.mark.slow
@pytest.mark.real_time
async def test_buttons_of_a_bot_that_was_killed(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """kill -9 right after the card is there: its buttons work in the next process."""
    script = (
        "import asyncio, logging, sys, discord\n"
        "from discord.ext import commands\n"
        "from statsbot_webhooks.sandbox import redirect\n"
        "bot = commands.Bot('!', intents=discord.Intents.all())\n"
        "@bot.event\n"
        "async def on_ready():\n"
        "    logging.getLogger('shop').error('it failed')\n"
        "async def main():\n"
        "    await bot.load_extension('statsbot_webhooks')\n"
        "    await bot.start(sys.argv[2])\n"
        "with redirect(sys.argv[1]): asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, sandbox.base_url, sandbox.bot_token)
    try:
        first = await posted(sandbox)
    finally:
        process.kill()
        await process.wait()
    async with steered_bot(sandbox):
        assert "is acknowledged by olivia" in (await press(sandbox, first, "Acknowledge")).text
        await sandbox.wait_until(lambda: "Acknowledged by olivia" in card(sandbox).content)
