"""The bot's own handlers: events, prefix and hybrid commands, app commands. They are watched, never replaced."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from ...patching import HandlerPatch
from . import context as error_context
from .reporter import Reporter


class BotHooks:
    """Watch the handlers that discord.py calls on the bot and its tree, also those that the host sets after us."""

    def __init__(self, bot: commands.Bot, reporter: Reporter) -> None:
        self._bot = bot
        self._reporter = reporter

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them."""
        watch = self._reporter.watch
        # on_error is called on the instance, never dispatched: a listener would not fire (H1).
        HandlerPatch(self._bot, "on_error", watch(self._on_error)).install(stack)
        # A listener for on_command_error would silence discord.py's own printing (H2).
        HandlerPatch(self._bot, "on_command_error", watch(self._on_command_error)).install(stack)
        HandlerPatch(self._bot.tree, "on_error", watch(self._on_tree_error)).install(stack)

    def _on_error(self, event_method: str, *args: Any, **_kwargs: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self._reporter.report(
                error, event_method, error_context.read(error_context.of_arguments, args), details={"event": event_method}
            )

    def _on_command_error(self, context: commands.Context[Any], error: commands.CommandError) -> None:
        place = error_context.read(error_context.of_context, context)
        self._reporter.report(error, f"command {place.command}", place)

    def _on_tree_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        place = error_context.read(error_context.of_interaction, interaction)
        self._reporter.report(error, f"command {place.command or '/unknown'}", place)
