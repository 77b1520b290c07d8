"""Slow commands, listeners and task loops of a real bot, told with the line where they are; waiting is not slowness."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import discord
import pytest
from discord.ext import commands, tasks

from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot


def shown(sandbox: Sandbox, text: str) -> list[str]:
    embeds = [str(embed) for message in sandbox.messages("performance") for embed in message.embeds]
    return [embed.replace("\\", "") for embed in embeds if text in embed.replace("\\", "")]


@pytest.fixture
def strict(env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    env.setenv("WEBHOOK_SLOW_COMMAND_MS", "300")
    env.setenv("WEBHOOK_SLOW_LISTENER_MS", "300")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")
    return env


@pytest.mark.slow
async def test_slow_calls_are_told_once_with_the_line_and_waiting_is_not_slow(
    sandbox: Sandbox, strict: pytest.MonkeyPatch
) -> None:
    async with running_bot(sandbox) as bot:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        @bot.command()
        async def report(ctx: commands.Context[Any]) -> None:
            await asyncio.shield(gate)

        @bot.tree.command()
        async def stats(interaction: discord.Interaction) -> None:
            """Fetch."""
            await interaction.response.defer()
            await asyncio.shield(gate)

        @bot.command()
        async def ask(ctx: commands.Context[Any]) -> None:
            await bot.wait_for("message", check=lambda m: m.content == "answer", timeout=30)

        @bot.command()
        async def remind(ctx: commands.Context[Any]) -> None:
            await asyncio.sleep(1.5)

        @bot.listen("on_message")
        async def index(message: discord.Message) -> None:
            if message.content == "index me":
                await asyncio.shield(gate)

        @bot.tree.context_menu(name="Whois")
        async def fails(interaction: discord.Interaction, user: discord.Member) -> None:
            raise RuntimeError("at once")

        await bot.tree.sync()
        await sandbox.context_menu("Whois", sandbox.admin_id, timeout=0.1)
        for text in ("!report", "!ask", "!remind", "index me"):
            sandbox.say(text)
        await sandbox.invoke("stats", timeout=0.1)
        for text in ("Slow command !report", "Slow command /stats", "Slow listener"):
            await sandbox.wait_until(lambda text=text: shown(sandbox, text), 20)
        gate.set_result(None)
        sandbox.say("answer")
        await sandbox.wait_until(lambda: shown(sandbox, "Command !report took"), 20)
    for text, name in (("command !report", "report"), ("command /stats", "stats"), ("listener", "index")):
        found = shown(sandbox, f"Slow {text}")
        assert len(found) == 1, text
        assert f"in {name}: await asyncio.shield(gate)" in found[0]
        assert "test_call_watch.py:" in found[0]
    for text in ("ask", "remind", "on_message", "Whois"):
        assert not shown(sandbox, text)


async def test_no_limit_and_no_card(sandbox: Sandbox, strict: pytest.MonkeyPatch) -> None:
    strict.setenv("WEBHOOK_SLOW_COMMAND_MS", "0")
    strict.setenv("WEBHOOK_SLOW_LISTENER_MS", "0")
    async with running_bot(sandbox) as bot:
        gate, over = asyncio.Event(), asyncio.Event()

        @bot.command()
        async def report(ctx: commands.Context[Any]) -> None:
            await gate.wait()
            over.set()

        sandbox.say("!report")
        await asyncio.sleep(1.5)
        gate.set()
        await over.wait()
        health = bot.cogs["Webhooks"]._hooks.capture.health
        assert health.calls.measure()["commands_per_second"] > 0
    assert not sandbox.messages("performance")


@pytest.mark.slow
async def test_a_task_loop_that_overruns_its_interval_is_one_alert(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "0.1")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")
    runs = 0

    class Work(commands.Cog):
        @tasks.loop(seconds=0.2)
        async def crunch(self) -> None:
            nonlocal runs
            runs += 1
            await asyncio.sleep(0.5 if runs < 6 else 0.01)

    async with running_bot(sandbox) as bot:
        cog = Work()
        await bot.add_cog(cog)
        before = cog.crunch.coro
        cog.crunch.start()
        title = "Task loop Work.crunch takes longer than its interval"
        await sandbox.wait_until(lambda: shown(sandbox, title), 20)
        assert cog.crunch.coro is not before
        await sandbox.wait_until(lambda: shown(sandbox, "Work.crunch is back to normal"), 30)
        await bot.unload_extension("statsbot_webhooks")
        assert cog.crunch.coro is before
        await asyncio.sleep(0.3)
        cog.crunch.cancel()
    assert runs > 5
    assert len(shown(sandbox, "Work.crunch")) == 1


async def test_a_failing_loop_and_listener_have_no_frame_of_ours(
    sandbox: Sandbox, strict: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    strict.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "0.1")
    runs = 0

    @tasks.loop(seconds=0.1)
    async def fragile() -> None:
        nonlocal runs
        runs += 1
        if runs > 5:
            raise RuntimeError("loop")

    async with running_bot(sandbox) as bot:

        @bot.listen("on_message")
        async def fail(message: discord.Message) -> None:
            raise RuntimeError("listener")

        before = fragile.coro
        task = fragile.start()
        sandbox.say("hello")
        await sandbox.wait_until(fragile.failed, 20)
        assert fragile.coro is not before
        assert str(task.exception()) == "loop"
        await sandbox.wait_until(lambda: "on_message" in caplog.text, 20)
        errors = [record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR]
    assert len(errors) >= 2
    for record in errors:
        assert record.exc_info is not None
        files = {frame.filename for frame in traceback.extract_tb(record.exc_info[2])}
        assert not [name for name in files if "statsbot_webhooks/" in name], record.getMessage()
