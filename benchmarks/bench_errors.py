"""What an exception costs the loop it happens on, beside stdlib's `QueueHandler`, and what a log line costs more."""

from __future__ import annotations

import asyncio
import logging
import queue
import time
import traceback
from collections.abc import Callable
from logging.handlers import QueueHandler
from typing import Any

import discord
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.capture.installation import Capture
from statsbot_webhooks.events.event import Event

# The fastest of them counts: whatever else the machine does only adds.
ROUNDS = 9
PER_ROUND = 200


def make(depth: int) -> Exception:
    def down(left: int) -> None:
        if left == 0:
            raise LookupError("bottom")
        down(left - 1)

    try:
        down(depth)
    except LookupError as error:
        return error
    raise AssertionError


def microseconds(call: Callable[[Any], Any], subjects: list[Any]) -> float:
    started = time.perf_counter()
    for subject in subjects:
        call(subject)
    return (time.perf_counter() - started) / len(subjects) * 1e6


async def main() -> None:
    events: list[Event] = []
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        quiet = logging.getLogger("bench")
        quiet.propagate = True
        logging.getLogger().addHandler(logging.NullHandler())
        capture = Capture(settings=WebhookConfig())
        plain: list[float] = []
        ours: list[float] = []
        theirs: list[float] = []
        prints: list[float] = []
        queue_handler = QueueHandler(queue.SimpleQueue())
        logs = {"without us": [0.0], "with us": [0.0]}
        for _ in range(ROUNDS):
            errors = [make(8) for _ in range(PER_ROUND)]
            prints.append(microseconds(lambda error: traceback.format_exception(error), errors))
            logs["without us"].append(microseconds(lambda _: quiet.info("below the level"), errors))
            plain.append(microseconds(lambda error: quiet.error("x", exc_info=error), errors))
            quiet.addHandler(queue_handler)
            theirs.append(microseconds(lambda error: quiet.error("x", exc_info=error), errors))
            quiet.removeHandler(queue_handler)
            capture.install(bot, events.append)
            logs["with us"].append(microseconds(lambda _: quiet.info("below the level"), errors))
            ours.append(microseconds(lambda error: quiet.error("x", exc_info=error), errors))
            capture.uninstall()
            events.clear()
        await asyncio.sleep(0)
    mine, stdlib = (min(times) - min(plain) for times in (ours, theirs))
    ratio = f"ratio {mine / stdlib:.2f} (10 frames; traceback.format_exception {min(prints):.0f} us)"
    print(f"one exception         ours {mine:6.1f} us   QueueHandler {stdlib:6.1f} us   {ratio}")
    below = {name: min(values[1:]) for name, values in logs.items()}
    print(f"a line below level    with us {below['with us']:5.2f} us   without {below['without us']:5.2f} us")


asyncio.run(main())
