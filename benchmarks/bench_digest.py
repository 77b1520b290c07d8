"""How much building the digest and the file of 50,000 events delays a 5 ms ticker on the event loop, and what it costs."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable

from ticker import late_until

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.clock import breathe
from statsbot_webhooks.delivery.batch import MAX_ENTRIES, Batch, Batcher
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Entry

EVENTS = 50_000
_TRACE = 'Traceback (most recent call last):\n  File "bot.py", line {line}, in run\n    step()\nValueError: no such step {n}\n'


def mixed(count: int) -> list[Entry]:
    """Logs of twenty loggers, every 50th an error with a traceback, every 20th a member, one second in all."""
    levels = (LogLevel.INFO, LogLevel.INFO, LogLevel.WARNING, LogLevel.DEBUG)
    entries: list[Entry] = []
    for n in range(count):
        at = 1_760_000_000 + n / count
        if n % 50 == 0:
            trace = _TRACE.format(line=n % 7, n=n)
            event = Event(EventKind.ERROR, LogLevel.ERROR, f"ValueError: no such step {n}", at, "run", {"n": n}, trace)
        elif n % 20 == 0:
            event = Event(EventKind.MEMBER, LogLevel.INFO, f"<@{n}> user-{n} joined Guild", at, "join", template="join")
        else:
            text = f"request {n} of shard {n % 11} took {n % 97} ms"
            event = Event(EventKind.LOG, levels[n % 4], text, at, f"app.part{n % 20}", template="request %d of %d")
        entries.append(Entry(n, "info", event))
    return entries


def build(batcher: Batcher, entries: list[Entry], at_once: int) -> list[Batch]:
    return [batcher.build(entries[start : start + at_once]) for start in range(0, len(entries), at_once)]


async def measure(name: str, entries: list[Entry], at_once: int, pause: Callable[[], object]) -> None:
    batcher = Batcher(MessageFormatter(WebhookConfig(), pause=pause), batch_size=5, batch_timeout_seconds=10)
    started = time.perf_counter()
    building = asyncio.create_task(asyncio.to_thread(build, batcher, entries, at_once))
    late = sorted(await late_until(building.done))
    took = time.perf_counter() - started
    size = sum(len(file.data) for batch in building.result() for file in batch.message.files)
    print(
        f"{len(building.result())} digests {name:14} {took:5.2f} s, files {size / 2**20:.1f} MiB, 5 ms ticker late: "
        f"median {late[len(late) // 2]:5.2f}, p99 {late[int(len(late) * 0.99)]:5.2f}, worst {late[-1]:5.2f} ms"
    )


class Collections:
    """How long the garbage collector stopped everything: a whole collection looks at every object there is."""

    def __init__(self) -> None:
        self.worst = self._started = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _info: object) -> None:
        if phase == "start":
            self._started = time.perf_counter()
        else:
            self.worst = max(self.worst, (time.perf_counter() - self._started) * 1000)


async def main() -> None:
    entries = mixed(EVENTS)
    gc.collect()
    collections = Collections()
    idle_until = time.perf_counter() + 2
    idle = sorted(await late_until(lambda: time.perf_counter() > idle_until))
    print(f"{EVENTS:,} events; 5 ms ticker late when idle: median {idle[len(idle) // 2]:.2f}, worst {idle[-1]:.2f} ms")
    for at_once in (MAX_ENTRIES, EVENTS):
        for _ in range(3):
            await measure("with pauses", entries, at_once, breathe)
        await measure("without pauses", entries, at_once, lambda: None)
        print(f"   longest garbage collection so far {collections.worst:.1f} ms")
    tracemalloc.start()
    Batcher(MessageFormatter(WebhookConfig()), batch_size=5, batch_timeout_seconds=10).build(entries[:MAX_ENTRIES])
    print(f"memory at the most while {MAX_ENTRIES:,} are laid out: {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MiB")


if __name__ == "__main__":
    asyncio.run(main())
