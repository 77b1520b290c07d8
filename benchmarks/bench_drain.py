"""How fast a burst is on screen with Discord's limits on: ours, a discord.py loop, and QueueListener, both one by one."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import sys
import time
import urllib.error
import urllib.request
from logging.handlers import QueueHandler, QueueListener

import aiohttp
import discord

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

# How long the others may try; what they would need in all is said from their pace.
RIVAL_SECONDS = 60
TRACE = (
    'Traceback (most recent call last):\n  File "bot/cogs/{kind}.py", line {line}, in run\n    await go()\nValueError: broken\n'
)


def mixed(number: int) -> Event:
    """One of a bot's bad day: mostly INFO, some warnings, errors of 20 sorts."""
    text = f"event number {number:06}. " + "x" * 60
    context = {"guild": f"Guild {number % 7}", "command": f"command-{number % 20}"}
    if number % 10 == 0:
        kind = number // 10 % 20
        trace = TRACE.format(kind=kind, line=kind + 10)
        return Event(EventKind.ERROR, LogLevel.ERROR, text, time.time(), f"cog{kind}", context, trace)
    level = LogLevel.WARNING if number % 10 < 3 else LogLevel.INFO
    return Event(EventKind.LOG, level, text, time.time(), f"mybot.part{number % 5}", context, template="event number %06d. x")


def on_screen(sandbox: Sandbox, name: str) -> int:
    """How many of the numbered events can be read in a channel, files included."""
    texts = [m.text + "".join(file.text for file in m.attachments) for m in sandbox.messages(name)]
    found: set[str] = set()
    for text in texts:
        found |= {part[:6] for part in text.split("event number ")[1:]}
    return len(found)


def report(what: str, sandbox: Sandbox, name: str, seconds: float, total: int) -> None:
    posts = [r for r in sandbox.requests if r.webhook == name and r.method != "GET"]
    limited, shown = sum(r.status == 429 for r in posts), on_screen(sandbox, name)
    rest = "" if shown >= total else f", at this pace all after {seconds / max(shown, 1) * total / 60:.0f} min"
    print(
        f"{what:<34} {shown:6} of {total} on screen after {seconds:5.1f} s, {len(posts):3} requests, {limited} 429s{rest}",
        flush=True,
    )


async def ours(sandbox: Sandbox, name: str, count: int, seconds: float) -> None:
    """Submit `count` events within `seconds`, and wait until all are on screen."""
    config = WebhookConfig(info_webhook_url=sandbox.webhook_url(name), storage=f"sqlite:///{name}.sqlite3")
    manager = WebhookManager(config)
    await manager.start()
    started = time.perf_counter()
    for number in range(count):
        manager.submit(mixed(number))
        due = started + number / count * seconds
        if number % 20 == 0 and due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())
    books = None
    while books is None or books.pending:
        await asyncio.sleep(0.05)
        books = await manager.stats()
    took = time.perf_counter() - started
    await manager.stop()
    assert books.balanced
    report(f"ours, {count:,} in {seconds:g} s", sandbox, name, took, count)


async def discord_loop(sandbox: Sandbox, name: str, count: int) -> None:
    async with aiohttp.ClientSession() as session:
        url = sandbox.webhook_url(name).rpartition("/")
        webhook = discord.Webhook.partial(int(url[0].rpartition("/")[2]), url[2], session=session)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(RIVAL_SECONDS):
                for number in range(count):
                    await webhook.send(mixed(number).message)
        except TimeoutError:
            pass
        report("a discord.py loop, one by one", sandbox, name, time.perf_counter() - started, count)


class _PostHandler(logging.Handler):
    """What most handlers for Discord do: a POST for each record, and on a 429 a pause and again."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.is_over = False

    def emit(self, record: logging.LogRecord) -> None:
        body = json.dumps({"content": record.getMessage()}).encode()
        while not self.is_over:
            request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
            try:
                urllib.request.urlopen(request).close()  # noqa: S310
                return
            except urllib.error.HTTPError as error:
                time.sleep(min(float(error.headers.get("Retry-After", 1)), 5))


async def queue_listener(sandbox: Sandbox, name: str, count: int) -> None:
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = _PostHandler(sandbox.webhook_url(name).replace("https://discord.com", sandbox.base_url))
    listener = QueueListener(records, handler)
    source = QueueHandler(records)
    listener.start()
    started = time.perf_counter()
    for number in range(count):
        source.emit(logging.LogRecord("mybot", logging.INFO, __file__, 1, mixed(number).message, (), None))
    await asyncio.sleep(RIVAL_SECONDS)
    took = time.perf_counter() - started
    handler.is_over = True
    report("stdlib QueueListener, one by one", sandbox, name, took, count)
    while not records.empty():
        records.get()
    await asyncio.to_thread(listener.stop)


async def critical_in_a_backlog(sandbox: Sandbox) -> None:
    """10,000 INFO wait; how long until a CRITICAL event is seen."""
    config = WebhookConfig(info_webhook_url=sandbox.webhook_url("backlog"), storage="sqlite:///backlog.sqlite3")
    manager = WebhookManager(config)
    await manager.start()
    for number in range(10_000):
        manager.submit(Event(EventKind.LOG, LogLevel.INFO, f"event number {number:06}. " + "x" * 60, time.time(), "mybot"))
    await sandbox.wait_until(lambda: sandbox.messages("backlog"), 20)
    waiting = await manager.stats()
    started = time.perf_counter()
    manager.submit(Event(EventKind.LOG, LogLevel.CRITICAL, "the database is gone", time.time(), "mybot"))
    await sandbox.wait_until(lambda: any("the database is gone" in m.text for m in sandbox.messages("backlog")[-3:]), 60)
    took = time.perf_counter() - started
    print(f"CRITICAL while {waiting.pending:,} INFO wait{'':<10} on screen after {took * 1000:.0f} ms", flush=True)
    await manager.stop(0)


async def one_error_10_000_times(sandbox: Sandbox, seconds: float = 60) -> None:
    config = WebhookConfig(error_webhook_url=sandbox.webhook_url("repeats"), storage="sqlite:///repeats.sqlite3")
    manager = WebhookManager(config)
    await manager.start()
    started = time.perf_counter()
    other = 0.0
    for number in range(10_000):
        event = mixed(0)
        manager.submit(event)
        due = started + number / 10_000 * seconds
        if due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())
        if number == 5_000:
            manager.submit(mixed(10))
            before = time.perf_counter()
            await sandbox.wait_until(lambda: len(sandbox.messages("repeats")) == 2)
            other = time.perf_counter() - before
    await manager.flush(30)
    posts = [r.method for r in sandbox.requests if r.webhook == "repeats" and r.method != "GET"]
    shown = sandbox.messages("repeats")
    has_all = "`×10000`" in shown[0].text
    print(
        f"one error 10,000 times in {seconds:.0f} s         {len(shown) - 1} card, {posts.count('PATCH')} edits, 10,000 shown: "
        f"{has_all}; the next different error after {other * 1000:.0f} ms; {sandbox.count_status(429)} 429s in all",
        flush=True,
    )
    await manager.stop()


async def main() -> None:
    async with Sandbox() as sandbox:
        with sandbox.redirect():
            await ours(sandbox, "burst", 2_000, 1)
            await ours(sandbox, "flood", 50_000, 1)
            await critical_in_a_backlog(sandbox)
            if "--quick" not in sys.argv:
                await one_error_10_000_times(sandbox)
                await asyncio.gather(discord_loop(sandbox, "loop", 2_000), queue_listener(sandbox, "listener", 2_000))


if __name__ == "__main__":
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        asyncio.run(main())
