"""One exception, one event: what is expected, how often before, what it was caused by."""

from __future__ import annotations

import asyncio
import logging

import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event, LogLevel
from statsbot_webhooks.events.factory import error_event
from statsbot_webhooks.events.tracebacks import is_own_code, note_exception
from statsbot_webhooks.issues.fingerprint import fingerprint, finish

from ...clocks import WallClock


class ShopClosed(Exception):  # noqa: N818 - named as users name them
    pass


class ShopClosedForever(ShopClosed):
    pass


async def shipped(bot: commands.Bot, config: WebhookConfig, *errors: Exception) -> list[Event]:
    events: list[Event] = []
    capture = Capture(settings=config, clock=WallClock(lambda: 1.0))
    capture.install(bot, events.append)
    waiting = list(errors)

    async def fail() -> None:
        raise waiting.pop(0)

    bot.add_listener(fail, "on_thing")
    for _ in errors:
        bot.dispatch("thing")
        for _ in range(5):
            await asyncio.sleep(0)
    bot.remove_listener(fail, "on_thing")
    capture.uninstall()
    return events


@pytest.mark.parametrize("name", ["ShopClosed", f"{__name__}.ShopClosed"])
async def test_expected_errors_are_none(bot: commands.Bot, name: str) -> None:
    errors = (ShopClosed(), ShopClosedForever(), ValueError("x"))
    assert len(await shipped(bot, WebhookConfig(), *errors)) == 3
    config = WebhookConfig(expected_errors=frozenset({name}))
    errors = (ShopClosed(), ShopClosedForever(), ValueError("x"))
    assert [event.message for event in await shipped(bot, config, *errors)] == ["ValueError: x"]


async def test_user_errors_are_shipped_as_warnings_when_asked(bot: commands.Bot) -> None:
    assert await shipped(bot, WebhookConfig(), commands.NotOwner("no")) == []
    [event] = await shipped(bot, WebhookConfig(ship_user_errors=True), commands.NotOwner("no"))
    assert (event.message, event.level) == ("NotOwner: no", LogLevel.WARNING)


async def test_a_group_arrives_once_with_all_that_is_in_it(bot: commands.Bot, caplog: pytest.LogCaptureFixture) -> None:
    parts = [ValueError("a"), ExceptionGroup("inner", [KeyError("b")])]
    [event] = map(finish, await shipped(bot, WebhookConfig(), ExceptionGroup("both", parts)))
    for text in ("ValueError: a", "KeyError: 'b'", "both (2 sub-exceptions)"):
        assert text in (event.traceback or "")
    events = [finish(e) for e in await shipped(bot, WebhookConfig(include_stack_traces=False), ExceptionGroup("both", parts))]
    assert events[0].traceback is None
    assert events[0].context["exceptions"] == ["ValueError: a", "ExceptionGroup: inner (1 sub-exception)", "KeyError: 'b'"]


async def test_the_parts_of_a_group_that_was_shipped_are_not_shipped_again(bot: commands.Bot) -> None:
    events: list[Event] = []
    capture = Capture(settings=WebhookConfig(), clock=WallClock(lambda: 1.0))
    capture.install(bot, events.append)
    group = ExceptionGroup("both", [ValueError("a")])
    logging.getLogger("app").error("all of it", exc_info=group)
    logging.getLogger("app").error("a part", exc_info=group.exceptions[0])
    capture.uninstall()
    assert [event.message for event in events] == ["all of it"]


def chained(text: str) -> RuntimeError:
    try:
        try:
            raise KeyError(f'{text}\nhint: another line\n  File "x", line 1, in y')
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        return error


def test_without_stack_traces_the_causes_are_named() -> None:
    event = finish(error_event(chained("k"), now=1.0, include_stack_traces=False))
    assert event.traceback is None
    assert event.context["caused_by"].startswith("KeyError: ")
    assert "File" not in event.message


def test_the_text_of_an_exception_does_not_tell_it_apart() -> None:
    first, second = (error_event(chained(text), now=1.0) for text in ("a", "b\nc: d"))
    other = error_event(failed(), now=1.0)
    assert fingerprint(first) == fingerprint(second) != fingerprint(other)


def failed() -> RuntimeError:
    try:
        raise RuntimeError("outer")
    except RuntimeError as error:
        return error


def test_own_frames_are_marked_and_the_rest_is_pythons_own() -> None:
    async def fails() -> None:
        async with asyncio.timeout(0):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(9))

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(fails())
    text = note_exception(caught.value).format()
    lines = text.splitlines()
    assert f'> File "{__file__}", line ' in text
    assert any(line.startswith('  File "') and "asyncio" in line for line in lines)
    assert not any(line.lstrip(" |").startswith('> File "') and __file__ not in line for line in lines)


@pytest.mark.parametrize(
    ("filename", "own"),
    [
        ("/srv/bot/cogs/shop.py", True),
        ("C:\\bots\\main.py", True),
        ("/srv/bot/.venv/lib/python3.11/site-packages/discord/client.py", False),
        ("C:\\bots\\venv\\Lib\\site-packages\\discord\\client.py", False),
        (asyncio.__file__, False),
        ("<frozen runpy>", False),
        ("<string>", False),
    ],
)
def test_what_own_code_is(filename: str, own: bool) -> None:
    assert is_own_code(filename) is own
