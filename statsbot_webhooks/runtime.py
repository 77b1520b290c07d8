"""`setup_webhook_logging` and `get_webhook_manager`: make and find the manager of the process."""

from __future__ import annotations

from typing import cast

from .clock import SystemClock
from .config import WebhookConfig
from .config.loading import Loaded, load_forgiving
from .current_manager import find_current_manager, get_current_manager, set_current_manager
from .events.event import Event, EventKind, LogLevel
from .webhook_manager import WebhookManager


def setup_webhook_logging(config: WebhookConfig | None = None) -> WebhookManager:
    """Make the process-wide manager; without a config it reads the environment and `.env`. `start` it afterwards.

    Returns the manager of before when one is running and no config is given. A wrong setting costs itself only: it is named in
    the log and in the first card.
    """
    current = cast("WebhookManager | None", find_current_manager())
    if current is not None and config is None and current.is_running:
        return current
    loaded = Loaded(config) if config is not None else load_forgiving()
    manager = WebhookManager(loaded.config)
    tell_problems(manager, loaded)
    set_current_manager(manager)
    return manager


def tell_problems(manager: WebhookManager, loaded: Loaded) -> None:
    """Show one card that names every wrong setting."""
    text = loaded.describe_problems("\n")
    if text:
        manager.submit(Event(EventKind.LOG, LogLevel.ERROR, text, SystemClock().now(), "statsbot_webhooks.settings"))


def get_webhook_manager() -> WebhookManager:
    """Return the process-wide manager; raises `WebhookLoggingError` when there is none."""
    return cast("WebhookManager", get_current_manager())
