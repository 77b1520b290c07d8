"""The main job: a bot with the extension and four URLs ships each thing to the right channel, once."""

from __future__ import annotations

import logging
import threading

import discord
import pytest
from discord import Interaction
from discord.ext import commands

from statsbot_webhooks import get_webhook_manager
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES, running_bot


def count(sandbox: Sandbox, channel: str, text: str) -> int:
    """How many cards of a channel have a text in them."""
    return sum(text in str(embed) for message in sandbox.messages(channel) for embed in message.embeds)


@pytest.mark.slow
async def test_each_thing_arrives_once_in_its_channel(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "0.2")
    env.setenv("WEBHOOK_MEMORY_WARNING_MB", "1")
    async with running_bot(sandbox) as bot:

        @bot.command()
        async def divide(ctx: commands.Context[commands.Bot]) -> None:
            raise ZeroDivisionError("prefix command")

        @bot.tree.command()
        async def broken(interaction: Interaction) -> None:
            """Fail."""
            raise RuntimeError("slash command")

        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            if message.content == "trip":
                raise KeyError("event handler")

        await bot.tree.sync()
        anna, bob = sandbox.join("anna"), sandbox.join("bob")
        sandbox.leave(anna)
        sandbox.ban(bob, reason="spam")
        sandbox.say("trip")
        sandbox.say("!divide")
        await sandbox.invoke("broken", timeout=0.5)
        thread = threading.Thread(target=logging.getLogger("app").warning, args=("from a %s", "thread"))
        thread.start()
        thread.join()
        await sandbox.wait_until(lambda: count(sandbox, "member_events", "bob was banned"))
        await sandbox.wait_until(lambda: count(sandbox, "member_events", "anna left"))
        await sandbox.wait_until(lambda: count(sandbox, "performance", "Memory is "))
        await get_webhook_manager().flush(10)
        stats = await get_webhook_manager().stats()
    for text in ("KeyError", "ZeroDivisionError: prefix", "RuntimeError: slash", "from a thread"):
        assert count(sandbox, "error", text) == 1, text
    for text in ("anna joined", "bob joined", "anna left", "bob was banned"):
        assert count(sandbox, "member_events", text) == 1, text
    assert count(sandbox, "member_events", "bob left") == 0
    assert not sandbox.messages("info")
    assert sandbox.count_status(429) == 0
    assert stats.balanced
    assert stats.lost == 0


@pytest.mark.parametrize("extension", ["statsbot_webhooks", "statsbot_webhooks.cog"])
@pytest.mark.parametrize("kind", [commands.Bot, commands.AutoShardedBot])
async def test_loads_under_both_names_on_both_bots(
    sandbox: Sandbox, env: pytest.MonkeyPatch, extension: str, kind: type[commands.Bot]
) -> None:
    async with running_bot(sandbox, kind, extension):
        logging.getLogger("app").error("it works")
        await sandbox.wait_until(lambda: count(sandbox, "error", "it works"))


async def test_slash_commands_answer_admins_only(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    other = sandbox.add_guild("Elsewhere")
    stranger = sandbox.join("sam", guild_id=other, admin=True)
    async with running_bot(sandbox) as bot:
        await sandbox.wait_until(lambda: sandbox.commands(sandbox.guild_id))
        assert sandbox.commands() == []
        for user in (sandbox.owner_id, sandbox.admin_id):
            answer = await sandbox.invoke("webhooks status", user_id=user)
            assert answer.ephemeral
            assert all(name in answer.text for name in NAMES)
            assert "https://" not in answer.text
        refused = await sandbox.invoke("webhooks status", user_id=sandbox.member_id)
        assert refused.ephemeral
        assert "error" not in refused.text
        assert (await sandbox.invoke("webhooks test", options={"destination": "info"})).text.startswith("**info**: delivered")
        sandbox.fault("info", "404")
        assert "Unknown Webhook" in (await sandbox.invoke("webhooks test", options={"destination": "info"})).text
        assert "off" in (await sandbox.invoke("webhooks toggle", options={"destination": "error"})).text
        assert "no destination" in (await sandbox.invoke("webhooks toggle", options={"destination": "x"})).text
        env.delenv("WEBHOOK_ADMIN_GUILD_ID")
        await bot.reload_extension("statsbot_webhooks")
        await bot.cogs["Webhooks"]._commands.sync()
        with pytest.raises(LookupError, match="not a member"):
            await sandbox.invoke("webhooks status", guild_id=other, user_id=sandbox.admin_id)
        assert "Only the bot's owner" in (await sandbox.invoke("webhooks status", guild_id=other, user_id=stranger)).text


@pytest.mark.slow
async def test_reloads_leave_nothing_behind(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:

        def picture() -> tuple[int, ...]:
            listeners = sum(map(len, bot.extra_events.values()))
            return len(logging.getLogger().handlers), listeners, len(bot.tree.get_commands())

        def count_threads() -> int:
            # asyncio makes and ends threads of its pool as it needs them.
            return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())

        await bot.reload_extension("statsbot_webhooks")
        before, threads = picture(), count_threads()
        for _ in range(5):
            await bot.reload_extension("statsbot_webhooks")
        assert picture() == before
        # One that prepares a start ends by itself.
        await sandbox.wait_until(lambda: count_threads() <= threads)
        assert get_webhook_manager() is bot.cogs["Webhooks"].manager


@pytest.mark.parametrize("url", ["https://example.com/api/webhooks/1/sEcReT-value", "sEcReT-value", ""])
async def test_a_wrong_url_is_named_and_the_bot_starts(
    sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    for name in NAMES:
        env.delenv(f"WEBHOOK_{name.upper()}_URL")
    env.setenv("WEBHOOK_ERROR_URL", url)
    async with running_bot(sandbox):
        pass
    assert "webhook logging is off" in caplog.text
    assert "sEcReT" not in caplog.text
    if url:
        assert "WEBHOOK_ERROR_URL is not the URL of a Discord webhook" in caplog.text
