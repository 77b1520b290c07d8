"""Two versions of the package in one fleet: what the newer one stores waits for it, untouched, and is said once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import RedisServer, needs_redis
from .conftest import Start
from .fleet_channels import all_arrive, counts
from .fleet_process import KINDS

pytestmark = [pytest.mark.real_time, pytest.mark.slow, needs_redis]
NEWER = "4"


def stored(server: RedisServer) -> dict[str, Any]:
    """Return what waits in all streams, and what a newer version keeps in the state."""
    client = server.client()
    rows = {name: sorted(row["e"] for _, row in client.xrange(f"test:in:{name}")) for name in KINDS}
    return {**rows, "state": client.hgetall("test:state:later")}


async def test_an_older_version_leaves_what_a_newer_one_stored(start: Start, server: RedisServer, sandbox: Sandbox) -> None:
    (older,) = await start(1)
    (newer,) = await start(1, FLEET_CODEC=NEWER)
    client = server.client()
    # A key of the state that this version does not know.
    client.sadd("test:buckets", "later")
    client.hset("test:state:later", "later/thing", '{"form": [1, 2]}')
    await older.ask("burst 0 5")
    await newer.ask("burst 0 5")
    # The newer one sends, as soon as it hears that an older one does.
    await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(2) for k in range(5)})
    assert await newer.is_sender()
    for name in KINDS:
        sandbox.fault(name, "500")
    await newer.ask("burst 5 5")
    await newer.ask("settle")
    await newer.kill()
    # For half a minute more its rows wait for another one of its version.
    client.delete("test:lease", "test:codec")
    async with asyncio.timeout(20):
        while not await older.is_sender():
            await asyncio.sleep(0.1)
    waiting = stored(server)
    assert all(len(waiting[name]) == 5 for name in KINDS), waiting
    for name in KINDS:
        sandbox.heal(name)
    await older.ask("burst 5 5")
    async with asyncio.timeout(60):
        # What is shown is acknowledged a moment later.
        while not all(counts(sandbox, name)["cluster-0", 9] for name in KINDS) or stored(server) != waiting:
            await asyncio.sleep(0.1)
    assert not any(counts(sandbox, name)["cluster-1", 5] for name in KINDS)
    assert older.log.count("a newer version of statsbot_webhooks stored events in this fleet") == 1, older.log
    await newer.start()
    await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(2) for k in range(10)})
    assert stored(server) == {**{name: [] for name in KINDS}, "state": {"later/thing": '{"form": [1, 2]}'}}
    assert (await older.ask("stats")).startswith("True ")
