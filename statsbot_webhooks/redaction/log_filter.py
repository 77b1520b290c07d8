"""Our own log records without secrets: what a record quotes, an answer of Discord or of the system, passes the redactor too."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable


class OwnRecords(logging.Filter):
    """A filter on every logger of this package. It is on the loggers, for filters of a logger do not see its children."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean
        self._loggers: list[logging.Logger] = []

    def install(self) -> None:
        """Add the filter to the loggers that exist: they are made when the modules are imported."""
        root = __name__.partition(".")[0]
        known = list(logging.Logger.manager.loggerDict.items())
        self._loggers = [it for name, it in known if isinstance(it, logging.Logger) and (name + ".").startswith(root + ".")]
        for logger in self._loggers:
            logger.addFilter(self)

    def uninstall(self) -> None:
        """Take the filter away again."""
        for logger in self._loggers:
            logger.removeFilter(self)
        self._loggers = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record in place; none is held back."""
        text = record.getMessage()
        if (clean := self._clean(text)) != text:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
            # What a formatter would make of the exception, made here: it takes this text when it is there.
            record.exc_text = self._clean("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return True
