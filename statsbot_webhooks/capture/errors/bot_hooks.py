"""Bot hooks: errors of events, prefix and hybrid commands, and app commands. The host's handlers are still called."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from ...patching import HandlerPatch, watch_dispatch
from . import context as error_context
from .reporter import Reporter


class BotHooks:
    """Watch the error handlers of the bot and its tree, also those that the host sets later."""

    def __init__(self, bot: discord.Client, reporter: Reporter) -> None:
        self._bot = bot
        self._reporter = reporter
        self._has_tree = False
        self._late = ExitStack()

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them."""
        watch = self._reporter.watch
        # on_error is called on the instance and not dispatched, so a listener would never be called (H1).
        HandlerPatch(self._bot, "on_error", watch(self._on_error)).install(stack)
        # A listener for on_command_error would silence discord.py's own printing (H2).
        if isinstance(self._bot, (commands.Bot, commands.AutoShardedBot)):
            HandlerPatch(self._bot, "on_command_error", watch(self._on_command_error)).install(stack)
        else:
            # A client has a tree only if its author makes one, maybe later: it exists at the first interaction, which the
            # client is told of before the tree handles it.
            watch_dispatch(stack, self._bot, {"interaction": watch(self._on_interaction)})
        stack.callback(self._late.close)
        self._watch_tree()

    def _on_interaction(self, _interaction: object) -> None:
        self._watch_tree()

    def _watch_tree(self) -> None:
        tree = tree_of(self._bot)
        if tree is not None and not self._has_tree:
            self._has_tree = True
            HandlerPatch(tree, "on_error", self._reporter.watch(self._on_tree_error)).install(self._late)

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


def tree_of(bot: discord.Client) -> Any:
    """Return the tree of a bot's app commands, None for a client without one."""
    if isinstance(bot, (commands.Bot, commands.AutoShardedBot)):
        return bot.tree
    # Private to discord.py (from 2.0 to 2.7 at least), because a client itself does not know its tree.
    return getattr(getattr(bot, "_connection", None), "_command_tree", None)
