"""A process of a fleet for tests: a manager that does what it is told by its standard input. Run as a program by `Cluster`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp

from statsbot_webhooks.sandbox import Sandbox

_ROOT = Path(__file__).parents[2]
KINDS = ("error", "info", "performance", "member_events")


class Cluster:
    """One process. `start` waits until it runs; `ask` returns its answer to a line such as "burst 0 100"."""

    def __init__(self, sandbox: Sandbox, storage: str, name: str, **environment: str) -> None:
        self.name = name
        self._sandbox = sandbox
        self._environment = {**os.environ, "WEBHOOK_STORAGE": storage, "WEBHOOK_PROCESS_NAME": name, **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._log = Path(f"{name}.log").absolute()

    async def start(self) -> Cluster:
        command = [sys.executable, "-m", "tests.scenarios.fleet_process", self._sandbox.base_url]
        environment = {**self._environment, "PYTHONPATH": str(_ROOT)}
        pipe = asyncio.subprocess.PIPE
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=log, env=environment)
        assert await self._line() == "ready"
        return self

    @property
    def log(self) -> str:
        """What it has printed for its owner."""
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def ask(self, line: str) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        return await self._line()

    async def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            return (await self._process.stdout.readline()).decode().strip()

    async def is_sender(self) -> bool:
        return await self.ask("term") != "None"

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.ask("stop")
            await self._process.wait()


class _Lags:
    """How much later than it should the loop goes on, in milliseconds."""

    def __init__(self) -> None:
        self.lags: list[float] = []

    async def run(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            self.lags.append((time.perf_counter() - before - 0.01) * 1000)

    def p99(self) -> float:
        lags, self.lags = sorted(self.lags), []
        return lags[int(len(lags) * 0.99)] if lags else 0.0


async def _main() -> None:
    from statsbot_webhooks import LogLevel, setup_webhook_logging
    from statsbot_webhooks.events import event
    from statsbot_webhooks.events.event import Event, EventKind
    from statsbot_webhooks.storage.fleet import sender_lease
    from statsbot_webhooks.storage.fleet.redis_connection import RedisLink

    if "FLEET_CODEC" in os.environ:
        # As a later version of the package.
        event.CODEC = sender_lease.CODEC = int(os.environ["FLEET_CODEC"])  # type: ignore[misc]
    manager = setup_webhook_logging()
    await manager.start()
    name = manager.config.process_name
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    lags = _Lags()
    watch = asyncio.create_task(lags.run())
    events: dict[str, tuple[EventKind, LogLevel]] = {
        "error": (EventKind.LOG, LogLevel.WARNING),
        "info": (EventKind.LOG, LogLevel.INFO),
        "performance": (EventKind.PERFORMANCE, LogLevel.WARNING),
        "member_events": (EventKind.MEMBER, LogLevel.INFO),
    }

    def say(kind: str, number: int) -> None:
        sort, level = events[kind]
        text, apart = f"{name} says number {number}.", f"{name}-{kind}-{number}"
        # Repeats would be shown as one, with a count.
        manager.submit(Event(sort, level, text, time.time(), "fleet", fingerprint=apart))

    async def crash() -> None:
        try:
            raise RuntimeError("the shop is closed")
        except RuntimeError as error:
            await manager.send_error(error)

    requests, request = 0, aiohttp.ClientSession._request

    def count_request(*args: Any, **options: Any) -> Any:
        nonlocal requests
        requests += 1
        return request(*args, **options)

    aiohttp.ClientSession._request = count_request  # type: ignore[method-assign]
    on_loop, run = 0, RedisLink.run

    def count_on_loop(link: RedisLink, work: Any) -> Any:
        nonlocal on_loop
        on_loop += threading.current_thread() is threading.main_thread()
        return run(link, work)

    RedisLink.run = count_on_loop  # type: ignore[method-assign]
    print("ready", flush=True)
    while line := (await reader.readline()).decode().split():
        word, *rest = line
        answer: Any = "done"
        if word == "burst":
            first, count = map(int, rest)
            for number in range(first, first + count):
                for kind in KINDS:
                    say(kind, number)
        elif word == "say":
            say(rest[0], int(rest[1]))
        elif word == "crash":
            await crash()
        elif word == "settle":
            await asyncio.to_thread(manager.host.settle, 30)
        elif word == "term":
            fleet = manager._outbox.fleet  # who sends is nowhere else to be seen without Redis
            answer = fleet.term if fleet.may_send else None
        elif word == "requests":
            answer = requests
        elif word == "on_loop":
            answer = on_loop
        elif word == "stats":
            stats = await manager.stats()
            answer = f"{stats.balanced} {stats.accepted} {stats.lost + stats.pending} {stats.delivered + stats.folded}"
        elif word == "level":
            await manager.admin.set_level(rest[0], LogLevel(rest[1]))
        elif word == "levels":
            answer = {name: level.value for name, level in manager.admin.overrides.levels.items()}
        elif word == "members":
            answer = [member.name for member in (await manager.admin.members())[0]]
        elif word == "lag":
            answer = f"{lags.p99():.1f}"
        elif word == "stop":
            watch.cancel()
            await manager.stop()
            print(answer, flush=True)
            return
        print(answer, flush=True)


if __name__ == "__main__":
    from statsbot_webhooks.sandbox import redirect

    with redirect(sys.argv[1]):
        asyncio.run(_main())
