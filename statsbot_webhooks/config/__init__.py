"""Settings: what they are, where they come from, and what is wrong with them."""

from __future__ import annotations

from ..events.event import LogLevel
from .destination import Destination, WebhookURL
from .loading import load_webhook_config
from .model import WebhookConfig

__all__ = ["Destination", "LogLevel", "WebhookConfig", "WebhookURL", "load_webhook_config"]
