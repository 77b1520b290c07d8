"""The budget of a channel: hours of full load in virtual time, against the rules by which the sandbox refuses."""

from __future__ import annotations

import asyncio
import itertools
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from statsbot_webhooks.delivery.rate_limiter import ChannelLimiter, ChannelLimiters, Priority, Shares
from statsbot_webhooks.delivery.response_headers import WebhookResponse, parse_response
from statsbot_webhooks.sandbox.rest.rules import RateLimits


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time is what it would have waited."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        super().__init__(_NoWait(self))

    def time(self) -> float:
        return self.seconds


class _NoWait(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout:
            self._loop.seconds += timeout
        return super().select(0)


class LoopClock:
    """The loop's time as a clock."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> float:
        return 1_700_000_000.0 + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())


class Channel:
    """A channel with Discord's limits, and what arrived there."""

    def __init__(self, per_minute: int = 30) -> None:
        self.limiter = ChannelLimiter(per_minute, LoopClock())
        self.rules = RateLimits(lambda: asyncio.get_running_loop().time())
        self.sent: list[tuple[float, Priority]] = []
        self.refused = 0
        self.rng = random.Random(5)

    async def send(self, priority: Priority, webhook: int = 1) -> None:
        async with self.limiter.request(priority):
            # On the way there and back.
            await asyncio.sleep(self.rng.uniform(0.01, 0.5))
            verdict = self.rules.check(webhook, 1)
            self.refused += verdict.retry_after is not None
            self.sent.append((asyncio.get_running_loop().time(), priority))
            headers = verdict.headers(0)
            status = 429 if verdict.retry_after is not None else 200
            await asyncio.sleep(self.rng.uniform(0.01, 0.5))
        self.limiter.learn(parse_response("info", "POST", status, headers))

    async def load(self, priority: Priority, webhook: int, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            await self.send(priority, webhook)

    def most(self, seconds: float, *priorities: Priority) -> int:
        times = sorted(time for time, priority in self.sent if not priorities or priority in priorities)
        return max((sum(start <= time < start + seconds for time in times) for start in times), default=0)


@pytest.mark.parametrize("per_minute", [1, 2, 3, 5, 12, 30])
@pytest.mark.parametrize("webhooks", [1, 5])
def test_no_sliding_window_lets_more_through(per_minute: int, webhooks: int) -> None:
    channel = Channel(per_minute)

    async def work() -> None:
        until = asyncio.get_running_loop().time() + 1200
        loads = [channel.load(p, w, until) for w in range(webhooks) for p in (Priority.EDIT, Priority.CALM, Priority.URGENT)]
        await asyncio.gather(*loads)

    run(work)
    assert channel.refused == 0
    assert channel.most(60) <= min(per_minute, 27)
    assert channel.most(2) <= 5
    # The budget is used: a limiter that sends nothing keeps every limit.
    assert len(channel.sent) >= 20 * min(per_minute, 27) * 0.8


def test_each_priority_leaves_room_for_those_above() -> None:
    channel = Channel()

    async def work() -> None:
        until = asyncio.get_running_loop().time() + 600
        await asyncio.gather(*(channel.load(p, w, until) for w in range(3) for p in (Priority.EDIT, Priority.CALM)))
        waits: list[float] = []
        for _ in range(3):
            before = asyncio.get_running_loop().time()
            await channel.send(Priority.URGENT)
            waits.append(asyncio.get_running_loop().time() - before)
        assert max(waits[:1]) < 1.1

    run(work)
    shares = Shares.of(30)
    assert channel.most(60, Priority.EDIT, Priority.CALM) == shares.calm_total < shares.total
    assert channel.most(60, Priority.CALM) <= shares.messages
    # Messages never take what is kept for edits, nor edits what is for messages.
    assert channel.most(60, Priority.EDIT) >= shares.edits


def test_while_a_channel_is_quiet_edits_may_have_more_than_their_share() -> None:
    channel = Channel()

    async def work() -> None:
        await channel.load(Priority.EDIT, 1, asyncio.get_running_loop().time() + 120)

    run(work)
    assert channel.most(60) > Shares.of(30).edits


def test_messages_are_spread_over_the_minute() -> None:
    channel = Channel()

    async def work() -> None:
        await channel.load(Priority.CALM, 1, asyncio.get_running_loop().time() + 300)

    run(work)
    assert max(later - earlier for (earlier, _), (later, _) in itertools.pairwise(channel.sent)) < 6


def test_a_429_lowers_the_budget_and_time_gives_it_back() -> None:
    channel = Channel()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        channel.limiter.learn(WebhookResponse("info", "POST", 429, retry_after=3.0, has_via=True, is_shared=True))
        assert channel.limiter.wait_seconds(Priority.URGENT) >= 2.9
        lowered = channel.limiter.budget_left()
        await asyncio.sleep(600)
        channel.limiter.learn(WebhookResponse("info", "POST", 200))
        assert lowered <= 0.7 * Shares.of(30).messages
        assert channel.limiter.budget_left() == Shares.of(30).messages
        await channel.load(Priority.CALM, 1, loop.time() + 120)

    run(work)
    assert channel.refused == 0


def test_headers_of_others_lower_the_burst() -> None:
    async def work() -> int:
        channel = Channel()
        # Four of five are used in this window, and none of them was ours.
        channel.limiter.learn(WebhookResponse("info", "POST", 200, limit=5, remaining=1))
        for _ in range(4):
            await channel.send(Priority.URGENT)
        return channel.most(2)

    assert run(work) == 1


def test_the_requests_of_the_process_before_count() -> None:
    async def work() -> float:
        channel = Channel()
        now = LoopClock().now()
        channel.limiter.recall([now - 30 + number for number in range(27)])
        return channel.limiter.wait_seconds(Priority.URGENT)

    assert 30 <= run(work) <= 32


def test_the_budget_is_full_a_minute_after_a_request_that_raised() -> None:
    async def work() -> tuple[int, int, int]:
        channel = Channel()
        before = channel.limiter.budget_left()
        for _ in range(3):
            with pytest.raises(ArithmeticError):
                async with channel.limiter.request(Priority.CALM):
                    raise ArithmeticError
        used = channel.limiter.budget_left()
        await asyncio.sleep(62)
        return before, used, channel.limiter.budget_left()

    before, used, after = run(work)
    assert (used, after) == (before - 3, before)


@pytest.mark.parametrize("ahead", [5.0, 3600.0, 86400.0])
def test_sends_in_the_future_block_for_one_window_at_most(ahead: float) -> None:
    """The clock was set back since they were stored."""

    async def work() -> tuple[float, float]:
        channel = Channel()
        now = LoopClock().now()
        channel.limiter.recall([now + ahead] * 27)
        wait = channel.limiter.wait_seconds(Priority.URGENT)
        await asyncio.sleep(62)
        return wait, channel.limiter.wait_seconds(Priority.URGENT)

    wait, after = run(work)
    assert 59 <= wait <= 62
    assert after == 0


def test_a_burst_of_the_process_before_counts_in_the_burst_of_this_one() -> None:
    async def work() -> int:
        channel = Channel()
        channel.limiter.recall([LoopClock().now() - 0.1] * 4)
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*(channel.send(Priority.URGENT, number) for number in range(4)))
        return sum(time < start + 1.9 for time, _ in channel.sent)

    assert run(work) <= 1


def test_after_a_429_the_budget_returns_by_one_a_minute() -> None:
    async def work() -> list[int]:
        channel = Channel()
        channel.limiter.learn(WebhookResponse("info", "POST", 429, retry_after=1.0, has_via=True))
        seen: list[int] = []
        for _ in range(4):
            await asyncio.sleep(60.1)
            seen.append(int(channel.limiter._shares(asyncio.get_running_loop().time()).total))  # noqa: SLF001  # pyright: ignore
        return seen

    first, *rest = run(work)
    assert first < 27
    assert rest == [first + 1, first + 2, first + 3]


class Town:
    """Webhooks whose channels the limiters have to find out; `where` says in which channel each posts."""

    def __init__(self, where: dict[str, int]) -> None:
        self.where = where
        self.limiters = ChannelLimiters(30, LoopClock())
        self.arrived: list[tuple[float, int]] = []

    async def post(self, name: str) -> None:
        async with self.limiters.limiter(name).request(Priority.URGENT):
            await asyncio.sleep(0.1)
            self.arrived.append((asyncio.get_running_loop().time(), self.where[name]))
        # The answer names the channel.
        self.limiters.join(name, self.where[name])

    async def load(self, name: str, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            await self.post(name)

    def most(self, channel: int, seconds: float = 60.0) -> int:
        times = [time for time, where in self.arrived if where == channel]
        return max(sum(start <= time < start + seconds for time in times) for start in times)


def test_webhooks_of_one_channel_that_is_unknown_at_first_keep_its_limit() -> None:
    town = Town({f"part{number}": 1 for number in range(4)})

    async def work() -> None:
        now = LoopClock().now()
        # What the process before sent through all of them, within the last minute.
        for number in range(4):
            town.limiters.limiter(f"part{number}").recall([now - 20 - index for index in range(6)])
            town.arrived += [(asyncio.get_running_loop().time() - 20 - index, 1) for index in range(6)]
        until = asyncio.get_running_loop().time() + 150
        await asyncio.gather(*(town.load(name, until) for name in town.where))

    run(work)
    assert 25 <= town.most(1) <= 30


def test_a_webhook_that_is_moved_counts_in_its_new_channel_from_the_first_message_on() -> None:
    town = Town({"apart": 1, "bpart": 2})

    async def work() -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + 150
        loads = asyncio.gather(*(town.load(name, until) for name in town.where))
        await asyncio.sleep(40)
        town.where["bpart"] = 1
        await loads

    run(work)
    assert 25 <= town.most(1) <= 30


def test_the_message_that_tells_of_a_move_is_counted_in_the_new_channel() -> None:
    async def work() -> tuple[int, int]:
        limiters = ChannelLimiters(30, LoopClock())
        limiters.join("apart", 1)
        limiters.join("bpart", 2)
        before = limiters.limiter("apart").budget_left()
        limiters.join("bpart", 1)
        return before, limiters.limiter("apart").budget_left()

    before, after = run(work)
    assert after == before - 1


def test_a_webhook_that_was_replaced_has_no_channel_until_it_is_known() -> None:
    async def work() -> tuple[int | None, bool]:
        limiters = ChannelLimiters(30, LoopClock())
        assert limiters.join("info", 1)
        assert not limiters.join("info", 1)
        limiters.leave("info")
        return limiters.channel_of("info"), limiters.knows("info")

    assert run(work) == (None, False)
