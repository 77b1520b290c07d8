"""Exceptions to events: event handlers, prefix commands, app commands, the loop. Hooks are chained, never replaced."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from ..event import Event, Person
from ..event_factory import error_event
from .seen import Seen, root_exception

_log = logging.getLogger(__name__)
Submit = Callable[[Event], object]

# What a user of the bot did wrong is not an error of the bot.
_EXPECTED = (
    commands.CommandNotFound,
    commands.CheckFailure,
    commands.CommandOnCooldown,
    commands.MaxConcurrencyReached,
    commands.DisabledCommand,
    commands.UserInputError,
    app_commands.CheckFailure,
    app_commands.CommandNotFound,
    app_commands.TransformerError,
)


class ExceptionHooks:
    """Wrap the bot's error handlers on the instance, call the ones before, and restore them where they are still ours."""

    def __init__(self, bot: commands.Bot, submit: Submit, *, now: Callable[[], float], keeps_traces: bool, seen: Seen) -> None:
        self._bot = bot
        self._submit = submit
        self._now = now
        self._keeps_traces = keeps_traces
        self._seen = seen

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them."""
        # on_error is called on the instance, never dispatched: a listener would not fire (H1).
        self._wrap(stack, self._bot, "on_error", self._on_error)
        # A listener for on_command_error would silence discord.py's own printing (H2).
        self._wrap(stack, self._bot, "on_command_error", self._on_command_error)
        self._wrap(stack, self._bot.tree, "on_error", self._on_tree_error)
        self._wrap_loop(stack, asyncio.get_running_loop())

    def _wrap(self, stack: ExitStack, owner: Any, name: str, hook: Callable[..., None]) -> None:
        own = vars(owner).get(name, None)
        before = getattr(owner, name)

        async def wrapper(*args: Any, **kwargs: Any) -> None:
            self._guard(hook, *args)
            await before(*args, **kwargs)

        def restore() -> None:
            if vars(owner).get(name) is not wrapper:
                return
            if own is None:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

        setattr(owner, name, wrapper)
        stack.callback(restore)

    def _guard(self, hook: Callable[..., None], *args: Any) -> None:
        try:
            hook(*args)
        except Exception as error:  # noqa: BLE001 - a border: the host's error handling must go on
            _log.error("an exception could not be captured: %s", type(error).__name__)

    def _on_error(self, event_method: str, *args: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self._ship(error, event_method, {"event": event_method}, _find_guild(args), ())

    def _on_command_error(self, context: commands.Context[Any], error: commands.CommandError) -> None:
        if isinstance(error, _EXPECTED):
            return
        name = context.command.qualified_name if context.command else "unknown"
        details = {"command": f"{context.prefix or ''}{name}", **_place(context.guild, context.channel, context.author)}
        self._ship(error, f"command {name}", details, context.guild, (context.author,))

    def _on_tree_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        if isinstance(error, _EXPECTED):
            return
        name = interaction.command.qualified_name if interaction.command else "unknown"
        details = {"command": f"/{name}", **_place(interaction.guild, interaction.channel, interaction.user)}
        self._ship(error, f"command /{name}", details, interaction.guild, (interaction.user,))

    def _wrap_loop(self, stack: ExitStack, loop: asyncio.AbstractEventLoop) -> None:
        before = loop.get_exception_handler()

        def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            error = context.get("exception")
            if isinstance(error, BaseException):
                details = {"reported_as": context.get("message", "")}
                self._guard(self._ship, error, "asyncio", details, None, ())
            if before is not None:
                before(loop, context)
            else:
                loop.default_exception_handler(context)

        def restore() -> None:
            if loop.get_exception_handler() is handler:
                loop.set_exception_handler(before)

        loop.set_exception_handler(handler)
        stack.callback(restore)

    def _ship(
        self,
        error: BaseException,
        origin: str,
        context: dict[str, object],
        guild: discord.Guild | None,
        users: tuple[discord.abc.User, ...],
    ) -> None:
        if not self._seen.is_new(error):
            return
        persons = tuple(Person(user.id, tuple({user.name, user.display_name})) for user in users)
        event = error_event(
            root_exception(error),
            now=self._now(),
            include_stack_traces=self._keeps_traces,
            origin=origin,
            context=context,
            guild_id=guild.id if guild else None,
            persons=persons,
        )
        self._submit(event)


def _place(guild: discord.Guild | None, channel: Any, user: discord.abc.User) -> dict[str, object]:
    return {
        "guild": guild.name if guild else "direct message",
        "channel": f"#{name}" if (name := getattr(channel, "name", None)) else "direct message",
        "user": f"{user.name} ({user.id})",
    }


def _find_guild(args: tuple[Any, ...]) -> discord.Guild | None:
    for arg in args:
        guild = arg if isinstance(arg, discord.Guild) else getattr(arg, "guild", None)
        if isinstance(guild, discord.Guild):
            return guild
    return None
