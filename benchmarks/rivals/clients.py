"""One client in a process of its own: `clients.py NAME TASK URL`. Prints what it measured as one line of JSON.

Each client is used as its README shows. It lives in an event loop, as it would in a bot.
"""

# The rivals are in an environment of their own.
# pyright: basic, reportMissingImports=false, reportPrivateImportUsage=false

from __future__ import annotations

import asyncio
import json
import logging
import queue
import resource
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from logging.handlers import QueueHandler, QueueListener
from typing import Any

Emit = Callable[[logging.LogRecord], Awaitable[None] | None]
Close = Callable[[], Awaitable[None] | None]
LIMIT_SECONDS = 60.0
_kept = ExitStack()


class PostHandler(logging.Handler):
    """A request for each record, and on a 429 a pause and again, as most handlers for Discord do it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def emit(self, record: logging.LogRecord) -> None:
        body = json.dumps({"content": self.format(record)[:2000]}).encode()
        for _ in range(5):
            request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
            try:
                urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    return
                time.sleep(float(error.headers.get("Retry-After", 1)))
            except OSError:
                return
            else:
                return


async def ours(url: str) -> tuple[Emit, Close]:
    import os  # noqa: PLC0415

    from statsbot_webhooks import WebhookConfig, WebhookLogHandler, WebhookManager  # noqa: PLC0415
    from statsbot_webhooks.sandbox import redirect  # noqa: PLC0415

    # Kept: what the context manager replaced is put back when it is collected.
    _kept.enter_context(redirect(os.environ["SANDBOX"]))
    manager = WebhookManager(WebhookConfig(info_webhook_url=url, error_webhook_url=url))
    await manager.start()
    return WebhookLogHandler(manager.submit).emit, manager.stop


async def queue_listener(url: str) -> tuple[Emit, Close]:
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = QueueListener(records, PostHandler(url))
    listener.start()
    return QueueHandler(records).emit, lambda: None


async def discord_py(url: str) -> tuple[Emit, Close]:
    import aiohttp  # noqa: PLC0415
    import discord  # noqa: PLC0415

    number, token = url.split("/")[-2:]
    # The address of the sandbox in the place of Discord's: discord.py has no other door for it.
    discord.webhook.async_.Route.BASE = url.partition("/webhooks")[0]
    session = aiohttp.ClientSession()
    webhook = discord.Webhook.partial(int(number), token, session=session)
    formatter = logging.Formatter()

    async def emit(record: logging.LogRecord) -> None:
        await webhook.send(formatter.format(record)[:2000])

    return emit, session.close


async def logging_discord_handler(url: str) -> tuple[Emit, Close]:
    from discord_logging.handler import DiscordHandler  # noqa: PLC0415

    return DiscordHandler("bench", url).emit, lambda: None


async def logcord(url: str) -> tuple[Emit, Close]:
    from logcord.handler import DiscordWebhookHandler  # noqa: PLC0415

    handler = DiscordWebhookHandler(url)
    return handler.emit, lambda: None


async def discord_webhook(url: str) -> tuple[Emit, Close]:
    from discord_webhook import DiscordWebhook  # noqa: PLC0415

    formatter = logging.Formatter()

    def emit(record: logging.LogRecord) -> None:
        DiscordWebhook(url=url, content=formatter.format(record), rate_limit_retry=True).execute()

    return emit, lambda: None


async def loguru_discord(url: str) -> tuple[Emit, Close]:
    from loguru import logger  # noqa: PLC0415
    from loguru_discord import DiscordSink  # noqa: PLC0415

    logger.remove()
    logger.add(DiscordSink(url))

    def emit(record: logging.LogRecord) -> None:
        logger.opt(exception=record.exc_info).log(record.levelname, "{}", record.getMessage())

    return emit, lambda: None


CLIENTS: dict[str, Callable[[str], Awaitable[tuple[Emit, Close]]]] = {
    "statsbot_webhooks": ours,
    "QueueListener": queue_listener,
    "discord.py, awaited": discord_py,
    "python-logging-discord-handler": logging_discord_handler,
    "logcord": logcord,
    "discord-webhook": discord_webhook,
    "loguru-discord": loguru_discord,
}


def fail(text: str, depth: int) -> None:
    if depth:
        fail(text, depth - 1)
    raise ValueError(text)


def make_record(text: str, *, fails: bool = False) -> logging.LogRecord:
    info = None
    if fails:
        try:
            # As deep as a command of discord.py.
            fail(text, 10)
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("bench", logging.ERROR if fails else logging.INFO, __file__, 1, text, (), info)


async def emit_all(emit: Emit, records: list[logging.LogRecord], seconds: float = LIMIT_SECONDS) -> list[float]:
    """Emit until all are out or the time is over; return how long each took, in seconds."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    for record in records:
        started = time.perf_counter()
        waiting = emit(record)
        if waiting is not None:
            await waiting
        took.append(time.perf_counter() - started)
        if started > until:
            break
        if len(took) % 100 == 0:
            await asyncio.sleep(0)
    return took


def numbered(count: int) -> list[logging.LogRecord]:
    return [make_record(f"event number {number:06}. " + "x" * 90) for number in range(count)]


async def measure_emit(emit: Emit) -> dict[str, Any]:
    plain = await emit_all(emit, [make_record("x" * 120) for _ in range(300)], 10)
    failing = await emit_all(emit, [make_record("x" * 100, fails=True) for _ in range(100)], 10)
    return {"emit_us": statistics.median(plain) * 1e6, "exception_us": statistics.median(failing) * 1e6}


async def measure_burst(emit: Emit) -> dict[str, Any]:
    late: list[float] = []

    async def tick() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - started - 0.005)

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0.1)
    # The first line tells the driver that the clock runs.
    print(json.dumps({"started": True}), flush=True)
    emitted = len(await emit_all(emit, numbered(2000)))
    await asyncio.sleep(2)
    ticker.cancel()
    ordered = sorted(late)
    figures = {"emitted": emitted, "loop_p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3, "loop_worst_ms": ordered[-1] * 1e3}
    print(json.dumps(figures), flush=True)
    await asyncio.sleep(LIMIT_SECONDS)
    return figures


async def measure_paced(emit: Emit) -> dict[str, Any]:
    """Emit 300 events over 40 s, in whose middle 30 s Discord answers 500, and wait for the rest."""
    print(json.dumps({"started": True}), flush=True)
    until = time.perf_counter() + 40
    emitted = 0
    for number, record in enumerate(numbered(300)):
        emitted += len(await emit_all(emit, [record], 0))
        due = until - 40 + number * 40 / 300
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        if time.perf_counter() > until + 10:
            break
    print(json.dumps({"emitted": emitted}), flush=True)
    await asyncio.sleep(LIMIT_SECONDS)
    return {"emitted": emitted}


async def measure_kill(emit: Emit) -> dict[str, Any]:
    # A bot that has been running, not one that is just starting: seven of them start at once on a small machine.
    await asyncio.sleep(10)
    emitted = len(await emit_all(emit, numbered(500), 5))
    print(json.dumps({"emitted": emitted}), flush=True)
    await asyncio.sleep(LIMIT_SECONDS)
    return {}


async def measure_long(emit: Emit) -> dict[str, Any]:
    await emit_all(emit, [make_record("y" * 50_000)])
    # Longer than the 10 s for which a batch may wait.
    await asyncio.sleep(14)
    return {}


async def measure_memory(emit: Emit) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    emitted = len(await emit_all(emit, numbered(100_000), 20))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"emitted": emitted, "memory_mb": (after - before) / 1024}


async def resume(_emit: Emit) -> dict[str, Any]:
    await asyncio.sleep(15)
    return {}


TASKS = {
    "emit": measure_emit,
    "burst": measure_burst,
    "outage": measure_paced,
    "kill": measure_kill,
    "resume": resume,
    "long": measure_long,
    "memory": measure_memory,
}


async def main(name: str, task: str, url: str) -> None:
    emit, close = await CLIENTS[name](url)
    figures = await TASKS[task](emit)
    print(json.dumps(figures), flush=True)
    if task == "resume":
        waiting = close()
        if waiting is not None:
            await waiting
    # Threads that still retry would hold up the end.
    sys.stdout.flush()
    import os  # noqa: PLC0415

    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
