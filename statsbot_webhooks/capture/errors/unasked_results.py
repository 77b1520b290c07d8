"""Unasked results: failed tasks and futures whose result was never read. What asyncio reports is in `process_hooks`.

asyncio reports such a task when it is destroyed, which does not happen while the host holds it. Those tasks are reported at
the end, and a task of `tasks.loop` when it ends, because discord.py never reads its result. Futures of
`run_coroutine_threadsafe` and of a `ThreadPoolExecutor` are not reported by Python; here they are when they are destroyed, or at
the end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.thread
import functools
import gc
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, compress, starmap
from types import FrameType
from typing import Any, Final

from discord.ext import tasks

from ...events.event import Event
from ...patching import watch_calls
from .reporter import Reporter

_HELD: Final = "the task failed, and its result was not asked for"
# Mark on an exception that was reported here; it lives as long as the host's task, also over a reload of the extension.
_REPORTED: Final = "_statsbot_webhooks_was_held"
_DEEPEST_CALLER: Final = 8
_Future: Final[Any] = concurrent.futures.Future
# The methods that read the result of a future; `done` and `running` do not.
_ASKING: Final = {_Future.result.__code__, _Future.exception.__code__, _Future.add_done_callback.__code__}


class UnaskedResults:
    """Report failures whose result was never read."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._loop_tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._waiting: dict[int, Callable[[], object]] = {}
        self._is_installed = False

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them, and reports what is held until then. Needs the running loop."""
        self._is_installed = True
        self._loop = asyncio.get_running_loop()
        stack.callback(self._uninstall)
        watch = self._reporter.watch
        if "_call_loop_function" in vars(tasks.Loop):
            watch_calls(stack, tasks.Loop, "_call_loop_function", watch(self._on_loop_function))
        watch_calls(stack, _Future, "set_exception", watch(self._on_set_exception))

    def _uninstall(self) -> None:
        self._reporter.watch(self._report_held)()
        self._is_installed = False
        for report in list(self._waiting.values()):
            report()
        self._waiting.clear()

    # -- tasks of tasks.loop

    def _on_loop_function(self, loop: tasks.Loop[Any], _name: str, *_args: Any) -> None:
        # discord.py calls it in the loop's task: before the first run, after a failure, and after the last run.
        task = asyncio.current_task()
        if task is not None and task not in self._loop_tasks:
            self._loop_tasks.add(task)
            name = loop.coro.__qualname__
            task.add_done_callback(self._reporter.watch(functools.partial(self._on_loop_end, name)))

    def _on_loop_end(self, name: str, task: asyncio.Task[Any]) -> None:
        if not self._is_installed or task.cancelled():
            return
        error = _exception_of(task)
        if error is not None:
            details = {"task": name, "consequence": "the loop has ended"}
            self._reporter.report(error, f"task {name}", details=details)

    # -- futures of run_coroutine_threadsafe

    def _on_set_exception(self, future: Any, error: BaseException | None) -> None:
        caller = _caller() if error is not None else ""
        if error is None or not caller or _is_awaited(future):
            return
        details = {"reported_as": f"the result of {caller} was not asked for"}
        event = self._reporter.prepare(error, caller, details=details)
        if event is None:
            return
        condition = future._condition = _WatchedCondition(future._condition)
        key = id(condition)
        self._waiting[key] = lambda: self._report_future(key, condition, event)
        # The exception itself is not kept, because it may hold the future, which then would never be destroyed.
        weakref.finalize(future, self._report_future, key, condition, event).atexit = False

    def _report_future(self, key: int, condition: _WatchedCondition, event: Event) -> None:
        if self._waiting.pop(key, None) is not None and not condition.was_asked:
            self._reporter.submit(event)

    # -- tasks that are held

    def _report_held(self) -> None:
        report = self._reporter.watch(self._report_task)
        for task in futures_alive():
            report(task)

    def _report_task(self, task: Any) -> None:
        error = _exception_of(task)
        was_asked = not getattr(task, "_log_traceback", False)
        if error is None or was_asked or task.get_loop() is not self._loop or _REPORTED in vars(error):
            return
        vars(error)[_REPORTED] = True
        name = getattr(task.get_coro(), "__qualname__", "?") if hasattr(task, "get_coro") else "future"
        self._reporter.report(error, f"task {name}", details={"reported_as": _HELD, "task": name})


class _WatchedCondition:
    """Wraps the condition of a future to note whether the result was read, without a frame of ours in a traceback."""

    def __init__(self, condition: Any) -> None:
        self._condition = condition
        self.was_asked = False

    def __enter__(self) -> Any:
        if sys._getframe(1).f_code in _ASKING:  # noqa: SLF001 - there is no other way to see who calls
            self.was_asked = True
        return self._condition.__enter__()

    def __exit__(self, *error: Any) -> Any:
        return self._condition.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._condition, name)


def futures_alive() -> list[Any]:
    """Return asyncio's futures and tasks, done ones too, from the garbage collector: asyncio has no such list in all versions.

    A list of all objects must not be held, because a tuple that another thread is just making from an iterator is among them, and
    Python raises `SystemError` there if anything else holds it. So the list is made, looked through and dropped in one call in C,
    in which no other thread runs.
    """
    kinds, is_enabled = set(_subclasses(asyncio.Future)), gc.isenabled()
    # A collection may call code of the host, and let other threads run.
    gc.disable()
    try:
        return list(_of_kinds(kinds, functools.cache(gc.get_objects)))
    finally:
        if is_enabled:
            gc.enable()


def _of_kinds(kinds: set[type[Any]], objects: Any) -> Iterator[Any]:
    # The types of possibly millions of objects are compared; `isinstance` would also call their `__class__`.
    # The list has these iterators in it, so both must come to its end, where they drop it: `None` lets the second one do so.
    found = compress(chain(_items(objects), (None,)), map(kinds.__contains__, map(type, _items(objects))))
    return chain(found, filter(None, starmap(objects.cache_clear, ((),))))


def _items(objects: Callable[[], Iterable[object]]) -> Iterator[object]:
    # Called when the first item is asked for.
    return chain.from_iterable(starmap(objects, ((),)))


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for each in type.__subclasses__(kind):
        yield from _subclasses(each)


def _exception_of(task: Any) -> BaseException | None:
    # Not `exception()`, after which asyncio considers the result read and prints nothing.
    return getattr(task, "_exception", None) if task.done() and not task.cancelled() else None


def _caller() -> str:
    """Return the function that made the failing future; empty for any other future."""
    asynchronous: Any = asyncio.futures
    threads: Any = concurrent.futures.thread
    codes = {
        asynchronous._set_concurrent_future_state.__code__: "run_coroutine_threadsafe",  # noqa: SLF001 - as above
        threads._WorkItem.run.__code__: "ThreadPoolExecutor.submit",  # noqa: SLF001 - as above
    }
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as above
    for _ in range(_DEEPEST_CALLER):
        if frame is None or frame.f_code in codes:
            break
        frame = frame.f_back
    return codes.get(frame.f_code, "") if frame is not None else ""


def _is_awaited(future: Any) -> bool:
    """Whether a thread waits for the result, or a callback will get it."""
    # asyncio's own callback cancels the task of a cancelled future, and does not count.
    callbacks = [each for each in future._done_callbacks if getattr(each, "__name__", "") != "_call_check_cancel"]
    return bool(callbacks or future._waiters or future._condition._waiters)
