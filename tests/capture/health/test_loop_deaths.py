"""Task loops that died, or hang before their first run: one card each, green when it runs again, and no false alarm."""

from __future__ import annotations

import asyncio
import datetime
import gc
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import discord
import pytest
from discord.ext import commands, tasks

from statsbot_webhooks.capture.health.loop_deaths import LoopDeaths
from statsbot_webhooks.events.colors import GREEN
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.formatting.presentation import present
from statsbot_webhooks.sandbox import Sandbox

from ...clocks import SkippingClock
from ...conftest import running_bot


class ReadyBot(commands.Bot):
    """A bot that never logs in, and is ready when a test says so."""

    is_up = True

    def is_ready(self) -> bool:
        return self.is_up


@pytest.fixture
async def bot() -> AsyncIterator[ReadyBot]:
    async with ReadyBot("!", intents=discord.Intents.all()) as bot:
        yield bot


class Watch:
    """The watch over loops, with a clock that is set forward."""

    def __init__(self, deaths: LoopDeaths, clock: SkippingClock) -> None:
        self._deaths = deaths
        self.clock = clock

    async def after(self, seconds: float) -> list[str]:
        """Return the titles of what has changed after some time, in which a sample was taken."""
        found = [*await self._turn(), *await self._turn(seconds)]
        assert self._deaths.guard.failures == 0
        return [present(event).title for event in found]

    async def _turn(self, seconds: float = 0.0) -> list[Event]:
        for _ in range(10):
            await asyncio.sleep(0)
        self.clock.skip(seconds)
        return self._deaths.check()


@pytest.fixture
async def watch(bot: ReadyBot) -> AsyncIterator[Watch]:
    clock = SkippingClock()
    deaths = LoopDeaths(bot, clock, minimum_seconds=60)
    with ExitStack() as stack:
        deaths.install(stack)
        yield Watch(deaths, clock)


class Shop(commands.Cog):
    def __init__(self) -> None:
        self.fails = False
        self.gate = asyncio.Event()

    @tasks.loop(seconds=3600)
    async def refresh(self) -> None:
        if self.fails:
            raise RuntimeError("no database")

    async def cog_unload(self) -> None:
        task = self.refresh.get_task()
        if task is not None:
            # Many keep the task that `start` returns.
            task.cancel()


DEAD, ALIVE = "Task loop Shop.refresh does not run", "Task loop Shop.refresh runs again"
ENDED = "Task loop Shop.refresh did not run at the end"


async def test_a_loop_that_an_exception_ended_is_one_card_until_it_runs_again(bot: ReadyBot, watch: Watch) -> None:
    shop = Shop()
    await bot.add_cog(shop)
    shop.fails = True
    task = shop.refresh.start()
    assert await watch.after(10) == [DEAD]
    assert await watch.after(3600) == []
    assert isinstance(task.exception(), RuntimeError)
    shop.fails = False
    shop.refresh.start()
    assert await watch.after(1) == [ALIVE]
    assert await watch.after(600) == []
    shop.refresh.cancel()


async def test_a_loop_that_waits_for_something_cancelled_is_dead(bot: ReadyBot, watch: Watch) -> None:
    waited: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @tasks.loop(seconds=3600)
    async def wait() -> None:
        await waited

    wait.start()
    assert await watch.after(10) == []
    waited.cancel()
    [title] = await watch.after(10)
    assert title.endswith("wait does not run")


async def test_unload_and_reload_of_a_cog_are_no_death(bot: ReadyBot, watch: Watch) -> None:
    for _ in range(3):
        shop = Shop()
        await bot.add_cog(shop)
        shop.refresh.start()
        assert await watch.after(20) == []
        await bot.remove_cog("Shop")
        assert await watch.after(20) == []


async def test_the_loop_of_a_reloaded_cog_goes_on_in_the_card_of_the_old_one(bot: ReadyBot, watch: Watch) -> None:
    shop = Shop()
    await bot.add_cog(shop)
    shop.fails = True
    task = shop.refresh.start()
    assert await watch.after(10) == [DEAD]
    assert task.exception()
    await bot.remove_cog("Shop")
    await bot.add_cog(new := Shop())
    new.refresh.start()
    assert await watch.after(10) == [ALIVE]
    new.refresh.cancel()


async def test_a_dead_loop_whose_cog_is_unloaded_is_not_missed(bot: ReadyBot, watch: Watch) -> None:
    shop = Shop()
    await bot.add_cog(shop)
    shop.fails = True
    task = shop.refresh.start()
    assert await watch.after(10) == [DEAD]
    assert task.exception()
    await bot.remove_cog("Shop")
    assert await watch.after(10) == [ENDED]
    assert await watch.after(10) == []


@pytest.mark.parametrize("end", ["count", "stop", "cancel", "restart", "error handler restarts", "gone"])
async def test_what_the_host_wishes_is_no_death(bot: ReadyBot, watch: Watch, end: str) -> None:
    runs = 0

    @tasks.loop(seconds=0, count=2 if end == "count" else None)
    async def work() -> None:
        nonlocal runs
        runs += 1
        if end == "error handler restarts" and runs == 1:
            raise RuntimeError("once")
        if runs == 2 and end != "count":
            work.change_interval(seconds=3600)
            if end == "stop":
                work.stop()

    @work.error
    async def on_error(_error: BaseException) -> None:
        work.restart()

    work.start()
    assert await watch.after(1) == []
    if end == "cancel":
        work.cancel()
    elif end == "restart":
        work.restart()
    elif end == "gone":
        await bot.close()
        task = work.get_task()
        assert task is not None
        task.cancel()
    assert await watch.after(20) == []
    assert await watch.after(3600) == []
    assert runs >= 2
    work.cancel()
    gc.collect()


async def test_a_loop_at_a_time_of_day_and_clocks_that_are_set(bot: ReadyBot, watch: Watch) -> None:
    at = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=5)).time()

    @tasks.loop(time=[at, datetime.time(0, 0), datetime.time(12, 0)])
    async def daily() -> None: ...

    daily.start()
    for step in (-86400.0, 3600.0, 400000.0):
        watch.clock.wall += step
        assert await watch.after(3600) == []
    daily.cancel()


async def test_a_loop_that_hangs_in_before_loop(bot: ReadyBot, watch: Watch) -> None:
    gate = asyncio.Event()

    @tasks.loop(seconds=3600)
    async def work() -> None: ...

    @work.before_loop
    async def wait() -> None:
        await gate.wait()

    bot.is_up = False
    work.start()
    # A bot that is not ready yet is what most of them wait for.
    assert await watch.after(3600) == []
    bot.is_up = True
    assert await watch.after(30) == []
    [title] = await watch.after(40)
    assert title.endswith("work does not run")
    assert await watch.after(40) == []
    gate.set()
    [title] = await watch.after(1)
    assert title.endswith("work runs again")
    work.cancel()


@pytest.mark.parametrize(("seconds", "is_hanging"), [(3600.0, False), (1.0, True)])
async def test_a_sleep_until_midnight_is_no_hanging_but_one_that_never_ends_is(
    bot: ReadyBot, watch: Watch, seconds: float, is_hanging: bool
) -> None:
    @tasks.loop(seconds=3600)
    async def work() -> None: ...

    @work.before_loop
    async def wait() -> None:
        while True:
            await asyncio.sleep(seconds)

    work.start()
    assert await watch.after(300) == []
    assert await watch.after(60) == []
    assert bool(await watch.after(400)) is is_hanging
    work.cancel()


async def test_two_loops_of_one_name_are_told_apart(bot: ReadyBot, watch: Watch) -> None:
    first, second = Shop(), Shop()
    second.__cog_name__ = "Other"
    await bot.add_cog(first)
    await bot.add_cog(second)
    second.fails = True
    first.refresh.start()
    task = second.refresh.start()
    assert await watch.after(10) == ["Task loop Shop.refresh (2) does not run"]
    assert task.exception()
    first.refresh.cancel()


async def test_nothing_is_left_and_a_lasting_alert_ends(bot: ReadyBot) -> None:
    clock = SkippingClock()
    deaths = LoopDeaths(bot, clock, minimum_seconds=0)
    before = {name: vars(tasks.Loop)[name] for name in ("cancel", "stop", "restart", "_call_loop_function")}
    with ExitStack() as stack:
        deaths.install(stack)
        shop = Shop()
        shop.fails = True
        await bot.add_cog(shop)
        task = shop.refresh.start()
        assert await Watch(deaths, clock).after(0) == [DEAD]
        assert [present(event).title for event in deaths.close()] == [ENDED]
        assert task.exception()
    assert {name: vars(tasks.Loop)[name] for name in before} == before


@pytest.mark.slow
async def test_the_channel_shows_one_card_that_turns_green(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "0.1")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")

    def cards() -> list[dict[str, Any]]:
        return [embed for message in sandbox.messages("performance") for embed in message.embeds]

    async with running_bot(sandbox) as bot:
        shop = Shop()
        await bot.add_cog(shop)
        shop.fails = True
        shop.refresh.start()
        await sandbox.wait_until(lambda: DEAD in str(cards()), 20)
        assert "RuntimeError ended it" in str(cards())
        shop.fails = False
        shop.refresh.start()
        await sandbox.wait_until(lambda: ALIVE in str(cards()), 20)
        shop.refresh.cancel()
    [card] = cards()
    assert card["color"] == GREEN
    # The failure itself is one error, with its traceback.
    assert str([message.embeds for message in sandbox.messages("error")]).count("no database") >= 1
    assert len([message for message in sandbox.messages("error") if "no database" in message.text]) == 1
