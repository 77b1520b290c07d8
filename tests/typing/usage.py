# pyright: strict
"""The public API as a user writes it. Pyright reads it in strict mode with the tests; it is never run."""

from __future__ import annotations

import logging
from typing import Any, assert_type

from discord.ext import commands

from statsbot_webhooks import (
    LogLevel,
    MessageFormatter,
    WebhookConfig,
    WebhookLogHandler,
    WebhookManager,
    WebhookMessage,
    get_webhook_manager,
    load_webhook_config,
    setup_webhook_logging,
)
from statsbot_webhooks.config import LogLevel as ConfigLogLevel
from statsbot_webhooks.integration import (
    integrate_with_member_events,
    integrate_with_performance_monitor,
    integrate_with_tree_log,
)


def settings() -> None:
    config = WebhookConfig(error_webhook_url="https://discord.com/api/webhooks/123/abc", use_embeds=True, batch_size=3)
    assert_type(config.batch_size, int)
    assert_type(config.mask_user_ids, bool)
    assert_type(load_webhook_config(), WebhookConfig)
    level: LogLevel = ConfigLogLevel.INFO
    assert level == LogLevel.INFO


async def sending() -> None:
    manager = setup_webhook_logging()
    assert_type(manager, WebhookManager)
    await manager.start()
    await manager.send_log(LogLevel.INFO, "Bot started", version="1.0.0", guild_count=10)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        await manager.send_error(error, component="example")
    await manager.send_performance_alert("memory_usage", 900.0, 512.0, host="a")
    await manager.send_member_event("join", 123456789012345678, "mia", guild="Shop")
    await manager.flush(timeout=5.0)
    await manager.stop(timeout=5.0)
    assert_type(get_webhook_manager(), WebhookManager)


def formatting() -> None:
    formatter = MessageFormatter(WebhookConfig())
    message = formatter.format_log_message(LogLevel.INFO, "Custom message", component="example")
    assert_type(message, WebhookMessage)
    assert_type(message.to_payload(), dict[str, Any])


def logs() -> None:
    logging.getLogger("shop").addHandler(WebhookLogHandler(level=logging.INFO))


def integrations(bot: commands.Bot) -> None:
    assert_type(integrate_with_tree_log(), bool)
    assert_type(integrate_with_performance_monitor(), bool)
    assert_type(integrate_with_member_events(bot), bool)
