"""Log filter: redact log records about this package's work before any handler of the host sees them.

A record of ours may quote an answer of Discord or of the system. discord.py logs the URL of each webhook, with its token, at
DEBUG (W7): only records about our own requests are redacted, and those about the host's webhooks stay as they are.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..feedback import suppressed
from ..patching import hide_frame

_WEBHOOK_LOGGERS: Final = ("discord.webhook.async_", "discord.webhook.sync")


class OwnRecords(logging.Filter):
    """A filter on each of our loggers and those of discord.py's webhooks, as a logger's filter does not see its children."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean
        self._loggers: list[logging.Logger] = []

    def install(self) -> None:
        """Add the filter to our loggers; those of modules that are imported later need another call."""
        root = __name__.partition(".")[0]
        known = list(logging.Logger.manager.loggerDict.items())
        self._loggers = [it for name, it in known if isinstance(it, logging.Logger) and (name + ".").startswith(root + ".")]
        self._loggers += [logging.getLogger(name) for name in _WEBHOOK_LOGGERS]
        for logger in self._loggers:
            # Not undone by `uninstall`: records after the end must not raise either.
            vars(logger).update((name, _guarded(logger, name)) for name in _STEPS)
            logger.addFilter(self)

    def uninstall(self) -> None:
        """Remove the filter."""
        for logger in self._loggers:
            logger.removeFilter(self)
        self._loggers = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record in place; returns True for every record."""
        if record.name in _WEBHOOK_LOGGERS and not suppressed.get():
            return True
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a guard: the program's call must not fail by it, nor its handlers print the values
            text = record.msg = record.msg if type(record.msg) is str else "a log record that cannot be shown"
            record.args = ()
        if (clean := self._clean(text)) != text:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
            # Formatters use this text, when it is set, in place of formatting the exception.
            record.exc_text = self._clean("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return True


def _guarded(logger: logging.Logger, name: str) -> Callable[..., Any]:
    """Return a step of a logger that does not raise what code of the host raises in it."""
    what, otherwise = _STEPS[name]

    def step(*args: Any) -> Any:
        try:
            return getattr(type(logger), name)(logger, *args)
        except Exception as error:
            if logger.name in _WEBHOOK_LOGGERS and not suppressed.get():
                # The host's own request fails as ever.
                hide_frame(error)
                raise
            # A guard: it must not end the thread or task that logged, or the send.
            if logging.raiseExceptions and sys.stderr:
                print(f"statsbot_webhooks: a {what} of the program raised {type(error).__name__}", file=sys.stderr)
            return otherwise(*args)

    return step


def plain_record(
    name: str, level: int, file: str, line: int, msg: object, args: Any, exc_info: Any, func: str | None = None,
    extra: Mapping[str, object] | None = None, sinfo: str | None = None,
) -> logging.LogRecord:  # fmt: skip
    """Return the record of a logging call, given the arguments of `Logger.makeRecord`, without the factory of the host."""
    record = logging.LogRecord(name, level, file, line, msg, args, exc_info, func, sinfo)
    vars(record).update((key, value) for key, value in (extra or {}).items() if key not in vars(record))
    return record


# What may run code of the host, and what comes of it when that raises: a plain record, or True, as for `bool` of a record.
_STEPS: Mapping[str, tuple[str, Callable[..., object]]] = {
    "makeRecord": ("record factory", plain_record),
    "filter": ("log filter", bool),
    "callHandlers": ("log handler", bool),
}
