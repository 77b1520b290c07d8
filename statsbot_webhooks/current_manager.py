"""The manager of the process, behind `get_webhook_manager`.

It outlives a reload of the extension: it is kept on a module of its own in `sys.modules` that discord.py does not purge
(L1, L2), and code that imported `get_webhook_manager` before a reload still finds the manager of today.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

from .errors import WebhookLoggingError

if TYPE_CHECKING:
    from .webhook_manager import WebhookManager

# Not "statsbot_webhooks.…": discord.py removes every module below the extension's name when it is unloaded.
_KEEPER = "_statsbot_webhooks_runtime"


def _keeper() -> ModuleType:
    return sys.modules.setdefault(_KEEPER, ModuleType(_KEEPER))


def find_webhook_manager() -> WebhookManager | None:
    """Return the process-wide manager, or None."""
    return cast("WebhookManager | None", getattr(_keeper(), "manager", None))


def get_webhook_manager() -> WebhookManager:
    """Return the process-wide manager; raises `WebhookLoggingError` when there is none."""
    manager = find_webhook_manager()
    if manager is None:
        raise WebhookLoggingError("no manager yet: call setup_webhook_logging() or load the extension first")
    return manager


def set_webhook_manager(manager: WebhookManager | None) -> None:
    """Replace the process-wide manager."""
    _keeper().manager = manager  # type: ignore[attr-defined]
