"""Figures side by side in one run: one emit against stdlib's QueueHandler, and the loop's delay against a bare one's."""

from __future__ import annotations

import asyncio
import logging
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from logging.handlers import QueueHandler
from typing import Any

from ticker import late_for, late_until

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookLogHandler, WebhookManager
from statsbot_webhooks.capture.breadcrumbs import trail
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

ROUNDS = 60
PER_ROUND = 500
PER_SECOND = 5000
LOOP_SECONDS = 5
ERRORS = 3000


def record() -> logging.LogRecord:
    return logging.LogRecord("app.part", logging.WARNING, __file__, 1, "request %d took %s ms" + " x" * 45, (17, "3.1"), None)


def microseconds(call: Callable[[logging.LogRecord], Any], drain: Callable[[], Any]) -> float:
    """Return the CPU time of one call; a fresh record each time, as logging makes them."""
    records = [record() for _ in range(PER_ROUND)]
    started = time.thread_time()
    for item in records:
        call(item)
    took = time.thread_time() - started
    drain()
    return took / PER_ROUND * 1e6


def bench_emit(breadcrumbs: int, goal: float) -> None:
    """What a logging call pays until the event is accepted, and what it pays until `QueueHandler` has filled its queue."""
    trail.most = breadcrumbs
    theirs_queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        url = "https://discord.com/api/webhooks/123456789012345678/" + "x" * 68
        manager = WebhookManager(WebhookConfig(info_webhook_url=url, storage=f"sqlite:///{folder}/emit.sqlite3"))
        theirs, ours = QueueHandler(theirs_queue), WebhookLogHandler(manager.submit)

        def drain() -> None:
            while not theirs_queue.empty():
                theirs_queue.get()
            manager._intake.take_unstored()

        # In turn, so that a change of the machine's speed meets both.
        pairs = [(microseconds(ours.emit, drain), microseconds(theirs.emit, drain)) for _ in range(ROUNDS)]
    least, median = (tuple(pick(values) for values in zip(*pairs, strict=True)) for pick in (min, statistics.median))
    print(
        f"one emit, {breadcrumbs:2} breadcrumbs      ours {least[0]:6.2f} us   QueueHandler {least[1]:6.2f} us   "
        f"ratio {least[0] / least[1]:.2f}, of the medians {median[0] / median[1]:.2f} (goal {goal})"
    )


def error(number: int) -> Event:
    frames = (f'  File "/srv/bot/part_{n}.py", line {number + n}, in function_{n}\n    return compute({n})\n' for n in range(30))
    trace = f"Traceback (most recent call last):\n{''.join(frames)}ValueError: number {number}"
    return Event(EventKind.ERROR, LogLevel.ERROR, f"ValueError: number {number}", time.time(), "x", traceback=trace)


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


async def bench_loop(sandbox: Sandbox) -> None:
    manager = WebhookManager(WebhookConfig(info_webhook_url=sandbox.webhook_url("info")))
    await manager.start()
    # Meanwhile a thread compiles the patterns.
    first = await late_for(1)
    idle = await late_for(2)
    ticker = asyncio.create_task(late_for(2))
    await asyncio.sleep(0.5)
    for number in range(200):
        await manager.send_log(LogLevel.INFO, f"event {number} " + "x" * 100)
    busy = await ticker
    await manager.stop()
    print(f"5 ms ticker, p99 late after the start {p99(first):6.2f} ms")
    print(f"5 ms ticker, p99 late idle {p99(idle):6.2f} ms   200 events   {p99(busy):6.2f} ms   worst {max(busy):.2f}")


async def bench_storm(sandbox: Sandbox) -> None:
    """The loop's delay while thousands of errors with long tracebacks are stored, laid out and sent at once."""
    manager = WebhookManager(WebhookConfig(error_webhook_url=sandbox.webhook_url("error"), batch_timeout_seconds=0))
    await manager.start()
    for event in [error(number) for number in range(ERRORS)]:
        manager.submit(event)
    flushed = asyncio.create_task(manager.flush(60))
    await asyncio.sleep(0)
    late = await late_until(flushed.done)
    await manager.stop()
    print(f"5 ms ticker, {ERRORS:,} errors at once: p99 late {p99(late):6.2f} ms   worst {max(late):.2f}")


async def emit_paced(emit: Callable[[logging.LogRecord], Any]) -> None:
    """Emit 5,000 records a second, 100 at a time, until cancelled."""
    due = time.perf_counter()
    while True:
        for _ in range(100):
            emit(record())
        due += 100 / PER_SECOND
        await asyncio.sleep(max(due - time.perf_counter(), 0))


async def late_under(emit: Callable[[logging.LogRecord], Any]) -> tuple[float, float]:
    """Return how late the loop is (p99) while records are emitted, and how much of a core the process takes."""
    task = asyncio.create_task(emit_paced(emit))
    await asyncio.sleep(0.5)
    cpu, started = time.process_time(), time.perf_counter()
    late = await late_for(LOOP_SECONDS)
    share = (time.process_time() - cpu) / (time.perf_counter() - started)
    task.cancel()
    return p99(late), share


def burn(share: Callable[[], float], is_over: threading.Event) -> None:
    """Take a share of a core, as a thread does that works in slices and gives the interpreter away between them."""
    while not is_over.is_set():
        until = time.thread_time() + 0.0008
        while time.thread_time() < until:
            sum(range(50))
        time.sleep(0.0008 * max(1 / max(share(), 0.01) - 1, 0))


async def bench_loop_load(sandbox: Sandbox) -> None:
    """The loop's delay at 5,000 events a second, beside a bare loop's while a thread takes as much of the processor."""
    manager = WebhookManager(
        WebhookConfig(info_webhook_url=sandbox.webhook_url("info"), error_webhook_url=sandbox.webhook_url("error"))
    )
    await manager.start()
    ours, share = await late_under(WebhookLogHandler(manager.submit).emit)
    await manager.stop(1)
    _, alone = await late_under(lambda _: None)
    is_over = threading.Event()
    burner = threading.Thread(target=burn, args=(lambda: share - alone, is_over))
    burner.start()
    bare, taken = await late_under(lambda _: None)
    is_over.set()
    burner.join()
    print(
        f"loop at 5,000 events/s, p99 late: ours {ours:.2f} ms ({share:.0%} of a core)   bare {bare:.2f} ms ({taken:.0%})   "
        f"ratio {ours / bare:.2f} (goal 1.5)"
    )


async def main() -> None:
    bench_emit(0, 0.35)
    bench_emit(20, 0.5)
    async with Sandbox() as sandbox:
        with sandbox.redirect():
            await bench_loop(sandbox)
            await bench_loop_load(sandbox)
    async with Sandbox(limits=False) as sandbox:
        with sandbox.redirect():
            await bench_storm(sandbox)


if __name__ == "__main__":
    asyncio.run(main())
