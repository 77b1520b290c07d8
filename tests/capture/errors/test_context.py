"""Who, where and with what: of a real bot in the sandbox, with shards and with masking, and without reading anything else."""

from __future__ import annotations

import re
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import get_webhook_manager
from statsbot_webhooks.sandbox import Sandbox

from ...conftest import NAMES, running_bot


def add_commands(bot: commands.Bot) -> None:
    @bot.command()
    async def give(ctx: commands.Context[commands.Bot], who: discord.Member, count: int, *, why: str) -> None:
        _api_key = "sEcReT-of-a-frame"  # The frame holds it, and nothing of ours may read it.
        raise RuntimeError(f"no {count} for {who.name}")

    @bot.tree.command(description="x")
    async def greet(interaction: discord.Interaction, who: discord.Member, channel: discord.TextChannel, password: str) -> None:
        raise RuntimeError("greeting")

    @bot.listen()
    async def on_member_join(member: discord.Member) -> None:
        raise RuntimeError("welcome")


def fields(card: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"].replace("\\", "").replace("`", "") for item in card["fields"]}


async def act(sandbox: Sandbox) -> None:
    async with running_bot(sandbox, commands.AutoShardedBot) as bot:
        add_commands(bot)
        await bot.tree.sync()
        sandbox.say(f"!give <@{sandbox.admin_id}> 3 because I say so")
        general = next(channel.id for guild in bot.guilds for channel in guild.text_channels if channel.name == "general")
        options = {"who": str(sandbox.admin_id), "channel": str(general), "password": "hunter22"}
        await sandbox.invoke("greet", options=options, timeout=0.01)
        sandbox.join("zoe")
        await sandbox.wait_until(lambda: sum(len(m.embeds) for m in sandbox.messages("error")) >= 3, 20)
        await get_webhook_manager().flush(10)


@pytest.fixture
async def sharded() -> Any:
    async with Sandbox(shards=2) as sandbox:
        with sandbox.redirect():
            yield sandbox


@pytest.fixture
def sandbox(sharded: Sandbox) -> Sandbox:
    """Two shards, also for the environment that names the webhooks."""
    return sharded


@pytest.mark.slow
async def test_commands_and_events_say_who_where_and_with_what(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    await act(sandbox)
    cards = {name: fields(card) for name, card in _cards(sandbox).items()}
    shard = str((sandbox.guild_id >> 22) % 2)
    give, greet, join = cards["!give"], cards["/greet"], cards["on_member_join"]
    assert (give["Server"], give["Command"], give["Shard"]) == ("Sandbox", "!give", shard)
    assert re.fullmatch(r"<#\d+>", give["Channel"])
    assert give["User"] == f"mia ({sandbox.member_id})"
    assert f"adam ({sandbox.admin_id})" in give["Options"]
    assert "because I say so" in give["Options"]
    assert greet["User"] == f"olivia ({sandbox.owner_id})"
    assert "general (" in greet["Options"]
    assert (join["Server"], join["Event"], join["Shard"]) == ("Sandbox", "on_member_join", shard)
    assert join["User"].startswith("zoe (")
    # The value of an option called password is a secret; what the frames hold is never read.
    everything = str(_cards(sandbox)) + _files(sandbox)
    assert "hunter22" not in everything
    assert "sEcReT-of-a-frame" not in everything.replace('api_key = "sEcReT-of-a-frame"', "")


@pytest.mark.slow
async def test_with_masking_nobody_is_named(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_MASK_USER_IDS", "true")
    await act(sandbox)
    everything = str(_cards(sandbox)) + _files(sandbox)
    for name in ("mia", "adam", "olivia", "zoe", str(sandbox.member_id), str(sandbox.admin_id), str(sandbox.owner_id)):
        assert name not in everything, name
    assert "user-" in fields(_cards(sandbox)["!give"])["Options"]


@pytest.mark.slow
async def test_without_stack_traces_no_code_is_shown(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_INCLUDE_STACK_TRACES", "false")
    await act(sandbox)
    everything = str(_cards(sandbox)) + _files(sandbox)
    joined = _cards(sandbox)["on_member_join"]
    assert (joined["title"], joined["description"]) == ("RuntimeError in on_member_join", "welcome")
    for trace in ("Traceback", 'File "', "raise RuntimeError", __file__):
        assert trace not in everything, trace


def _cards(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    found = [embed for message in sandbox.messages("error") for embed in message.embeds]
    return {embed["title"].replace("\\", "").partition(" in ")[2]: embed for embed in found}


def _files(sandbox: Sandbox) -> str:
    files = [file for name in NAMES for message in sandbox.messages(name) for file in message.attachments]
    return "".join(file.data.decode("utf-8", "replace") for file in files)
