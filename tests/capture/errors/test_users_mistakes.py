"""What a user of the bot did wrong is printed as before and not shipped; what the bot did wrong is."""

from __future__ import annotations

import asyncio

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot
from ...scenarios.test_main_job import count

MISTAKES = ("nosuch", "number many", "checked", "owners", "rarely", "rarely", "asleep", "both")
REASONS = ("CommandNotFound", "BadArgument", "CheckFailure", "NotOwner", "CommandOnCooldown", "DisabledCommand")


class Fussy(app_commands.Transformer):
    """Refuses a value, or breaks on it."""

    async def transform(self, interaction: discord.Interaction, value: str, /) -> str:
        if value == "bug":
            raise KeyError("a bug in the transformer")
        raise app_commands.TransformerError(value, self.type, self)


class Shop(commands.Cog):
    @commands.command()
    async def number(self, ctx: commands.Context[commands.Bot], value: int) -> None: ...

    @commands.command()
    @commands.check(lambda ctx: False)
    async def checked(self, ctx: commands.Context[commands.Bot]) -> None: ...

    @commands.command()
    @commands.is_owner()
    async def owners(self, ctx: commands.Context[commands.Bot]) -> None: ...

    @commands.command()
    @commands.cooldown(1, 3600)
    async def rarely(self, ctx: commands.Context[commands.Bot]) -> None: ...

    @commands.command(enabled=False)
    async def asleep(self, ctx: commands.Context[commands.Bot]) -> None: ...

    @commands.hybrid_command()
    @commands.check(lambda ctx: False)
    async def both(self, ctx: commands.Context[commands.Bot]) -> None:
        """Never allowed."""

    @commands.command()
    async def broken(self, ctx: commands.Context[commands.Bot]) -> None:
        raise ZeroDivisionError("prefix")

    @app_commands.command()
    @app_commands.check(lambda interaction: False)
    async def closed(self, interaction: discord.Interaction) -> None:
        """Never allowed."""

    @app_commands.command()
    async def pick(self, interaction: discord.Interaction, what: app_commands.Transform[str, Fussy]) -> None:
        """Takes what the transformer takes."""

    @app_commands.command()
    async def slash(self, interaction: discord.Interaction) -> None:
        """Fail."""
        raise RuntimeError("slash")


async def test_mistakes_are_printed_and_errors_are_shipped(
    sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_bot(sandbox) as bot:
        await bot.add_cog(Shop())
        await bot.tree.sync()
        for text in MISTAKES:
            sandbox.say(f"!{text}")
        for name in ("both", "closed"):
            await sandbox.invoke(name, timeout=0.3)
        await sandbox.invoke("pick", options={"what": "refused"}, timeout=0.3)
        async with asyncio.timeout(20):
            while not all(reason in caplog.text for reason in REASONS):
                await asyncio.sleep(0.01)
        assert not sandbox.messages("error")
        sandbox.say("!broken")
        await sandbox.invoke("pick", options={"what": "bug"}, timeout=0.3)
        await sandbox.invoke("slash", timeout=0.3)
        for text in ("ZeroDivisionError: prefix", "RuntimeError: slash", "a bug in the transformer"):
            await sandbox.wait_until(lambda text=text: count(sandbox, "error", text))
            assert count(sandbox, "error", text) == 1, text
    shown = sandbox.messages("error")
    assert not [reason for reason in REASONS if any(reason in message.text for message in shown)]
    assert caplog.text.count("Ignoring exception in command") >= len(MISTAKES) - 1
