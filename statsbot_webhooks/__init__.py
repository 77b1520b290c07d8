"""Everything that happens to a discord.py bot, in Discord channels: `await bot.load_extension("statsbot_webhooks")`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

# First: when it is not discord.py that is installed, this says so.
from . import errors as errors
from .capture.logs.handler import WebhookLogHandler
from .config.loading import load_webhook_config
from .config.model import WebhookConfig
from .config.version import PACKAGE_VERSION
from .events.ambient import webhook_context
from .events.event import LogLevel
from .formatting.formatter import MessageFormatter, WebhookMessage
from .runtime import error_reference, get_webhook_manager, setup_webhook_logging
from .webhook_manager import WebhookManager

if TYPE_CHECKING:
    from .cog import WebhookCog, setup, teardown
    from .integration.client import watch_client

__version__ = PACKAGE_VERSION

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

# What installs hooks and commands on a bot is a third of the package; code that only sends events does without.
_LATER = {"WebhookCog": "cog", "setup": "cog", "teardown": "cog", "watch_client": "integration.client"}


def __getattr__(name: str) -> Any:
    # `load_extension` executes this file anew (L1): then modules are there that were never bound to its names.
    if (module := sys.modules.get(f"{__name__}.{name}")) is not None:
        return module
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
