"""Real processes that are killed, run out of disk, block their loop or end by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys

import pytest

from statsbot_webhooks.sandbox import Sandbox

from .test_faults import numbers, shown

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

_COMMON = """
import asyncio, logging, sys, threading, time
from statsbot_webhooks import LogLevel, setup_webhook_logging
from statsbot_webhooks.sandbox import redirect
first = int(sys.argv[2])
"""
# Prints each number once it is accepted, and up to which one all are known to be stored.
_STREAM = (
    _COMMON
    + """
accepted = first - 1
async def report(intake):
    while True:
        number = accepted
        await intake.settle()
        print("stored", number, flush=True)
        await asyncio.sleep(0.02)
async def main():
    global accepted
    manager = setup_webhook_logging()
    await manager.start()
    reporting = asyncio.create_task(report(manager._intake))
    for accepted in range(first, first + 100_000):
        await manager.send_log(LogLevel.INFO, f"number {accepted}.")
        print("accepted", accepted, flush=True)
        await asyncio.sleep(0.005)
with redirect(sys.argv[1]):
    asyncio.run(main())
"""
)
_BLOCKED = (
    _COMMON
    + """
def talk(manager):
    for number in range(40):
        logging.getLogger("elsewhere").warning("number %d.", number)
        time.sleep(0.02)
    print("stored" if manager._intake.settle_blocking(60) else "not stored", flush=True)
async def main():
    manager = setup_webhook_logging()
    await manager.start()
    from statsbot_webhooks import WebhookLogHandler
    logging.getLogger("elsewhere").addHandler(WebhookLogHandler())
    await asyncio.sleep(0.3)
    threading.Thread(target=talk, args=[manager]).start()
    time.sleep(600)
with redirect(sys.argv[1]):
    asyncio.run(main())
"""
)
_FULL = (
    _COMMON
    + """
import resource, signal
async def main():
    manager = setup_webhook_logging()
    await manager.start()
    await manager.send_log(LogLevel.INFO, "number 0.")
    await manager.flush(10)
    # The size that the file may have from now on: what a full disk is to SQLite.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    for number in range(1, 300):
        await manager.send_log(LogLevel.INFO, f"number {number}.")
    await manager.flush(20)
    stats = await manager.stats()
    print(stats.balanced, stats.lost, stats.delivered + stats.folded, flush=True)
    await manager.stop()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with redirect(sys.argv[1]):
    asyncio.run(main())
"""
)
_BOT = (
    _COMMON
    + """
import discord
from discord.ext import commands
bot = commands.Bot("!", intents=discord.Intents.all())
@bot.event
async def on_ready():
    for number in range(20):
        logging.getLogger("elsewhere").warning("number %d.", number)
    print("ready", flush=True)
    if "raise" in sys.argv:
        raise SystemExit(3)
async def setup_hook():
    await bot.load_extension("statsbot_webhooks")
bot.setup_hook = setup_hook
with redirect(sys.argv[1]):
    bot.run(sys.argv[3], log_handler=None)
"""
)
# How often a process accepts something in 100 ms.
_TURNS = 18


async def start(sandbox: Sandbox, script: str, *arguments: object) -> asyncio.subprocess.Process:
    command = [sys.executable, "-c", script, sandbox.base_url, *map(str, arguments or (0,))]
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)


@pytest.mark.slow
async def test_kills_lose_nothing_that_was_accepted(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    await kill_again_and_again(sandbox, 5)


@pytest.mark.soak
async def test_100_kills_on_a_busy_machine(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """Every core works for another process too."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [await asyncio.create_subprocess_exec(*command) for _ in range(os.cpu_count() or 1)]
    try:
        await kill_again_and_again(sandbox, 100)
    finally:
        for process in busy:
            process.kill()
            await process.communicate()


async def kill_again_and_again(sandbox: Sandbox, kills: int) -> None:
    # What each process accepted, and what of it must be shown.
    runs: list[range] = []
    must: set[int] = set()
    rng = random.Random(7)
    for _ in range(kills):
        first = runs[-1].stop if runs else 0
        process = await start(sandbox, _STREAM, first)
        assert process.stdout is not None
        lines: list[bytes] = []
        # Some time after the first events were stored, at a moment that differs.
        most = first + rng.randrange(2 * _TURNS, 8 * _TURNS)
        while not lines or lines[-1] != b"accepted %d\n" % most:
            lines.append(await process.stdout.readline())
        process.kill()
        lines += (await process.stdout.read()).splitlines(keepends=True)
        await process.wait()
        last = {what: int(number) for what, number in (line.split() for line in lines if line.endswith(b"\n"))}
        runs.append(range(first, last[b"accepted"] + 1))
        must |= {*range(first, last[b"stored"] + 1)}
    process = await start(sandbox, _STREAM, 1_000_000)
    with contextlib.suppress(TimeoutError):
        await sandbox.wait_until(lambda: must <= set(numbers(sandbox, "info")), 90)
    process.kill()
    await process.communicate()
    shown_numbers = set(numbers(sandbox, "info"))
    assert must - shown_numbers == set()
    lost = [len(set(run) - shown_numbers) for run in runs]
    print(f"\n{kills} kills of {sum(map(len, runs))} events: {len(must)} known to be stored, {lost} of the last ones lost")
    assert len(must) > 10 * kills
    # What it accepted in the last 100 ms. The best of the kills counts: a disk may stall in the moment of another.
    assert min(lost) <= _TURNS
    assert sandbox.count_status(429) == 0
    assert "events from before the restart (last one at" in shown(sandbox, "info")
    seen: dict[str, str] = {}
    repeats = 0
    for message in sandbox.messages("info"):
        batch = str(message.embeds[-1].get("footer", {}).get("text", ""))
        if batch in seen:
            repeats += 1
        seen[batch] = message.content
    assert repeats <= kills
    # Apart from whole batches that can be told by their id nothing is shown twice.
    texts = {str(m.embeds[-1].get("footer")): m.text + "".join(f.text for f in m.attachments) for m in sandbox.messages("info")}
    for number in sorted(must):
        assert sum(f"number {number}." in text for text in texts.values()) == 1, number


@pytest.mark.slow
async def test_a_blocked_loop_and_a_kill_lose_nothing_of_other_threads(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    process = await start(sandbox, _BLOCKED)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"stored\n"
    process.kill()
    await process.wait()
    assert not sandbox.messages("error")
    process = await start(sandbox, _STREAM, 1_000_000)
    await sandbox.wait_until(lambda: numbers(sandbox, "error") == list(range(40)), 20)
    process.kill()
    await process.wait()
    assert "40 events from before the restart (last one at" in shown(sandbox, "error")


@pytest.mark.slow
async def test_a_full_disk(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    process = await start(sandbox, _FULL)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert out.decode().split() == ["True", "0", "300"], err.decode()
    assert err.decode().count("WEBHOOK_STORAGE: the storage file statsbot_webhooks.sqlite3 cannot be used") == 1
    assert numbers(sandbox, "info") == list(range(300))


@pytest.mark.slow
async def test_a_folder_that_is_read_only(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_STORAGE", "sqlite:////proc/statsbot_webhooks.sqlite3")
    process = await start(sandbox, _STREAM)
    await sandbox.wait_until(lambda: numbers(sandbox, "info"))
    process.kill()
    _, err = await process.communicate()
    assert err.decode().count("WEBHOOK_STORAGE: the storage file statsbot_webhooks.sqlite3 cannot be used") == 1
    assert "Traceback" not in err.decode()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, "raise"])
async def test_every_end_of_a_bot_drains(sandbox: Sandbox, env: pytest.MonkeyPatch, end: signal.Signals | str) -> None:
    env.setenv("WEBHOOK_BATCH_SIZE", "1000")
    env.setenv("WEBHOOK_BATCH_TIMEOUT", "60")
    process = await start(sandbox, _BOT, 0, sandbox.bot_token, *([end] if end == "raise" else []))
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    if isinstance(end, signal.Signals):
        process.send_signal(end)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert numbers(sandbox, "error") == list(range(20)), err.decode()
    assert process.returncode == (3 if end == "raise" else -signal.SIGTERM if end == signal.SIGTERM else process.returncode)


@pytest.mark.soak
async def test_100_000_pending_at_the_start(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    fill = (
        _COMMON
        + """
async def main():
    manager = setup_webhook_logging()
    for number in range(100_000):
        await manager.send_log(LogLevel.INFO, f"number {number}. " + "x" * 100)
    await manager.start()
    await manager.stop(0)
import os
os.environ["WEBHOOK_INFO_URL"] = os.environ["WEBHOOK_INFO_URL"]
asyncio.run(main())
"""
    )
    process = await start(sandbox, fill)
    _, err = await process.communicate()
    assert "100,000 events wait in the storage" in err.decode()
    measure = (
        _COMMON
        + """
import psutil, discord
from discord.ext import commands
async def main():
    bot = commands.Bot("!", intents=discord.Intents.all())
    await bot.load_extension("statsbot_webhooks.config") if False else None
    import statsbot_webhooks.cog
    process = psutil.Process()
    before, started = process.memory_info().rss, time.monotonic()
    await bot.load_extension("statsbot_webhooks")
    print("loaded", time.monotonic() - started, flush=True)
    from statsbot_webhooks import get_webhook_manager
    peak = 0
    while (stats := await get_webhook_manager().stats()).delivered < 100_000:
        peak = max(peak, process.memory_info().rss)
        if stats.delivered and not getattr(main, "said", False):
            main.said = True
            print("first", time.monotonic() - started, flush=True)
        await asyncio.sleep(0.05)
    print("megabytes", (peak - before) / 2**20, flush=True)
    await bot.close()
with redirect(sys.argv[1]):
    asyncio.run(main())
"""
    )
    process = await start(sandbox, measure)
    out, err = await asyncio.wait_for(process.communicate(), 120)
    found = dict(line.split() for line in out.decode().splitlines())
    print(found)
    assert float(found["loaded"]) < 1, err.decode()
    assert float(found["first"]) < 5
    assert float(found["megabytes"]) < 60
    assert numbers(sandbox, "info") == list(range(100_000))
