"""The exception that ends a bot: sent while it is closed, or kept in the storage and sent at the next start."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest

from statsbot_webhooks.events.colors import DARK_RED
from statsbot_webhooks.events.event import LogLevel
from statsbot_webhooks.sandbox import Sandbox

from .bots import HERE, bot_process, stored_events

# Processes of their own go by the machine's clock.
pytestmark = [pytest.mark.slow, pytest.mark.real_time]

# How the bot ends, and what the channel shows of it.
ENDS = {
    "token": ("LoginFailure: Improper token has been passed.", "Discord did not accept the bot's token"),
    "intents": ("PrivilegedIntentsRequired: Shard ID None is requesting privileged intents", "not enabled"),
    "extension": ("RuntimeError: boom(extension at import)", "broken_extension"),
    "setup_hook": ("RuntimeError: boom(setup_hook)", "the bot ends with this exception"),
    "careless": ("RuntimeError: boom(end of the program)", "end of the program"),
}


class Ended(NamedTuple):
    printed: str
    code: int | None
    shown: list[str]
    stored: int


async def _end(folder: Path, end: str, *, load: bool) -> Ended:
    async with Sandbox(limits=False, privileged_intents=end != "intents") as sandbox:
        script = HERE / "ending_bot.py"
        async with bot_process(sandbox, script, folder, load=load, extra={"END": end}) as bot:
            async with asyncio.timeout(60):
                code = await bot.process.wait()
            printed = bot.comparable
        stored = 0
        if load and end == "careless":
            [event] = stored_events(folder)
            assert event.level is LogLevel.CRITICAL
            assert ", in careless\n" in (event.traceback or "")
            stored = 1
            # The next start sends what the last one left.
            async with bot_process(sandbox, script, folder, load=load, extra={"END": "well"}) as bot, asyncio.timeout(60):
                await bot.process.wait()
        shown = [str(embed) for message in sandbox.messages("error") for embed in message.embeds]
        return Ended(printed, code, shown, stored)


async def _all(folder: Path) -> dict[str, tuple[Ended, Ended]]:
    found: dict[str, tuple[Ended, Ended]] = {}
    for end in ENDS:
        without, with_us = await asyncio.gather(
            _end(folder / f"{end} without", end, load=False), _end(folder / end, end, load=True)
        )
        found[end] = (without, with_us)
    return found


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Ended, Ended]]:
    return asyncio.run(_all(tmp_path_factory.mktemp("endings")))


@pytest.mark.parametrize("end", ENDS)
def test_the_end_is_shown_once_and_printed_as_without_us(ended: dict[str, tuple[Ended, Ended]], end: str) -> None:
    without, with_us = ended[end]
    assert with_us.printed == without.printed
    assert (with_us.code, with_us.code) == (without.code, 1)
    assert "Traceback" in without.printed
    message, says = ENDS[end]
    [card] = with_us.shown
    assert message in card.replace("\\\\", "")
    assert says in card.replace("\\\\", "")
    assert f"'color': {DARK_RED}" in card
    assert with_us.stored == (end == "careless")
