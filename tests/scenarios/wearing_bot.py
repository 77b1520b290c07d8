"""A bot to which everything happens for a while; `test_wear` runs it, holds its Discord, and reads its lines of JSON.

Its arguments: the local Discord's URL, the bot's token, for how many seconds, and how often something goes wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import decimal
import gc
import json
import logging
import random
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import psutil
from discord.ext import commands

from statsbot_webhooks.capture.health.charts import Chart, draw_chart
from statsbot_webhooks.sandbox import redirect
from tests import hostile_events

STORAGE = "statsbot_webhooks.sqlite3"
LOGGED_PER_SECOND = 8
# What cannot be read, one of each table and kind; `{name}` makes the keys differ.
DAMAGE = (
    "INSERT INTO entries (destination, urgent, rank, time, size, event) VALUES ('info', 0, 20, 1.0, 10, '[2,\"log\"')",
    "INSERT INTO entries (destination, urgent, rank, time, size, event) VALUES ('info', 0, 20, 'soon', 10, '[9,1]')",
    "INSERT INTO entries (destination, urgent, rank, time, size, event) VALUES ('gone', 'x', NULL + 0, 1, 1, x'00ff')",
    "INSERT INTO sends (destination, time, batch, ids) VALUES ('info', 'never', 1, '[1,')",
    "INSERT INTO dead (destination, reason, time, event) VALUES ('info', x'ff', 'x', '[2,')",
    "INSERT OR REPLACE INTO state VALUES ('card/error/{name}', '{{\"fold')",
    "INSERT OR REPLACE INTO state VALUES ('switch/{name}', 'fal')",
    "INSERT OR REPLACE INTO state VALUES ('level/{name}', '\"INFO\"')",
    "INSERT OR REPLACE INTO state VALUES ('mute/x/{name}', '[]')",
    "INSERT OR REPLACE INTO state VALUES ('url/{name}', '\"https://example.org\"')",
    "INSERT OR REPLACE INTO state VALUES ('issue/{name}', '7')",
    "INSERT OR REPLACE INTO state VALUES ('ping/last', 'nul')",
)


class Hostile:
    """A value that cannot be read."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Wear:
    """What goes wrong, one thing at a time."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.random = random.Random(5)
        self.done: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.is_over = threading.Event()
        self.logged = 0
        self._next: list[Callable[[], Awaitable[None]]] = []
        self._shift = 0.0
        self._real_time = time.time
        time.time = lambda: self._real_time() + self._shift

    @property
    def manager(self) -> Any:
        return self.bot.cogs["Webhooks"].manager  # type: ignore[attr-defined]

    def log(self) -> None:
        """Log numbers, on a thread of its own, until the end."""
        logger = logging.getLogger("numbers")
        while not self.is_over.wait(1 / LOGGED_PER_SECOND):
            (logger.error if self.logged % 10 == 9 else logger.warning)("number %d.", self.logged)
            self.logged += 1

    async def one(self) -> None:
        """Let the next thing go wrong: each once, in an order of chance, and again."""
        if not self._next:
            self._next = [self.odd_records, self.odd_events, self.full_executor, self.clock_step, self.settings, self.full_disk]
            self._next += [self.poison, self.clock_step, self.odd_records]
            self.random.shuffle(self._next)
        wear = self._next.pop()
        self.done[wear.__name__] += 1
        await wear()

    async def odd_records(self) -> None:
        odd: tuple[Any, ...] = (
            None,
            "yesterday",
            float("nan"),
            datetime.now(UTC),
            decimal.Decimal(int(time.time())),
            Hostile(),
            10**400,
        )
        made = {"name": "odd", "levelno": 40, "levelname": "ERROR", "msg": "an odd record", "created": self.random.choice(odd)}
        logging.getLogger("odd").handle(logging.makeLogRecord(made))
        logging.getLogger("odd").warning("extra", extra={"value": Hostile(), "number": 10**5000, "of": {1: Hostile()}})
        logging.getLogger("odd").warning("%d and %s", "no number")

    async def odd_events(self) -> None:
        events = [*hostile_events.events(self.random.randrange(10**6), 3)]
        odd: Any = Hostile()
        for event in (*events, replace(events[-1], time=odd, persons=odd, files=odd, context=odd)):
            self.manager.submit(event)
        self.manager.submit(Hostile())

    async def full_executor(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(None, time.sleep, 0.3) for _ in range(12)))

    async def clock_step(self) -> None:
        self._shift = self.random.choice((0.0, 3600.0, -3600.0, 86400.0, -172800.0))

    async def settings(self) -> None:
        await self.manager.reconfigure(replace(self.manager.config, batch_size=self.random.randrange(1, 9)))

    async def full_disk(self) -> None:
        """No file of this process may grow for a moment: what a full disk is to SQLite."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        await asyncio.sleep(0.5)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    async def poison(self) -> None:
        await self.manager.send_performance_alert("poison", 2, 1)

    async def reload(self) -> None:
        """Load the extension again; meanwhile something damages the file, and holds it for a second."""
        self.done["reload"] += 1
        await self.report()
        damage = threading.Thread(target=self._damage)
        damage.start()
        old = self.manager
        await self.bot.reload_extension("statsbot_webhooks")
        # What the end of the manager of before has lost is in no report of the next one.
        for each in (await old.stats()).destinations.values():
            self.lost.update({str(reason): count for reason, count in each.lost.items()})
        await asyncio.to_thread(damage.join)
        # The modules of before are garbage, of which the collector by itself finds what two or three reloads have left.
        gc.collect()

    def _damage(self) -> None:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(STORAGE, timeout=0)) as db:
                db.execute("BEGIN EXCLUSIVE")
                for statement in DAMAGE:
                    with contextlib.suppress(sqlite3.IntegrityError):
                        db.execute(statement.format(name=self.random.randrange(10**6)))
                db.commit()
                db.execute("BEGIN EXCLUSIVE")
                time.sleep(1)
                self.done["damage"] += 1
                return
            time.sleep(0.001)

    async def report(self) -> None:
        stats = await self.manager.stats()
        size = sum(path.stat().st_size for path in Path().glob(f"{STORAGE}*"))  # noqa: ASYNC240 - nothing else to do
        lost = sum((Counter(each.lost) for each in stats.destinations.values()), self.lost.copy())
        totals = {name: getattr(stats, name) for name in ("accepted", "delivered", "folded", "pending", "dead", "refused")}
        memory = psutil.Process().memory_info().rss / 2**20
        print(
            json.dumps(
                {"balanced": stats.balanced, "memory": memory, "size": size / 2**20, "lost": lost, "logged": self.logged}
                | {"done": self.done, "alive": threading.active_count()}
                | totals
            ),
            flush=True,
        )


async def main(base_url: str, token: str, seconds: float, pause: float) -> None:
    # What the first alert with a picture loads stays in the process.
    await draw_chart([Chart("cpu", [(0.0, 1.0), (1.0, 2.0)])])
    bot = commands.Bot("!", intents=discord.Intents.all(), guild_ready_timeout=0.2)
    await bot.load_extension("statsbot_webhooks")
    running = asyncio.create_task(bot.start(token))
    wear = Wear(bot)
    thread = threading.Thread(target=wear.log)
    thread.start()
    started = reloaded = reported = time.monotonic()
    while (now := time.monotonic()) < started + seconds:
        await wear.one()
        if now - reloaded > max(pause * 25, seconds / 20, 4):
            reloaded = now
            await wear.reload()
        if now - reported > seconds / 30:
            reported = now
            await wear.report()
        await asyncio.sleep(pause)
    wear.is_over.set()
    await asyncio.to_thread(thread.join)
    print("over", flush=True)
    for _ in range(30):
        await wear.manager.flush(5)
        stale = any(worker.has_stale_cards for worker in wear.manager.workers.values())
        if not stale and not (await wear.manager.stats()).pending:
            break
    await wear.report()
    await bot.close()
    await asyncio.wait([running])


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    logging.getLogger().addHandler(logging.NullHandler())
    with redirect(sys.argv[1]):
        asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
