"""`setup_webhook_logging`: make the manager of the process."""

from __future__ import annotations

from .config import WebhookConfig, load_webhook_config
from .current_manager import find_webhook_manager, set_webhook_manager
from .webhook_manager import WebhookManager


def setup_webhook_logging(config: WebhookConfig | None = None) -> WebhookManager:
    """Make the process-wide manager; without a config it reads the environment and `.env`. `start` it afterwards.

    Returns the manager of before when one is running and no config is given. Raises `ConfigError`.
    """
    current = find_webhook_manager()
    if current is not None and config is None and current.is_running:
        return current
    manager = WebhookManager(config or load_webhook_config())
    set_webhook_manager(manager)
    return manager
