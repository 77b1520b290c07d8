"""Gaps of the gateway in a row are one card, and the short ones that Discord itself makes are none."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import discord
from discord.ext import commands

from statsbot_webhooks.capture.lifecycle.events import gateway_event
from statsbot_webhooks.capture.lifecycle.gateway_gaps import Gaps, GatewayConnection
from statsbot_webhooks.capture.lifecycle.hooks import LifecycleHooks
from statsbot_webhooks.events.event import Event, LogLevel
from statsbot_webhooks.formatting.presentation import present


def flap(connection: GatewayConnection, at: float, seconds: float, *, is_resumed: bool = True) -> Gaps | None:
    connection.down(at)
    return connection.up(at + seconds, is_resumed=is_resumed)


def test_a_short_gap_is_not_shown_and_a_long_one_is() -> None:
    connection = GatewayConnection(15)
    assert flap(connection, 0, 3) is None
    gaps = flap(connection, 5000, 20)
    assert gaps is not None
    assert (gaps.count, gaps.longest, gaps.total, gaps.fresh_sessions) == (1, 20, 20, 0)


def test_many_short_gaps_are_one_card() -> None:
    connection = GatewayConnection(15)
    shown = [gaps for at in range(0, 2000, 100) if (gaps := flap(connection, at, 3, is_resumed=at < 1000)) is not None]
    events = [present(gateway_event(4, gaps, now=1.0)) for gaps in shown]
    assert len(shown) == 16
    assert {event.card for event in events} == {"gateway/4/0"}
    assert shown[-1] == Gaps(0, 20, 3, 60, 10, None, 1903)
    assert events[-1].title == "Shard 4 is connected again"
    assert "20 gaps of 1 min in all" in events[-1].message
    assert "10 sessions of 20 could not be resumed" in events[-1].message
    assert (events[-1].level, events[-1].route_level) == (LogLevel.INFO, LogLevel.WARNING)


def test_after_ten_quiet_minutes_it_is_another_card() -> None:
    connection = GatewayConnection(0)
    first, second, third = (flap(connection, at, 10) for at in (0, 600, 1300))
    assert first is not None
    assert second is not None
    assert third is not None
    assert (second.began, second.count) == (0, 2)
    assert (third.began, third.count) == (1300, 1)


def test_an_open_gap_is_shown_while_it_lasts() -> None:
    connection = GatewayConnection(15)
    assert connection.down(0)
    assert not connection.down(5)
    assert connection.look(14) is None
    gaps = connection.look(15)
    assert gaps is not None
    event = present(gateway_event(None, gaps, now=15.0))
    assert (event.title, event.level) == ("The gateway is disconnected", LogLevel.WARNING)
    assert connection.is_down
    closed = connection.up(40, is_resumed=False)
    assert closed is not None
    assert not connection.is_down
    assert gateway_event(None, closed, now=40.0).card == event.card
    assert connection.up(41, is_resumed=True) is None
    assert connection.look(100) is None


async def test_before_the_bot_was_online_there_is_no_gap_and_no_timer_is_left() -> None:
    events: list[Event] = []
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        with ExitStack() as stack:
            hooks = LifecycleHooks(bot, events.append, now=lambda: 1.0, gap_seconds=15)
            hooks.install(stack)
            bot.dispatch("disconnect")
            await asyncio.sleep(0.01)
            assert not hooks.offline_shards
            bot.dispatch("ready")
            await asyncio.sleep(0.01)
            bot.dispatch("disconnect")
            await asyncio.sleep(0.01)
            assert hooks.offline_shards == {None}
            loop: Any = asyncio.get_running_loop()
            timers = [each for each in loop._scheduled if not each.cancelled() and each.when() > loop.time() + 10]
            assert len(timers) == 1
        assert all(each.cancelled() for each in timers)
