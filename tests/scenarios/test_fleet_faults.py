"""A fleet of real processes on a real Redis: killed, stopped and continued, and a Redis that goes away in every way."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import PROGRAM, RedisServer
from .fleet_process import KINDS, Cluster

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="there is no redis-server on this machine: apt-get install redis-server"),
]
Start = Callable[..., Awaitable[list[Cluster]]]


def said(sandbox: Sandbox, name: str) -> dict[str, list[tuple[str, int]]]:
    """Return what each message of a channel says, with its batch id: what was sent twice has the same one."""
    messages: dict[str, list[tuple[str, int]]] = {}
    for message in sandbox.messages(name):
        text = ("".join(file.text for file in message.attachments) or message.text).replace("\\", "")
        footer = str(message.embeds[-1].get("footer", {}).get("text", "")) if message.embeds else message.content
        found = [(cluster, int(number)) for cluster, number in re.findall(r"(cluster-\d+) says number (\d+)\.", text)]
        batch = re.search(r"#([0-9a-f]+)", footer)
        if found and (batch is None or batch[1] not in messages):
            messages[batch[1] if batch else str(message.id)] = found
    return messages


def counts(sandbox: Sandbox, name: str) -> Counter[tuple[str, int]]:
    return Counter(one for found in said(sandbox, name).values() for one in found)


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


async def all_arrive(sandbox: Sandbox, want: set[tuple[str, int]], seconds: float = 60) -> None:
    """Wait until everything has arrived in every channel; nothing is in two messages of different ids."""
    try:
        async with asyncio.timeout(seconds):
            while not all(set(counts(sandbox, name)) >= want for name in KINDS):
                await asyncio.sleep(0.2)
    except TimeoutError:
        missing = {name: sorted(want - set(counts(sandbox, name)))[:10] for name in KINDS}
        raise AssertionError(f"did not arrive: {missing}") from None
    for name in KINDS:
        assert [one for one, count in counts(sandbox, name).items() if count > 1] == [], name
    assert sandbox.count_status(429) == 0


async def test_another_process_goes_on_when_the_sender_is_killed(start: Start, sandbox: Sandbox) -> None:
    first, second, third = await start(3)
    assert await first.is_sender()
    sandbox.fault("info", "saved_no_answer", times=1)
    for cluster in (first, second, third):
        await cluster.ask("burst 0 50")
        await cluster.ask("settle")
    await first.kill()
    loop = asyncio.get_running_loop()
    killed = loop.time()
    while not (await second.is_sender() or await third.is_sender()):
        await asyncio.sleep(0.1)
    assert loop.time() - killed < 15
    await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(3) for k in range(50)})


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.soak)])
async def test_a_sender_that_stood_still_longer_than_its_lease_does_nothing_more(
    start: Start, sandbox: Sandbox, rounds: int
) -> None:
    clusters, number = await start(2), 0
    rng = random.Random(7)
    for _ in range(rounds):
        flags = [await cluster.is_sender() for cluster in clusters]
        sender, other = clusters[flags.index(True)], clusters[flags.index(False)]
        for cluster in clusters:
            await cluster.ask(f"burst {number} 20")
        await asyncio.sleep(rng.uniform(0, 1.5))
        sender.hang()
        number += 20
        async with asyncio.timeout(15):
            while not await other.is_sender():
                await asyncio.sleep(0.1)
        sender.go_on()
        assert not await sender.is_sender()
        await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(2) for k in range(number)})


async def _stopped(server: RedisServer, seconds: float) -> None:
    server.stop()
    await asyncio.sleep(seconds)
    server.start()


async def _killed(server: RedisServer, seconds: float) -> None:
    # Every second it writes to the disk, so that what came before is there again.
    await asyncio.sleep(1.5)
    server.stop(kill=True)
    await asyncio.sleep(seconds)
    server.start()


async def _hanging(server: RedisServer, seconds: float) -> None:
    server.hang()
    await asyncio.sleep(seconds)
    server.go_on()


async def _paused(server: RedisServer, seconds: float) -> None:
    server.client().client_pause(int(seconds * 1000))
    await asyncio.sleep(seconds)


async def _full(server: RedisServer, seconds: float) -> None:
    client = server.client()
    client.config_set("maxmemory", "1")
    await asyncio.sleep(seconds)
    client.config_set("maxmemory", "0")


async def _read_only(server: RedisServer, seconds: float) -> None:
    client = server.client()
    client.replicaof("127.0.0.1", "1")
    await asyncio.sleep(seconds)
    client.replicaof("NO", "ONE")


async def _failed_over(server: RedisServer, seconds: float) -> None:
    """A planned failover: a replica that has all takes the place of its master, at the address of the service."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = server.folder / "replica"
    folder.mkdir()
    master, replica = server.client(), RedisServer(folder, "--appendonly", "yes").start()
    master.config_set("port", port)
    replica.client().replicaof("127.0.0.1", port)
    async with asyncio.timeout(20):
        while replica.client().info("replication")["master_link_status"] != "up":
            await asyncio.sleep(0.1)
    # Replication is asynchronous: without the pause, what the replica had not got yet would be lost.
    master.client_pause(60_000, all=False)
    async with asyncio.timeout(20):
        while (offsets := master.info("replication"))["slave0"]["offset"] != offsets["master_repl_offset"]:
            await asyncio.sleep(0.1)
    server.stop(kill=True)
    await asyncio.sleep(seconds)
    replica.client().replicaof("NO", "ONE")
    replica.socket.rename(server.socket)
    server.pid = replica.pid


FAULTS = {
    "stopped": _stopped,
    "killed": _killed,
    "hanging": _hanging,
    "paused": _paused,
    "full": _full,
    "read only": _read_only,
    "failed over": _failed_over,
}


@pytest.mark.parametrize("seconds", [3, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_lost_while_redis_is_away(
    fault: str, seconds: float, start: Start, server: RedisServer, sandbox: Sandbox
) -> None:
    clusters = await start(2)
    for cluster in clusters:
        await cluster.ask("burst 0 20")
        await cluster.ask("settle")
        await cluster.ask("lag")
    doing = asyncio.create_task(FAULTS[fault](server, seconds))
    number = 20
    while not doing.done():
        for cluster in clusters:
            await cluster.ask(f"burst {number} 1")
        number += 1
        await asyncio.sleep(0.1)
    await doing
    lags = [float(await cluster.ask("lag")) for cluster in clusters]
    await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(2) for k in range(number)})
    for name in KINDS:
        for n in range(2):
            numbers = [k for found in said(sandbox, name).values() for cluster, k in found if cluster == f"cluster-{n}"]
            assert numbers == sorted(numbers), (name, n)
    async with asyncio.timeout(10):
        while [(await cluster.ask("stats")).split()[:4:2] for cluster in clusters] != [["True", "0"]] * 2:
            await asyncio.sleep(0.2)
    print(fault, "p99 of the loop's delay in ms:", lags)
