"""Our handler in the host's logging tree: put in, kept there, and taken out with nothing changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from ..event import LogLevel
from .logs import WebhookLogHandler

_CHECK_SECONDS: Final = 0.5


class RootHook:
    """Keep a handler on the root logger; put it back within a second when somebody clears the handlers (G4)."""

    def __init__(self, handler: WebhookLogHandler, loggers: Mapping[str, LogLevel], level: LogLevel = LogLevel.WARNING) -> None:
        self._handler = handler
        self._stand_in = _StandIn()
        # The root logger lets WARNING through by itself; only a lower level that somebody asked for changes it.
        self._wanted = {**({"": level} if level.number < logging.WARNING else {}), **loggers}
        self._levels: dict[str, tuple[int, int]] = {}
        self._owners: list[logging.Logger] = []
        self._timer: asyncio.TimerHandle | None = None

    def install(self) -> None:
        """Add the handler, and lower loggers to the level that was asked for. Needs a running loop."""
        for name, level in self._wanted.items():
            logger = logging.getLogger(name)
            if logger.getEffectiveLevel() > level.number:
                self._levels[name] = (logger.level, level.number)
                logger.setLevel(level.number)
        # A logger that does not propagate never reaches the root, so the handler goes where its records end.
        self._owners = list(dict.fromkeys([logging.getLogger(), *map(_end_of, self._wanted)]))
        self._check()

    def _check(self) -> None:
        for owner in self._owners:
            if self._handler not in owner.handlers:
                owner.addHandler(self._handler)
            if self._stand_in not in owner.handlers:
                owner.addHandler(self._stand_in)
        self._timer = asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._check)

    def uninstall(self) -> None:
        """Remove the handler, and give back levels that are still ours."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for owner in self._owners:
            owner.removeHandler(self._handler)
            owner.removeHandler(self._stand_in)
        self._handler.close()
        self._stand_in.close()
        for name, (before, ours) in self._levels.items():
            logger = logging.getLogger(name)
            if logger.level == ours:
                logger.setLevel(before)
        self._levels.clear()


class _StandIn(logging.Handler):
    """Print what `logging.lastResort` would print if we were not there.

    A bot without handlers of its own has its warnings on stderr only because nobody handles them. Our handler would
    silence them, and our own warnings too, which are never shipped.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def handle(self, record: logging.LogRecord) -> bool:
        last = logging.lastResort
        if last is None or record.levelno < last.level or not self._alone(record.name):
            return False
        last.handle(record)
        return True

    def _alone(self, name: str) -> bool:
        logger: logging.Logger | None = logging.getLogger(name)
        while logger is not None:
            # Other Captures in this process do not count as somebody who prints.
            if any(not isinstance(handler, (WebhookLogHandler, _StandIn)) for handler in logger.handlers):
                return False
            # Of several stand-ins on one logger only the first prints.
            if next((h for h in logger.handlers if isinstance(h, _StandIn)), self) is not self:
                return False
            logger = logger.parent if logger.propagate else None
        return True


def _end_of(name: str) -> logging.Logger:
    logger = logging.getLogger(name)
    while logger.propagate and logger.parent is not None:
        logger = logger.parent
    return logger
