"""A fleet of real processes on a real Redis that goes away in every way: nothing is lost, and no loop waits for it."""

from __future__ import annotations

import asyncio
import shutil
import socket

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import RedisServer, needs_redis
from .conftest import Start
from .fleet_channels import all_arrive, said
from .fleet_process import KINDS, Cluster

pytestmark = [pytest.mark.real_time, pytest.mark.slow, needs_redis]
# A loop that waited for Redis would wait for a second, its timeout.
MOST_LAG_MS = 100


async def _stopped(server: RedisServer, seconds: float) -> None:
    server.stop()
    await asyncio.sleep(seconds)
    server.start()


async def _killed(server: RedisServer, seconds: float) -> None:
    # With `everysec` it answers up to two seconds before it writes, when the disk is busy (redis.conf, appendfsync).
    server.client().config_set("appendfsync", "always")
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


async def _locked(server: RedisServer, seconds: float) -> None:
    client = server.client()
    client.config_set("requirepass", "another")
    for kind in ("normal", "pubsub"):
        client.client_kill_filter(_type=kind)
    await asyncio.sleep(seconds)
    client.auth("another")
    client.config_set("requirepass", "")


FAULTS = {
    "stopped": _stopped,
    "killed": _killed,
    "hanging": _hanging,
    "paused": _paused,
    "full": _full,
    "read only": _read_only,
    "wrong password": _locked,
    "failed over": _failed_over,
}


async def burst_until(done: asyncio.Task[None], clusters: list[Cluster], number: int) -> int:
    """Let each process say something ten times a second; returns the next number."""
    while not done.done():
        for cluster in clusters:
            await cluster.ask(f"burst {number} 1")
        number += 1
        await asyncio.sleep(0.1)
    await done
    return number


async def lags_of(clusters: list[Cluster]) -> list[float]:
    return [float(await cluster.ask("lag")) for cluster in clusters]


@pytest.mark.parametrize("seconds", [3, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_lost_while_redis_is_away(
    fault: str, seconds: float, start: Start, server: RedisServer, sandbox: Sandbox
) -> None:
    clusters = await start(2)
    await lags_of(clusters)
    number = await burst_until(asyncio.create_task(asyncio.sleep(seconds if seconds == 20 else 0.5)), clusters, 0)
    before = await lags_of(clusters)
    number = await burst_until(asyncio.create_task(FAULTS[fault](server, seconds)), clusters, number)
    during = await lags_of(clusters)
    print(f"{fault}: p99 of the loop's delay in ms: {before} before, {during} during")
    # In the gate other tests run beside, so that delays say little.
    assert seconds < 20 or max(during) < max(before) + MOST_LAG_MS
    assert [await cluster.ask("on_loop") for cluster in clusters] == ["0", "0"]
    await all_arrive(sandbox, {(f"cluster-{n}", k) for n in range(2) for k in range(number)})
    for name in KINDS:
        for n in range(2):
            numbers = [k for cluster, k in said(sandbox, name) if cluster == f"cluster-{n}"]
            assert numbers == sorted(numbers), (name, n)
    async with asyncio.timeout(60):
        while [(await cluster.ask("stats")).split()[:4:2] for cluster in clusters] != [["True", "0"]] * 2:
            await asyncio.sleep(0.2)
    for cluster in clusters:
        assert cluster.log.count("Events wait in") == 1, cluster.log
        assert cluster.log.count("takes events again") == 1, cluster.log


async def test_a_redis_that_comes_back_empty_costs_only_what_waited_in_it(
    start: Start, server: RedisServer, sandbox: Sandbox
) -> None:
    clusters = await start(2)
    await clusters[1].ask("level error WARNING")
    await clusters[0].ask("burst 0 5")
    await all_arrive(sandbox, {("cluster-0", k) for k in range(5)})
    server.stop(kill=True)
    shutil.rmtree(server.folder / "appendonlydir")
    for cluster in clusters:
        await cluster.ask("burst 5 5")
    server.start()
    async with asyncio.timeout(20):
        while not all("lost its data" in cluster.log for cluster in clusters):
            await asyncio.sleep(0.1)
    for cluster in clusters:
        await cluster.ask("burst 10 5")
    await all_arrive(sandbox, {("cluster-0", k) for k in range(15)} | {("cluster-1", k) for k in range(5, 15)})
    for cluster in clusters:
        assert await cluster.ask("levels") == "{'error': 'WARNING'}"
        assert await cluster.ask("members") == "['cluster-0', 'cluster-1']"
        assert (await cluster.ask("stats")).startswith("True ")
        # Told once each, that it is away, empty and back; a restart may be too quick to be noticed.
        assert len(cluster.log.splitlines()) in (1, 3), cluster.log
