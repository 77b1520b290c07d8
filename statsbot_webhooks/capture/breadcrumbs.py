"""What happened before an error: the last log records, commands and refused requests of the process, in memory only.

A crumb is texts and numbers; it keeps no object of the bot alive. What is noted is decided in `capture`; nothing of it is
stored or sent unless an error takes it along, and then it is redacted as the error is.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
from asyncio import events
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final
from weakref import ref

from ..events.event import LogLevel
from ..events.plain_values import plain_text, plain_time
from ..events.time_text import format_span
from ..feedback import suppressed

_KEPT: Final = 500
_MOST_CHARACTERS: Final = 200
# A flood of errors would store the same lines again and again.
_MOST_TRAILS: Final = 60
_TRAIL_SECONDS: Final = 60.0
# Less is shown as no distance at all.
_SHORTEST_SECONDS: Final = 0.05
# What is longer ago has nothing to do with it.
_MOST_SECONDS: Final = 900.0
# Texts of these are made at once; others may be large, and their `__str__` is the host's own code.
_CHEAP: Final = (str, int, float, bool, type(None))
# What we log, and what discord.py logs of our requests, explains nothing of the bot's.
_OWN: Final = ("statsbot_webhooks", "discord.webhook")
# Marks what belongs to no task alone: a command and the task that runs it are two.
_SHARED: Final = -1

# Time, level or kind, origin, text, the number of the task or thread, and what a `RecordNote` has besides.
Crumb = tuple[float, int | str, str, str, int | None, str]
_running_loop: Final = events._get_running_loop  # noqa: SLF001 - documented, and a tenth of the cost of an exception
# Up to Python 3.11 it asks the system for the process's id each time, so the loop that ran last in a thread is asked first.
_IS_SLOW: Final = sys.version_info < (3, 12)
_loops: Final[dict[int, ref[Any]]] = {}
_thread: Final = threading.get_ident
# `asyncio.current_task` is Python code up to 3.11; from 3.14 on there is no such dict.
_tasks: Final[Any] = getattr(asyncio.tasks, "_current_tasks", None)
_task_of: Final[Callable[[Any], Any]] = _tasks.get if sys.version_info < (3, 14) and _tasks is not None else asyncio.current_task
# The id of a task is used again after its end, so each gets a number, under its id: children inherit what is not theirs.
_mark: Final[ContextVar[tuple[int, int]]] = ContextVar("statsbot_webhooks_task", default=(0, 0))
# Below all ids of threads.
_numbers: Final = itertools.count(-10, -1)


def owner() -> int:
    """Return a number that the running task, or else the thread, has alone."""
    thread = _thread()
    known = _loops.get(thread)
    task = None if known is None else _task_of(known())
    if task is None:
        loop = _running_loop()
        task = None if loop is None else _task_of(loop)
        if task is None:
            return thread
        if _IS_SLOW:
            _loops[thread] = ref(loop)
    mark = _mark.get()
    if mark[0] == id(task):
        return mark[1]
    number = next(_numbers)
    _mark.set((id(task), number))
    return number


class Trail:
    """The crumbs of this process. Every method may be called from any thread. `most` is how many an error takes along."""

    def __init__(self) -> None:
        self._crumbs: deque[Crumb] = deque(maxlen=_KEPT)
        self._taken: deque[float] = deque(maxlen=_MOST_TRAILS)
        self.append: Callable[[Crumb], object] = self._crumbs.append
        self._most = 20
        # An attribute, for every record asks.
        self.is_on = True

    @property
    def most(self) -> int:
        return self._most

    @most.setter
    def most(self, value: int) -> None:
        self._most = value
        self.is_on = value > 0
        self.append = self._crumbs.append if value else _drop
        if not value:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._crumbs.clear()
        self._taken.clear()

    def note(self, time: float, what: str, origin: str, text: str, *, is_shared: bool = False) -> None:
        """Note that something happened; `is_shared` says that it counts for every task."""
        self.append((time, what, origin, text[:_MOST_CHARACTERS], _SHARED if is_shared else owner(), ""))

    def note_record(self, record: logging.LogRecord) -> None:
        """Note a log record that is no event of ours."""
        if not self.most or suppressed.get() or record.name.startswith(_OWN):
            return
        args: object = record.args
        is_cheap = not args or (isinstance(args, tuple) and all(type(value) in _CHEAP for value in args))
        # Records below INFO may hold whole payloads, which the host may format nowhere.
        text = record.getMessage() if is_cheap or record.levelno >= logging.INFO else str(record.msg)
        self.note(record.created, LogLevel.from_number(record.levelno).value, record.name, text)

    def before(self, time: float) -> list[str]:
        """Return what came before now, as lines with the distance to `time`; empty when there have been too many errors."""
        time = plain_time(time)
        if not self.most or self._is_flood(time):
            return []
        me, crumbs = owner(), [crumb for crumb in map(_sound, self._crumbs.copy()) if time - crumb[0] <= _MOST_SECONDS]
        own = [index for index, crumb in enumerate(crumbs) if crumb[4] in (me, _SHARED)][-self.most :]
        others = [index for index, crumb in enumerate(crumbs) if crumb[4] not in (me, _SHARED)]
        chosen = sorted([*own, *others[-(self.most - len(own)) :]] if len(own) < self.most else own)
        return _lines([crumbs[index] for index in chosen], time)

    def _is_flood(self, time: float) -> bool:
        if len(self._taken) == _MOST_TRAILS and abs(time - self._taken[0]) < _TRAIL_SECONDS:
            return True
        self._taken.append(time)
        return False


def _sound(crumb: Crumb) -> Crumb:
    """Return a crumb of which nothing fails: a record may have anything for its time and for its name."""
    if type(crumb[0]) is float and type(crumb[2]) is str:
        return crumb
    return (plain_time(crumb[0]), crumb[1], plain_text(crumb[2]), *crumb[3:])


def _drop(_crumb: Crumb) -> None:
    pass


def _distance(seconds: float) -> str:
    return f"-{format_span(seconds)}" if seconds >= _SHORTEST_SECONDS else format_span(0)


def _lines(crumbs: Sequence[Crumb], time: float) -> list[str]:
    return [
        f"{_distance(time - at)} {what if isinstance(what, str) else LogLevel.of(what)} {origin + ': ' if origin else ''}"
        f"{' '.join(text.split())}"
        for at, what, origin, text, *_ in crumbs
    ]


trail: Final = Trail()
"""The crumbs of this process."""
