"""`setup_webhook_logging` and `get_webhook_manager`: make and find the manager of the process."""

from __future__ import annotations

from typing import cast

from .config import WebhookConfig, load_webhook_config
from .current_manager import find_current_manager, get_current_manager, set_current_manager
from .webhook_manager import WebhookManager


def setup_webhook_logging(config: WebhookConfig | None = None) -> WebhookManager:
    """Make the process-wide manager; without a config it reads the environment and `.env`. `start` it afterwards.

    Returns the manager of before when one is running and no config is given. Raises `ConfigError`.
    """
    current = cast("WebhookManager | None", find_current_manager())
    if current is not None and config is None and current.is_running:
        return current
    manager = WebhookManager(config or load_webhook_config())
    set_current_manager(manager)
    return manager


def get_webhook_manager() -> WebhookManager:
    """Return the process-wide manager; raises `WebhookLoggingError` when there is none."""
    return cast("WebhookManager", get_current_manager())
