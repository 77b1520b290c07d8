"""Figures side by side in one run: one emit against stdlib's QueueHandler, and the loop's delay under a burst."""

from __future__ import annotations

import asyncio
import logging
import queue
import statistics
import time
from collections.abc import Callable
from logging.handlers import QueueHandler
from typing import Any

from ticker import late_for

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookLogHandler, WebhookManager
from statsbot_webhooks.sandbox import Sandbox

ROUNDS = 15
PER_ROUND = 2000


def record() -> logging.LogRecord:
    return logging.LogRecord("app.part", logging.WARNING, __file__, 1, "request %d took %s ms" + " x" * 45, (17, "3.1"), None)


def microseconds(call: Callable[[logging.LogRecord], Any], drain: Callable[[], Any]) -> float:
    """Return the cost of one call; a fresh record each time, as logging makes them."""
    records = [record() for _ in range(PER_ROUND)]
    started = time.perf_counter()
    for item in records:
        call(item)
    took = time.perf_counter() - started
    drain()
    return took / PER_ROUND * 1e6


def bench_emit() -> None:
    theirs_queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ours_queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
    theirs, ours = QueueHandler(theirs_queue), WebhookLogHandler(ours_queue.put)

    def drain() -> None:
        for items in (theirs_queue, ours_queue):
            while not items.empty():
                items.get()

    # In turn, so that a change of the machine's speed meets both.
    pairs = [(microseconds(ours.emit, drain), microseconds(theirs.emit, drain)) for _ in range(ROUNDS)]
    mine, stdlib = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"one emit              ours {mine:6.2f} us   QueueHandler {stdlib:6.2f} us   ratio {mine / stdlib:.2f}")


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


async def bench_loop(sandbox: Sandbox) -> None:
    manager = WebhookManager(WebhookConfig(info_webhook_url=sandbox.webhook_url("info")))
    await manager.start()
    idle = await late_for(2)
    ticker = asyncio.create_task(late_for(2))
    await asyncio.sleep(0.5)
    for number in range(200):
        await manager.send_log(LogLevel.INFO, f"event {number} " + "x" * 100)
    busy = await ticker
    await manager.stop()
    print(f"5 ms ticker, p99 late idle {p99(idle):6.2f} ms   200 events   {p99(busy):6.2f} ms   worst {max(busy):.2f}")


async def main() -> None:
    bench_emit()
    async with Sandbox() as sandbox:
        with sandbox.redirect():
            await bench_loop(sandbox)


if __name__ == "__main__":
    asyncio.run(main())
