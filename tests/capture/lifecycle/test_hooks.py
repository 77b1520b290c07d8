"""The life of a real bot, as its channels show it."""

from __future__ import annotations

import asyncio
import platform
from pathlib import Path

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot


def shown(sandbox: Sandbox, channel: str = "info") -> list[str]:
    return [str(embed) for message in sandbox.messages(channel) for embed in message.embeds]


def count(sandbox: Sandbox, text: str, channel: str = "info") -> int:
    return sum(text in embed for embed in shown(sandbox, channel))


async def test_online_and_stopped_once_each_and_nothing_else(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """The default settings: a healthy bot is quiet."""
    env.delenv("WEBHOOK_LIFECYCLE")
    async with running_bot(sandbox) as bot:
        await sandbox.wait_until(lambda: count(sandbox, "Online"))
        (online,) = shown(sandbox)
        assert "demo-bot is online" in online
        for text in (platform.system(), platform.python_version(), discord.__version__):
            assert text in online
        resumed = asyncio.create_task(bot.wait_for("resumed", timeout=20))
        await asyncio.sleep(0)
        # Discord asks for this every few hours.
        sandbox.reconnect()
        await resumed
    stopped = shown(sandbox)[1:]
    assert len(stopped) == 1
    assert "'Stopped'" in stopped[0]
    assert "up for" in stopped[0].lower()
    assert not sandbox.messages("performance")
    assert not sandbox.messages("member_events")


async def test_online_does_not_wait_for_its_batch(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_LIFECYCLE", "true")
    env.setenv("WEBHOOK_BATCH_TIMEOUT", "60")
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: count(sandbox, "Online"))


async def test_nothing_when_lifecycle_is_off(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_LIFECYCLE", "false")
    async with running_bot(sandbox):
        sandbox.add_guild("Elsewhere")
    assert not shown(sandbox)


async def test_a_reload_is_no_stop_of_the_bot(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_LIFECYCLE", "true")
    async with running_bot(sandbox) as bot:
        await bot.reload_extension("statsbot_webhooks")
        await sandbox.wait_until(lambda: count(sandbox, "'Logging is on'"))
        assert count(sandbox, "'Logging is off'") == 1
        assert count(sandbox, "'Stopped'") == 0


async def test_servers_joined_and_left_with_the_owner_masked(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_LIFECYCLE", "true")
    env.setenv("WEBHOOK_MASK_USER_IDS", "true")
    async with running_bot(sandbox):
        guild_id = sandbox.add_guild("Elsewhere")
        await sandbox.wait_until(lambda: count(sandbox, "Server joined"))
        sandbox.remove_guild(guild_id)
        await sandbox.wait_until(lambda: count(sandbox, "Server left"))
    joined, left = (text for text in shown(sandbox) if "Server " in text)
    for text in (joined, left):
        assert "Elsewhere" in text
        assert str(guild_id) in text
        assert "olivia" not in text
        assert str(sandbox.owner_id) not in text


@pytest.mark.slow
@pytest.mark.parametrize(("resumable", "text"), [(True, "nothing was missed"), (False, "was missed")])
async def test_a_long_gap_is_shown_with_its_end(sandbox: Sandbox, env: pytest.MonkeyPatch, resumable: bool, text: str) -> None:
    env.setenv("WEBHOOK_LIFECYCLE", "true")
    env.setenv("WEBHOOK_GATEWAY_GAP_SECONDS", "0")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: count(sandbox, "Online"))
        if resumable:
            sandbox.reconnect()
        else:
            sandbox.disconnect(resumable=False)
        await sandbox.wait_until(lambda: count(sandbox, "is connected again"), 20)
    assert count(sandbox, text) == 1, shown(sandbox)


@pytest.mark.slow
async def test_each_shard_has_a_card_of_its_own(env: pytest.MonkeyPatch) -> None:
    async with Sandbox(shards=2) as sandbox:
        with sandbox.redirect():
            env.setenv("WEBHOOK_INFO_URL", sandbox.webhook_url("info"))
            env.setenv("WEBHOOK_LIFECYCLE", "true")
            env.setenv("WEBHOOK_GATEWAY_GAP_SECONDS", "0")
            env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")
            async with running_bot(sandbox, commands.AutoShardedBot):
                await sandbox.wait_until(lambda: count(sandbox, "Shards"))
                sandbox.reconnect()
                for shard in (0, 1):
                    await sandbox.wait_until(lambda shard=shard: count(sandbox, f"Shard {shard} is connected again"), 20)


async def test_the_card_of_a_new_version_names_both(sandbox: Sandbox, env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("WEBHOOK_LIFECYCLE", "true")
    env.setenv("WEBHOOK_STORAGE", f"sqlite:///{tmp_path / 'events.sqlite3'}")
    for version in ("1.0", "1.1"):
        env.setenv("WEBHOOK_BOT_VERSION", version)
        async with running_bot(sandbox):
            await sandbox.wait_until(
                lambda version=version: [text for text in shown(sandbox) if "Online" in text and version in text]
            )
    first, second = [text for text in shown(sandbox) if "'Online'" in text]
    assert "→" not in first
    assert "1.0 → 1.1" in second
    assert "New errors" in second
