"""Loop deaths: an alert for each task loop that has ended, or hangs before its first run, until it runs again.

The durations of runs are in `task_loops.py`; `errors/` reports the exception that ended a loop.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final

import discord
from discord.ext import commands, tasks

from ...clock import Clock
from ...events.event import Event, LogLevel
from ...events.metric_names import DEAD_LOOP
from ...patching import watch_calls
from ..guard import Guard
from .alert_event import alert_event
from .alerts import Alert, AlertState, Threshold
from .stack_frames import frames_of_task, is_patient
from .task_loops import is_loop_task, loop_of

# A loop that is started again at once, by its error handler, say, is not reported.
_GRACE_SECONDS: Final = 5.0
# `before_loop` may sleep until midnight; but if it only sleeps briefly again and again, it waits for something in vain. Then the
# alert comes after `_PATIENCE` times the minimum.
_SHORT_SLEEP: Final = 30.0
_PATIENCE: Final = 10
# More loops than this are not watched.
_MOST: Final = 500
_FUNCTION: Final = "_call_loop_function"
# A placeholder, because nothing is measured.
_THRESHOLD: Final = Threshold(0.0, float("inf"))


@dataclass(slots=True, eq=False)
class _Watched:
    """A loop by its name; after a reload of its cog another object takes its place."""

    name: str
    loop: weakref.ref[Any]
    task: weakref.ref[asyncio.Task[Any]]
    # The problem, and its begin: `since` is monotonic, `since_time` is wall clock, to be shown.
    problem: str = ""
    since: float = 0.0
    since_time: float = 0.0
    was_in_bot: bool = False
    is_expected: bool = False
    alert: Alert | None = field(default=None)


class LoopDeaths:
    """Watch every loop that starts. Call `check` regularly; it returns events of what changed."""

    def __init__(self, bot: discord.Client, clock: Clock, *, minimum_seconds: float) -> None:
        self._bot = bot
        self._clock = clock
        self._grace = min(_GRACE_SECONDS, minimum_seconds)
        self._minimum = minimum_seconds
        self._watched: dict[str, _Watched] = {}
        self._is_installed = False
        self.guard = Guard("the end of a task loop")

    def install(self, stack: ExitStack) -> None:
        """Watch the loops that run, and those that start later; the stack ends it. Needs the running loop."""
        self._is_installed = True
        stack.callback(self._uninstall)
        known_bots.add(self._bot)
        if _FUNCTION not in vars(tasks.Loop):
            return
        watch_calls(stack, tasks.Loop, _FUNCTION, functools.partial(self.guard.call, self._on_function))
        for name in ("cancel", "stop", "restart"):
            watch_calls(stack, tasks.Loop, name, functools.partial(self.guard.call, self._on_wish))
        for task in asyncio.all_tasks():
            if is_loop_task(task):
                self.guard.call(self._begin, loop_of(task), task)

    def _uninstall(self) -> None:
        self._is_installed = False
        self._watched.clear()

    # -- what loops do

    def _on_function(self, loop: Any, name: str, *_args: Any) -> None:
        # discord.py calls it in the loop's task before the first run, even without a `before_loop` function.
        task = asyncio.current_task()
        if name == "before_loop" and task is not None and is_loop_task(task):
            self._begin(loop, task)

    def _on_wish(self, loop: Any, *_args: Any, **_kwargs: Any) -> None:
        watched = self._find(loop)
        if watched is not None:
            # The host has asked for the end.
            watched.is_expected = True

    def _begin(self, loop: Any, task: asyncio.Task[Any]) -> None:
        watched = self._find(loop)
        if watched is None:
            name = self._name(loop)
            watched = self._watched.get(name)
            if watched is None:
                if len(self._watched) >= _MOST:
                    return
                watched = self._watched[name] = _Watched(name, weakref.ref(loop), weakref.ref(task))
        watched.loop, watched.task = weakref.ref(loop), weakref.ref(task)
        watched.problem, watched.is_expected, watched.was_in_bot = "", False, False
        task.add_done_callback(functools.partial(self.guard.call, self._on_end, watched))

    def _on_end(self, watched: _Watched, task: asyncio.Task[Any]) -> None:
        if not self._is_installed or watched.task() is not task or watched.is_expected:
            return
        # Not `exception()`, after which asyncio considers the result read and prints nothing.
        error = None if task.cancelled() else getattr(task, "_exception", None)
        if task.cancelled():
            self._note(watched, "it was cancelled, by none of its own functions")
        elif error is not None:
            self._note(watched, f"{type(error).__name__} ended it")
        else:
            # Its `count` was reached, or it was stopped.
            watched.is_expected = True

    def _note(self, watched: _Watched, problem: str) -> None:
        watched.problem, watched.since, watched.since_time = problem, self._clock.monotonic(), self._clock.now()

    def _find(self, loop: Any) -> _Watched | None:
        return next((each for each in self._watched.values() if each.loop() is loop), None)

    def _name(self, loop: Any) -> str:
        """Return the loop's name, with a number when another loop of that name still runs."""
        base = getattr(loop.coro, "__qualname__", "loop").rpartition("<locals>.")[2]
        name, number = base, 1
        while (other := self._watched.get(name)) is not None and _runs(other.loop()):
            number += 1
            name = f"{base} ({number})"
        return name

    # -- what has changed

    def check(self) -> list[Event]:
        """Return the events of alerts that begin or end."""
        events: list[Event] = []

        def look(watched: _Watched) -> None:
            events.extend(self._check(watched))

        for watched in list(self._watched.values()):
            self.guard.call(look, watched)
        return events

    def close(self) -> list[Event]:
        """Return the events that end the open alerts, because the watch ends."""
        return [event for watched in list(self._watched.values()) for event in self._end(watched, AlertState.STOPPED)]

    def _check(self, watched: _Watched) -> Iterator[Event]:
        loop = watched.loop()
        if loop is None or self._is_abandoned(watched, loop):
            del self._watched[watched.name]
            yield from self._end(watched, AlertState.STOPPED)
            return
        limit = self._grace
        if _runs(loop):
            limit = self._look_before(watched)
            if not watched.problem:
                yield from self._end(watched, AlertState.OVER)
        elif watched.is_expected:
            yield from self._end(watched, AlertState.STOPPED)
        if watched.problem and watched.alert is None and self._clock.monotonic() - watched.since >= limit:
            yield self._open(watched)

    def _look_before(self, watched: _Watched) -> float:
        """Note whether the loop hangs before its first run; returns after how many seconds that is an alert."""
        task = watched.task()
        if not self._bot.is_ready():
            # Most loops wait until the bot is ready. An open alert stays open.
            watched.problem = watched.problem if watched.alert is not None else ""
            return self._minimum
        wait = None if task is None else _wait_before(task, self._bot)
        if wait is None or wait > _SHORT_SLEEP:
            watched.problem = ""
        elif not watched.problem:
            self._note(watched, "it hangs in before_loop")
        return self._minimum * _PATIENCE if wait else self._minimum

    def _open(self, watched: _Watched) -> Event:
        now = self._clock.now()
        watched.alert = Alert(
            f"{DEAD_LOOP}{watched.name}",
            AlertState.OPENED,
            LogLevel.ERROR,
            LogLevel.ERROR,
            0.0,
            0.0,
            now,
            watched.since_time,
            now,
            _THRESHOLD,
        )
        return _event(watched.alert, watched.problem)

    def _end(self, watched: _Watched, state: AlertState) -> Iterator[Event]:
        alert, watched.alert = watched.alert, None
        if alert is not None:
            yield _event(replace(alert, state=state, now=self._clock.now()), watched.problem)

    def _is_abandoned(self, watched: _Watched, loop: Any) -> bool:
        """Whether the loop's cog or module was unloaded, or the bot is being closed, so that its end is no problem."""
        if self._bot.is_closed():
            return True
        owner = getattr(loop, "_injected", None)
        if isinstance(owner, commands.Cog):
            is_in = any(bot.get_cog(owner.qualified_name) is owner for bot in list(known_bots) if hasattr(bot, "get_cog"))
            watched.was_in_bot = watched.was_in_bot or is_in
            # A loop that is started in the cog's `__init__` runs before the cog is added.
            return not is_in and (watched.was_in_bot or not _runs(loop))
        return not _runs(loop) and getattr(loop.coro, "__module__", None) not in sys.modules


known_bots: weakref.WeakSet[Any] = weakref.WeakSet()
"""The bots of this process: a cog is loaded if one of them has it."""


def _runs(loop: Any) -> bool:
    return loop is not None and bool(loop.is_running())


def _wait_before(task: asyncio.Task[Any], bot: discord.Client) -> float | None:
    """Return the seconds for which a task sleeps in `before_loop`, 0 when it hangs there, None when it is not there."""
    frames = frames_of_task(task)
    if not any(frame.f_code.co_name == _FUNCTION and frame.f_locals.get("name") == "before_loop" for frame in frames):
        return None
    for frame in frames:
        if frame.f_code is asyncio.sleep.__code__:
            return max(float(frame.f_locals.get("delay", 0.0)), 1e-3)
    return float("inf") if is_patient(frames, bot) else 0.0


def _event(alert: Alert, problem: str) -> Event:
    name = alert.metric.removeprefix(DEAD_LOOP)
    texts: dict[AlertState, Callable[[], str]] = {
        AlertState.OVER: lambda: f"The task loop {name} runs again.",
        AlertState.STOPPED: lambda: f"The task loop {name} did not run when it was unloaded or the bot stopped.",
    }
    say = texts.get(alert.state, lambda: f"The task loop {name} does not run: {problem}.")
    event = alert_event(alert, {})
    return replace(event, message=say(), facts={**event.facts, "problem": problem, "brief": ""})
