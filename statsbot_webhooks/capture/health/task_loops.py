"""Task loops: measure how long the runs of every `tasks.loop` take. Loops that have ended are in `loop_deaths`."""

from __future__ import annotations

import asyncio
import functools
import math
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from discord.ext import tasks

from ...clock import Clock
from ...patching import put_back
from ..guard import Guard
from .alerts import Threshold

# More loops than this are not measured; each is a metric.
_MAX_LOOPS: Final = 50
_OURS: Final = "statsbot_webhooks"
_DAY: Final = 86400.0
_PREFIX: Final = "task_loop_seconds/"


@dataclass(slots=True, eq=False)
class _Measured:
    """A measured loop. `worst` is the longest run since the last sample; `runs` are the starts of runs in progress."""

    loop: weakref.ref[Any]
    name: str
    interval: float
    worst: float | None = None
    runs: dict[int, float] = field(default_factory=dict[int, float])


class TaskLoops:
    """Find running loops at each sample, and measure their runs from then on.

    They are found by their tasks: `Loop.start` makes one of the coroutine `Loop._loop`, whose frame holds the loop. So loops
    of cogs, bots and modules are all found, without a search through the host's objects.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._measured: weakref.WeakKeyDictionary[Any, _Measured] = weakref.WeakKeyDictionary()
        self._undo: list[Callable[[], None]] = []
        self.guard = Guard("the run time of a task loop")

    def install(self, stack: ExitStack) -> None:
        """Register the removal of all changes to loops with the stack."""
        stack.callback(self._release)

    def _release(self) -> None:
        for undo in self._undo:
            undo()
        self._undo.clear()
        self._measured.clear()

    def measure(self) -> dict[str, float]:
        """Return the longest run of each loop since the last call, in seconds, runs in progress included."""
        self.guard.call(self._find)
        now = self._clock.monotonic()
        sample: dict[str, float] = {}
        for found in list(self._measured.values()):
            longest = max((now - started for started in found.runs.values()), default=0.0)
            if found.runs or found.worst is not None:
                sample[_PREFIX + found.name] = max(found.worst or 0.0, longest)
            found.worst = None
        return sample

    def thresholds(self) -> dict[str, Threshold]:
        """Return the interval of each loop as its threshold: a longer run delays the next one."""
        found = [each for each in self._measured.values() if each.interval]
        return {_PREFIX + each.name: Threshold(each.interval, math.inf) for each in found}

    def _find(self) -> None:
        for task in asyncio.all_tasks():
            if not is_loop_task(task) or len(self._measured) >= _MAX_LOOPS:
                continue
            loop = loop_of(task)
            if loop is not None and loop not in self._measured:
                self._watch(loop)

    def _watch(self, loop: Any) -> None:
        original, clock = loop.coro, self._clock
        name = getattr(original, "__qualname__", "loop").rpartition("<locals>.")[2]
        names = {each.name for each in self._measured.values()}
        if name in names:
            name = f"{name} ({sum(each.partition(' (')[0] == name for each in names) + 1})"
        found = _Measured(weakref.ref(loop), name, _interval(loop))
        self._measured[loop] = found

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            coro = original(*args, **kwargs)
            # The end is seen when the coroutine is destroyed, so no frame of ours is in the traceback of a failed run.
            key, started = id(coro), clock.monotonic()
            found.runs[key] = started
            weakref.finalize(coro, _end, found, key, started, clock).atexit = False
            return coro

        reference = weakref.ref(loop)

        def undo() -> None:
            if (mine := reference()) is not None:
                put_back(mine, "coro", timed, original)

        loop.coro = timed
        self._undo.append(undo)


def is_loop_task(task: asyncio.Task[Any]) -> bool:
    """Whether a task is that of a loop of the host."""
    kind: Any = tasks.Loop
    code = kind._loop.__code__  # noqa: SLF001 - the only name that tells a loop's task from others
    coro: Any = task.get_coro()
    return getattr(coro, "cr_code", None) is code and coro.cr_frame is not None and not task.get_name().startswith(_OURS)


def loop_of(task: asyncio.Task[Any]) -> Any:
    """Return the loop of a loop's task."""
    coro: Any = task.get_coro()
    return coro.cr_frame.f_locals.get("self")


def _end(found: _Measured, key: int, started: float, clock: Clock) -> None:
    found.runs.pop(key, None)
    found.worst = max(found.worst or 0.0, clock.monotonic() - started)


def _interval(loop: Any) -> float:
    """Return the seconds between two runs, or 0 for a loop that runs without a pause."""
    times = sorted(each.hour * 3600 + each.minute * 60 + each.second for each in loop.time or ())
    if times:
        # The shortest pause between two times of day; time zones are ignored, because they shift all of them.
        return float(min(after - before for before, after in zip(times, [*times[1:], times[0] + _DAY], strict=True))) or _DAY
    return (loop.seconds or 0.0) + 60 * (loop.minutes or 0.0) + 3600 * (loop.hours or 0.0)
