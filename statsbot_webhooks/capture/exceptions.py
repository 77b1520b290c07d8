"""Exceptions to events: event handlers, prefix commands, app commands, the loop. Hooks are chained, never replaced."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from ..event import Event, Person
from ..event_factory import error_event
from .border import Border
from .seen import Seen, root_exception

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
)


class ExceptionHooks:
    """Wrap the bot's error handlers on the instance, call the ones before, and restore them where they are still ours."""

    def __init__(self, bot: commands.Bot, submit: Submit, *, now: Callable[[], float], keeps_traces: bool, seen: Seen) -> None:
        self._bot = bot
        self._submit = submit
        self._now = now
        self._keeps_traces = keeps_traces
        self._seen = seen
        self._is_installed = False
        self.border = Border("an exception")

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them."""
        self._is_installed = True
        stack.callback(self._retire)
        # on_error is called on the instance, never dispatched: a listener would not fire (H1).
        self._wrap(stack, self._bot, "on_error", self._on_error)
        # A listener for on_command_error would silence discord.py's own printing (H2).
        self._wrap(stack, self._bot, "on_command_error", self._on_command_error)
        self._wrap(stack, self._bot.tree, "on_error", self._on_tree_error)
        self._wrap_loop(stack, asyncio.get_running_loop())

    def _retire(self) -> None:
        """Ship nothing more, even from a wrapper that stays because somebody wrapped it in turn."""
        self._is_installed = False

    def _wrap(self, stack: ExitStack, owner: Any, name: str, hook: Callable[..., None]) -> None:
        own = vars(owner).get(name, None)
        before = getattr(owner, name)

        async def wrapper(*args: Any, **kwargs: Any) -> None:
            if self._is_installed:
                self.border.call(hook, *args)
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

    def _on_error(self, event_method: str, *args: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self._ship(error, event_method, {"event": event_method}, _find_guild(args), ())

    def _on_command_error(self, context: commands.Context[Any], error: commands.CommandError) -> None:
        if self._is_expected(error):
            return
        name = context.command.qualified_name if context.command else "unknown"
        details = {"command": f"{context.prefix or ''}{name}", **_place(context.guild, context.channel, context.author)}
        self._ship(error, f"command {name}", details, context.guild, (context.author,))

    def _on_tree_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        if self._is_expected(error):
            return
        name = interaction.command.qualified_name if interaction.command else "unknown"
        details = {"command": f"/{name}", **_place(interaction.guild, interaction.channel, interaction.user)}
        self._ship(error, f"command /{name}", details, interaction.guild, (interaction.user,))

    def _is_expected(self, error: BaseException) -> bool:
        """Whether a user's mistake ends here; it is marked, for discord.py logs it as an error with its exception."""
        expected = isinstance(error, _EXPECTED) or isinstance(root_exception(error), _EXPECTED)
        # discord.py wraps whatever a transformer raised; one without a cause is a value that does not fit.
        if isinstance(error, app_commands.TransformerError):
            expected = error.__cause__ is None
        if expected:
            self._seen.is_new(error)
        return expected

    def _wrap_loop(self, stack: ExitStack, loop: asyncio.AbstractEventLoop) -> None:
        before = loop.get_exception_handler()

        def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            error = context.get("exception")
            if self._is_installed and isinstance(error, BaseException):
                details = {"reported_as": context.get("message", "")}
                self.border.call(self._ship, error, "asyncio", details, None, ())
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
        persons = tuple(Person(user.id, tuple(dict.fromkeys((user.name, user.display_name)))) for user in users)
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
