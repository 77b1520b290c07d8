"""What watching a bot costs: one listener's call, an idle bot with everything on, a sample, a chart."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack

import discord
import psutil
from discord.ext import commands
from ticker import late_for

from statsbot_webhooks.capture.health.call_watch import CallWatch
from statsbot_webhooks.capture.health.charts import Chart, draw_chart
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.sandbox import Sandbox

CALLS = 20_000
ROUNDS = 7
IDLE_SECONDS = 40.0
_PATH = os.pathsep.join(os.path.abspath(part or ".") for part in sys.path)

# A bot of its own process; it prints the CPU seconds that it used while it was idle.
_BOT = """
import asyncio, sys, time
import discord
from discord.ext import commands
from statsbot_webhooks.sandbox import redirect

async def main():
    bot = commands.Bot("!", intents=discord.Intents.all())
    ready = asyncio.Event()
    async def on_ready():
        ready.set()
    bot.add_listener(on_ready)
    async with bot:
        if sys.argv[3] == "on":
            await bot.load_extension("statsbot_webhooks")
        running = asyncio.create_task(bot.start(sys.argv[2]))
        await ready.wait()
        # Past the start: what is delivered first, and imports that come late.
        await asyncio.sleep(15)
        used, began = time.process_time(), time.monotonic()
        await asyncio.sleep(float(sys.argv[4]))
        print((time.process_time() - used) / (time.monotonic() - began), flush=True)
        await bot.close()
        await running

with redirect(sys.argv[1]):
    asyncio.run(main())
"""


async def calls(bot: commands.Bot) -> float:
    """Return the microseconds from the dispatch of an event to the end of its one listener."""
    started = time.perf_counter()
    for _ in range(CALLS // 100):
        for _ in range(100):
            bot.dispatch("thing", 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return (time.perf_counter() - started) / CALLS * 1e6


async def bench_listener() -> None:
    async with commands.Bot("!", intents=discord.Intents.none()) as bot:

        @bot.listen()
        async def on_thing(_value: int) -> None:
            pass

        pairs: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            # In turn, so that a change of the machine's speed meets both.
            bare = await calls(bot)
            with ExitStack() as stack:
                CallWatch(bot, lambda _event: None, clock=SystemClock(), command_ms=5000, listener_ms=10_000).install(stack)
                pairs.append((bare, await calls(bot)))
    bare, watched = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"one listener's call   bare {bare:6.2f} us   watched {watched:6.2f} us   added {watched - bare:.2f} us")


async def idle(sandbox: Sandbox, switch: str) -> float:
    """Return the share of a core that an idle bot uses, in percent."""
    names = ("error", "info", "performance", "member_events")
    settings = {
        **{f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name) for name in names},
        "WEBHOOK_ADMIN_GUILD_ID": str(sandbox.guild_id),
        "WEBHOOK_SUMMARY_HOUR": "9",
        "WEBHOOK_HEARTBEAT_URL": f"{sandbox.base_url}/",
    }
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _BOT, sandbox.base_url, sandbox.bot_token, switch, str(IDLE_SECONDS)]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env={**os.environ, **settings, "PYTHONPATH": _PATH}, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    return float(out) * 100


async def bench_idle() -> None:
    async with Sandbox() as sandbox:
        bare, ours = await asyncio.gather(idle(sandbox, "off"), idle(sandbox, "on"))
    print(f"idle for {IDLE_SECONDS:.0f} s         bare {bare:6.3f} %    with us {ours:6.3f} %    added {ours - bare:.3f} %")


async def bench_chart() -> None:
    points = [(1_700_000_000.0 + number * 30, 20.0 + number % 7) for number in range(120)]
    chart = Chart("cpu_percent", points, 80, 95)
    memory = psutil.Process().memory_info().rss
    for name in ("first", "later"):
        ticker = asyncio.create_task(late_for(2.5))
        started = time.perf_counter()
        data = await draw_chart([chart])
        took = (time.perf_counter() - started) * 1000
        late = await ticker
        grown = (psutil.Process().memory_info().rss - memory) / 2**20
        size = len(data or b"") / 1024
        print(
            f"{name} chart           {took:6.0f} ms, {size:.0f} KiB; the loop late by {max(late):.0f} ms; memory +{grown:.0f} MiB"
        )


async def main() -> None:
    await bench_listener()
    await bench_chart()
    await bench_idle()


if __name__ == "__main__":
    asyncio.run(main())
