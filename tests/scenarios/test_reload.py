"""Settings change under load, again and again: nothing is lost, repeated or refused, and what waits stays on the disk."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from discord.ext import commands
from dotenv import load_dotenv

from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig, WebhookManager, load_webhook_config
from statsbot_webhooks.errors import ConfigError, NotRunningError
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES, new_bot, running_bot, running_manager
from .test_crash import start


def note(text: str, level: LogLevel = LogLevel.INFO, origin: str = "") -> Event:
    return Event(EventKind.LOG, level, text, time.time(), origin)


def shown(sandbox: Sandbox, name: str) -> str:
    """What a channel shows, files included."""
    return "\n".join(m.text + "".join(file.text for file in m.attachments) for m in sandbox.messages(name)).replace("\\", "")


def ours() -> tuple[list[str], list[str]]:
    """The threads and tasks of the package."""
    threads = sorted(t.name for t in threading.enumerate() if t.name.startswith("statsbot_webhooks"))
    tasks = sorted(t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("statsbot_webhooks"))
    # Layout threads are made when they are needed.
    return [name for name in threads if "layout" not in name], tasks


async def works(sandbox: Sandbox, manager: WebhookManager) -> None:
    """Return when the info webhook has shown an event: its worker is past its start."""
    manager.submit(note("it works"))
    await sandbox.wait_until(lambda: "it works" in shown(sandbox, "info"))


async def is_on_its_way(manager: WebhookManager, name: str) -> None:
    """Return when everything that waits for a destination is in a message that was not answered yet."""
    async with asyncio.timeout(60):
        while True:
            depth = await manager._intake.run(manager._outbox.depth, name)
            if depth.entries and not depth.ready:
                return
            await asyncio.sleep(0.01)


def write_env(sandbox: Sandbox, names: tuple[str, ...], **settings: object) -> None:
    lines = [f"WEBHOOK_{name.upper()}_URL={sandbox.webhook_url(name)}" for name in names]
    Path(".env").write_text("\n".join([*lines, *(f"WEBHOOK_{name}={value}" for name, value in settings.items())]) + "\n")


@contextmanager
def steady(logger: logging.Logger, per_second: int) -> Generator[list[int]]:
    """Log errors and warnings from a thread; yields the numbers that were logged."""
    stop, logged = threading.Event(), []

    def work() -> None:
        while not stop.wait(1 / per_second):
            number = len(logged)
            logger.warning("steady %d;", number)
            logged.append(number)

    thread = threading.Thread(target=work, name="steady")
    thread.start()
    try:
        yield logged
    finally:
        stop.set()
        thread.join()


@pytest.mark.real_time
@pytest.mark.slow
async def test_a_hundred_reloads_under_load(sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name in NAMES:
        env.delenv(f"WEBHOOK_{name.upper()}_URL")
    # Every event is counted: a machine with other work must not add its alerts.
    for name in ("LOOP_LAG_WARNING_MS", "LOOP_LAG_CRITICAL_MS", "LATENCY_WARNING_MS", "LATENCY_CRITICAL_MS"):
        env.setenv(f"WEBHOOK_{name}", "600000")
    for name in ("CPU_WARNING_PERCENT", "CPU_CRITICAL_PERCENT"):
        env.setenv(f"WEBHOOK_{name}", "100000")
    write_env(sandbox, ("error", "info"), BATCH_SIZE=5)
    async with running_bot(sandbox) as bot:
        cog = bot.cogs["Webhooks"]
        manager = cog.manager
        await works(sandbox, manager)
        # A webhook that hangs and shows nothing; what it holds waits, and comes when it works again.
        sandbox.fault("info", "no_answer", delay=60)
        manager.submit(note("hangs"))
        await is_on_its_way(manager, "info")
        before = ours()
        with steady(logging.getLogger("load"), 200) as logged:
            for number in range(100):
                # Another batch, sometimes other hooks, and a destination that comes and goes.
                names = ("error", "info", "audit")[: 2 + number % 10 // 9]
                more: dict[str, object] = {"DESTINATIONS": "audit", "AUDIT_EVENTS": "member"} if "audit" in names else {}
                write_env(
                    sandbox,
                    names,
                    BATCH_SIZE=5 + number % 7,
                    AUDIT_LEVEL="CRITICAL",
                    SAMPLE_INTERVAL_SECONDS=30 + number % 3,
                    **more,
                )
                await cog.reconfigure(load_webhook_config())
            await sandbox.wait_until(lambda: len(logged) > 200)
        write_env(sandbox, ("error", "info"), BATCH_SIZE=5)
        await cog.reconfigure(load_webhook_config())
        await sandbox.wait_until(lambda: ours() == before)
        assert cog.manager is manager
        sandbox.heal("info")
        await sandbox.wait_until(lambda: "hangs" in shown(sandbox, "info"), 60)
        await manager.flush(200)
        stats = await manager.stats()
    everything = shown(sandbox, "error")
    assert [number for number in logged if f"steady {number};" not in everything] == []
    error = stats.destinations["error"]
    assert error.accepted == error.delivered + error.folded
    # A machine with other work adds warnings of discord.py; a hook that stands twice would add as many as there are.
    others = [record for record in caplog.records if record.name != "load"]
    assert 0 <= error.accepted - len(logged) <= len(others) < 20
    assert (stats.balanced, stats.lost, stats.pending, stats.dead) == (True, 0, 0, 0)
    assert [name for name, books in stats.destinations.items() if books.repeated and name != "info"] == []
    assert sandbox.count_status(429) == 0


_RELOADS = """
import asyncio, sys
from dataclasses import replace
from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.sandbox import redirect
async def main():
    config = WebhookConfig(info_webhook_url=sys.argv[2], batch_timeout_seconds=0)
    manager = WebhookManager(config)
    await manager.start()
    for number in range(100_000):
        await manager.send_log(LogLevel.INFO, f"number {number}.")
        await manager.reconfigure(replace(config, batch_size=4 + number % 5))
        await manager._intake.settle()
        print(number, flush=True)
with redirect(sys.argv[1]):
    asyncio.run(main())
"""


@pytest.mark.real_time
@pytest.mark.slow
async def test_a_kill_in_the_middle_of_a_reload_loses_nothing(sandbox: Sandbox) -> None:
    sandbox.fault("info", "no_answer", delay=60)
    process = await start(sandbox, _RELOADS, sandbox.webhook_url("info"))
    assert process.stdout is not None
    settled = [int(await process.stdout.readline()) for _ in range(150)]
    # At some moment of the next one.
    await asyncio.sleep(random.random() * 0.01)
    process.send_signal(signal.SIGKILL)
    # The pipes are closed with it.
    await process.communicate()
    with closing(sqlite3.connect("statsbot_webhooks.sqlite3")) as file, file:
        stored = "".join(str(row[0]) for row in file.execute("SELECT event FROM entries"))
    file.close()
    assert [number for number in settled if f"number {number}." not in stored] == []


async def test_two_reloads_at_once_and_a_close_in_the_middle(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    before = ours()
    bot = new_bot(commands.Bot)
    await bot.load_extension("statsbot_webhooks")
    cog = bot.cogs["Webhooks"]
    manager = cog.manager
    await works(sandbox, manager)
    sandbox.fault("info", "no_answer", delay=30)
    manager.submit(note("hangs"))
    await is_on_its_way(manager, "info")
    first = asyncio.create_task(cog.reconfigure(replace(manager.config, batch_size=6)))
    second = asyncio.create_task(cog.reconfigure(replace(manager.config, batch_size=7)))
    await asyncio.gather(first, second)
    assert (manager.config.batch_size, manager.is_durable) == (7, True)
    manager.submit(note("after both", LogLevel.ERROR))
    await sandbox.wait_until(lambda: "after both" in shown(sandbox, "error"))
    # The webhook has another URL now, and its old one still hangs while the bot is closed.
    last = asyncio.create_task(
        cog.reconfigure(replace(manager.config, info_webhook_url=sandbox.webhook_url("fresh"), destinations=()))
    )
    await asyncio.sleep(0)
    manager.submit(note("while it closes", LogLevel.ERROR))
    await bot.close()
    await last
    assert ours() == before
    assert "while it closes" in shown(sandbox, "error")


async def test_a_reload_that_is_cancelled_is_brought_to_its_end(urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls)
    async with running_manager(config) as manager:
        changing = asyncio.create_task(manager.reconfigure(replace(config, batch_size=9)))
        await asyncio.sleep(0)
        changing.cancel()
        await asyncio.wait([changing])
        await manager.reconfigure(replace(config, batch_timeout_seconds=1))
        assert (manager.config.batch_size, manager.config.batch_timeout_seconds) == (5, 1)


async def test_settings_that_cannot_be_used_change_nothing(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    def formatter(config: WebhookConfig):
        if config.batch_size == 6:
            raise ConfigError(["no formatter for that"])
        return MessageFormatter(config)

    config = WebhookConfig(**urls, batch_timeout_seconds=0)
    manager = WebhookManager(config, formatter=formatter)
    await manager.start()
    try:
        with pytest.raises(ConfigError):
            await manager.reconfigure(replace(config, batch_size=6))
        assert manager.config == config
        manager.submit(note("goes on"))
        await sandbox.wait_until(lambda: "goes on" in shown(sandbox, "info"))
    finally:
        await manager.stop(5)


@pytest.mark.parametrize("storage", ["memory://", "sqlite:///other.sqlite3"])
async def test_dead_letters_and_a_batch_that_failed_outlive_a_reload(sandbox: Sandbox, storage: str) -> None:
    url = sandbox.webhook_url("info")
    config = WebhookConfig(info_webhook_url=url, batch_timeout_seconds=0, storage=storage, breaker_cooldown_seconds=0.3)
    async with running_manager(config) as manager:
        sandbox.fault("info", "400", match="REFUSED")
        manager.submit(note("REFUSED letter"))
        await manager.flush(5)
        sandbox.heal("info")
        sandbox.fault("info", "reset")
        manager.submit(note("failed once"))
        await sandbox.wait_until(lambda: manager.workers["info"].last_error not in ("", None))
        changing = asyncio.create_task(manager.reconfigure(replace(config, batch_size=4)))
        manager.submit(note("a live event"))
        await changing
        sandbox.heal("info")
        await sandbox.wait_until(lambda: "failed once" in shown(sandbox, "info") and "a live event" in shown(sandbox, "info"), 20)
        assert [letter.event.message for letter in await manager.dead_letters()] == ["REFUSED letter"]
        stats = await manager.stats()
        assert (stats.balanced, stats.lost, stats.dead) == (True, 0, 1)


@pytest.mark.slow
async def test_a_destination_that_is_taken_out_leaves_its_events_to_another(sandbox: Sandbox) -> None:
    info, error = sandbox.webhook_url("info"), sandbox.webhook_url("error")
    config = WebhookConfig(info_webhook_url=info, error_webhook_url=error, batch_timeout_seconds=0)
    async with running_manager(config) as manager:
        await works(sandbox, manager)
        sandbox.fault("info", "no_answer", delay=60)
        manager.submit(note("was on its way"))
        await is_on_its_way(manager, "info")
        manager.submit(note("waits"))
        manager.submit(note("of both", LogLevel.CRITICAL))
        await manager.reconfigure(WebhookConfig(error_webhook_url=error, batch_timeout_seconds=0))
        await sandbox.wait_until(lambda: "was on its way" in shown(sandbox, "error") and "waits" in shown(sandbox, "error"), 20)
        manager._intake.file("info", note("came late"))
        await sandbox.wait_until(lambda: "came late" in shown(sandbox, "error"), 120)
        assert shown(sandbox, "error").count("of both") == 1
        assert list(manager.workers) == ["error"]
        stats = await manager.stats()
        assert (stats.balanced, stats.lost) == (True, 0)


async def test_what_was_accepted_before_a_reload_goes_where_the_settings_of_then_say(sandbox: Sandbox) -> None:
    info, error = sandbox.webhook_url("info"), sandbox.webhook_url("error")
    config = WebhookConfig(info_webhook_url=info, error_webhook_url=error, batch_timeout_seconds=0)
    async with running_manager(config) as manager:
        # The thread of the storage is busy, and finds both the event and the change of the settings afterwards.
        manager._intake.post(time.sleep, 0.1)
        manager.submit(note("was before"))
        change = asyncio.create_task(manager.reconfigure(WebhookConfig(error_webhook_url=error, batch_timeout_seconds=0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        manager._intake.post(time.sleep, 0.3)
        await change
        await sandbox.wait_until(lambda: "was before" in shown(sandbox, "error") + shown(sandbox, "info"))
        stats = await manager.stats()
        assert (stats.balanced, stats.lost, stats.filtered) == (True, 0, 0)


async def test_limits_stay_known_over_reloads(sandbox: Sandbox) -> None:
    config = WebhookConfig(info_webhook_url=sandbox.webhook_url("info"), batch_timeout_seconds=0, storage="memory://")
    async with running_manager(config) as manager:
        for number in range(40):
            manager.submit(note(f"error {number}", LogLevel.ERROR, f"origin {number}"))
            await manager.reconfigure(replace(config, batch_size=4 + number % 3, max_requests_per_minute=20 + number % 2))
            await asyncio.sleep(0.05)
        sent = [request for request in sandbox.requests if request.webhook == "info" and request.method != "GET"]
        assert len(sent) <= 21
        assert sandbox.count_status(429) == 0


async def test_reload_reads_the_file_of_now_after_load_dotenv(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        env.delenv(f"WEBHOOK_{name.upper()}_URL")
    env.setenv("WEBHOOK_BATCH_SIZE", "")
    env.delenv("WEBHOOK_BATCH_SIZE")
    write_env(sandbox, ("info",), BATCH_SIZE=5)
    load_dotenv(".env")
    try:
        async with running_bot(sandbox) as bot:
            await sandbox.wait_until(lambda: sandbox.commands(sandbox.guild_id))
            write_env(sandbox, ("info", "error"), BATCH_SIZE=9)
            answer = (await sandbox.invoke("webhooks reload", options={}, timeout=30)).text
            assert "5 → 9" in answer
            assert "destination error: added" in answer
            write_env(sandbox, ("error",), BATCH_SIZE=7)
            answer = (await sandbox.invoke("webhooks reload", options={}, timeout=30)).text
            assert "destination info: removed" in answer
            assert bot.cogs["Webhooks"].manager.config.batch_size == 7
    finally:
        for name in ("INFO_URL", "BATCH_SIZE"):
            os.environ.pop(f"WEBHOOK_{name}", None)


async def test_a_manager_that_does_not_run_says_so(urls: dict[str, Any]) -> None:
    manager = WebhookManager(WebhookConfig(**urls))
    for call in (
        manager.flush(1),
        manager.dead_letters(),
        manager.replay([1]),
        manager.forget(1),
        manager.admin.toggle("info", False),
    ):
        with pytest.raises(NotRunningError, match="start"):
            await call
    assert (await manager.stats()).accepted == 0
    await manager.stop()
