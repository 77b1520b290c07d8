"""What the manager does around its life: before the start, after the stop, in a second loop, in a fork, with a full executor."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.config.destination import WebhookURL
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from .conftest import running_manager


def note(text: str, level: LogLevel = LogLevel.INFO) -> Event:
    return Event(EventKind.LOG, level, text, time.time())


def shown(sandbox: Sandbox, name: str) -> str:
    return "\n".join(message.text for message in sandbox.messages(name)).replace("\\", "")


def stored() -> str:
    with closing(sqlite3.connect("statsbot_webhooks.sqlite3")) as file, file:
        rows = file.execute("SELECT event FROM entries").fetchall()
    file.close()
    return "".join(str(row[0]) for row in rows)


async def run_python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "dev", "-c", script, *arguments]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)


def config_of(sandbox: Sandbox, **settings: object) -> WebhookConfig:
    urls = {f"{name}_webhook_url": sandbox.webhook_url(name) for name in ("error", "info")}
    return WebhookConfig(**urls, **{"batch_timeout_seconds": 0, "breaker_cooldown_seconds": 0.3, **settings})


async def test_a_full_executor_of_the_host_delays_nothing(sandbox: Sandbox) -> None:
    loop = asyncio.get_running_loop()
    gate = threading.Event()
    async with running_manager(config_of(sandbox)) as manager:
        # More than the loop's default executor has threads.
        blocked = [loop.run_in_executor(None, gate.wait) for _ in range(min(32, (os.cpu_count() or 1) + 4) + 1)]
        try:
            manager.submit(note("the pool is stuck", LogLevel.CRITICAL))
            await sandbox.wait_until(lambda: "the pool is stuck" in shown(sandbox, "error"))
            await manager.stop(2)
            assert not any(future.done() for future in blocked)
        finally:
            gate.set()
            await asyncio.gather(*blocked)


async def test_a_stop_keeps_its_deadline_when_the_storage_stalls(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    gate = threading.Event()
    manager = WebhookManager(config_of(sandbox))
    await manager.start()
    stalled = asyncio.create_task(manager._intake.run(gate.wait))
    await asyncio.sleep(0)
    await manager.stop(1)
    assert not stalled.done()
    assert "the storage did not answer" in caplog.text
    gate.set()
    await stalled
    # It is closed when it answers again, and the next start goes on.
    await manager.start()
    manager.submit(note("after the stall"))
    await sandbox.wait_until(lambda: "after the stall" in shown(sandbox, "info"))
    await manager.stop(5)


async def test_a_worker_that_is_replaced_or_cancelled_gives_back_what_it_claimed(sandbox: Sandbox) -> None:
    async with running_manager(config_of(sandbox, storage="memory://")) as manager:
        manager.submit(note("it works"))
        await sandbox.wait_until(lambda: "it works" in shown(sandbox, "info"))
        sandbox.fault("info", "no_answer", delay=60)
        manager.submit(note("leased"))
        while (depth := await manager._intake.run(manager._outbox.depth, "info")).ready or not depth.entries:
            await asyncio.sleep(0.01)
        await manager.admin.add_destinations({"info": WebhookURL(sandbox.webhook_url("fresh"))})
        manager.submit(note("afterwards"))
        await sandbox.wait_until(lambda: "leased" in shown(sandbox, "fresh") and "afterwards" in shown(sandbox, "fresh"))
        # What asyncio.run does with every task before it lets the bot be closed.
        for task in asyncio.all_tasks():
            if task.get_name().startswith("statsbot_webhooks"):
                task.cancel()
        await asyncio.sleep(0.05)
        manager.submit(note("last words", LogLevel.CRITICAL))
        await manager.stop(5)
        assert "last words" in shown(sandbox, "error")
        assert (await manager.stats()).lost == 0


async def test_a_task_that_ends_is_started_again(sandbox: Sandbox) -> None:
    async with running_manager(config_of(sandbox)) as manager:
        worker = next(task for task in asyncio.all_tasks() if task.get_name() == "statsbot_webhooks-info")
        worker.cancel()
        await asyncio.wait([worker])
        # Nothing else has had a turn.
        assert "info has ended" in manager.host.find_delivery_problem()
        manager.submit(note("after its end"))
        await sandbox.wait_until(lambda: "after its end" in shown(sandbox, "info"))
        assert manager.host.find_delivery_problem() == ""


async def test_events_that_a_gone_destination_keeps_move_when_another_recovers(sandbox: Sandbox) -> None:
    async with running_manager(config_of(sandbox, breaker_failures=1)) as manager:
        manager.submit(note("it works"))
        await sandbox.wait_until(lambda: "it works" in shown(sandbox, "info"))
        sandbox.fault("info", "reset")
        manager.submit(note("makes info fail"))
        await sandbox.wait_until(lambda: manager.workers["info"].state.value == "failing")
        sandbox.fault("error", "404")
        manager.submit(note("THE ERROR", LogLevel.ERROR))
        await sandbox.wait_until(lambda: manager.workers["error"].state.value == "gone")
        sandbox.heal("info")
        await sandbox.wait_until(lambda: "THE ERROR" in shown(sandbox, "info"), 20)


async def test_what_is_submitted_before_the_start_and_after_the_stop_waits(sandbox: Sandbox) -> None:
    manager = WebhookManager(config_of(sandbox, storage_max_events=3))
    assert [manager.submit(note(f"early {number}")) for number in range(4)] == [True, True, True, False]
    await manager.start()
    await sandbox.wait_until(lambda: "early 2" in shown(sandbox, "info"))
    await manager.stop(5)
    assert manager.submit(note("late"))
    await manager.start()
    await sandbox.wait_until(lambda: "late" in shown(sandbox, "info"))
    await manager.stop(5)
    stats = await manager.stats()
    assert (stats.balanced, stats.lost) == (True, 1)


async def test_memory_refuses_after_the_stop(sandbox: Sandbox) -> None:
    manager = WebhookManager(config_of(sandbox, storage="memory://"))
    await manager.start()
    await manager.stop(5)
    assert not manager.submit(note("too late"))
    assert (await manager.stats()).refused == 1


_UNSTARTED = """
import asyncio, sys, time
from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
manager = WebhookManager(WebhookConfig(info_webhook_url=sys.argv[1]))
async def early():
    await manager.send_log(LogLevel.INFO, "before a start that never came")
async def life():
    await manager.start()
    await manager.stop()
    await manager.send_log(LogLevel.INFO, "after the stop")
asyncio.run({"early": early, "late": life}[sys.argv[2]]())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("when", "text"), [("early", "before a start that never came"), ("late", "after the stop")])
async def test_what_waits_without_a_start_is_stored_at_the_exit(sandbox: Sandbox, when: str, text: str) -> None:
    done = await run_python(_UNSTARTED, sandbox.webhook_url("info"), when)
    assert (done.returncode, "Traceback" in done.stderr, "lost" in done.stderr) == (0, False, False), done.stderr
    assert text in stored()


_TWO_LOOPS = """
import asyncio, sys
from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.sandbox import redirect
manager = WebhookManager(WebhookConfig(info_webhook_url=sys.argv[2], batch_timeout_seconds=0))
async def run(text, end):
    await manager.start()
    await manager.send_log(LogLevel.INFO, text)
    await manager.flush(10)
    print((await manager.stats()).delivered, flush=True)
    await manager.send_log(LogLevel.INFO, f"last of {text}")
    if end:
        await manager.stop()
        print((await manager.stats()).balanced, flush=True)
with redirect(sys.argv[1]):
    asyncio.run(run("the first loop", False))
    asyncio.run(run("the second loop", True))
"""


@pytest.mark.slow
async def test_a_second_event_loop_goes_on(sandbox: Sandbox) -> None:
    done = await run_python(_TWO_LOOPS, sandbox.base_url, sandbox.webhook_url("info"))
    assert done.returncode == 0, done.stderr
    first, second, balanced = done.stdout.split()
    assert (first, balanced) == ("1", "True")
    assert int(second) >= 2
    for text in ("the first loop", "last of the first loop", "the second loop", "last of the second loop"):
        assert text in shown(sandbox, "info")


_FORK = """
import asyncio, logging, os, sys, time
from statsbot_webhooks import LogLevel, WebhookConfig, WebhookLogHandler, WebhookManager
from statsbot_webhooks.current_manager import set_current_manager
from statsbot_webhooks.sandbox import redirect
async def main():
    manager = WebhookManager(WebhookConfig(error_webhook_url=sys.argv[2], batch_timeout_seconds=0))
    set_current_manager(manager)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("app").addHandler(WebhookLogHandler())
    await manager.start()
    await asyncio.sleep(0.3)
    for number in range(20):
        logging.getLogger("app").error("parent %d;", number)
        pid = os.fork()
        if not pid:
            try:
                logging.getLogger("app").error("child %d;", number)
                assert not manager.is_running
                # What an interpreter does at its end: free everything.
                del manager
                if number % 2:
                    sys.exit(0)
            finally:
                os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert os.path.exists("statsbot_webhooks.sqlite3-wal")
    await manager.flush(10)
    stats = await manager.stats()
    print(stats.balanced, stats.lost, manager.is_durable, flush=True)
    await manager.stop()
with redirect(sys.argv[1]):
    asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
async def test_a_forked_child_that_logs_leaves_the_parent_alone(sandbox: Sandbox) -> None:
    done = await run_python(_FORK, sandbox.base_url, sandbox.webhook_url("error"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "0", "True"]
    text = shown(sandbox, "error") + "".join(f.text for m in sandbox.messages("error") for f in m.attachments)
    assert [number for number in range(20) if f"parent {number};" not in text] == []
    assert "child" not in text
    assert done.stderr.count("this process is a fork of a bot") == 20


async def test_a_thread_that_cannot_be_had_for_patterns_ends_nothing(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the system's limit, and when the interpreter ends, from Python 3.12 on."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "statsbot_webhooks-warm-up":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        manager.submit(note("no thread"))
        await manager.flush(10)
        assert (await manager.stats()).delivered == 1
