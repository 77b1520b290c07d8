"""Everything that happens to a discord.py bot, in Discord channels: `await bot.load_extension("statsbot_webhooks")`."""

from __future__ import annotations

# First: when it is not discord.py that is installed, this says so.
from . import errors as errors
from .capture.logs.handler import WebhookLogHandler
from .cog import WebhookCog, setup, teardown
from .config.loading import load_webhook_config
from .config.model import WebhookConfig
from .events.ambient import webhook_context
from .events.event import LogLevel
from .formatting.formatter import MessageFormatter, WebhookMessage
from .integration.client import watch_client
from .runtime import error_reference, get_webhook_manager, setup_webhook_logging
from .webhook_manager import WebhookManager

__version__ = "0.1.0"

__all__ = [
    "LogLevel",
    "MessageFormatter",
    "WebhookCog",
    "WebhookConfig",
    "WebhookLogHandler",
    "WebhookManager",
    "WebhookMessage",
    "error_reference",
    "get_webhook_manager",
    "load_webhook_config",
    "setup",
    "setup_webhook_logging",
    "teardown",
    "watch_client",
    "webhook_context",
]
