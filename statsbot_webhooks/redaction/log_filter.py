"""Log filter: redact log records about this package's work before any handler of the host sees them.

A record of ours may quote an answer of Discord or of the system. discord.py logs the URL of each webhook, with its token, at
DEBUG (W7): only records about our own requests are redacted, and those about the host's webhooks stay as they are.
"""

from __future__ import annotations

import functools
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Final

from ..feedback import suppressed

_WEBHOOK_LOGGERS: Final = ("discord.webhook.async_", "discord.webhook.sync")


class OwnRecords(logging.Filter):
    """A filter on each of our loggers and those of discord.py's webhooks, as a logger's filter does not see its children."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean
        self._loggers: list[logging.Logger] = []

    def install(self) -> None:
        """Add the filter to our loggers, which exist because all modules are imported by now."""
        root = __name__.partition(".")[0]
        known = list(logging.Logger.manager.loggerDict.items())
        self._loggers = [it for name, it in known if isinstance(it, logging.Logger) and (name + ".").startswith(root + ".")]
        for logger in self._loggers:
            # Not undone by `uninstall`: records after the end must not raise either.
            vars(logger)["callHandlers"] = functools.partial(_call_handlers, logger)
        self._loggers += [logging.getLogger(name) for name in _WEBHOOK_LOGGERS]
        for logger in self._loggers:
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


def _call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Call the handlers of the host; one that raises must not end the thread or task that logged."""
    try:
        type(logger).callHandlers(logger, record)
    except Exception as error:  # noqa: BLE001 - a guard: it may be any code
        if logging.raiseExceptions and sys.stderr:
            print(f"statsbot_webhooks: a log handler of the program raised {type(error).__name__}", file=sys.stderr)
