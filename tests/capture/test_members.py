"""Members coming and going, fed to discord.py's own gateway parsers."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture import Capture
from statsbot_webhooks.event import Event, LogLevel

ANNA, MOD = 200 << 22, 300 << 22
GUILD = 1000


def user_payload(user_id: int, name: str) -> dict[str, Any]:
    return {"id": str(user_id), "username": name, "discriminator": "0", "avatar": None, "global_name": name.title()}


def member_payload(user_id: int, name: str, guild_id: int = GUILD) -> dict[str, Any]:
    return {
        "user": user_payload(user_id, name),
        "guild_id": str(guild_id),
        "roles": [],
        "joined_at": "2024-01-01T00:00:00+00:00",
        "flags": 0,
        "deaf": False,
        "mute": False,
    }


@pytest.fixture
async def bot() -> AsyncIterator[commands.Bot]:
    bot = commands.Bot("!", intents=discord.Intents.all())
    async with bot:
        for guild_id in (GUILD, GUILD + 1):
            payload = {"id": str(guild_id), "name": f"Guild {guild_id}", "member_count": 3, "members": [], "roles": []}
            bot._connection._add_guild_from_data(payload)  # type: ignore[arg-type]
        yield bot


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def capture(bot: commands.Bot, events: list[Event]) -> AsyncIterator[Capture]:
    capture = Capture(settings=WebhookConfig(guild_ids=frozenset({GUILD})), now=time.time)
    capture.install(bot, events.append)
    yield capture
    capture.uninstall()
    await asyncio.sleep(0)


def feed(bot: commands.Bot, what: str, data: dict[str, Any]) -> None:
    getattr(bot._connection, f"parse_{what}")(data)


def leave(bot: commands.Bot) -> None:
    feed(bot, "guild_member_remove", {"guild_id": str(GUILD), "user": user_payload(ANNA, "anna")})


def ban(bot: commands.Bot) -> None:
    feed(bot, "guild_ban_add", {"guild_id": str(GUILD), "user": user_payload(ANNA, "anna")})


def entry(bot: commands.Bot, action: discord.AuditLogAction = discord.AuditLogAction.ban) -> None:
    data = {"id": "1", "guild_id": str(GUILD), "user_id": str(MOD), "target_id": str(ANNA), "reason": "spam"}
    feed(bot, "guild_audit_log_entry_create", {**data, "action_type": action.value, "changes": [], "options": {}})


def kick(bot: commands.Bot) -> None:
    entry(bot, discord.AuditLogAction.kick)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def populated(bot: commands.Bot, capture: Capture, events: list[Event]) -> commands.Bot:
    guild = bot.get_guild(GUILD)
    assert guild is not None
    for user_id, name in ((ANNA, "anna"), (MOD, "mod")):
        guild._add_member(discord.Member(data=member_payload(user_id, name), guild=guild, state=bot._connection))  # type: ignore[arg-type]
    return bot


async def test_a_join_is_shipped_at_once_for_the_guilds_asked_for(
    bot: commands.Bot, capture: Capture, events: list[Event]
) -> None:
    feed(bot, "guild_member_add", member_payload(ANNA, "anna"))
    feed(bot, "guild_member_add", member_payload(ANNA, "anna", GUILD + 1))
    await settle()
    [event] = events
    assert "anna joined Guild 1000" in event.message
    assert (event.level, event.origin, event.guild_id) == (LogLevel.INFO, "join", GUILD)
    assert event.context["member_id"] == str(ANNA)
    assert event.context["account_age_days"] > 3000
    assert event.persons[0].names == ("anna", "Anna")


async def test_a_leave_waits_and_is_flushed(populated: commands.Bot, capture: Capture, events: list[Event]) -> None:
    leave(populated)
    await settle()
    assert events == []
    capture.uninstall()
    [event] = events
    assert event.origin == "leave"
    assert event.context["roles"] == "none"
    assert event.context["stayed"].endswith("days")


@pytest.mark.parametrize(
    "order", list(itertools.permutations([leave, ban, entry])), ids=lambda o: "-".join(f.__name__ for f in o)
)
async def test_a_ban_in_any_order_is_one_event(
    populated: commands.Bot, capture: Capture, events: list[Event], order: tuple[Any, ...]
) -> None:
    for step in order:
        step(populated)
        await settle()
    capture.uninstall()
    [event] = events
    assert (event.origin, event.level) == ("ban", LogLevel.WARNING)
    assert event.context["moderator"] == f"mod ({MOD})"
    assert event.context["reason"] == "spam"
    assert [person.id for person in event.persons] == [ANNA, MOD]
    if order.index(leave) == 0:
        assert event.context["roles"] == "none"


async def test_a_kick_takes_its_leave(populated: commands.Bot, capture: Capture, events: list[Event]) -> None:
    leave(populated)
    await settle()
    kick(populated)
    await settle()
    capture.uninstall()
    assert [event.origin for event in events] == ["kick"]


async def test_what_comes_late_of_a_ban_tells_nothing_new(
    populated: commands.Bot, capture: Capture, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statsbot_webhooks.capture.members._WAIT_SECONDS", 0.01)
    ban(populated)
    await asyncio.sleep(0.05)
    leave(populated)
    entry(populated)
    await asyncio.sleep(0.05)
    assert [event.origin for event in events] == ["ban"]


async def test_a_return_is_shipped_after_the_leave(populated: commands.Bot, capture: Capture, events: list[Event]) -> None:
    leave(populated)
    await settle()
    feed(populated, "guild_member_add", member_payload(ANNA, "anna"))
    await settle()
    ban(populated)
    await settle()
    feed(populated, "guild_ban_remove", {"guild_id": str(GUILD), "user": user_payload(ANNA, "anna")})
    await settle()
    assert [event.origin for event in events] == ["leave", "join", "ban", "unban"]
    assert [event.time for event in events] == sorted(event.time for event in events)
