"""Log records to events: from any thread, without feeding back, and back in place after the host cleared its handlers."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from ..event import Event, EventKind, LogLevel, to_plain
from .seen import Seen

_OWN: Final = ("statsbot_webhooks", "discord.webhook")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_STANDARD_SIZE: Final = len(vars(logging.makeLogRecord({})))
_CHECK_SECONDS: Final = 0.5

suppressed: ContextVar[bool] = ContextVar("statsbot_webhooks_suppressed", default=False)
"""Whether records of this context are ours and must not be shipped (G1)."""


class WebhookLogHandler(logging.Handler):
    """Submit each record as an event. Add it to any logger; records of this package and of discord.py's webhooks are left out."""

    def __init__(
        self,
        submit: Callable[[Event], object] | None = None,
        *,
        level: int | str = logging.WARNING,
        loggers: Mapping[str, LogLevel] | None = None,
        include_stack_traces: bool = True,
        seen: Seen | None = None,
    ) -> None:
        super().__init__(logging.NOTSET)
        self._submit = submit or _submit_to_manager
        self._floor = logging._checkLevel(level)  # type: ignore[attr-defined]  # noqa: SLF001 - what Handler does
        self._loggers = {name: level.number for name, level in (loggers or {}).items()}
        self._keeps_traces = include_stack_traces
        self._seen = seen or Seen()

    def handle(self, record: logging.LogRecord) -> bool:
        # No lock: nothing here is shared but the queue, and a lock would make threads wait for each other.
        if self.filter(record):
            self.emit(record)
            return True
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Read the record at once (its arguments may change) and submit it. Never raises."""
        try:
            if self._wants(record):
                self._submit(self._event(record))
        except Exception:  # noqa: BLE001 - a border: the host's logging call must not fail because of us
            self.handleError(record)

    def _wants(self, record: logging.LogRecord) -> bool:
        name = record.name
        if name.startswith(_OWN) or suppressed.get():
            return False
        if record.levelno < self._floor and not self._named(name, record.levelno):
            return False
        error = record.exc_info[1] if record.exc_info else None
        return error is None or self._seen.is_new(error)

    def _named(self, name: str, level: int) -> bool:
        return any(
            level >= floor and (name == logger or name.startswith(logger + ".")) for logger, floor in self._loggers.items()
        )

    def _event(self, record: logging.LogRecord) -> Event:
        try:
            message = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong % format must not lose the record (G2)
            message = f"{record.msg} (its arguments {to_plain(record.args)!r} do not fit: {type(error).__name__})"
        trace = None
        kind = EventKind.LOG
        if record.exc_info and record.exc_info[1] is not None:
            kind = EventKind.ERROR if record.levelno >= logging.ERROR else EventKind.LOG
            trace = "".join(traceback.format_exception(*record.exc_info)) if self._keeps_traces else None  # type: ignore[misc]
        context: dict[str, Any] = {}
        if len(record.__dict__) > _STANDARD_SIZE:
            context = {key: to_plain(value) for key, value in vars(record).items() if key not in _STANDARD}
        level = LogLevel.from_number(record.levelno)
        template = record.msg if isinstance(record.msg, str) else ""
        return Event(kind, level, message, record.created, record.name, context, trace, template=template)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say on stderr which record failed, without its contents, which may be secret."""
        if logging.raiseExceptions and sys.stderr:
            print(f"statsbot_webhooks: a record of {record.name} could not be read", file=sys.stderr)


def _submit_to_manager(event: Event) -> object:
    from ..runtime import get_webhook_manager  # noqa: PLC0415 - only for handlers made by hand, and runtime is below us

    return get_webhook_manager().submit(event)


class RootHook:
    """Keep a handler on the root logger; put it back within a second when somebody clears the handlers (G4)."""

    def __init__(self, handler: logging.Handler, loggers: Mapping[str, LogLevel]) -> None:
        self._handler = handler
        self._loggers = loggers
        self._levels: dict[str, tuple[int, int]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def install(self) -> None:
        """Add the handler, and lower named loggers to the level that was asked for. Needs a running loop."""
        for name, level in self._loggers.items():
            logger = logging.getLogger(name)
            if logger.getEffectiveLevel() > level.number:
                self._levels[name] = (logger.level, level.number)
                logger.setLevel(level.number)
        self._check()

    def _check(self) -> None:
        root = logging.getLogger()
        if self._handler not in root.handlers:
            root.addHandler(self._handler)
        self._timer = asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._check)

    def uninstall(self) -> None:
        """Remove the handler, and give back levels that are still ours."""
        if self._timer is not None:
            self._timer.cancel()
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        for name, (before, ours) in self._levels.items():
            logger = logging.getLogger(name)
            if logger.level == ours:
                logger.setLevel(before)
