"""Handlers that the host sets before, after and instead of others: all are called, all are watched, none is changed."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands, ui
from discord.ext import commands, tasks

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks import capture as capture_package
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.patching import watch_calls

from .clocks import WallClock


class OwnBot(commands.Bot):
    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        calls.append(f"class {event_method}")


calls: list[str] = []


@pytest.fixture
async def bot() -> AsyncIterator[commands.Bot]:
    calls.clear()
    async with OwnBot("!", intents=discord.Intents.all()) as bot:
        bot.add_listener(_fail, "on_thing")
        yield bot


@pytest.fixture
def events() -> list[Event]:
    return []


async def _fail() -> None:
    raise ZeroDivisionError("boom")


def installed(bot: commands.Bot, events: list[Event]) -> Capture:
    capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
    capture.install(bot, events.append)
    return capture


async def dispatch(bot: commands.Bot) -> None:
    bot.dispatch("thing")
    for _ in range(5):
        await asyncio.sleep(0)


async def test_handlers_set_after_us_are_called_and_watched(bot: commands.Bot, events: list[Event]) -> None:
    capture = installed(bot, events)
    await dispatch(bot)

    @bot.event
    async def on_error(event: str, /, *args: object, **kwargs: object) -> None:
        calls.append(f"event {event}")

    await dispatch(bot)
    assert vars(bot)["on_error"] is on_error
    del bot.on_error
    await dispatch(bot)
    capture.uninstall()
    await dispatch(bot)
    assert calls == ["class on_thing", "event on_thing", "class on_thing", "class on_thing"]
    assert [event.message for event in events] == ["ZeroDivisionError: boom"] * 3
    assert inspect.isfunction(vars(OwnBot)["on_error"])


async def test_a_tree_handler_set_after_us(bot: commands.Bot, events: list[Event]) -> None:
    capture = installed(bot, events)

    @bot.tree.error
    async def handle(_interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        calls.append(type(error).__name__)

    await bot.tree.on_error(object(), app_commands.CommandSignatureMismatch(_command()))  # type: ignore[arg-type]
    capture.uninstall()
    assert calls == ["CommandSignatureMismatch"]
    assert [event.message.partition(":")[0] for event in events] == ["CommandSignatureMismatch"]
    assert bot.tree.on_error is handle


def _command() -> app_commands.Command[Any, Any, Any]:
    @app_commands.command(name="x", description="x")
    async def command(_interaction: discord.Interaction) -> None: ...

    return command


async def test_a_host_that_keeps_and_puts_back_what_was_there(bot: commands.Bot, events: list[Event]) -> None:
    """As cogs of other people do: remember the handler, set an own one that calls it, put it back at the end."""
    capture = installed(bot, events)
    before = bot.on_error

    async def own(event: str, /, *args: object, **kwargs: object) -> None:
        calls.append("own")
        await before(event, *args, **kwargs)

    bot.on_error = own  # type: ignore[method-assign]
    await dispatch(bot)
    bot.on_error = before  # type: ignore[method-assign]
    await dispatch(bot)
    capture.uninstall()
    await dispatch(bot)
    assert calls == ["own", "class on_thing", "class on_thing", "class on_thing"]
    assert len(events) == 2


async def test_two_bots_of_one_class_in_any_order(events: list[Event]) -> None:
    before = dict(vars(commands.Bot))
    first, second, other = (commands.Bot("!", intents=discord.Intents.all()) for _ in range(3))
    for bot in (first, second, other):
        bot.add_listener(_fail, "on_thing")
    of_second: list[Event] = []
    captures = [installed(first, events), installed(second, of_second)]
    for bot in (first, second, other):
        await bot._async_setup_hook()
        await dispatch(bot)
    # The log is shared; the handlers are each bot's own.
    assert [_count(events), _count(of_second)] == [1, 1]
    captures[0].uninstall()
    await dispatch(first)
    await dispatch(second)
    captures[1].uninstall()
    assert [_count(events), _count(of_second)] == [1, 2]
    assert dict(vars(commands.Bot)) == before


def _count(events: list[Event]) -> int:
    return sum(event.origin == "on_thing" for event in events)


async def test_a_failing_handler_of_the_host_shows_no_frame_of_ours(bot: commands.Bot, events: list[Event]) -> None:
    @bot.event
    async def on_error(event: str, /, *args: object, **kwargs: object) -> None:
        raise KeyError("in the handler")

    capture = installed(bot, events)
    printed: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: printed.extend(traceback.format_exception(context["exception"]))
    )
    await dispatch(bot)
    capture.uninstall()
    asyncio.get_running_loop().set_exception_handler(None)
    assert "in the handler" in "".join(printed)
    assert str(Path(capture_package.__file__).parent) not in "".join(printed)
    # The handler set after us did not keep the loop's report from us.
    assert [event.message.partition(":")[0] for event in events] == ["ZeroDivisionError", "KeyError"]


async def test_a_threads_hook_set_after_us_is_called_and_ours_comes_back(bot: commands.Bot, events: list[Event]) -> None:
    before = threading.excepthook
    capture = installed(bot, events)
    seen: list[str] = []
    threading.excepthook = lambda args: seen.append(str(args.exc_value))
    own = threading.excepthook
    async with asyncio.timeout(60):
        while threading.excepthook is own:
            await asyncio.sleep(0.02)
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    capture.uninstall()
    assert threading.excepthook is own
    threading.excepthook = before
    assert seen == ["division by zero"]
    assert [(event.origin, event.context["thread"]) for event in events] == [("thread worker", "worker")]


async def test_the_classes_of_discord_py_are_given_back(bot: commands.Bot, events: list[Event]) -> None:
    # Before discord.py 2.6 there is no BaseView.
    view = getattr(ui.view, "BaseView", ui.View)
    owners = (view, ui.Modal, tasks.Loop, commands.ExtensionFailed, commands.ExtensionNotFound, commands.NoEntryPointError)
    others = (logging.Logger, type(bot), type(bot.tree))
    before = [dict(vars(owner)) for owner in (*owners, *others)]
    hooks = [sys.excepthook, threading.excepthook]
    capture = installed(bot, events)
    assert all(dict(vars(owner)) != known for owner, known in zip((*owners, *others), before, strict=True))
    capture.uninstall()
    assert [dict(vars(owner)) for owner in (*owners, *others)] == before
    assert [sys.excepthook, threading.excepthook] == hooks


def test_what_a_host_made_of_a_patch_of_before_is_put_back() -> None:
    """`functools.wraps` copies the marks of ours, also the one that says that it has ended."""

    class Thing:
        def act(self) -> str:
            return "thing"

    with ExitStack() as stack:
        watch_calls(stack, Thing, "act", calls.append)
        kept = Thing.act
        Thing.act = lambda self: kept(self)

    @functools.wraps(kept)
    def own(thing: Thing) -> str:
        return f"own {kept(thing)}"

    Thing.act = own
    with ExitStack() as stack:
        watch_calls(stack, Thing, "act", calls.append)
    assert vars(Thing)["act"] is own
    assert Thing().act() == "own thing"


def test_on_uvloop(events: list[Event]) -> None:
    """Its loop calls the exception handler from C, where only the handler can be chained."""
    uvloop = pytest.importorskip("uvloop", reason="there is none for Windows")
    handled: list[str] = []

    def fail() -> None:
        raise LookupError("in a callback")

    async def live() -> None:
        loop = asyncio.get_running_loop()
        assert not isinstance(loop, asyncio.BaseEventLoop)

        def own(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            handled.append(context["message"])

        loop.set_exception_handler(own)
        async with commands.Bot("!", intents=discord.Intents.all()) as bot:
            capture = installed(bot, events)
            loop.call_soon(fail)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            capture.uninstall()
            assert loop.get_exception_handler() is own

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(live())
    assert [event.message for event in events] == ["LookupError: in a callback"]
    assert len(handled) == 1
