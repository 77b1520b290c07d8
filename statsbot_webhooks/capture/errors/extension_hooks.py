"""Extension hooks: extensions that fail to load, and the exception that ends the bot. They wrap no call of the host."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from types import CodeType, FrameType
from typing import Any, Final

import discord
from discord.ext import commands

from ...events.event import LogLevel
from ...patching import watch_calls
from . import context as error_context
from .context import NOWHERE, ErrorContext
from .reporter import Reporter

# Their names in Discord's developer portal.
_PRIVILEGED: Final = {
    "members": "Server Members Intent",
    "presences": "Presence Intent",
    "message_content": "Message Content Intent",
}
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (discord.LoginFailure, "Discord did not accept the bot's token"),
    (
        discord.PrivilegedIntentsRequired,
        "the bot asks for intents that are not enabled. On https://discord.com/developers/applications open the bot, page Bot, "
        "and switch on under Privileged Gateway Intents: ",
    ),
)


class ExtensionHooks:
    """Report extension failures, also those that the host catches and prints, and the exception that ends the bot."""

    def __init__(self, bot: discord.Client, reporter: Reporter) -> None:
        self._bot = bot
        self._reporter = reporter

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them. Needs the running loop."""
        self._loop = asyncio.get_running_loop()
        # Hosts load extensions in a loop and print what failed. A wrapper around load_extension would appear in the traceback
        # that they print; watching the constructor of the exception does not.
        watch = self._reporter.watch(self._on_extension_error)
        for kind in (commands.ExtensionFailed, commands.ExtensionNotFound, commands.NoEntryPointError):
            watch_calls(stack, kind, "__init__", watch, after=True)

    def _on_extension_error(self, _made: None, error: commands.ExtensionError, *_args: Any, **_kwargs: Any) -> None:
        if not _is_loading(self._bot):
            return
        # It gets its traceback when it is raised, so it is reported in the next turn of the loop.
        self._loop.call_soon(self._report_extension, error, error_context.read(error_context.of_frames, _frames()))

    def _report_extension(
        self, error: commands.ExtensionError, place: ErrorContext = NOWHERE, level: LogLevel = LogLevel.ERROR
    ) -> None:
        self._reporter.report(error, f"extension {error.name}", place, details={"extension": error.name}, level=level)

    def report_end(self, *, is_closed: bool = False) -> None:
        """Report the exception that ends the bot, if it is being closed because of one.

        `is_closed` must be set when the caller runs before the bot's `close`. discord.py unloads the extensions in
        `Bot.close`, which `Bot.run` and `async with bot` call while the exception propagates, so `sys.exc_info` has it.
        """
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and (is_closed or is_closing(self._bot)):
            self._reporter.watch(self._report_end)(error)

    def _report_end(self, error: Exception) -> None:
        if isinstance(error, commands.ExtensionError):
            self._report_extension(error, level=LogLevel.CRITICAL)
            return
        reason = next((text for kind, text in _REASONS if isinstance(error, kind)), "the bot ends with this exception")
        if isinstance(error, discord.PrivilegedIntentsRequired):
            reason += ", ".join(name for intent, name in _PRIVILEGED.items() if getattr(self._bot.intents, intent))
        self._reporter.report(error, "end of the bot", details={"consequence": reason}, level=LogLevel.CRITICAL)


def _frames() -> list[FrameType]:
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - there is no other way to see who calls
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_loading(bot: discord.Client) -> bool:
    """Whether this bot is loading an extension in the current call."""
    loaders = ("_load_from_module_spec", "load_extension", "reload_extension", "_resolve_name")
    return any(frame.f_code.co_name in loaders and frame.f_locals.get("self") is bot for frame in _frames())


def is_closing(bot: discord.Client) -> bool:
    """Whether the bot was closed, or its `close`, which unloads the extensions first, is among the callers."""
    return bot.is_closed() or _is_called_by(commands.Bot.close.__code__, bot)


def is_reloading(bot: discord.Client) -> bool:
    """Whether the bot's `reload_extension` is among the callers."""
    return _is_called_by(commands.Bot.reload_extension.__code__, bot)


def _is_called_by(code: CodeType, bot: discord.Client) -> bool:
    return any(frame.f_code is code and frame.f_locals.get("self") is bot for frame in _frames())
