"""Error context: who did what, and where, when something failed. Read from objects of discord.py, and from nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType, TracebackType
from typing import Any, Final, cast

import discord
from discord import app_commands
from discord.ext import commands

from ...events.event import Person

_log = logging.getLogger(__name__)
_NOTHING: Final[Mapping[str, object]] = {}
# A traceback of endless recursion has a thousand frames, which all hold the same.
_MAX_FRAMES: Final = 60
_MAX_VALUE: Final = 300


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """Where an exception happened. `details` is shown on the card; `command` is empty outside of commands.

    `jump` is the URL of the message, or else of the channel.
    """

    command: str = ""
    guild_id: int | None = None
    persons: tuple[Person, ...] = ()
    details: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    jump: str = ""


NOWHERE: Final = ErrorContext()


def read(reader: Callable[..., ErrorContext], *subject: Any) -> ErrorContext:
    """Return the context that a reader finds; `NOWHERE` when it raises."""
    try:
        return reader(*subject)
    except Exception as error:  # noqa: BLE001 - a guard: the host's own classes may stand in for discord.py's
        _log.debug("the place of an exception could not be read: %s", type(error).__name__)
        return NOWHERE


def of_context(context: commands.Context[Any]) -> ErrorContext:
    """Return the context of a prefix command, or of a hybrid command, however it was called."""
    interaction: discord.Interaction | None = getattr(context, "interaction", None)
    name = context.command.qualified_name if context.command else "unknown"
    command = f"/{name}" if interaction else f"{context.prefix or ''}{name}"
    people = _People()
    options = _arguments(context, people)
    found = _context(command, context.guild, context.channel, context.author, people, {"options": options} if options else {})
    return replace(found, jump=_jump(context.guild, context.channel, None if interaction else context.message))


def of_interaction(interaction: discord.Interaction[Any]) -> ErrorContext:
    """Return the context of a slash command, context menu, autocomplete, component or modal."""
    command, people, details = _command_name(interaction), _People(), dict[str, object]()
    if options := _options(interaction, people):
        details["options"] = options
    if target := _target(interaction, people):
        details["target"] = target
    return _context(command, interaction.guild, interaction.channel, interaction.user, people, details, interaction.guild_id)


def of_arguments(arguments: Iterable[object]) -> ErrorContext:
    """Return the context of an event's arguments: that of the first with a server or a person."""
    found = NOWHERE
    for argument in arguments:
        context = _of_object(argument)
        if context is not None and (context.guild_id is not None or context.persons):
            return context
        found = context or found
    return found


def of_traceback(trace: TracebackType | None) -> ErrorContext:
    """Return the context in the frames of a traceback: of a command or an interaction, else of a message, member or server.

    Nothing else is read from the frames, which hold the bot's secrets (G3).
    """
    frames: list[FrameType] = []
    while trace is not None and len(frames) < _MAX_FRAMES:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return of_frames(frames)


def of_frames(frames: Iterable[FrameType]) -> ErrorContext:
    """Return the context of the first frame that holds one; `NOWHERE` without any."""
    second: object = None
    for frame in frames:
        for value in list(frame.f_locals.values()):
            if isinstance(value, (discord.Interaction, commands.Context)):
                return _of_object(cast("object", value)) or NOWHERE
            if second is None and isinstance(value, (discord.Message, discord.Member, discord.Guild)):
                second = value
    return (_of_object(second) if second is not None else None) or NOWHERE


def _of_object(value: object) -> ErrorContext | None:
    people = _People()
    if isinstance(value, discord.Interaction):
        return of_interaction(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, commands.Context):
        return of_context(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, discord.Message):
        found = _context("", value.guild, value.channel, value.author, people, {})
        return replace(found, jump=_jump(value.guild, value.channel, value))
    if isinstance(value, discord.Guild):
        return _context("", value, None, None, people, {})
    user = value if isinstance(value, (discord.Member, discord.User)) else None
    # Channels, roles, reactions and raw events have a server, some of them only its id.
    guild = getattr(value, "guild", None)
    guild_id = getattr(value, "guild_id", None)
    if user is None and not isinstance(guild, discord.Guild) and not isinstance(guild_id, int):
        return None
    return _context(
        "",
        guild if isinstance(guild, discord.Guild) else None,
        value if isinstance(value, discord.abc.GuildChannel) else None,
        user,
        people,
        {},
        guild_id if isinstance(guild_id, int) else None,
    )


def _context(
    command: str,
    guild: discord.Guild | None,
    channel: Any,
    user: discord.abc.User | None,
    people: _People,
    more: Mapping[str, object],
    guild_id: int | None = None,
) -> ErrorContext:
    details: dict[str, object] = {"command": command} if command else {}
    details |= more
    if guild is not None:
        details["guild"] = guild.name
    elif user is not None and guild_id is None:
        details["guild"] = "direct message"
    if channel is not None and (name := getattr(channel, "name", None)):
        details["channel"] = f"#{name}"
    elif user is not None and guild is None and guild_id is None:
        details["channel"] = "direct message"
    if user is not None:
        details["user"] = people.name(user)
    # Private to discord.py, and the only way from a server to the number of shards; a single shard is not shown.
    shards = getattr(getattr(guild, "_state", None), "shard_count", None)
    if guild is not None and shards and shards > 1:
        details["shard"] = guild.shard_id
    persons, number = tuple(people.found.values()), guild.id if guild is not None else guild_id
    return ErrorContext(command, number, persons, details, _jump(guild, channel, None))


def _jump(guild: discord.Guild | None, channel: Any, message: Any) -> str:
    """Return the URL of a message, or of its channel; empty without a channel."""
    number = getattr(channel, "id", None)
    if number is None:
        return ""
    url = f"https://discord.com/channels/{guild.id if guild is not None else '@me'}/{number}"
    return f"{url}/{message.id}" if getattr(message, "id", None) else url


class _People:
    """The persons in a context, so that masking finds them in every text."""

    def __init__(self) -> None:
        self.found: dict[int, Person] = {}

    def name(self, user: Any) -> str:
        names = dict.fromkeys(str(name) for name in (user.name, user.display_name, getattr(user, "global_name", None)) if name)
        self.found[user.id] = Person(user.id, tuple(names))
        return f"{user.name} ({user.id})"

    def text(self, value: object) -> object:
        """Return the value of an option as a card shows it."""
        if isinstance(value, (discord.Member, discord.User)):
            return self.name(value)
        if isinstance(value, discord.Message):
            return f"message {value.id} of {self.name(value.author)}"
        if isinstance(value, discord.Attachment):
            return f"{value.filename} ({value.size} bytes)"
        if isinstance(value, (discord.Role, discord.abc.GuildChannel, discord.Thread, app_commands.AppCommandChannel)):
            return f"{value.name} ({value.id})"
        if isinstance(value, (bool, int, float)) or value is None:
            return value
        if isinstance(value, (list, tuple)):
            return [self.text(each) for each in cast(Sequence[object], value)[:25]]
        text = value if isinstance(value, str) else f"({type(value).__name__})"
        return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"


def _command_name(interaction: discord.Interaction[Any]) -> str:
    command: object = interaction.command
    if isinstance(command, app_commands.ContextMenu):
        return f"{command.qualified_name} ({command.type.name} menu)"
    name = getattr(command, "qualified_name", "")
    if name:
        return f"/{name}"
    # Components and modals know their command only through their message.
    return "" if getattr(interaction, "message", None) or getattr(interaction, "data", None) else "/unknown"


def _options(interaction: discord.Interaction[Any], people: _People) -> dict[str, object]:
    data: Any = getattr(interaction, "data", None) or {}
    if interaction_type(interaction) in ("application_command", "autocomplete") and data.get("type", 1) == 1:
        return {name: people.text(value) for name, value in vars(interaction.namespace).items()}
    if values := data.get("values"):
        return {"values": people.text(values)}
    return {}


def interaction_type(interaction: discord.Interaction[Any]) -> str:
    """Return the name of the interaction's type; empty for an object that is not discord.py's."""
    return getattr(getattr(interaction, "type", None), "name", "")


def _target(interaction: discord.Interaction[Any], people: _People) -> str:
    """Return the target of a context menu; empty without one."""
    data: Any = getattr(interaction, "data", None) or {}
    target = str(data.get("target_id") or "")
    if not target:
        return ""
    resolved: Any = data.get("resolved") or {}
    messages: dict[str, Any] = resolved.get("messages") or {}
    users: dict[str, Any] = resolved.get("users") or {}
    message = messages.get(target)
    user: Any = message["author"] if message else users.get(target)
    if user is None:
        return target
    names = dict.fromkeys(name for name in (user.get("username"), user.get("global_name")) if name)
    people.found[int(user["id"])] = Person(int(user["id"]), tuple(names))
    who = f"{user.get('username')} ({user['id']})"
    return f"message {target} of {who}" if message else who


def _arguments(context: commands.Context[Any], people: _People) -> dict[str, object]:
    interaction: discord.Interaction[Any] | None = getattr(context, "interaction", None)
    if interaction is not None:
        return _options(interaction, people)
    if context.command is None:
        return {}
    # The first arguments are the cog, if any, and the context; `clean_params` begins after them.
    values = [value for value in getattr(context, "args", ()) if value is not context and value is not context.cog]
    named = dict(zip(context.command.clean_params, values, strict=False)) | dict(getattr(context, "kwargs", {}))
    return {name: people.text(value) for name, value in named.items()}
