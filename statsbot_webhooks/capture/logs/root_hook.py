"""Root hook: give our handler every record that reaches the root logger, without changing the host's logging."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final

from ...current_manager import log_capture, set_log_capture
from ...events.event import LogLevel
from ...patching import hide_frame, patch_attribute, watch_calls
from ...redaction.log_filter import plain_record
from ..breadcrumbs import trail
from ..guard import Guard
from .handler import WebhookLogHandler
from .loguru_hook import is_of_loguru
from .translated import frames_from

_LOG: Final[Any] = logging.Logger._log.__code__  # noqa: SLF001 - what every call of `debug`, `info` ... goes through
_HANDLE: Final[Any] = logging.Logger.handle.__code__
# Callers that show that a record has gone through a logger, now or before it came through a queue.
_BY_LOGGER: Final = (_HANDLE, logging.handlers.QueueListener.handle.__code__)
_FARTHEST: Final = 25


class RootHook:
    """Give a handler each record that reaches the root logger, or the end of a logger that does not propagate.

    A handler in `logging.getLogger().handlers` would change what a bot prints: `logging.error()` and `basicConfig` set up
    the console only while the list is empty, warnings go to stderr only while no handler takes them, and hosts clear the list
    (G4). So the hook is in `Logger.filter`, where a logger decides about a record.

    A logger that must be captured from a lower level than the host's gets that level while this is installed; records that it
    makes only because of that are kept from the host's handlers.
    """

    def __init__(
        self,
        handler: WebhookLogHandler,
        loggers: Mapping[str, LogLevel],
        level: LogLevel = LogLevel.WARNING,
        is_known: Callable[[logging.LogRecord], bool] = lambda _record: False,
    ) -> None:
        """Records for which `is_known` holds reach the handler in another way, and are skipped here."""
        self._handler = handler
        self._is_known = is_known
        # The root logger passes WARNING by default; only a lower level of the settings changes it.
        self._root = {"": level} if level.number < logging.WARNING else {}
        self._wanted = {**self._root, **loggers}
        # By logger: the level that the host has set, and the one that it has now because of this hook.
        self._levels: dict[logging.Logger, tuple[int, int]] = {}
        self._ends: frozenset[logging.Logger] = frozenset()
        self._guard = Guard("a log record")
        self._stack = ExitStack()
        self._is_lowering = self._is_making = False
        self._is_installed = False

    def install(self) -> None:
        """Listen, and lower loggers to the wanted levels.

        A hook that listens now, such as the one from before a reload, does so until this one begins.
        """
        before = log_capture()
        self._lower()
        # A host may set up its logging later.
        watch_calls(self._stack, logging.Logger, "setLevel", self._on_level_set, after=True, takes_over=True)
        # Set before the patch, which replaces that of the other hook. `Logger.filter` is called before the handlers and not
        # around them, so no frame of ours is printed when one fails.
        self._is_installed = True
        patch_attribute(self._stack, logging.Logger, "filter", self._make_filter, takes_over=True)
        watch_calls(self._stack, logging, "setLogRecordFactory", self._on_factory_set, after=True, takes_over=True)
        self._on_factory_set()
        set_log_capture(self)
        if before is not None:
            before.retire()

    def retire(self) -> None:
        """Capture nothing from now on, because another hook does."""
        self._is_installed = False

    def exchange(self, handler: WebhookLogHandler, loggers: Mapping[str, LogLevel], level: LogLevel) -> None:
        """Use another handler and other levels, without missing a record."""
        before, self._handler = self._handler, handler
        self._root = {"": level} if level.number < logging.WARNING else {}
        self.set_loggers(loggers)
        before.close()

    def set_loggers(self, loggers: Mapping[str, LogLevel]) -> None:
        """Change the levels of single loggers; those that are no longer named get the host's level back."""
        self._give_back()
        self._wanted = {**self._root, **loggers}
        self._handler.set_loggers(loggers)
        self._lower()

    def _lower(self) -> None:
        self._is_lowering = True
        for name, level in self._wanted.items():
            logger = logging.getLogger(name)
            if logger.getEffectiveLevel() > level.number:
                self._levels[logger] = (logger.level, level.number)
                logger.setLevel(level.number)
        self._is_lowering = False
        # Records of a logger that does not propagate never reach the root, so they are taken where they end.
        self._ends = frozenset([logging.getLogger(), *map(_end_of, self._wanted)])

    def _on_level_set(self, _result: None, logger: logging.Logger, *_level: Any, **_named: Any) -> None:
        if self._is_installed and not self._is_lowering:
            self._guard.call(self._lower_again, logger)

    def _lower_again(self, logger: logging.Logger) -> None:
        self._levels.pop(logger, None)
        self._lower()

    def _make_filter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        # Without `functools.wraps`, which would slow down every record.
        def filter(logger: logging.Logger, record: logging.LogRecord) -> Any:  # noqa: A001 - logging's name
            try:
                passed = original(logger, record)
            except Exception as error:
                # Without us a filter of the host would not have seen a record that only we want.
                if not self._is_installed or not self._is_safely_ours(logger, record):
                    hide_frame(error)
                    raise
                passed = True
            if not passed or not self._is_installed:
                return passed
            try:
                if record.levelno < self._handler.level:
                    self._guard.call(trail.note_record, record)
                    return passed
                is_only_ours = self._levels and self._is_only_ours(logger, record)
            except Exception:  # noqa: BLE001 - a guard: a level that cannot be compared is shown; the host's handlers may raise
                is_only_ours = False
            # From Python 3.12 on a filter may pass another record.
            shown = passed if isinstance(passed, logging.LogRecord) else record
            self._guard.call(self._on_passed, logger, shown)
            return False if is_only_ours else passed

        return filter

    def _on_factory_set(self, *_: object) -> None:
        # Only for a factory of the host, because it costs every record a tenth of its time.
        if self._is_installed and not self._is_making and logging.getLogRecordFactory() is not logging.LogRecord:
            self._is_making = True
            patch_attribute(self._stack, logging.Logger, "makeRecord", self._make_maker, takes_over=True)

    def _make_maker(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def make_record(logger: logging.Logger, *args: Any, **options: Any) -> Any:
            try:
                return original(logger, *args, **options)
            except Exception as error:
                if self._is_installed and (plain := self._take_unmade(logger, args, options)) is not None:
                    return plain
                hide_frame(error)
                raise

        return make_record

    def _take_unmade(self, logger: logging.Logger, args: Any, options: Any) -> logging.LogRecord | None:
        """Return a record in place of one that cannot be made, if only we want it; otherwise take it: the host's call fails."""
        try:
            record = plain_record(*args, **options)
            if self._levels and record.levelno < self._host_level(logger):
                return record
        except Exception:  # noqa: BLE001 - a guard: then the host's own mistake is all there is
            return None
        self._guard.call(logger.filter, record)
        return None

    def _on_passed(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        if self._reaches_an_end(logger) and not self._is_known(record):
            self._handler.handle(record)

    def _reaches_an_end(self, logger: logging.Logger) -> bool:
        end: logging.Logger | None = logger
        while end is not None and end not in self._ends:
            end = end.parent if end.propagate else None
        return end is not None

    @property
    def handler(self) -> WebhookLogHandler:
        """The current handler."""
        return self._handler

    def takes(self, record: logging.LogRecord) -> bool:
        """Whether a record that a logger has passed was given to our handler, and captured."""
        return self._is_installed and self._handler.takes(record) and self._reaches_an_end(logging.getLogger(record.name))

    def has_captured(self, record: logging.LogRecord) -> bool:
        """Whether a record that a handler gets now was given to our handler before, on its way through its logger."""
        if is_of_loguru(record) and self._is_known(record):
            return True
        frames = frames_from(sys._getframe(1), _FARTHEST)  # noqa: SLF001 - there is no other way to see who calls
        return self.takes(record) and any(frame.f_code in _BY_LOGGER for frame in frames)

    def _is_safely_ours(self, logger: logging.Logger, record: logging.LogRecord) -> bool:
        try:
            return bool(self._levels) and self._is_only_ours(logger, record)
        except Exception:  # noqa: BLE001 - a guard: a level that cannot be compared is the host's
            return False

    def _is_only_ours(self, logger: logging.Logger, record: logging.LogRecord) -> bool:
        """Whether the host's levels would not have made this record."""
        if record.levelno >= self._host_level(logger):
            return False
        # A record that the host passes to `Logger.handle` itself, from a queue, say, passes at any level.
        return _is_logged()

    def _host_level(self, logger: logging.Logger) -> int:
        above: logging.Logger | None = logger
        while above is not None:
            before, ours = self._levels.get(above, (above.level, above.level))
            level = before if above.level == ours else above.level
            if level:
                return level
            above = above.parent
        return logging.NOTSET

    def uninstall(self) -> None:
        """Stop listening, and restore levels that are still ours."""
        self._is_installed = False
        if log_capture() is self:
            set_log_capture(None)
        self._stack.close()
        self._handler.close()
        self._give_back()

    def _give_back(self) -> None:
        self._is_lowering = True
        for logger, (before, ours) in self._levels.items():
            if logger.level == ours:
                logger.setLevel(before)
        self._is_lowering = False
        self._levels.clear()


def _is_logged() -> bool:
    """Whether `Logger.filter` was called for a record that a logging call has just made."""
    frame = sys._getframe(1)  # noqa: SLF001 - there is no other way to see who calls
    while frame is not None and frame.f_code is not _HANDLE:
        frame = frame.f_back
    return frame is not None and frame.f_back is not None and frame.f_back.f_code is _LOG


def _end_of(name: str) -> logging.Logger:
    logger = logging.getLogger(name)
    while logger.propagate and logger.parent is not None:
        logger = logger.parent
    return logger
