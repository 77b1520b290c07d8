"""A loop that does not turn is seen from outside, with the line that holds it."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from discord.ext import commands

from statsbot_webhooks import get_webhook_manager, load_webhook_config
from statsbot_webhooks.capture.health.loop_watchdog import LoopWatchdog
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot, running_manager

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time


def stalls(sandbox: Sandbox, text: str = "vent loop") -> list[str]:
    return [str(embed) for message in sandbox.messages("performance") for embed in message.embeds if text in str(embed)]


@pytest.mark.slow
async def test_a_sleep_of_3_seconds_in_a_command_names_its_file_and_line(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")
    async with running_bot(sandbox) as bot:

        @bot.command()
        async def nap(ctx: commands.Context[commands.Bot]) -> None:
            time.sleep(3)  # noqa: ASYNC251 - the mistake that the watch is for

        lines, first = inspect.getsourcelines(nap.callback)
        line = first + next(number for number, text in enumerate(lines) if "time.sleep(3)" in text)
        sandbox.say("!nap")
        await sandbox.wait_until(lambda: stalls(sandbox, "was blocked"), 20)
        await get_webhook_manager().flush(10)
    (shown,) = stalls(sandbox)
    assert f"test_loop_watchdog.py:{line} in nap: time.sleep(3)" in shown.replace("\\", "")
    assert f'> File "{__file__}", line {line}, in nap' in shown.replace("\\", "")
    assert "Seen there" in shown


_HANGS = """
import asyncio, sys, time
import discord
from discord.ext import commands
from statsbot_webhooks.sandbox import redirect

async def main():
    bot = commands.Bot("!", intents=discord.Intents.all())
    @bot.event
    async def on_ready():
        print("ready", flush=True)
        time.sleep(1000)
    async with bot:
        await bot.load_extension("statsbot_webhooks")
        await bot.start(sys.argv[2])

with redirect(sys.argv[1]):
    asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_loop_that_never_turns_again_is_told_by_the_next_process(
    sandbox: Sandbox, env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    env.setenv("WEBHOOK_LOOP_LAG_CRITICAL_MS", "300")
    script = tmp_path / "bot.py"
    script.write_text(_HANGS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), sandbox.base_url, sandbox.bot_token, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    storage = tmp_path / "statsbot_webhooks.sqlite3-wal"
    await sandbox.wait_until(lambda: storage.exists() and b"blocked loop" in storage.read_bytes(), 30)
    process.kill()
    await process.wait()
    assert not stalls(sandbox)
    async with running_manager(load_webhook_config()):
        await sandbox.wait_until(lambda: stalls(sandbox), 20)
    (shown,) = stalls(sandbox)
    assert "bot.py:12 in on_ready: time.sleep(1000)" in shown.replace("\\", "")


class LoopsClock(SystemClock):
    """Time that passes while the loop turns: how late a busy machine is would count as blocked, and rightly so."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


async def test_a_loop_that_turns_is_no_stall() -> None:
    clock, events = LoopsClock(), list[Event]()
    with ExitStack() as stack:
        LoopWatchdog(events.append, critical_ms=200, clock=clock).install(stack)
        for _ in range(60):
            await asyncio.sleep(0.01)
            clock.seconds += 0.01
    assert events == []


async def test_a_suspended_process_is_no_stall() -> None:
    class SuspendedClock(LoopsClock):
        looks = 0

        def monotonic(self) -> float:
            # As after a suspend: each time the thread looks, it finds that much time has passed, for itself too.
            if threading.current_thread() is not threading.main_thread():
                self.seconds += 100
                self.looks += 1
            return self.seconds

    clock, events = SuspendedClock(), list[Event]()
    with ExitStack() as stack:
        LoopWatchdog(events.append, critical_ms=80, clock=clock).install(stack)
        while clock.looks < 6:
            await asyncio.sleep(0.01)
    assert events == []
