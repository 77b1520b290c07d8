"""Exceptions of a real bot: each once, users' mistakes not at all, and the host's own handling unchanged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.issues.fingerprint import finish

from ...clocks import WallClock


@pytest.fixture
async def capture(bot: commands.Bot, events: list[Event]) -> AsyncIterator[Capture]:
    capture = Capture(settings=WebhookConfig())
    capture.install(bot, events.append)
    yield capture
    capture.uninstall()
    await asyncio.sleep(0)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_event_handlers_exception_arrives_once(
    bot: commands.Bot, capture: Capture, events: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    @bot.listen("on_thing")
    async def fail() -> None:
        try:
            raise KeyError("k")
        except KeyError:
            logging.getLogger("app").warning("a warning first", exc_info=True)
            raise

    bot.dispatch("thing")
    await settle()
    [first, event] = events
    assert first.kind is EventKind.LOG
    assert (event.kind, event.message, event.origin) == (EventKind.ERROR, "KeyError: 'k'", "on_thing")
    assert "raise KeyError" in (finish(event).traceback or "")
    assert "Ignoring exception in on_thing" in caplog.text


async def test_the_previous_on_error_is_called_and_restored(bot: commands.Bot, events: list[Event]) -> None:
    calls: list[str] = []

    async def own(event: str, *args: object, **kwargs: object) -> None:
        calls.append(event)

    bot.on_error = own  # type: ignore[method-assign]
    capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
    capture.install(bot, events.append)
    bot.add_listener(_fail, "on_thing")
    bot.dispatch("thing")
    await settle()
    capture.uninstall()
    assert bot.on_error is own
    assert calls == ["on_thing"]
    assert [event.message for event in events] == ["ZeroDivisionError: boom"]


async def _fail() -> None:
    raise ZeroDivisionError("boom")


async def test_the_loops_own_reports_arrive_once(bot: commands.Bot, capture: Capture, events: list[Event]) -> None:
    def fail() -> None:
        raise LookupError("in a callback")

    asyncio.get_running_loop().call_soon(fail)
    await settle()
    assert [event.message for event in events] == ["LookupError: in a callback"]


async def test_a_failure_of_ours_stays_here(bot: commands.Bot, caplog: pytest.LogCaptureFixture) -> None:
    def submit(_event: Event) -> None:
        raise RuntimeError("sEcReT")

    capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
    capture.install(bot, submit)
    bot.add_listener(_fail, "on_thing")
    bot.dispatch("thing")
    bot.dispatch("thing")
    await settle()
    capture.uninstall()
    assert caplog.text.count("an exception could not be captured (RuntimeError)") == 1
    assert caplog.text.count("Ignoring exception in on_thing") == 2
    assert "sEcReT" not in caplog.text


async def test_a_wrapper_that_cannot_be_removed_ships_nothing(bot: commands.Bot, events: list[Event]) -> None:
    capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
    capture.install(bot, events.append)
    ours = bot.on_error

    async def outer(event: str, *args: Any, **kwargs: Any) -> None:
        await ours(event, *args, **kwargs)

    bot.on_error = outer  # type: ignore[method-assign]
    capture.uninstall()
    assert bot.on_error is outer
    bot.add_listener(_fail, "on_thing")
    bot.dispatch("thing")
    await settle()
    assert events == []


async def test_install_and_uninstall_leave_no_trace(bot: commands.Bot, events: list[Event]) -> None:
    loop, root = asyncio.get_running_loop(), logging.getLogger()

    def picture() -> tuple[Any, ...]:
        listeners = {name: list(found) for name, found in bot.extra_events.items() if found}
        own = [vars(owner).get(name) for owner in (bot, bot.tree) for name in ("on_error", "on_command_error")]
        return listeners, own, list(root.handlers), root.level, loop.get_exception_handler(), asyncio.all_tasks()

    before = picture()
    capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
    for _ in range(3):
        capture.install(bot, events.append)
    capture.uninstall()
    capture.uninstall()
    await settle()
    assert picture() == before


async def test_missing_intents_are_said_once(events: list[Event], caplog: pytest.LogCaptureFixture) -> None:
    async with commands.Bot("!", intents=discord.Intents.none()) as bot:
        capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
        capture.install(bot, events.append)
        capture.uninstall()
        await settle()
    said = [record.getMessage() for record in caplog.records if record.name == "statsbot_webhooks.capture.installation"]
    assert ["members" in said[0], "moderation" in said[1], len(said)] == [True, True, 2]
