"""A fleet of real processes on a Redis of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import RedisServer
from .fleet_process import Cluster

Start = Callable[..., Awaitable[list[Cluster]]]


@pytest.fixture
def server(tmp_path: Path) -> Any:
    server = RedisServer(None, "--appendonly", "yes", "--appendfsync", "everysec").start()
    yield server
    server.remove()


@pytest.fixture
async def start(server: RedisServer, sandbox: Sandbox, env: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    clusters: list[Cluster] = []

    async def begin(count: int, **environment: str) -> list[Cluster]:
        new = [Cluster(sandbox, server.url(), f"cluster-{len(clusters) + n}", **environment) for n in range(count)]
        clusters.extend(new)
        # The first one sends.
        await new[0].start()
        await asyncio.gather(*(cluster.start() for cluster in new[1:]))
        return new

    yield begin
    for cluster in clusters:
        await cluster.kill()
