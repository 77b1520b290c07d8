"""Call watch: count the calls of listeners and commands, find slow ones, and where they are meanwhile. It ends no call."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import discord
from discord.ext import commands

from ...clock import Clock
from ...events.event import Event
from ...patching import add_listeners, patch_attribute, watch_dispatch
from ..errors import context as error_context
from ..errors.context import NOWHERE, ErrorContext
from ..guard import Guard
from .slow_calls import SlowCalls
from .stack_frames import format_place, frames_of_task, is_patient

Submit = Callable[[Event], object]

_LOOK_SECONDS: Final = 1.0
_COMMAND = discord.InteractionType.application_command
# discord.py does not say when a failed interaction ends; Discord accepts answers for 15 minutes.
_FORGET_SECONDS: Final = 900.0


@dataclass(slots=True, eq=False)
class _WatchedCall:
    """A call in progress. Its context is read from `source`."""

    name: str
    started: float
    limit: float
    task: asyncio.Task[Any] | None
    source: Any
    is_seen: bool = False
    is_patient: bool = False
    where: str = ""


class CallWatch:
    """Count gateway events and commands, and report calls that take longer than a limit; 0 is no limit.

    A call is examined when it passes its limit. One that waits on purpose, for a person or a time, is not slow. A listener's
    call costs some microseconds more, and has no frame of ours in its traceback.
    """

    def __init__(self, bot: discord.Client, submit: Submit, *, clock: Clock, command_ms: float, listener_ms: float) -> None:
        self._bot = bot
        self._submit = submit
        self._clock = clock
        self._command_limit = command_ms / 1000
        self._listener_limit = listener_ms / 1000
        self._running: dict[object, _WatchedCall] = {}
        self._slow = SlowCalls()
        self._events = self._commands = 0
        self._measured = self._clock.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self.guard = Guard("a slow call")

    def install(self, stack: ExitStack) -> None:
        """Start watching; the stack ends it."""
        self._measured = self._clock.monotonic()
        handlers: dict[str, Callable[..., None]] = {
            "on_socket_event_type": self._count_event,
            "on_command": self._begin_command,
            "on_command_completion": self._end_command,
            "on_interaction": self._begin_interaction,
            "on_app_command_completion": self._end_interaction,
        }
        own = {name: (_as_listener(self.guard, handler), handler) for name, handler in handlers.items()}
        if isinstance(self._bot, (commands.Bot, commands.AutoShardedBot)):
            add_listeners(stack, self._bot, {name: listener for name, (listener, _) in own.items()})
        else:
            guarded = {name: functools.partial(self.guard.call, handler) for name, handler in handlers.items()}
            watch_dispatch(stack, self._bot, {name.removeprefix("on_"): call for name, call in guarded.items()})
        self._watch_listeners(stack, own)
        self._arm()
        stack.callback(self._disarm)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._turn)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._running.clear()

    def _watch_listeners(self, stack: ExitStack, own: dict[str, tuple[Any, Callable[..., None]]]) -> None:
        """Wrap `Client._schedule_event`, through which every call of a listener goes.

        It is private to discord.py (from 2.0 to 2.7 at least); without it commands are still watched.
        """
        if not hasattr(self._bot, "_schedule_event"):
            return
        running, limit, monotonic, finish, guard = (
            self._running,
            self._listener_limit,
            self._clock.monotonic,
            self._finish,
            self.guard,
        )

        def make(original: Callable[..., asyncio.Task[Any]]) -> Callable[..., Any]:
            def schedule(coro: Any, event_name: str, *args: Any, **kwargs: Any) -> Any:
                ours = own.get(event_name)
                if ours is not None and ours[0] is coro:
                    # Our own listeners need no task, because they only count; they run in the task of the event.
                    guard.call(ours[1], *args)
                    return None
                task = original(coro, event_name, *args, **kwargs)
                if limit:
                    running[task] = _WatchedCall(event_name, monotonic(), limit, task, coro)
                    task.add_done_callback(finish)
                return task

            return schedule

        patch_attribute(stack, self._bot, "_schedule_event", make)

    def measure(self) -> dict[str, float]:
        """Return events and commands per second since the last call."""
        now = self._clock.monotonic()
        span = max(now - self._measured, 1e-3)
        rates = {"events_per_second": self._events / span, "commands_per_second": self._commands / span}
        self._events, self._commands, self._measured = 0, 0, now
        return rates

    def _count_event(self, _event: str) -> None:
        self._events += 1

    # -- calls begin and end

    def _begin_command(self, context: commands.Context[Any]) -> None:
        # A hybrid command called as a slash command is already watched as an interaction.
        if context.interaction is not None:
            return
        self._commands += 1
        task = asyncio.current_task()
        if task is None or not self._command_limit:
            return
        # The command runs in the task of the listener that processes messages, and replaces its entry.
        known = self._running.pop(task, None)
        self._running[task] = _WatchedCall("", self._clock.monotonic(), self._command_limit, task, context)
        if known is None:
            task.add_done_callback(self._finish)

    def _end_command(self, context: commands.Context[Any]) -> None:
        task = asyncio.current_task()
        if context.interaction is None and task is not None:
            self._finish(task)

    def _begin_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is not _COMMAND:
            return
        self._commands += 1
        if self._command_limit:
            self._running[interaction.id] = _WatchedCall("", self._clock.monotonic(), self._command_limit, None, interaction)

    def _end_interaction(self, interaction: discord.Interaction[Any], _command: Any) -> None:
        self._finish(interaction.id)

    def _finish(self, key: object) -> None:
        call = self._running.pop(key, None)
        if call is None or call.is_patient:
            return
        seconds = self._clock.monotonic() - call.started
        if seconds >= call.limit:
            self.guard.call(self._ship, call, seconds, is_running=False, is_new=not call.is_seen)

    # -- calls that last

    def _turn(self) -> None:
        self.guard.call(self._look)
        self._arm()

    def _look(self) -> None:
        now = self._clock.monotonic()
        for key, call in list(self._running.items()):
            seconds = now - call.started
            source: Any = call.source
            is_app_command = isinstance(source, discord.Interaction)
            if is_app_command and (source.command_failed or seconds > _FORGET_SECONDS):
                del self._running[key]
            elif seconds >= call.limit and not call.is_seen:
                task = call.task or _task_of(source)
                if task is None:
                    # A failed context menu, of which discord.py does not report the end.
                    del self._running[key]
                    continue
                call.is_seen = True
                frames = frames_of_task(task)
                call.is_patient = is_patient(frames, self._bot)
                call.where = format_place(frames) if frames else ""
                if not call.is_patient:
                    self._ship(call, seconds, is_running=True, is_new=True)

    def _ship(self, call: _WatchedCall, seconds: float, *, is_running: bool, is_new: bool) -> None:
        name, place = _describe(call)
        now = self._clock.now()
        event = self._slow.note(name, place, seconds, call.limit, call.where, now=now, is_running=is_running, is_new=is_new)
        if event is not None:
            self._submit(event)


def _as_listener(guard: Guard, handler: Callable[..., None]) -> Callable[..., Coroutine[Any, Any, None]]:
    async def listener(*args: Any) -> None:
        guard.call(handler, *args)

    return listener


def _task_of(interaction: Any) -> asyncio.Task[Any] | None:
    """Return the task that runs an app command: discord.py keeps no reference to it."""
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if task.get_name() == "CommandTree-invoker" and frame and frame.f_locals.get("interaction") is interaction:
            return task
    return None


def _describe(call: _WatchedCall) -> tuple[str, ErrorContext]:
    if isinstance(call.source, commands.Context):
        place = error_context.read(error_context.of_context, call.source)  # pyright: ignore[reportUnknownMemberType]
        return f"command {place.command}", place
    if isinstance(call.source, discord.Interaction):
        place = error_context.read(error_context.of_interaction, call.source)  # pyright: ignore[reportUnknownMemberType]
        return f"command {place.command}", place
    return f"listener {getattr(call.source, '__qualname__', call.name)}", NOWHERE
