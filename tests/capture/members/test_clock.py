"""A wall clock that is set while the bot runs begins and ends no raid, and cards show the time that it then is."""

from __future__ import annotations

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.members.hooks import MemberHooks
from statsbot_webhooks.capture.members.profiles import AuditEntry, GuildProfile, Who
from statsbot_webhooks.capture.members.raids import Join
from statsbot_webhooks.capture.members.rows import Row
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.events.event import Event

NOW = 1_800_000_000.0
PLACE = GuildProfile(1000, "Guild")


class SteppingClock(SystemClock):
    """Wall and monotonic time, both set by the test."""

    wall = NOW
    steady = 50.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.mark.parametrize("step", [-3600.0, 3600.0, 5 * 86400.0, -5 * 86400.0])
async def test_a_clock_that_is_set_makes_no_raid(step: float) -> None:
    clock, events = SteppingClock(), list[Event]()
    settings = WebhookConfig(raid_joins=3, raid_seconds=10)
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        hooks = MemberHooks(bot, events.append, clock=clock, settings=settings)

        def join(number: int) -> None:
            now = hooks._now()
            hooks.add_join(Join(Row(f"{number}", now, Who(number, created=NOW), "joined"), PLACE), now)
            hooks._show_surges()

        # A join every 20 s is no raid, before the step and after it.
        for number in range(10):
            join(number)
            clock.wait(20)
            if number == 4:
                clock.wall += step
        # A raid goes on over a step.
        for number in range(100, 106):
            join(number)
        clock.wall += step
        clock.wait(1)
        join(200)
        hooks.flush()
    raids = [event for event in events if event.origin == "raid"]
    assert len({event.card for event in raids}) == 1
    assert raids[-1].message.startswith("7 accounts joined Guild")
    assert [event.message for event in events if event.origin == "join"][:10] == [
        f"{number} joined Guild" for number in range(10)
    ]
    assert abs(events[-1].time - clock.wall) < 5


async def test_at_most_15_departures_a_minute_have_cards_of_their_own() -> None:
    """The others are in messages with others; when the minute is over there may be cards again."""
    clock, events = SteppingClock(), list[Event]()
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        hooks = MemberHooks(bot, events.append, clock=clock, settings=WebhookConfig(raid_joins=10_000))

        def leave(first: int, count: int) -> list[Event]:
            before = len(events)
            for number in range(first, first + count):
                hooks._departures.leave(PLACE, Who(number), hooks._now())
                clock.wait(1)
            clock.wait(5)
            hooks._departures.tick(hooks._now())
            return events[before:]

        busy = leave(1, 40)
        clock.wait(60)
        later = leave(100, 3)
    assert (len(busy), len(later)) == (40, 3)
    assert sum(bool(event.card) for event in busy) == 15
    assert len({event.card for event in busy if event.card}) == 15
    assert all(event.card for event in later)


async def test_what_is_learned_late_of_one_in_a_list_is_in_the_list_alone() -> None:
    clock, events = SteppingClock(), list[Event]()
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        hooks = MemberHooks(bot, events.append, clock=clock, settings=WebhookConfig(raid_joins=2, raid_seconds=1))

        def wait(seconds: int) -> None:
            for _ in range(seconds):
                clock.wait(1)
                hooks._departures.tick(hooks._now())
                hooks._show_surges()

        left = hooks._now()
        for number in range(4):
            hooks._departures.leave(PLACE, Who(number, f"name{number}"), left)
        wait(20)
        entry = AuditEntry(1, "kick", left, Who(300, "mod"), "rude")
        hooks._departures.explain(entry, PLACE, Who(3, "name3"), hooks._now())
        wait(20)
    assert [event for event in events if event.origin in ("leave", "kick") and "name3" in event.message] == []
    assert "kicked          name3  by mod: rude" in events[-1].files[0].text
