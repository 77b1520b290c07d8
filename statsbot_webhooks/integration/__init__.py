"""StatsBot's own modules: what goes through its tree log, performance monitor and member events is shipped too."""

from __future__ import annotations

from .client import watch_client
from .log_functions import (
    log_error_to_webhook,
    log_member_event_to_webhook,
    log_performance_alert_to_webhook,
    log_to_webhook,
)
from .statsbot import (
    integrate_with_member_events,
    integrate_with_performance_monitor,
    integrate_with_tree_log,
    remove_integrations,
)

__all__ = [
    "integrate_with_member_events",
    "integrate_with_performance_monitor",
    "integrate_with_tree_log",
    "log_error_to_webhook",
    "log_member_event_to_webhook",
    "log_performance_alert_to_webhook",
    "log_to_webhook",
    "remove_integrations",
    "watch_client",
]
