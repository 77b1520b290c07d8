"""Eight processes say much at once to the same channels: all of it arrives, once, in the order of each process."""

from __future__ import annotations

import asyncio

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import needs_redis
from .conftest import Start
from .fleet_channels import all_arrive, said
from .fleet_process import KINDS

EVENTS = 1000


@needs_redis
@pytest.mark.real_time
@pytest.mark.soak
async def test_a_thousand_events_of_each_of_eight_processes(start: Start, sandbox: Sandbox) -> None:
    clusters = await start(8)
    await asyncio.gather(*(cluster.ask(f"burst 0 {EVENTS}") for cluster in clusters))
    await all_arrive(sandbox, {(cluster.name, number) for cluster in clusters for number in range(EVENTS)}, 120)
    for name in KINDS:
        assert len(said(sandbox, name)) == len(clusters) * EVENTS
        for cluster in clusters:
            numbers = [number for speaker, number in said(sandbox, name) if speaker == cluster.name]
            assert numbers == sorted(numbers), (name, cluster.name)
    print(f"{sum(request.method == 'POST' for request in sandbox.requests)} messages")
