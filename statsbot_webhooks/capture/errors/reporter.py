"""Reporter: make one event of an exception, whichever hook saw it, unless it is expected or was reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from discord import app_commands
from discord.ext import commands

from ...events.event import Event, LogLevel
from ...events.factory import error_event
from ..breadcrumbs import trail
from ..guard import Guard
from . import context as error_context
from .context import NOWHERE, ErrorContext
from .deduplication import SeenExceptions, as_known, root_exception
from .trace_id import trace_details

Submit = Callable[[Event], object]

# Mistakes of the bot's users are no errors of the bot.
_USER_ERRORS: Final = (
    commands.CommandNotFound,
    commands.CheckFailure,
    commands.CommandOnCooldown,
    commands.MaxConcurrencyReached,
    commands.DisabledCommand,
    commands.UserInputError,
    app_commands.CheckFailure,
    app_commands.CommandNotFound,
)


@dataclass(frozen=True, slots=True)
class ErrorRules:
    """Which exceptions are reported: not those whose class names are in `expected`.

    `ships_user_errors` reports failed checks, cooldowns and bad arguments as warnings; by default they are not reported.
    """

    keeps_traces: bool = True
    ships_user_errors: bool = False
    expected: frozenset[str] = frozenset()


class Reporter:
    """Report each exception once. Every method may be called from any thread, and none raises."""

    def __init__(self, submit: Submit, *, now: Callable[[], float], seen: SeenExceptions, rules: ErrorRules) -> None:
        self._submit = submit
        self._now = now
        self._seen = seen
        self._rules = rules
        self._guard = Guard("an exception")

    def report(
        self,
        error: BaseException,
        origin: str,
        place: ErrorContext = NOWHERE,
        *,
        details: Mapping[str, object] | None = None,
        level: LogLevel = LogLevel.ERROR,
        trace: TracebackType | None = None,
    ) -> None:
        """Submit the event of an exception, unless it was reported or is expected. `details` are shown after the place."""
        self._guard.call(self._report, error, origin, place, details or {}, level, trace)

    def prepare(self, error: BaseException, origin: str, *, details: Mapping[str, object] | None = None) -> Event | None:
        """Return the event of an exception that was not reported yet, for `submit`; it does not count as reported."""
        if self._seen.knows(error):
            return None
        verdict = self._level_of(error, LogLevel.ERROR)
        return None if verdict is None else self._make(error, origin, NOWHERE, details or {}, verdict, None)

    def submit(self, event: Event) -> None:
        """Submit an event of `prepare`."""
        self._guard.call(self._submit, event)

    def use(self, rules: ErrorRules) -> None:
        """Apply other rules."""
        self._rules = rules

    def watch(self, hook: Callable[..., None]) -> Callable[..., None]:
        """Return the hook with a guard: its failures are counted and not raised."""
        return lambda *args, **kwargs: self._guard.call(hook, *args, **kwargs)

    def _report(
        self,
        error: BaseException,
        origin: str,
        place: ErrorContext,
        details: Mapping[str, object],
        level: LogLevel,
        trace: TracebackType | None,
    ) -> None:
        # An expected exception is marked as seen too, because discord.py also logs it as an error.
        verdict = self._level_of(error, level)
        if self._seen.is_new(error, level.number) and verdict is not None:
            self._submit(self._make(error, origin, place, details, verdict, trace))

    def _make(
        self,
        error: BaseException,
        origin: str,
        place: ErrorContext,
        details: Mapping[str, object],
        level: LogLevel,
        trace: TracebackType | None,
    ) -> Event:
        root = root_exception(error)
        knows_all = place.guild_id is not None and place.persons
        found = NOWHERE if knows_all else error_context.read(error_context.of_traceback, trace or root.__traceback__)
        # Values of the hook win over those from the traceback.
        context = {**details, **found.details, **place.details, **details, **trace_details()}
        now = self._now()
        event = error_event(
            root,
            now=now,
            include_stack_traces=self._rules.keeps_traces,
            origin=origin,
            context=context,
            guild_id=place.guild_id if place.guild_id is not None else found.guild_id,
            persons=place.persons + found.persons,
            level=level,
            trace=trace,
            jump=place.jump or found.jump,
            before=trail.before(now),
        )
        return as_known(event, root)

    def _level_of(self, error: BaseException, level: LogLevel) -> LogLevel | None:
        """Return the level of an exception; None when it is not reported."""
        root = root_exception(error)
        if any(_names(each) & self._rules.expected for each in (error, root)):
            return None
        if not _is_user_error(error, root):
            return level
        return LogLevel.WARNING if self._rules.ships_user_errors else None


def _is_user_error(error: BaseException, root: BaseException) -> bool:
    if isinstance(error, app_commands.TransformerError):
        # discord.py wraps an exception of a transformer; without a cause, the user's value does not fit.
        return error.__cause__ is None
    return isinstance(error, _USER_ERRORS) or isinstance(root, _USER_ERRORS)


def _names(error: BaseException) -> set[str]:
    """Return the names of the classes of an exception, alone and with their modules."""
    return {name for kind in type(error).__mro__ for name in (kind.__name__, f"{kind.__module__}.{kind.__name__}")}
