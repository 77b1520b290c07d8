"""structlog hook: capture what structlog's loggers print or write without `logging`.

Records that it sends through `logging` are captured there; `structlog_calls.py` restores their text. structlog would take a frame
of ours for the place of the call, so the code of the one function through which every call goes is rewritten.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any, Final

from ..function_code import rewritten
from ..guard import Guard
from .handler import WebhookLogHandler
from .late_imports import when_imported
from .structlog_calls import MODULE, find_call, read_call
from .translated import TranslatedRecord, frames_from

_LEVELS: Final = {
    **dict.fromkeys(("debug",), logging.DEBUG),
    **dict.fromkeys(("info", "msg", "log"), logging.INFO),
    **dict.fromkeys(("warning", "warn"), logging.WARNING),
    **dict.fromkeys(("error", "err", "exception", "failure"), logging.ERROR),
    **dict.fromkeys(("critical", "fatal"), logging.CRITICAL),
}
_FARTHEST: Final = 30


class StructlogHook:
    """Pass structlog's records to a handler. It is a `Tap` of `BoundLoggerBase._proxy_to_logger`."""

    def __init__(self, handler: Callable[[], WebhookLogHandler]) -> None:
        self._handler = handler
        self._guard = Guard("a record of structlog")
        self._is_active = False
        self._late = ExitStack()

    def install(self, stack: ExitStack) -> None:
        """Listen from now on, or once the host imports structlog; the stack ends it."""
        self._is_active = True
        stack.callback(self._end)
        stack.callback(self._late.close)
        when_imported(stack, MODULE, lambda module: self._guard.call(self._start, module))

    def _start(self, module: Any) -> None:
        function: Any = module.BoundLoggerBase._proxy_to_logger  # noqa: SLF001 - every call goes through it
        before = function.__code__
        ours = rewritten(before, self) if self._is_active else None
        if ours is None:
            return

        def undo() -> None:
            if function.__code__ is ours:
                function.__code__ = before

        function.__code__ = ours
        self._late.callback(undo)

    def _end(self) -> None:
        self._is_active = False

    # -- called by structlog's function

    def begin(self, _arguments: dict[str, object]) -> StructlogHook:
        """Do nothing: everything is read at the end of the call."""
        return self

    def end(self) -> None:
        """Pass the record to the handler; never raises."""
        if self._is_active:
            self._guard.call(self._read)

    def _read(self) -> None:
        frame = find_call(sys._getframe(1))  # noqa: SLF001 - the arguments alone do not say whether it was logged
        # The local variable `args` exists only when the processors have passed the event.
        if frame is None or "args" not in frame.f_locals or _is_of_logging(frame.f_locals["self"]):
            return
        call, handler = read_call(frame), self._handler()
        level = _LEVELS.get(call.method, logging.INFO)
        record = TranslatedRecord(
            _name_of(frame, call.fields), level, call.text, template=call.template, fields=call.fields, exc_info=call.exc_info
        )
        if handler.takes(record):
            handler.handle(record)


def _is_of_logging(bound: Any) -> bool:
    """Whether a bound logger wraps a logger of `logging`, or another bound logger."""
    wrapped = getattr(bound, "_logger", None)
    return isinstance(wrapped, (logging.Logger, logging.LoggerAdapter)) or hasattr(wrapped, "_proxy_to_logger")


def _name_of(frame: FrameType, fields: Any) -> str:
    """Return the bound name of the logger, or else the name of the calling module."""
    if isinstance(name := fields.get("logger"), str):
        return name
    for each in frames_from(frame, _FARTHEST):
        module = str(each.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in (MODULE, "concurrent", "threading", "functools", "contextvars"):
            return module or MODULE
    return MODULE
