"""How much is done at a time on the event loop of the bot, and by the intake between two rests, while much is shipped.

Calls of functions are counted: how long they take is up to the machine. `benchmarks/bench.py` measures that.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import statsbot_webhooks
from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.pipeline.bell import Bell
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage.rows import read_event

from ..conftest import running_manager

_PACKAGE = str(Path(statsbot_webhooks.__file__).parent)
_ERRORS = 500


class Slices:
    """The most that one thread does between two marks: calls by and of the package's functions, and calls of one of them."""

    def __init__(self, *marks: object, of: CodeType | None = None) -> None:
        self._marks, self._of = marks, of
        self.reset()

    def reset(self) -> None:
        self.longest = self.most_of_one = self._calls = self._of_one = 0

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if (argument if event == "c_call" else frame.f_code) in self._marks:
            self._calls = self._of_one = 0
        elif event in ("call", "c_call") and frame.f_code.co_filename.startswith(_PACKAGE):
            self._calls += 1
            self._of_one += event == "call" and frame.f_code is self._of
            self.longest, self.most_of_one = max(self.longest, self._calls), max(self.most_of_one, self._of_one)


@contextmanager
def sliced() -> Generator[tuple[Slices, Slices]]:
    """Count on the event loop from callback to callback, and on the intake's thread, if it starts here, from rest to rest."""
    loop = Slices(asyncio.Handle._run.__code__)
    intake = Slices(time.sleep, Bell.wait.__code__, of=read_event.__code__)

    def choose(*_: Any) -> None:
        sys.setprofile(intake.profile if threading.current_thread().name == "statsbot_webhooks-intake" else None)

    threading.setprofile(choose)
    sys.setprofile(loop.profile)
    try:
        yield loop, intake
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # pyright: ignore[reportArgumentType]


def error(number: int) -> Event:
    frames = (f'  File "/srv/bot/part_{n}.py", line {number + n}, in function_{n}\n    return compute({n})\n' for n in range(30))
    trace = f"Traceback (most recent call last):\n{''.join(frames)}ValueError: number {number}"
    return Event(EventKind.ERROR, LogLevel.ERROR, f"ValueError: number {number}", time.time(), "x", traceback=trace)


@pytest.mark.slow
async def test_hundreds_of_errors_at_once_are_worked_off_in_small_slices() -> None:
    with Sandbox(limits=False) as sandbox, sandbox.redirect(), sliced() as (loop, intake):
        async with running_manager(
            WebhookConfig(error_webhook_url=sandbox.webhook_url("error"), batch_timeout_seconds=0)
        ) as manager:
            manager.submit(error(-1))
            await manager.flush(60)
            for number in range(_ERRORS):
                manager.submit(error(number))
            await asyncio.sleep(0)
            # Neither the start counts, nor that the test submits so many at once.
            loop.reset()
            intake.reset()
            await manager.flush(60)
            stats = await manager.stats()
    print("calls at a time:", loop.longest, intake.longest, intake.most_of_one)
    assert stats.delivered + stats.folded == 1 + _ERRORS
    # Seen: 1,300. With the layout on the loop: 250,000.
    assert loop.longest < 20 * _ERRORS
    # Seen: 7,600. Without rests while events are redacted and stored: 190,000.
    assert intake.longest < 40_000
    # Without rests while events are read: all that one claim takes.
    assert intake.most_of_one < 100
