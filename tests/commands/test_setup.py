"""`/webhooks setup`: from an empty folder to the first message, by the README alone; and again when something is missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
import sys
import textwrap
from pathlib import Path
from typing import Any

import discord
import pytest

from statsbot_webhooks.commands.setup import Setup
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES
from .test_commands import call, shown, steered_bot

ROOT = Path(__file__).parents[2]
CHANNELS = {"error": "bot-errors", "info": "bot-info", "performance": "bot-performance", "member_events": "bot-members"}


@pytest.fixture
def no_urls(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(f"WEBHOOK_{name.upper()}_URL", raising=False)
    monkeypatch.setenv("WEBHOOK_ADMIN_GUILD_ID", str(sandbox.guild_id))
    monkeypatch.setenv("WEBHOOK_BATCH_TIMEOUT", "0.2")
    monkeypatch.setenv("WEBHOOK_LIFECYCLE", "false")
    return monkeypatch


def secrets_of(sandbox: Sandbox) -> list[str]:
    return [webhook.token for webhook in sandbox.state.webhooks.values()]


def steps_of_the_readme() -> tuple[str, str, int]:
    """The `.env`, the bot, and how many steps there are."""
    text = (ROOT / "README.md").read_text("utf-8")
    start = text.partition("## Start")[2].partition("\n## ")[0]
    env, bot = (re.findall(rf" *```{kind}\n(.*?) *```", start, re.DOTALL)[0] for kind in ("env", "python"))
    return textwrap.dedent(env), textwrap.dedent(bot), len(re.findall(r"^\d\. ", start, re.MULTILINE))


@pytest.mark.slow
async def test_the_readme_leads_to_the_first_message(sandbox: Sandbox, tmp_path: Path) -> None:
    env, bot, steps = steps_of_the_readme()
    assert steps <= 5
    env = re.sub(r"(DISCORD_TOKEN=).*", rf"\g<1>{sandbox.bot_token}", env)
    env = re.sub(r"(WEBHOOK_ADMIN_GUILD_ID=).*", rf"\g<1>{sandbox.guild_id}", env)
    (tmp_path / ".env").write_text(env)
    (tmp_path / "bot.py").write_text(bot)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("WEBHOOK_", "DISCORD_"))}
    clean["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = (sys.executable, "-W", "ignore", "-m", "statsbot_webhooks.cli.script_runner", sandbox.base_url, "bot.py")
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=clean)
    try:
        await sandbox.wait_until(lambda: sandbox.commands(sandbox.guild_id), 30)
        answer = await call(sandbox, "setup")
        for channel in CHANNELS.values():
            await sandbox.wait_until(lambda channel=channel: "Test message for" in shown(sandbox, channel), 20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
    assert answer.count("delivered, Discord answered 200") == 4
    assert not [secret for secret in secrets_of(sandbox) if secret in answer]
    file = tmp_path / "statsbot_webhooks.sqlite3"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_setup_makes_what_is_missing_and_keeps_it(sandbox: Sandbox, no_urls: pytest.MonkeyPatch) -> None:
    mine = sandbox.webhook_url("info")
    no_urls.setenv("WEBHOOK_INFO_URL", mine)
    no_urls.setenv("WEBHOOK_ERROR_LEVEL", "CRITICAL")
    async with steered_bot(sandbox) as bot:
        assert "setup" in (await sandbox.invoke("webhooks status")).text or bot.cogs["Webhooks"].manager.workers
        answer = await call(sandbox, "setup")
        assert "**info**" not in answer
        assert "**error**: delivered" in answer
        unchanged = "Every destination has a working webhook already; nothing was changed."
        assert await call(sandbox, "setup") == f"{unchanged}\nSeen by administrators only."
        # Somebody lets others in.
        (channel,) = (each for each in await bot.guilds[0].fetch_channels() if each.name == "bot-errors")
        await channel.set_permissions(bot.guilds[0].default_role, view_channel=True)
        answer = await call(sandbox, "setup")
        assert answer.startswith(f"{unchanged}\n⚠ **#bot-errors** is also seen by @\u200beveryone")
        assert answer.endswith("The others are seen by administrators only.")
        await channel.set_permissions(bot.guilds[0].default_role, view_channel=False)
        # The settings of a destination hold although its URL is not there.
        await sandbox.wait_until(lambda: "olivia set up error" in shown(sandbox, "info"))
        assert bot.cogs["Webhooks"].manager.workers["error"].destination.level == "CRITICAL"
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        await sandbox.wait_until(lambda: set(manager.workers) == set(NAMES))
        assert "**performance**: delivered" in await call(sandbox, "test", destination="performance")
        # Deleted since: the next call makes a new one, in the channel that is there.
        before = list(sandbox.channels())
        gone = next(w for w in sandbox.state.webhooks.values() if w.title == "bot performance")
        del sandbox.state.webhooks[gone.id]
        assert "**performance**: delivered" in await call(sandbox, "setup")
        assert list(sandbox.channels()) == before
        settings = await call(sandbox, "settings")
        assert "error, performance, member_events" in settings or "Webhooks made by /webhooks setup" in settings
        for secret in secrets_of(sandbox):
            assert secret not in settings + answer
    (channel,) = (c for c in sandbox.state.guilds[sandbox.guild_id].channels.values() if c["name"] == "bot-errors")
    everyone = next(item for item in channel["permission_overwrites"] if item["id"] == str(sandbox.guild_id))
    assert int(everyone["deny"]) & (1 << 10), "everyone could read the log"


async def test_setup_names_the_permission_that_is_missing(sandbox: Sandbox, no_urls: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        sandbox.forbid("manage_webhooks")
        await sandbox.wait_until(lambda: not bot.guilds[0].me.guild_permissions.manage_webhooks)
        answer = await call(sandbox, "setup")
        assert "The bot lacks Manage Webhooks in this server" in answer
        assert not [name for name in sandbox.channels() if name.startswith("bot-")]


async def test_a_channel_that_others_see_is_not_taken_over(sandbox: Sandbox, no_urls: pytest.MonkeyPatch) -> None:
    keepers = sandbox.add_role("Bot keepers")
    no_urls.setenv("WEBHOOK_ADMIN_ROLE_IDS", str(keepers))
    async with steered_bot(sandbox) as bot:
        guild = bot.guilds[0]
        place = await guild.create_category("Bot log")
        public = await guild.create_text_channel("bot-errors", category=place)
        hidden = {guild.default_role: discord.PermissionOverwrite(view_channel=False)}
        closed = await guild.create_text_channel("bot-members", category=place, overwrites=hidden)
        hidden[guild.me] = discord.PermissionOverwrite(view_channel=True)
        private = await guild.create_text_channel("bot-info", category=place, overwrites=hidden)
        # Closed to all but one member, which is one too many.
        followed = await guild.create_text_channel("bot-performance", category=place, overwrites=hidden, news=True)
        hidden[guild.get_member(sandbox.member_id)] = discord.PermissionOverwrite(view_channel=True)
        shared = await guild.create_text_channel("bot-performance", category=place, overwrites=hidden)
        answer = await call(sandbox, "setup")
        webhooks = await guild.webhooks()
        channels: dict[str | None, Any] = {webhook.name: webhook.channel for webhook in webhooks}
        assert public.id not in [channel.id for channel in channels.values()]
        assert closed.id not in [channel.id for channel in channels.values()]
        assert followed.id not in [channel.id for channel in channels.values()]
        assert shared.id not in [channel.id for channel in channels.values()]
        assert channels["bot info"].id == private.id
        for channel in await guild.fetch_channels():
            if channel.id in [each.id for each in channels.values()] and channel.id != private.id:
                assert not channel.permissions_for(guild.default_role).view_channel
                assert channel.permissions_for(guild.get_role(keepers)).view_channel
    assert "Seen by administrators and Bot keepers only." in answer
    assert "also seen by" not in answer


async def test_who_sees_a_channel_is_read_back(sandbox: Sandbox, no_urls: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        theme = Setup(bot.cogs["Webhooks"]._commands.runner)
        guild = bot.guilds[0]
        channel = await guild.create_text_channel("bot-errors")
        lines = await theme._audience(guild, {channel.id})
        hidden = {guild.default_role: discord.PermissionOverwrite(view_channel=False)}
        other = await guild.create_text_channel("bot-info", overwrites=hidden)
        both = await theme._audience(guild, {channel.id, other.id})
    assert len(lines) == 1
    assert both == [*lines, "The others are seen by administrators only."]
    assert lines[0].startswith("⚠ **#bot-errors** is also seen by ")
    assert "everyone" in lines[0]


async def test_a_dead_webhook_of_the_settings_is_left_alone(sandbox: Sandbox, no_urls: pytest.MonkeyPatch) -> None:
    no_urls.setenv("WEBHOOK_ERROR_URL", sandbox.webhook_url("error"))
    sandbox.delete_webhook("error")
    async with steered_bot(sandbox):
        answer = await call(sandbox, "setup")
    assert "**error**" not in answer
    assert "bot-errors" not in sandbox.channels()
    assert "**info**: delivered" in answer


async def test_the_bare_token_of_a_webhook_that_setup_made_is_redacted(sandbox: Sandbox, no_urls: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        await call(sandbox, "setup")
        made = secrets_of(sandbox)
        await bot.cogs["Webhooks"].manager.send_log("ERROR", f"refused: {' '.join(made)}!", token_list=made)
        await sandbox.wait_until(lambda: "refused: " in shown(sandbox, "bot-errors"))
    assert made
    assert not [secret for secret in made if secret in shown(sandbox, "bot-errors")]
