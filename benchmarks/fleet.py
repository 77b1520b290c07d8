"""What a fleet costs as it grows from 1 to 16 processes, and what 32 or 100 idle ones do: requests, delay, commands of Redis.

`python benchmarks/fleet.py [MOST [EVENTS [IDLE]]]`. Each process is a real one; all of them share a Redis and a local Discord.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from statsbot_webhooks.sandbox import Sandbox

NAMES = ("error", "info", "performance", "member_events")
SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
IDLE_SECONDS = 20


@contextmanager
def redis_server() -> Generator[Any]:
    import redis

    if SERVER is None:
        sys.exit("apt-get install redis-server first")
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    path = str(folder / "redis.sock")
    process = subprocess.Popen(
        [SERVER, "--port", "0", "--unixsocket", path, "--dir", str(folder), "--save", ""], stdout=subprocess.DEVNULL
    )
    client = redis.Redis(unix_socket_path=path, decode_responses=True)
    while not Path(path).exists():
        time.sleep(0.01)
    try:
        yield client, f"unix://{path}?prefix=bench"
    finally:
        client.close()
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fleet(sandbox: Sandbox, storage: str, count: int) -> Generator[Sequence[subprocess.Popen[str]]]:
    urls = {f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name) for name in NAMES}
    environment = {**os.environ, **urls, "WEBHOOK_STORAGE": storage, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment["WEBHOOK_BATCH_TIMEOUT_SECONDS"] = "0.5"
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    processes: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            own = {**environment, "WEBHOOK_PROCESS_NAME": f"cluster-{number}"}
            command = [sys.executable, __file__, "--process", sandbox.base_url]
            processes.append(subprocess.Popen(command, env=own, cwd=folder, stdin=pipe, stdout=pipe, text=True, stderr=quiet))
        try:
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            yield processes
        finally:
            for process in processes:
                process.kill()
                process.communicate()


def commands(client: Any) -> int:
    """Return how many commands Redis did, those in scripts included, but for this benchmark's own."""
    calls = {name: int(stats["calls"]) for name, stats in client.info("commandstats").items()}
    return sum(calls.values()) - calls.get("cmdstat_info", 0)


def shown(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Return what all channels say, in order: who, and the number."""
    found: list[tuple[str, str]] = []
    for name in NAMES:
        for message in sandbox.messages(name):
            text = "".join(file.text for file in message.attachments) or message.text
            found += re.findall(r"(\w+ cluster\\?-\d+) says number (\d+)\.", text)
    return found


def wait_for(sandbox: Sandbox, total: int, seconds: float = 120) -> float:
    """Return how long it took until so much was on screen."""
    began = time.monotonic()
    while len(shown(sandbox)) < total and time.monotonic() - began < seconds:
        time.sleep(0.1)
    return time.monotonic() - began


def say(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{count}\n")
    process.stdin.flush()


def in_order(found: Sequence[tuple[str, str]]) -> bool:
    numbers: dict[str, list[int]] = {}
    for who, number in found:
        numbers.setdefault(who, []).append(int(number))
    return all(each == sorted(each) for each in numbers.values())


def grow(count: int, events: int) -> None:
    with redis_server() as (client, storage), Sandbox() as sandbox, fleet(sandbox, storage, count) as processes:
        before, total = commands(client), events // count * count * len(NAMES)
        for process in processes:
            say(process, events // count)
        took, found = wait_for(sandbox, total), shown(sandbox)
        cost = (commands(client) - before) / total
        posts = len([request for request in sandbox.requests if request.webhook in NAMES and request.method != "GET"])
        say(processes[-1], 1)
        delay = wait_for(sandbox, total + len(NAMES))
        print(
            f"{count:3} processes, {total} events: {len(found)} on screen after {took:4.1f} s, {len(found) - len(set(found))} "
            f"twice, {'in' if in_order(found) else 'OUT OF'} order, {posts} requests ({posts / took:.1f} a second), "
            f"{sandbox.count_status(429)} 429s, {cost:.2f} commands of Redis for each event; one more after {delay:.1f} s",
            flush=True,
        )


def idle(count: int) -> None:
    with redis_server() as (client, storage), Sandbox() as sandbox, fleet(sandbox, storage, count):
        # They greet each other.
        time.sleep(10)
        before = commands(client)
        time.sleep(IDLE_SECONDS)
        memory = client.info("memory")["used_memory"] / 1e6
        print(
            f"{count:3} idle processes: {(commands(client) - before) / IDLE_SECONDS:.1f} commands a second, "
            f"{client.info('clients')['connected_clients'] - 1} connections, {memory:.1f} MB of Redis' memory",
            flush=True,
        )


async def run_process() -> None:
    """One process of the fleet: says as many things as a line of its input tells."""
    from statsbot_webhooks import LogLevel, setup_webhook_logging
    from statsbot_webhooks.events.event import Event, EventKind

    kinds = {
        "error": (EventKind.LOG, LogLevel.WARNING), "info": (EventKind.LOG, LogLevel.INFO),
        "performance": (EventKind.PERFORMANCE, LogLevel.WARNING), "member_events": (EventKind.MEMBER, LogLevel.INFO),
    }  # fmt: skip
    manager = setup_webhook_logging()
    await manager.start()
    print("ready", flush=True)
    said = 0
    while line := await asyncio.to_thread(sys.stdin.readline):
        for number in range(said, said := said + int(line)):
            for name, (kind, level) in kinds.items():
                text = f"{name} {manager.config.process_name} says number {number}."
                manager.submit(Event(kind, level, text, time.time(), "bench", fingerprint=text))
            if number % 100 == 0:
                await asyncio.sleep(0)


def main(most: int = 16, events: int = 8000, idle_processes: int = 32) -> None:
    count = 1
    while count <= most:
        grow(count, events)
        count *= 2
    idle(idle_processes)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--process"]:
        from statsbot_webhooks.sandbox import redirect

        with redirect(sys.argv[2]):
            asyncio.run(run_process())
    else:
        main(*map(int, sys.argv[1:]))
