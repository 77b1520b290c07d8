"""Our handler sees what the root logger sees, without being one of its handlers: the host's logging stays as it was."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack

from ...events.event import LogLevel
from ...patching import watch_calls
from ..guard import Guard
from .handler import WebhookLogHandler


class RootHook:
    """Give a handler each record that reaches the root logger, or the end of a logger that does not propagate.

    A handler in `logging.getLogger().handlers` would change what a bot prints. `logging.error()` and `basicConfig` set up
    the console only while the list is empty, a bot without handlers has its warnings on stderr only because no handler takes
    them, and hosts clear the list (G4). So we listen where a logger decides about a record.
    """

    def __init__(self, handler: WebhookLogHandler, loggers: Mapping[str, LogLevel], level: LogLevel = LogLevel.WARNING) -> None:
        self._handler = handler
        # The root logger lets WARNING through by itself; only a lower level that the settings ask for changes it.
        self._root = {"": level} if level.number < logging.WARNING else {}
        self._wanted = {**self._root, **loggers}
        self._levels: dict[str, tuple[int, int]] = {}
        self._ends: frozenset[logging.Logger] = frozenset()
        self._guard = Guard("a log record")
        self._stack = ExitStack()

    def install(self) -> None:
        """Listen, and lower loggers to the level that was asked for."""
        self._lower()
        # The last that is asked before the handlers are called. A frame of ours around those would be printed when one fails.
        watch_calls(self._stack, logging.Logger, "filter", self._on_filtered, after=True)

    def set_loggers(self, loggers: Mapping[str, LogLevel]) -> None:
        """Change the levels of single loggers while installed; those that are not named any more get theirs back."""
        self._give_back()
        self._wanted = {**self._root, **loggers}
        self._handler.set_loggers(loggers)
        self._lower()

    def _lower(self) -> None:
        for name, level in self._wanted.items():
            logger = logging.getLogger(name)
            if logger.getEffectiveLevel() > level.number:
                self._levels[name] = (logger.level, level.number)
                logger.setLevel(level.number)
        # A logger that does not propagate never reaches the root, so we wait where its records end.
        self._ends = frozenset([logging.getLogger(), *map(_end_of, self._wanted)])

    def _on_filtered(self, passed: object, logger: logging.Logger, record: logging.LogRecord) -> None:
        # From Python 3.12 on a filter may pass another record.
        record = passed if isinstance(passed, logging.LogRecord) else record
        if not passed or record.levelno < self._handler.level:
            return
        end: logging.Logger | None = logger
        while end is not None and end not in self._ends:
            end = end.parent if end.propagate else None
        if end is not None:
            self._guard.call(self._handler.handle, record)

    def uninstall(self) -> None:
        """Stop listening, and give back levels that are still ours."""
        self._stack.close()
        self._handler.close()
        self._give_back()

    def _give_back(self) -> None:
        for name, (before, ours) in self._levels.items():
            logger = logging.getLogger(name)
            if logger.level == ours:
                logger.setLevel(before)
        self._levels.clear()


def _end_of(name: str) -> logging.Logger:
    logger = logging.getLogger(name)
    while logger.propagate and logger.parent is not None:
        logger = logger.parent
    return logger
