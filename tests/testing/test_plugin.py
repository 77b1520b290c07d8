"""The plugin's fixtures: a bot that fails at its start, captured events, time that is skipped, settings of one's own."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.testing import BotRunner, CapturedEvents
from statsbot_webhooks.testing.pytest_plugin import (
    bot_in_sandbox,
    captured_events,
    discord_sandbox,
    discord_sandbox_options,
    webhook_settings,
)

__all__ = ["bot_in_sandbox", "captured_events", "discord_sandbox", "discord_sandbox_options", "webhook_settings"]


class Bot(commands.Bot):
    def __init__(self, *, extension: bool = False) -> None:
        super().__init__("!", intents=discord.Intents.all())
        self._with_extension = extension

    async def setup_hook(self) -> None:
        if self._with_extension:
            await self.load_extension("statsbot_webhooks")


async def test_what_a_bot_fails_with_is_raised(bot_in_sandbox: BotRunner) -> None:
    class Broken(Bot):
        async def setup_hook(self) -> None:
            raise RuntimeError("no database")

    with pytest.raises(RuntimeError, match="no database"):
        await bot_in_sandbox(Broken())


async def test_a_bot_that_ends_early_is_said(bot_in_sandbox: BotRunner) -> None:
    class Ending(Bot):
        async def on_connect(self) -> None:
            await self.close()

    with pytest.raises(RuntimeError, match="ended before it was ready"):
        await bot_in_sandbox(Ending())


async def test_two_bots_one_after_the_other_have_the_same_classes(bot_in_sandbox: BotRunner) -> None:
    before = sys.modules["statsbot_webhooks.webhook_manager"]
    await bot_in_sandbox(Bot(extension=True))
    await bot_in_sandbox.close()
    assert sys.modules["statsbot_webhooks.webhook_manager"] is before


async def test_events_are_found_and_their_absence_is_told(
    bot_in_sandbox: BotRunner, discord_sandbox: Sandbox, captured_events: CapturedEvents
) -> None:
    bot = await bot_in_sandbox(Bot(extension=True))

    @bot.command()
    async def fail(ctx: commands.Context[Any]) -> None:
        raise ValueError("broken")

    discord_sandbox.say("!fail")
    event = await captured_events.wait_for("broken")
    assert captured_events.errors == [event] == captured_events.of_kind("error") == captured_events.matching("ValueError")
    assert (len(captured_events), captured_events[0]) == (1, event)
    with pytest.raises(TimeoutError, match=r"no event with 'nothing'; captured events:\nerror ERROR "):
        await captured_events.wait_for("nothing", timeout=0.1)


async def test_plain_log_records_are_events_too_in_any_order_of_the_fixtures(
    bot_in_sandbox: BotRunner, request: pytest.FixtureRequest
) -> None:
    await bot_in_sandbox(Bot(extension=True))
    events: CapturedEvents = request.getfixturevalue("captured_events")
    logging.getLogger("shop").warning("the till is %s", "open")
    event = await events.wait_for("the till is open")
    assert (event.kind, event.level, event.origin) == ("log", "WARNING", "shop")
    assert events.matching("till") == [event]


@pytest.fixture
def of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_ERROR_URL", "https://discord.com/api/webhooks/1/production")
    monkeypatch.setenv("WEBHOOK_OWN_URL", "https://discord.com/api/webhooks/2/production")


async def test_settings_of_production_do_not_count(of_production: None, webhook_settings: pytest.MonkeyPatch) -> None:
    assert "production" not in "".join(value for name, value in os.environ.items() if name.startswith("WEBHOOK_"))
    assert os.environ["WEBHOOK_STORAGE"] == "memory://"


async def test_a_cooldown_and_a_long_sleep_are_skipped(bot_in_sandbox: BotRunner, discord_sandbox: Sandbox) -> None:
    bot = await bot_in_sandbox(Bot())

    @bot.command()
    @commands.cooldown(1, 3600, commands.BucketType.user)
    async def daily(ctx: commands.Context[Any]) -> None:
        await ctx.send("here you are")

    @bot.event
    async def on_command_error(ctx: commands.Context[Any], error: commands.CommandError) -> None:
        await ctx.send(type(error).__name__)

    assert (await discord_sandbox.ask("!daily")).content == "here you are"
    assert (await discord_sandbox.ask("!daily")).content == "CommandOnCooldown"
    await bot_in_sandbox.skip(3700)
    assert (await discord_sandbox.ask("!daily")).content == "here you are"
    assert discord_sandbox.connections == 1, "the connection lives through it"


async def test_clocks_are_as_before_afterwards() -> None:
    assert vars(discord.utils)["datetime"].__name__ == "datetime"
    assert vars(discord.ui.view)["time"].__name__ == "time"


async def test_a_view_times_out_whose_message_was_answered_a_moment_ago(
    bot_in_sandbox: BotRunner, discord_sandbox: Sandbox
) -> None:
    bot = await bot_in_sandbox(Bot())
    ended: list[discord.ui.View] = []

    class Panel(discord.ui.View):
        async def on_timeout(self) -> None:
            ended.append(self)

    @bot.tree.command()
    async def panel(interaction: discord.Interaction) -> None:
        """Show a panel."""
        await interaction.response.send_message("panel", view=Panel(timeout=60).add_item(discord.ui.Button(label="x")))

    await bot.tree.sync()
    await discord_sandbox.invoke("panel")
    await bot_in_sandbox.skip(61)
    await discord_sandbox.wait_until(lambda: ended, 2)
