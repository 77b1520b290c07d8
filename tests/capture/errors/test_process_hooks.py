"""What the interpreter reports: failures in `__del__`, in threads and at the end of the program."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture import Capture
from statsbot_webhooks.events.event import Event, LogLevel


@pytest.fixture
async def events(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Event]]:
    # pytest's own hooks would fail the test.
    for module, name in ((sys, "unraisablehook"), (threading, "excepthook"), (sys, "excepthook")):
        monkeypatch.setattr(module, name, lambda *_args: None)
    hooks = sys.unraisablehook, threading.excepthook, sys.excepthook
    found: list[Event] = []
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        capture = Capture(settings=WebhookConfig())
        capture.install(bot, found.append)
        yield found
        capture.uninstall()
    assert (sys.unraisablehook, threading.excepthook, sys.excepthook) == hooks


class Resource:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __del__(self) -> None:
        raise self.error


async def test_a_failure_in_del_is_reported(events: list[Event]) -> None:
    Resource(RuntimeError("raised in __del__"))
    [event] = events
    assert (event.message, event.level) == ("RuntimeError: raised in __del__", LogLevel.ERROR)
    assert event.context["raised_in"] == "Resource.__del__"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)], ids=repr)
async def test_ctrl_c_and_sys_exit_are_no_failures(events: list[Event], error: BaseException) -> None:
    Resource(error)
    sys.excepthook(type(error), error, None)

    def leave() -> None:
        raise error

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert events == []


async def test_an_exception_of_the_host_ends_the_program(events: list[Event]) -> None:
    class Fatal(BaseException):
        pass

    for error in (ValueError("x"), Fatal("y")):
        sys.excepthook(type(error), error, None)
    assert [(event.message, event.level) for event in events] == [
        ("ValueError: x", LogLevel.CRITICAL),
        ("Fatal: y", LogLevel.CRITICAL),
    ]


async def test_an_error_that_also_ends_the_program_is_told_as_critical(events: list[Event]) -> None:
    error: Any = ValueError("x")
    asyncio.get_running_loop().call_exception_handler({"message": "m", "exception": error})
    sys.excepthook(type(error), error, None)
    sys.excepthook(type(error), error, None)
    assert [event.level for event in events] == [LogLevel.ERROR, LogLevel.CRITICAL]
