"""How many events a second reach the disk, redaction and routing included, and what that costs the event loop."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time

from ticker import late_for

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.event import Event, EventKind

COUNT = 60_000
RATE = 5_000
# Nobody answers there, so the events stay where they are.
URL = "https://discord.com/api/webhooks/123456789012345678/" + "x" * 68


def event(number: int) -> Event:
    text = f"request {number} took 3.1 ms for the guild of somebody and was answered with 200 " + "x" * 50
    return Event(EventKind.LOG, LogLevel.INFO, text[:120], time.time(), "app.web", template="request %d took %s ms")


async def accepted(manager: WebhookManager, count: int) -> None:
    while (stats := await manager.stats()).destinations["info"].accepted < count:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.005)
    assert stats.balanced


async def bench_accept(url: str) -> float:
    manager = WebhookManager(WebhookConfig(info_webhook_url=URL, storage=url, storage_max_events=10**6))
    await manager.start()
    manager.workers["info"].is_enabled = False
    events = [event(number) for number in range(COUNT)]
    started = time.perf_counter()
    for each in events:
        manager.submit(each)
    await accepted(manager, COUNT)
    took = time.perf_counter() - started
    await manager.stop(0)
    return COUNT / took


async def stream(manager: WebhookManager, seconds: float) -> None:
    """Submit from the loop itself, as a busy bot does: a few events every millisecond or so."""
    started, number = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < seconds:
        while number < passed * RATE:
            manager.submit(event(number))
            number += 1
        await asyncio.sleep(0.001)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        file, memory = await bench_accept("sqlite:///bench.sqlite3"), await bench_accept("memory://")
        print(f"accept to disk        {file:9,.0f} events/s   to memory {memory:9,.0f} events/s   ratio {file / memory:.2f}")
        manager = WebhookManager(WebhookConfig(info_webhook_url=URL, storage="sqlite:///loop.sqlite3"))
        await manager.start()
        manager.workers["info"].is_enabled = False
        idle = sorted(await late_for(4))
        work = asyncio.create_task(stream(manager, 4))
        busy = sorted(await late_for(4))
        await work
        await manager.stop(0)
        p99 = [values[int(len(values) * 0.99)] for values in (idle, busy)]
        print(f"5 ms ticker, p99 late idle {p99[0]:6.2f} ms   {RATE:,} events/s {p99[1]:6.2f} ms   worst {busy[-1]:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
