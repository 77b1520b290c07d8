"""The process-wide manager behind `setup_webhook_logging` and `get_webhook_manager`.

It outlives a reload of the extension: it is kept on a module of its own in `sys.modules` that discord.py does not purge
(L1, L2), and code that imported `get_webhook_manager` before a reload still finds the manager of today.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from .config import WebhookConfig, load_webhook_config
from .errors import WebhookLoggingError
from .webhook_manager import WebhookManager

# Not "statsbot_webhooks.…": discord.py removes every module below the extension's name when it is unloaded.
_KEEPER = "_statsbot_webhooks_runtime"


def _keeper() -> ModuleType:
    return sys.modules.setdefault(_KEEPER, ModuleType(_KEEPER))


def setup_webhook_logging(config: WebhookConfig | None = None) -> WebhookManager:
    """Make the process-wide manager; without a config it reads the environment and `.env`. `start` it afterwards.

    Returns the manager of before when one is running and no config is given. Raises `ConfigError`.
    """
    current = cast("WebhookManager | None", getattr(_keeper(), "manager", None))
    if current is not None and config is None and current.is_running:
        return current
    manager = WebhookManager(config or load_webhook_config())
    set_webhook_manager(manager)
    return manager


def get_webhook_manager() -> WebhookManager:
    """Return the process-wide manager; raises `WebhookLoggingError` when there is none."""
    manager = cast("WebhookManager | None", getattr(_keeper(), "manager", None))
    if manager is None:
        raise WebhookLoggingError("no manager yet: call setup_webhook_logging() or load the extension first")
    return manager


def set_webhook_manager(manager: WebhookManager | None) -> None:
    """Replace the process-wide manager."""
    _keeper().manager = manager  # type: ignore[attr-defined]
