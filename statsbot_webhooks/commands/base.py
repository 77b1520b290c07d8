"""What all commands share: the check before, the answer after, and the choices that are offered while a user types."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import discord
from discord import app_commands
from discord.ext import commands

from ..clock import Clock
from ..events.persons import persons_in
from ..formatting.markdown import escape_markdown, truncate
from ..redaction.unicode_text import visible
from ..webhook_manager import WebhookManager
from .permissions import Access, Denial

_log = logging.getLogger(__name__)
P = ParamSpec("P")
REFUSAL: Final = "Only the bot's owner, or an admin of the bot's admin server and in that server, may use this."
_CHOICES: Final = 25
_CHOICE_CHARACTERS: Final = 100
_CONTENT: Final = 2000


class Complaint(Exception):  # noqa: N818 - it is an answer
    """What cannot be done, as the answer says it."""


class Cog(Protocol):
    """What the commands need of the cog."""

    bot: commands.Bot
    manager: WebhookManager


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command says: seen by the caller alone."""

    text: str = ""
    embed: discord.Embed | None = None
    view: discord.ui.View | None = None


class CommandRunner:
    """Serves the calls of one bot."""

    def __init__(self, cog: Cog, clock: Clock) -> None:
        self.cog = cog
        self.clock = clock
        self.access = Access(cog.bot, clock)

    @property
    def manager(self) -> WebhookManager:
        """The manager, which goes on over changes of the settings."""
        return self.cog.manager

    async def serve(
        self, interaction: discord.Interaction, work: Callable[[], Awaitable[Answer | str]], *, is_on_card: bool = False
    ) -> None:
        """Check who calls, work, and answer. Never raises: what fails is an answer too.

        The first answer to a button on a card is about the card itself, so that it can be changed however old it is.
        """
        try:
            refusal = await self.access.check(interaction, self.manager.config)
            if refusal is not None:
                await self._refuse(interaction, refusal)
                return
            await interaction.response.defer(ephemeral=True, thinking=not is_on_card)
            await self._send(interaction, await self._answer(interaction, work))
        except discord.HTTPException as error:
            # The call may be too old to be answered, or the network is away: no answer can be given.
            _log.warning("an answer to /webhooks could not be given: %s", error)

    async def _refuse(self, interaction: discord.Interaction, refusal: Denial) -> None:
        if refusal != Denial.REPLAYED:
            await interaction.response.send_message(REFUSAL, ephemeral=True)

    async def _answer(self, interaction: discord.Interaction, work: Callable[[], Awaitable[Answer | str]]) -> Answer:
        try:
            if not self.manager.is_running:
                return Answer("Webhook logging is not running: the bot is starting or stopping.")
            answer = await work()
        except Complaint as complaint:
            answer = str(complaint)
        except discord.Forbidden as error:
            answer = f"Discord does not allow the bot to do that: {error.text or error.status}."
        except discord.HTTPException as error:
            answer = f"Discord refused: {error.status} {error.text}"
        except Exception as error:
            # A guard: the user gets an answer, the log the traceback.
            _log.exception("/webhooks failed for interaction %s", interaction.id)
            answer = f"That failed ({type(error).__name__}). The bot's log says more."
        return answer if isinstance(answer, Answer) else Answer(answer)

    async def _send(self, interaction: discord.Interaction, answer: Answer) -> None:
        more: dict[str, Any] = {}
        if answer.embed is not None:
            more["embed"] = self._clean_embed(answer.embed)
        if answer.view is not None:
            more["view"] = answer.view
        await interaction.followup.send(
            self.manager.host.redact_text(answer.text)[:_CONTENT],
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
            **more,
        )

    def _clean_embed(self, embed: discord.Embed) -> discord.Embed:
        # The last gate: no URL or token of ours leaves in an answer.
        def clean(value: Any) -> Any:
            if isinstance(value, str):
                return self.manager.host.redact_text(value)
            if isinstance(value, dict):
                return {key: clean(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
            return [clean(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]

        return discord.Embed.from_dict(clean(embed.to_dict()))

    async def record(self, interaction: discord.Interaction, what: str) -> None:
        """Show in a channel who did what; the time is that of the event."""
        user = interaction.user
        await self.manager.admin.record(f"{user.name} {what}", persons=persons_in([user]), user_id=str(user.id))

    # -- names

    def name_of(self, user: discord.abc.User) -> str:
        """Return what a user is called in what is kept and shown: a pseudonym where names are hidden."""
        return self.manager.host.name_of(user.id, user.name)

    def clean_text(self, user: discord.abc.User, text: str) -> str:
        """Return what a user wrote as it may be kept."""
        return self.manager.host.clean_text(text, persons_in([user]))

    def destination(self, name: str) -> str:
        """Return the name of a destination that is there; raises `Complaint`."""
        if name in self.manager.workers:
            return name
        names = ", ".join(self.manager.workers) or "none"
        raise Complaint(f"There is no destination {plain(name, 50)}. Configured: {names}.")

    async def offers(
        self, interaction: discord.Interaction, current: str, choices: Callable[[], Iterable[tuple[str, str]]]
    ) -> list[app_commands.Choice[str]]:
        """Return the (shown, value) pairs that hold what was typed, for those who may steer."""
        try:
            if await self.access.check(interaction, self.manager.config) is not None or not self.manager.is_running:
                return []
            typed = current.lower()
            found = [(shown, value) for shown, value in choices() if typed in shown.lower() or typed in value.lower()]
        except discord.HTTPException:
            return []
        return [
            app_commands.Choice(name=self.manager.host.redact_text(shown)[:_CHOICE_CHARACTERS], value=value)
            for shown, value in found
            if 0 < len(value) <= _CHOICE_CHARACTERS
        ][:_CHOICES]


class Theme:
    """Commands of one theme."""

    def __init__(self, runner: CommandRunner) -> None:
        self.runner = runner

    @property
    def manager(self) -> WebhookManager:
        return self.runner.manager

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        """Return the commands, to be added to the group."""
        raise NotImplementedError

    async def complete_destination(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer the destinations' names."""
        return await self.runner.offers(interaction, current, lambda: [(name, name) for name in self.manager.workers])


def make_command(name: str, description: str, call: Callable[..., Any]) -> app_commands.Command[Any, ..., Any]:
    """Return a command of a method."""
    callback: Any = call  # discord.py's types know methods of cogs and groups only
    return app_commands.Command(name=name, description=description, callback=callback)


class _HasRunner(Protocol):
    runner: CommandRunner


T = TypeVar("T", bound=_HasRunner)
_Work = Callable[Concatenate[T, discord.Interaction, P], Awaitable[Answer | str]]
_Call = Callable[Concatenate[T, discord.Interaction, P], Coroutine[Any, Any, None]]


def checked(function: _Work[T, P]) -> _Call[T, P]:
    """Make a command of a method that returns its answer."""

    @functools.wraps(function)
    async def call(self: T, interaction: discord.Interaction, /, *args: P.args, **kwargs: P.kwargs) -> None:
        await self.runner.serve(interaction, lambda: function(self, interaction, *args, **kwargs))

    # discord.py would look for the names in the annotations here, where the wrapper is, and not in the command's module.
    call.__dict__["__signature__"] = inspect.signature(function, eval_str=True)
    return call


def plain(text: str, most: int) -> str:
    """Return a text on one line, cut, that Discord shows as it is."""
    return discord.utils.escape_mentions(truncate(escape_markdown(" ".join(visible(text).split())), most))
