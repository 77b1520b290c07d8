"""What only minutes can show, with Discord's limits on: `make soak`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psutil
import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, load_webhook_config
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from .test_faults import numbers

pytestmark = pytest.mark.soak
_RATE = 20


def event(number: int) -> Event:
    level = LogLevel.WARNING if number % 10 == 0 else LogLevel.INFO
    return Event(EventKind.LOG, level, f"number {number}. " + "x" * 60, time.time(), f"part{number % 5}", {"guild": "One"})


async def test_20_events_a_second_for_10_minutes(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """Never more than 15 s behind, no 429, and memory stays what it is."""
    behind, memory = 0.0, list[float]()
    process = psutil.Process()
    config = WebhookConfig(info_webhook_url=urls["info_webhook_url"])
    async with running_manager(config) as manager:
        started = time.monotonic()
        for number in range(_RATE * 600):
            manager.submit(event(number))
            await asyncio.sleep(max(started + number / _RATE - time.monotonic(), 0))
            if number % _RATE == 0:
                depth = await manager._intake.run(manager._outbox.depth, "info")
                behind = max(behind, time.time() - depth.oldest if depth.oldest is not None else 0.0)
            if number % (_RATE * 60) == 0:
                memory.append(process.memory_info().rss / 2**20 - _kept(sandbox))
        await manager.flush(30)
        stats = await manager.stats()
    posts = sum(request.method != "GET" for request in sandbox.requests)
    print(f"\n{stats.accepted} events, {posts} requests, {sandbox.count_status(429)} 429s, at most {behind:.1f} s behind")
    print("MB, each minute, without what the sandbox keeps:", " ".join(f"{value:.1f}" for value in memory))
    assert stats.balanced
    assert (stats.pending, stats.lost, stats.dead, sandbox.count_status(429)) == (0, 0, 0, 0)
    assert numbers(sandbox, "info") == list(range(_RATE * 600))
    assert behind < 15
    # After the first two minutes, in which caches fill.
    assert max(memory[2:]) - min(memory[2:]) < 10


def _kept(sandbox: Sandbox) -> float:
    """How many MB of messages and files the sandbox, in the same process, holds."""
    files = sum(len(data) for _, data in list(sandbox.state.files.values()))
    return (files + sum(len(str(request.payload)) + len(str(request.response)) for request in sandbox.requests)) / 2**20


@pytest.mark.parametrize("webhooks", [2, 5])
async def test_webhooks_of_one_channel_at_full_load(sandbox: Sandbox, webhooks: int) -> None:
    """Five minutes in which every webhook always has something to send, cards included, and not one 429."""
    sandbox.add_channel("shared")
    names = [f"part{number}" for number in range(webhooks)]
    lines = {f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name, "shared") for name in names}
    config = load_webhook_config({**lines, "WEBHOOK_BATCH_TIMEOUT_SECONDS": "0", "WEBHOOK_CARD_EDIT_SECONDS": "1"})
    async with running_manager(config) as manager:
        until, number = time.monotonic() + 300, 0
        while time.monotonic() < until:
            number += 1
            manager.submit(event(number))
            manager.submit(Event(EventKind.LOG, LogLevel.INFO, f"board {number}", time.time(), card=f"board {number % 3}"))
            if number % 40 == 0:
                manager.submit(Event(EventKind.LOG, LogLevel.ERROR, f"error {number}", time.time()))
            await asyncio.sleep(0.05)
        at = [request.at for request in sandbox.requests if request.webhook in names and request.method != "GET"]
        stats = await manager.stats()
        await manager.stop(0)
    shares = {name: sum(request.webhook == name for request in sandbox.requests) for name in names}
    most = max(sum(start <= time < start + 60 for time in at) for start in at)
    print(
        f"\n{webhooks} webhooks: {len(at)} requests in 300 s, at most {most} in 60 s, {sandbox.count_status(429)} 429s, {shares}"
    )
    assert sandbox.count_status(429) == 0
    assert stats.balanced
    assert min(shares.values()) > max(shares.values()) / 4
