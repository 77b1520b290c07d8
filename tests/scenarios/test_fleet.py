"""Several processes of one bot on one Redis: one of them sends, and all of it arrives once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.accounting import Stats
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..redis_server import RedisServer

# Redis has a time of its own, which passes as it does.
pytestmark = pytest.mark.real_time


def settings(server: RedisServer, urls: dict[str, Any], number: int, **more: Any) -> WebhookConfig:
    return WebhookConfig(**urls, storage=server.url(), process_name=f"cluster-{number}", batch_timeout_seconds=0.1, **more)


def shown(sandbox: Sandbox, name: str = "info") -> str:
    return "\n".join(str(message) for message in sandbox.messages(name))


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def stats_when(managers: list[WebhookManager], condition: Callable[[list[Stats]], bool]) -> list[Stats]:
    async with asyncio.timeout(10):
        while not condition(stats := [await manager.stats() for manager in managers]):
            await asyncio.sleep(0.02)
    return stats


async def test_what_every_process_accepts_arrives_once(redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        managers = [await stack.enter_async_context(running_manager(settings(redis_server, urls, n))) for n in range(3)]
        for number, manager in enumerate(managers):
            await manager.send_log(LogLevel.INFO, f"from {number}.")
        await until(lambda: all(f"from {number}." in shown(sandbox) for number in range(3)))
        text = shown(sandbox)
        assert [text.count(f"from {number}.") for number in range(3)] == [1, 1, 1]
        stats = await stats_when(managers, lambda stats: sum(each.delivered + each.folded for each in stats) == 3)
        assert all(each.balanced for each in stats)
        assert sum(each.forwarded for each in stats) == 0
