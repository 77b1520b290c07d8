"""The process of a fleet that sends is killed, or stands still for longer than its lease: another one goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import needs_redis
from .conftest import Start
from .fleet_channels import all_arrive, repeats
from .fleet_process import KINDS, Cluster

pytestmark = [pytest.mark.real_time, pytest.mark.slow, needs_redis]
# So many ends of a sender at random; one of each in the gate.
ROUNDS = 10


async def sender_of(clusters: Sequence[Cluster], seconds: float = 15) -> Cluster:
    async with asyncio.timeout(seconds):
        while True:
            for cluster in clusters:
                if await cluster.is_sender():
                    return cluster
            await asyncio.sleep(0.1)


async def stand_still(sender: Cluster, others: Sequence[Cluster]) -> None:
    """The sender stops, and goes on when another one sends: it starts no send and acknowledges nothing."""
    sender.hang()
    await sender_of(others)
    sender.go_on()
    assert not await sender.is_sender()
    requests = await sender.ask("requests")
    ended = (await sender.ask("stats")).split()[3]
    # As long as a request that was under way may take to be answered.
    await asyncio.sleep(2)
    assert await sender.ask("requests") == requests
    assert (await sender.ask("stats")).split()[3] == ended


async def die(sender: Cluster, others: Sequence[Cluster]) -> None:
    await sender.kill()
    await sender_of(others)
    await sender.start()


ENDS = {"killed": die, "stopped": stand_still}


@pytest.mark.parametrize(
    "ends", [["killed"], ["stopped"], pytest.param(random.Random(7).choices(list(ENDS), k=ROUNDS), marks=pytest.mark.soak)]
)
async def test_another_process_goes_on_and_at_most_the_batch_in_flight_is_repeated(
    ends: list[str], start: Start, sandbox: Sandbox
) -> None:
    clusters, number, rng = await start(3), 0, random.Random(13)
    for end in ends:
        sender = await sender_of(clusters)
        before = {name: repeats(sandbox, name) for name in KINDS}
        # What is in flight when the sender ends: stored with no answer, or not stored yet.
        sandbox.fault(rng.choice(KINDS), rng.choice(["saved_no_answer", "slow"]), times=1, delay=3)
        for cluster in clusters:
            await cluster.ask(f"burst {number} 20")
            await cluster.ask("settle")
        number += 20
        await asyncio.sleep(rng.uniform(0, 1.5))
        await ENDS[end](sender, [cluster for cluster in clusters if cluster is not sender])
        await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(3) for k in range(number)})
        again = {name: repeats(sandbox, name) - before[name] for name in KINDS}
        assert max(again.values()) <= 1, again
        print(end, "repeated:", again)
    if "killed" not in ends:
        # What one process accepted and another one sent is counted once.
        stats = [(await cluster.ask("stats")).split() for cluster in clusters]
        assert sum(int(ended) for *_, ended in stats) == 3 * number * len(KINDS), stats
