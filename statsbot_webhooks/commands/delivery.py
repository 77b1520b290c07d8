"""What goes out: `test`, `toggle`, `level`, `flush`, and the dead letters."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal

import discord
from discord import app_commands

from ..delivery.outcome import Outcome
from ..events.event import LogLevel
from ..events.time_text import format_count
from ..storage import DeadLetter
from .base import Complaint, Theme, checked, make_command, plain

_FLUSH_SECONDS = 60.0
_LOGGER = "logger/"


class Delivery(Theme):
    """Steer the destinations."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        test = make_command("test", "Send a test message and show what Discord answers", self.test)
        toggle = make_command("toggle", "Switch a destination off or on; its events wait meanwhile", self.toggle)
        level = make_command("level", "Set the lowest level that a destination or a logger shows", self.level)
        flush = make_command("flush", "Send everything that waits, without waiting for batches to fill", self.flush)
        letters = make_command("deadletters", "Show or delete the events that Discord refused", self.deadletters)
        replay = make_command("replay", "Send the events that Discord refused again", self.replay)
        for command in (test, toggle, flush):
            command.autocomplete("destination")(self.complete_destination)
        level.autocomplete("target")(self.complete_target)
        for command in (letters, replay):
            command.autocomplete("number")(self.complete_letter)
        return [test, toggle, level, flush, letters, replay]

    @checked
    @app_commands.describe(destination="Which one; all of them when left out")
    async def test(self, interaction: discord.Interaction, destination: str | None = None) -> str:
        names = [self.runner.destination(destination)] if destination else list(self.manager.workers)
        lines = await asyncio.gather(*(self.test_one(name) for name in names))
        return "\n".join(lines) or "No destination is configured."

    async def test_one(self, name: str) -> str:
        if not self.manager.workers[name].is_enabled:
            return f"**{name}**: is switched off; `/webhooks toggle` switches it on."
        try:
            result = await self.manager.admin.send_test(name)
        except TimeoutError:
            return f"**{name}**: no answer yet; the test message waits with the others."
        if result.outcome == Outcome.DELIVERED:
            return f"**{name}**: delivered, Discord answered {result.status}."
        return f"**{name}**: {result.outcome.value}, Discord answered: {plain(result.reason, 200)}"

    @checked
    @app_commands.describe(destination="Which one")
    async def toggle(self, interaction: discord.Interaction, destination: str) -> str:
        name = self.runner.destination(destination)
        is_on = not self.manager.workers[name].is_enabled
        await self.manager.admin.toggle(name, is_on)
        await self.runner.record(interaction, f"switched destination {name} {'on' if is_on else 'off'}")
        return f"**{name}** is {'on' if is_on else 'off; its events wait'}."

    @checked
    @app_commands.describe(
        target="A destination, or a logger", level="The lowest level shown; that of the settings when left out"
    )
    async def level(
        self,
        interaction: discord.Interaction,
        target: str,
        level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "default"],
    ) -> str:
        chosen = None if level == "default" else LogLevel(level)
        name = target.strip().removeprefix("destination/")
        said = "the level of the settings" if chosen is None else chosen.value
        if name in self.manager.workers and not target.startswith(_LOGGER):
            await self.manager.admin.set_level(name, chosen)
            await self.runner.record(interaction, f"set the level of destination {name} to {said}")
            return f"**{name}** shows events from {said} on.{self._hint(chosen)}"
        logger = name.removeprefix(_LOGGER)
        if not logger or logger not in logger_names():
            raise Complaint(f"There is no destination and no logger {plain(logger, 50)}.")
        await self.manager.admin.set_logger_level(logger, chosen)
        await self.runner.record(interaction, f"set the level of logger {logger} to {said}")
        return f"Logger **{plain(logger, 80)}** is captured from {said} on; the destinations' own levels still hold."

    def _hint(self, level: LogLevel | None) -> str:
        floor = self.manager.config.log_level
        if level is None or level.number >= floor.number:
            return ""
        return f" Loggers are captured from {floor.value} on; `/webhooks level` lowers that for single ones."

    @checked
    @app_commands.describe(destination="Which one; all of them when left out")
    async def flush(self, interaction: discord.Interaction, destination: str | None = None) -> str:
        names = [self.runner.destination(destination)] if destination else list(self.manager.workers)
        before = (await self.manager.stats()).destinations
        await self.manager.flush(_FLUSH_SECONDS)
        after = (await self.manager.stats()).destinations
        lines = [
            f"**{name}**: {after[name].delivered + after[name].folded - before[name].delivered - before[name].folded} sent, "
            f"{after[name].pending} still wait"
            for name in names
        ]
        return "\n".join(lines)[:2000] or "No destination is configured."

    @checked
    @app_commands.describe(action="They are listed when left out", number="Which one; all when left out")
    async def deadletters(
        self, interaction: discord.Interaction, action: Literal["list", "purge"] = "list", number: int | None = None
    ) -> str:
        letters = await self._letters(number)
        if action == "list":
            text = "\n".join(_letter_line(letter) for letter in letters[:10])
            return text + (f"\n… and {len(letters) - 10} more" if len(letters) > 10 else "")
        count = await self.manager.purge([letter.id for letter in letters])
        await self.runner.record(interaction, f"deleted {format_count(count, 'dead letter')}")
        return f"{format_count(count, 'dead letter')} deleted."

    @checked
    @app_commands.describe(number="Which one; all when left out")
    async def replay(self, interaction: discord.Interaction, number: int | None = None) -> str:
        letters = await self._letters(number)
        count = await self.manager.replay([letter.id for letter in letters])
        await self.runner.record(interaction, f"sent {format_count(count, 'dead letter')} again")
        return f"{format_count(count, 'dead letter waits', 'dead letters wait')} for delivery again."

    async def _letters(self, number: int | None) -> list[DeadLetter]:
        letters = list(await self.manager.dead_letters(None if number is None else [number]))
        if not letters:
            raise Complaint("There are no dead letters." if number is None else f"There is no dead letter {number}.")
        return letters

    async def complete_target(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer destinations, then loggers."""

        def choices() -> list[tuple[str, str]]:
            names = [(f"destination {name}", f"destination/{name}") for name in self.manager.workers]
            return names + [(f"logger {name}", f"{_LOGGER}{name}") for name in logger_names()]

        return await self.runner.offers(interaction, current, choices)

    async def complete_letter(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[int]]:
        """Offer the dead letters by number and text."""
        if not self.manager.is_running:
            return []
        letters = await self.manager.dead_letters()
        offered = await self.runner.offers(
            interaction, str(current or ""), lambda: [(_letter_text(letter), str(letter.id)) for letter in letters]
        )
        return [app_commands.Choice(name=choice.name, value=int(choice.value)) for choice in offered]


def logger_names() -> list[str]:
    """Return the loggers that can be named: all but our own."""
    names = [name for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)]
    return sorted(name for name in names if not name.startswith("statsbot_webhooks"))


def _letter_text(letter: DeadLetter) -> str:
    return f"{letter.id} {letter.destination} {letter.event.level.value} {plain(letter.event.message, 60)}"


def _letter_line(letter: DeadLetter) -> str:
    return (
        f"`{letter.id}` **{letter.destination}** <t:{int(letter.time)}:R> {letter.event.level.value} "
        f"{plain(letter.event.message, 60)} ({plain(letter.reason, 60)})"
    )
