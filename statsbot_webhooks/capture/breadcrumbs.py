"""Breadcrumbs: the last log records, commands and refused requests of the process before an error, in memory only.

A crumb consists of texts and numbers, and keeps no object of the bot alive. Nothing of it is stored or sent unless it becomes
part of an error, and then it is redacted with it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
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
from ..events.persons import names_person, text_without_names
from ..events.plain_values import plain_text, plain_time
from ..events.time_text import format_span
from ..feedback import suppressed

_KEPT: Final = 500
_MOST_CHARACTERS: Final = 200
# At most so many errors a minute get breadcrumbs: a flood would store the same lines again and again.
_MOST_TRAILS: Final = 60
_TRAIL_SECONDS: Final = 60.0
# A shorter distance is shown as zero.
_SHORTEST_SECONDS: Final = 0.05
# Older crumbs are unlikely to explain the error.
_MOST_SECONDS: Final = 900.0
# Values of these types are formatted at once; others may be large, and their `__str__` is code of the host.
_CHEAP: Final = (str, int, float, bool, type(None))
# Records of this package, and of discord.py about our requests, explain nothing about the bot.
_OWN: Final = ("statsbot_webhooks", "discord.webhook")
# Owner of crumbs for every task: a command is noted in another task than the one that runs it.
_SHARED: Final = -1

# Time, level or kind, origin, text, the number of the task or thread, and the last field of a `RecordNote`.
Crumb = tuple[float, int | str, str, str, int | None, str]
_running_loop: Final = events._get_running_loop  # noqa: SLF001 - documented, and a tenth of the cost of an exception
# Up to Python 3.11 it calls `os.getpid` each time, so the last loop of the thread is tried first.
_IS_SLOW: Final = sys.version_info < (3, 12)
_loops: Final[dict[int, ref[Any]]] = {}
_thread: Final = threading.get_ident
# `asyncio.current_task` is Python code up to 3.11; from 3.14 on there is no such dict.
_tasks: Final[Any] = getattr(asyncio.tasks, "_current_tasks", None)
_task_of: Final[Callable[[Any], Any]] = _tasks.get if sys.version_info < (3, 14) and _tasks is not None else asyncio.current_task
# A number for each task, because ids are reused; with the id, because child tasks inherit the context of their parent.
_mark: Final[ContextVar[tuple[int, int]]] = ContextVar("statsbot_webhooks_task", default=(0, 0))
# Negative, so that they differ from ids of threads.
_numbers: Final = itertools.count(-10, -1)


def owner() -> int:
    """Return a number that identifies the running task, or else the thread."""
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
    """The crumbs of this process. Every method may be called from any thread. `most` is how many an error shows; 0: none."""

    def __init__(self) -> None:
        self._crumbs: deque[Crumb] = deque(maxlen=_KEPT)
        self._taken: deque[float] = deque(maxlen=_MOST_TRAILS)
        self.append: Callable[[Crumb], object] = self._crumbs.append
        self._most = 20
        # An attribute and no property, because every record reads it.
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

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Forget everything when a crumb is meant: single ones cannot be taken out while other threads add some."""
        if any(is_meant(json.dumps(str(crumb[3]))) for crumb in self._crumbs.copy()):
            self.clear()

    def note(self, time: float, what: str, origin: str, text: str, *, is_shared: bool = False) -> None:
        """Add a crumb; `is_shared` says that it belongs to every task."""
        self.append((time, what, origin, text[:_MOST_CHARACTERS], _SHARED if is_shared else owner(), ""))

    def note_record(self, record: logging.LogRecord) -> None:
        """Add a crumb for a log record that does not become an event."""
        if not self.most or suppressed.get() or record.name.startswith(_OWN):
            return
        args: object = record.args
        is_cheap = not args or (isinstance(args, tuple) and all(type(value) in _CHEAP for value in args))
        # Records below INFO may hold whole payloads, which are expensive to format.
        text = record.getMessage() if is_cheap or record.levelno >= logging.INFO else str(record.msg)
        if not is_cheap and names_person(args):
            text = text_without_names(record.msg, args)
        self.note(record.created, LogLevel.from_number(record.levelno).value, record.name, text)

    def before(self, time: float) -> list[str]:
        """Return the crumbs until now as lines with their distance to `time`; empty when too many errors have asked."""
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
    """Return a crumb with a valid time and name: those of a record may be of any type."""
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
