"""Tasks and futures that fail and are held: each is reported once, and none whose failure the host has asked for."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import discord
import pytest
from discord.ext import commands, tasks

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.errors.unasked_results import futures_alive
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event

held: list[Any] = []


@pytest.fixture
async def events() -> AsyncIterator[list[Event]]:
    """What is captured of a bot that never logs in; the capture ends with the first look at `ended`."""
    held.clear()
    found: list[Event] = []
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        capture = Capture(settings=WebhookConfig())
        capture.install(bot, found.append)
        held.append(capture)
        yield found
        capture.uninstall()
    held.clear()
    for each in futures_alive():
        # What is still there would be reported in the next test, when it is destroyed.
        if each.done() and not each.cancelled():
            each.exception()


def end() -> None:
    held[0].uninstall()


def texts(events: list[Event]) -> list[str]:
    return [event.message for event in events]


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)
    gc.collect()


async def fail(text: str) -> None:
    raise LookupError(text)


class Loops(commands.Cog):
    @tasks.loop(seconds=60)
    async def before(self) -> None: ...

    @before.before_loop
    async def before_before(self) -> None:
        raise OSError("before_loop failed")

    @tasks.loop(seconds=0, count=1)
    async def after(self) -> None: ...

    @after.after_loop
    async def after_after(self) -> None:
        raise OSError("after_loop failed")

    @tasks.loop(seconds=60)
    async def handler(self) -> None:
        raise ValueError("loop body")

    @handler.error
    async def handler_error(self, error: BaseException) -> None:
        raise TypeError("error handler failed")

    @tasks.loop(seconds=60)
    async def body(self) -> None:
        raise ValueError("only the body")

    @tasks.loop(seconds=60)
    async def fine(self) -> None: ...


async def test_every_part_of_a_loop_is_reported_once(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    loops = Loops()
    held.append(loops)
    for name in ("before", "after", "handler", "body", "fine"):
        getattr(loops, name).start()
    await turn(50)
    loops.fine.cancel()
    await turn()
    end()
    assert sorted(texts(events)) == [
        "OSError: after_loop failed",
        "OSError: before_loop failed",
        "TypeError: error handler failed",
        "ValueError: loop body",
        "ValueError: only the body",
    ]
    assert {event.origin for event in events} == {f"task Loops.{name}" for name in ("before", "after", "handler", "body")}


async def test_a_held_task_is_reported_at_the_end(events: list[Event]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    held.append(asyncio.create_task(fail("held"), name="held"))
    awaited = asyncio.create_task(fail("awaited"))
    dropped = asyncio.create_task(fail("dropped"))
    await turn()
    with pytest.raises(LookupError):
        await awaited
    del dropped
    await turn()
    assert texts(events) == ["LookupError: dropped"]
    end()
    assert texts(events) == ["LookupError: dropped", "LookupError: held"]
    assert events[1].context["task"] == "fail"
    # A reload of the extension reports it no second time.
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        again = Capture(settings=WebhookConfig())
        again.install(bot, events.append)
        again.uninstall()
    assert len(events) == 2
    loop.set_exception_handler(None)


def threadsafe(text: str) -> Any:
    # The thread has ended then: until it goes on after its call it holds what that returned, on a busy machine for a while.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run_coroutine_threadsafe, fail(text), asyncio.get_running_loop()).result()


async def test_a_future_of_another_thread_is_reported_when_it_goes_or_at_the_end(events: list[Event]) -> None:
    held.append(threadsafe("held"))
    threadsafe("dropped")
    await turn()
    assert texts(events) == ["LookupError: dropped"]
    end()
    assert texts(events) == ["LookupError: dropped", "LookupError: held"]


async def test_a_future_that_is_asked_is_the_hosts_own(events: list[Event]) -> None:
    asked = threadsafe("asked later")
    await turn()
    with pytest.raises(LookupError) as failure:
        asked.result()
    assert not [each for each in failure.traceback if "statsbot_webhooks" in str(each.path)]
    told: list[BaseException | None] = []
    called = threadsafe("has a callback")
    called.add_done_callback(lambda future: told.append(future.exception()))
    loop = asyncio.get_running_loop()

    def wait() -> str:
        try:
            asyncio.run_coroutine_threadsafe(fail("waited for"), loop).result(10)
        except LookupError as error:
            return str(error)
        return ""

    assert await asyncio.to_thread(wait) == "waited for"
    with pytest.raises(LookupError):
        await asyncio.to_thread(asyncio.run, fail("a loop of its own"))
    await turn()
    assert len(told) == 1
    del asked, called
    await turn()
    end()
    assert texts(events) == []


async def test_a_failure_that_was_logged_is_not_reported_again(events: list[Event]) -> None:
    async def log_and_fail() -> None:
        try:
            await fail("logged")
        except LookupError:
            logging.getLogger("shop").exception("it failed")
            raise

    loop = asyncio.get_running_loop()
    held.append(await asyncio.to_thread(asyncio.run_coroutine_threadsafe, log_and_fail(), loop))
    held.append(asyncio.create_task(log_and_fail()))
    await turn()
    end()
    assert texts(events) == ["it failed", "it failed"]


async def test_calls_of_an_executor(events: list[Event]) -> None:
    def work(text: str) -> None:
        raise LookupError(text)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        held.append(pool.submit(work, "held"))
        pool.submit(work, "dropped")
        asked, called = pool.submit(work, "asked later"), pool.submit(work, "has a callback")
        called.add_done_callback(lambda future: future.exception())
        mapped = pool.map(work, ["mapped"])
        with pytest.raises(LookupError):
            await loop.run_in_executor(pool, work, "awaited")
    assert isinstance(asked.exception(), LookupError)
    with pytest.raises(LookupError):
        list(mapped)
    await turn()
    assert texts(events) == ["LookupError: dropped"]
    assert events[0].context["reported_as"] == "the result of ThreadPoolExecutor.submit was not asked for"
    end()
    assert sorted(texts(events)) == ["LookupError: dropped", "LookupError: held"]


def test_a_tuple_that_is_being_made_meanwhile_is_not_broken() -> None:
    """Python raises `SystemError` where a tuple is made from an iterator while a list of all objects holds it."""
    futures: list[Any] = []

    def numbers() -> Iterator[int]:
        for number in range(60):
            if number == 30:
                futures.extend(futures_alive())
            yield number

    loop = asyncio.new_event_loop()
    kept = loop.create_future()
    assert tuple(numbers()) == tuple(range(60))
    assert kept in futures
    loop.close()
