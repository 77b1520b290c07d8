"""loguru hook: capture loguru's records, each once, even when the host forwards them to `logging` or the other way round.

It adds a handler to loguru whose filter reads the record and passes nothing. So nothing is formatted, and neither `diagnose` nor
`backtrace` can show the values of variables. loguru is never imported here.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any, Final

from ..guard import Guard
from .handler import WebhookLogHandler
from .late_imports import when_imported
from .translated import TranslatedRecord, frames_from

MODULE: Final = "loguru"
_SINKS: Final = "loguru._simple_sinks"
# `Handler.emit`, `Logger._log`, and some frames of a host's wrapper around a filter.
_NEAREST: Final = 6
# From loguru's call up to the `logging` call whose record a handler of the host forwarded.
_FARTHEST: Final = 25
_BY_LOGGING: Final = frozenset(
    {logging.Logger.handle.__code__, logging.Logger.callHandlers.__code__, logging.Handler.handle.__code__}
)


class LoguruHook:
    """Pass loguru's records to a handler. `takes` says whether a record of `logging` is captured from `logging`."""

    def __init__(self, handler: Callable[[], WebhookLogHandler], takes: Callable[[logging.LogRecord], bool]) -> None:
        self._handler = handler
        self._takes = takes
        self._guard = Guard("a record of loguru")
        self._logger: Any = None
        self._id: int | None = None
        self._level = 0
        self._is_active = False

    def install(self, stack: ExitStack) -> None:
        """Listen from now on, or once the host imports loguru; the stack ends it."""
        self._is_active = True
        stack.callback(self._uninstall)
        when_imported(stack, MODULE, lambda module: self._guard.call(self._start, module))

    def refresh(self) -> None:
        """Adopt the current level of the handler."""
        if self._logger is not None and self._is_active and self._level != self._handler().level:
            self._remove()
            self._add()

    def makes(self, record: logging.LogRecord) -> bool:
        """Whether loguru, while this hook listens, has just made a record of `logging` for a handler of the host."""
        return self._id is not None and is_of_loguru(record)

    def _start(self, module: Any) -> None:
        self._logger = getattr(module, "logger", None)
        if self._is_active and self._logger is not None:
            self._add()

    def _add(self) -> None:
        self._level = self._handler().level
        self._id = self._logger.add(
            _Nothing(self),
            level=self._level,
            filter=_Filter(self),
            format=_no_format,
            colorize=False,
            backtrace=False,
            diagnose=False,
            catch=True,
        )

    def _remove(self) -> None:
        number, self._id = self._id, None
        if number is not None:
            self._guard.call(self._logger.remove, number)

    def _uninstall(self) -> None:
        self._is_active = False
        self._remove()

    def is_there(self, number: int) -> bool:
        """Whether one of loguru's handlers is ours, and must stay."""
        return self._is_active and number == self._id

    def read(self, record: dict[str, Any]) -> None:
        """Pass a record to the handler; never raises."""
        if self._is_active:
            self._guard.call(self._read, record)

    def _read(self, record: dict[str, Any]) -> None:
        handler = self._handler()
        frame = _frame_of_call(sys._getframe(1))  # noqa: SLF001 - the record does not know its template
        if frame is not None and self._is_captured_by_logging(frame):
            return
        handler.handle(_translate(record, frame))

    def _is_captured_by_logging(self, frame: FrameType) -> bool:
        for each in frames_from(frame.f_back, _FARTHEST):
            if each.f_code in _BY_LOGGING:
                record = each.f_locals.get("record")
                return isinstance(record, logging.LogRecord) and self._takes(record)
        return False


class _Nothing:
    """The sink of our handler. It restores the handler when the host removes all handlers, by which it means its own."""

    def __init__(self, hook: LoguruHook) -> None:
        self._hook = hook

    def write(self, message: str) -> None:
        """Write nothing: the filter passes nothing."""

    def stop(self) -> None:
        """Restore our handler. `Logger.remove` calls this with loguru's lock held, so no public function may be called here."""
        for frame in frames_from(sys._getframe(1), _NEAREST):  # noqa: SLF001 - loguru does not say which handler it removes
            known = frame.f_locals
            if "handler_id" in known and "handler" in known:
                if self._hook.is_there(known["handler_id"]):
                    _come_back(known["self"]._core, known["handler_id"], known["handler"])  # noqa: SLF001 - as above
                return

    def __deepcopy__(self, _memo: object) -> _Nothing:
        # loguru's logger is deep-copied to get a second one with handlers of its own.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # loguru's logger may be pickled for another process, where nothing is captured.
        return _nowhere, ()


class _Filter:
    """Read each record, and pass none."""

    def __init__(self, hook: LoguruHook) -> None:
        self._hook = hook

    def __call__(self, record: dict[str, Any]) -> bool:
        self._hook.read(record)
        return False

    def __deepcopy__(self, _memo: object) -> _Filter:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _no_filter, ()


class _Nowhere:
    def write(self, message: str) -> None:
        """Write nothing."""


def _nowhere() -> _Nowhere:
    return _Nowhere()


def _no_filter() -> Callable[[dict[str, Any]], bool]:
    return _passes_nothing


def _passes_nothing(_record: dict[str, Any]) -> bool:
    return False


def _no_format(_record: dict[str, Any]) -> str:
    return ""


def _come_back(core: Any, number: int, handler: Any) -> None:
    """Restore our handler in loguru's core, which is private (from 0.5 to 0.7 at least)."""
    handlers = {**core.handlers, number: handler}
    handler._stopped = False  # noqa: SLF001 - a handler that is stopped writes nothing
    core.min_level = min(each.levelno for each in handlers.values())
    core.handlers = handlers


def _frame_of_call(frame: FrameType | None) -> FrameType | None:
    """Return the frame of `Logger._log`, which holds the template; None when it is not near."""
    for each in frames_from(frame, _NEAREST):
        if each.f_code.co_name == "_log" and each.f_globals.get("__name__") == "loguru._logger":
            return each
    return None


def _translate(record: dict[str, Any], frame: FrameType | None) -> TranslatedRecord:
    text, template, exception = str(record["message"]), "", record["exception"]
    known = frame.f_locals if frame is not None else {}
    if known.get("args") or known.get("kwargs"):
        template = str(known.get("message", ""))
    made = TranslatedRecord(
        str(record["name"] or MODULE),
        int(record["level"].no),
        text,
        template=template or text,
        fields={str(key): value for key, value in record["extra"].items()},
        exc_info=(exception.type, exception.value, exception.traceback) if exception else None,
    )
    made.created = record["time"].timestamp()
    return made


def is_of_loguru(record: logging.LogRecord) -> bool:
    """Whether loguru has made a record of `logging`, for a handler of the host."""
    if "extra" not in vars(record):
        return False
    sink: Any = getattr(sys.modules.get(_SINKS), "StandardSink", None)
    code = getattr(getattr(sink, "write", None), "__code__", None)
    return any(frame.f_code is code for frame in frames_from(sys._getframe(1), _FARTHEST))  # noqa: SLF001 - nothing else tells
