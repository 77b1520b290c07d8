"""A day of a hundred processes with a clock of its own: do Discord's limits hold while the sender changes again and again?

Real are the rate budgets of each process (`ChannelLimiter`) and what goes from one sender to the next: the times of what left,
in Redis' time. A stand-in are Redis (a list), the lease (a process at random, after up to 15 s without one), events (for
a third of each hour something always waits) and Discord (a list of arrivals, each window looked at). Lua is not run.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from statsbot_webhooks.delivery.rate_limiter import ChannelLimiters, Priority

PROCESSES, HOURS = 100, 24.0
# Two webhooks post to one channel.
CHANNELS = {"error": 1, "info": 2, "performance": 3, "member_events": 4, "audit": 4}
TERM_SECONDS = 300.0
WITHOUT_SENDER_SECONDS = 15.0
# A request takes so long to arrive, once in a while.
SLOWEST_SECONDS = 3.0
BUSY_SHARE = 1 / 3


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Time passes at once while nothing is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def pass_time(timeout: float | None = None) -> Any:
            self.now += timeout or 0.0
            return select(0)  # pyright: ignore[reportUnknownVariableType]

        self._selector.select = pass_time  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now


class MachineClock:
    """The clock of one machine: its wall clock is wrong by up to an hour."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random) -> None:
        self._loop, self._wrong, self._started = loop, rng.uniform(-3600, 3600), rng.uniform(0, 1e6)

    def now(self) -> float:
        return 1_700_000_000 + self._loop.now + self._wrong

    def monotonic(self) -> float:
        return self._loop.now + self._started

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Day:
    """What Redis and Discord know in this day."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random) -> None:
        self.loop, self.rng = loop, rng
        self.sends: defaultdict[str, list[float]] = defaultdict(list)
        self.arrivals: list[tuple[float, str]] = []
        self.waiting = 0.0
        self.delays: list[float] = []

    async def deliver(self, name: str, limiters: ChannelLimiters) -> None:
        """Send for one destination, as long as this process is the sender."""
        while True:
            is_busy = self.loop.now % 3600 < 3600 * BUSY_SHARE
            await asyncio.sleep(0 if is_busy else self.rng.expovariate(1 / 20))
            priority = self.rng.choices([Priority.URGENT, Priority.CALM, Priority.EDIT], [1, 6, 3])[0]
            asked = self.loop.now
            async with limiters.limiter(name).request(priority):
                # Redis knows it before it leaves, and it arrives also when its sender is killed meanwhile.
                self.delays.append(self.loop.now - asked)
                self.sends[name].append(self.loop.now)
                takes = self.rng.uniform(0.05, 0.3) if self.rng.random() < 0.95 else self.rng.uniform(0.3, SLOWEST_SECONDS)
                self.arrivals.append((self.loop.now + takes * self.rng.random(), name))
                await asyncio.sleep(takes)


async def live(day: Day, hours: float, processes: int) -> int:
    """Let one process after another hold the lease; returns how often it changed."""
    clocks = [MachineClock(day.loop, day.rng) for _ in range(processes)]
    terms = 0
    while day.loop.now < hours * 3600:
        clock = day.rng.choice(clocks)
        limiters = ChannelLimiters(30, clock)  # type: ignore[arg-type]
        for name, channel in CHANNELS.items():
            limiters.join(name, channel)
            ages = [day.loop.now - time for time in day.sends[name] if day.loop.now - time < 61]
            day.sends[name] = day.sends[name][-60:]
            limiters.recall(name, [clock.now() - age for age in ages])
        workers = [asyncio.ensure_future(day.deliver(name, limiters)) for name in CHANNELS]
        await asyncio.sleep(day.rng.expovariate(1 / TERM_SECONDS))
        for worker in workers:
            # Killed in the middle of anything.
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await asyncio.sleep(day.rng.uniform(0, WITHOUT_SENDER_SECONDS))
        terms += 1
    return terms


def most_within(times: Sequence[float], seconds: float) -> int:
    """Return the largest number of times in any window of so many seconds."""
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def main(hours: float, processes: int) -> int:
    loop, rng = SimulatedLoop(), random.Random(5)
    day = Day(loop, rng)
    terms = loop.run_until_complete(live(day, hours, processes))
    loop.close()
    webhooks, channels = defaultdict[str, list[float]](list), defaultdict[int, list[float]](list)
    for time, name in sorted(day.arrivals):
        webhooks[name].append(time)
        channels[CHANNELS[name]].append(time)
    burst = max(most_within(times, 2) for times in webhooks.values())
    minute = max(most_within(times, 60) for times in channels.values())
    delay = sorted(day.delays)[int(len(day.delays) * 0.99)]
    print(f"{hours:g} h, {processes} processes, {terms} senders in turn: {len(day.arrivals)} requests")
    print(f"99 % of them waited less than {delay:.0f} s")
    print(f"most to one webhook within 2 s: {burst} of 5; most into one channel within 60 s: {minute} of 30")
    return 0 if burst <= 5 and minute <= 30 else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else HOURS, PROCESSES))
