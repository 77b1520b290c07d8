"""What the interpreter reports: failures in `__del__`, in threads and at the end of the program."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event, LogLevel
from statsbot_webhooks.sandbox import Sandbox


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


async def _fail_on_loop(text: str) -> None:
    def fail() -> None:
        raise LookupError(text)

    asyncio.get_running_loop().call_soon(fail)
    for _ in range(3):
        await asyncio.sleep(0)


def test_a_loop_of_uvloop_whose_handler_is_set_late() -> None:
    uvloop = pytest.importorskip("uvloop")
    found: list[Event] = []
    told: list[str] = []

    def handler(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        told.append(str(context["exception"]))

    async def live() -> None:
        loop = asyncio.get_running_loop()
        async with commands.Bot("!", intents=discord.Intents.all()) as bot:
            capture = Capture(settings=WebhookConfig())
            capture.install(bot, found.append)
            loop.set_exception_handler(handler)
            assert loop.get_exception_handler() is handler
            await _fail_on_loop("set late")
            with pytest.raises(TypeError):
                loop.set_exception_handler("no handler")  # type: ignore[arg-type]
            loop.set_exception_handler(lambda _loop, _context: told.append("another"))
            await _fail_on_loop("set again")
            loop.set_exception_handler(handler)
            capture.uninstall()
            assert loop.get_exception_handler() is handler
            await _fail_on_loop("after the end")

    uvloop.run(live())
    assert [event.message for event in found] == ["LookupError: set late", "LookupError: set again"]
    assert told == ["set late", "another", "after the end"]


_REEXEC = """
import asyncio, logging, os, sys
import discord
from discord.ext import commands

async def main():
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        await bot.load_extension("statsbot_webhooks")
        for number in range(50):
            logging.getLogger("shop").error("record %d is the last word", number)
        os.environ["AGAIN"] = "1"
        try:
            os.execv("/no/such/program", ["x"])
        except OSError as error:
            assert error.__traceback__.tb_next is None, error.__traceback__.tb_next
        {call}

if not os.environ.get("AGAIN"):
    asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "call",
    [
        "os.execv(sys.executable, [sys.executable, __file__])",
        "os.execl(sys.executable, sys.executable, __file__)",
        "os.execvpe(sys.executable, [sys.executable, __file__], os.environ)",
    ],
)
async def test_a_bot_that_starts_itself_anew_keeps_what_it_logged_last(sandbox: Sandbox, tmp_path: Path, call: str) -> None:
    script = tmp_path / "bot.py"
    script.write_text(_REEXEC.replace("{call}", call))
    environment = {**os.environ, "WEBHOOK_ERROR_URL": sandbox.webhook_url("error"), "WEBHOOK_STORAGE": "sqlite:///kept.sqlite3"}
    sandbox.fault("error", "no_answer")
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), env=environment, cwd=tmp_path)
    assert await process.wait() == 0
    with sqlite3.connect(tmp_path / "kept.sqlite3") as db:
        rows = db.execute("SELECT event FROM entries").fetchall()
    db.close()
    assert sum("is the last word" in text for (text,) in rows) == 50
