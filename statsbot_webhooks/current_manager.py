"""Which manager is the process's own.

It outlives a reload of the extension: it is kept on a module of its own in `sys.modules` that discord.py does not purge
(L1, L2), so that code which found the manager before a reload still finds the one of today. Knows no `WebhookManager`.
"""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Protocol, cast

from .errors import WebhookLoggingError
from .events.event import Event

# Not "statsbot_webhooks.…": discord.py removes every module below the extension's name when it is unloaded.
_KEEPER = "_statsbot_webhooks_runtime"


class Manager(Protocol):
    """What the lower layers need of a manager."""

    def submit(self, event: Event) -> bool: ...


class LogCapture(Protocol):
    """What a handler that the host made by hand, and the hook that comes next, need of the hook that is there."""

    def has_captured(self, record: logging.LogRecord) -> bool: ...

    def retire(self) -> None:
        """Capture nothing more: another one does."""
        ...


def keeper() -> ModuleType:
    """Return the module that keeps what must outlive a reload."""
    return sys.modules.setdefault(_KEEPER, ModuleType(_KEEPER))


def find_current_manager() -> Manager | None:
    """Return the process's manager; None when there is none."""
    return cast("Manager | None", getattr(keeper(), "manager", None))


def get_current_manager() -> Manager:
    """Return the process's manager; raises `WebhookLoggingError` when there is none."""
    manager = find_current_manager()
    if manager is None:
        raise WebhookLoggingError("no manager yet: call setup_webhook_logging() or load the extension first")
    return manager


def log_capture() -> LogCapture | None:
    """Return what captures the log records of the process, also that of the modules from after a reload."""
    return cast("LogCapture | None", keeper().__dict__.get("log_capture"))


def set_log_capture(capture: LogCapture | None) -> None:
    """Replace what captures the log records of the process."""
    keeper().__dict__["log_capture"] = capture


def set_current_manager(manager: Manager | None) -> None:
    """Replace the process's manager."""
    keeper().manager = manager  # type: ignore[attr-defined]
