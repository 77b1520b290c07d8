"""The calls that users of the original write: by position or by name, levels as text, values that are not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig, WebhookManager, WebhookMessage
from statsbot_webhooks.current_manager import set_current_manager
from statsbot_webhooks.errors import WebhookLoggingError
from statsbot_webhooks.integration import (
    log_error_to_webhook,
    log_member_event_to_webhook,
    log_performance_alert_to_webhook,
    log_to_webhook,
)
from statsbot_webhooks.runtime import get_webhook_manager
from statsbot_webhooks.sandbox import Sandbox

from .conftest import running_manager

URL = "https://discord.com/api/webhooks/123/abc"
FORMATTER = MessageFormatter(WebhookConfig())


@pytest.fixture
async def manager(urls: dict[str, Any]) -> AsyncIterator[WebhookManager]:
    config = WebhookConfig(**urls, storage="memory://", batch_timeout_seconds=0.05)
    async with running_manager(config) as manager:
        set_current_manager(manager)
        yield manager
        set_current_manager(None)


async def shown(manager: WebhookManager, sandbox: Sandbox) -> list[dict[str, Any]]:
    await manager.flush(10)
    names = ("error", "info", "performance", "member_events")
    return [embed for name in names for message in sandbox.messages(name) for embed in message.embeds]


async def test_first_parameters_by_position_or_by_name(manager: WebhookManager, sandbox: Sandbox) -> None:
    await manager.send_log(level=LogLevel.INFO, message="by name")
    await manager.send_log(LogLevel.INFO, message="mixed")
    await manager.send_log("info", "by position", level="a detail", message="too")
    await manager.send_error(error=ValueError("an error by name"), component="x")
    await manager.send_performance_alert(metric_name="memory", value=2.0, threshold=1.0)
    await manager.send_member_event(event_type="join", member_id=1, username="mia")
    found = await shown(manager, sandbox)
    text = str(found)
    for expected in ("by name", "mixed", "an error by name", "memory is 2, the threshold is 1", "mia (<@1>)"):
        assert expected in text
    [card] = [each for each in found if each.get("description") == "by position"]
    assert [(item["name"], item["value"]) for item in card["fields"]] == [("Level", "a detail"), ("Message", "too")]


@pytest.mark.parametrize("level", ["warning", "Warning", "WARNING", LogLevel.WARNING])
async def test_levels_as_text(manager: WebhookManager, sandbox: Sandbox, level: Any) -> None:
    await manager.send_log(level, "x")
    await manager.send_performance_alert("memory", 2, 1, level=level)
    assert [each["title"] for each in await shown(manager, sandbox)] == ["WARNING", "WARNING · memory"]
    assert LogLevel(level) is LogLevel.from_string(level) is LogLevel.WARNING
    assert FORMATTER.format_log_message(level, "x").embeds[0]["title"] == "WARNING"


@pytest.mark.parametrize("level", [3, None, "high", "", object(), ["a"]], ids=lambda level: type(level).__name__)
async def test_a_detail_called_level_never_raises(manager: WebhookManager, sandbox: Sandbox, level: Any) -> None:
    await manager.send_performance_alert("queue", 9, 5, level=level)
    [card] = await shown(manager, sandbox)
    assert "Level" in [item["name"] for item in card["fields"]]
    FORMATTER.format_performance_alert("queue", 9, 5, level=level)


async def test_what_is_missing_is_shown_or_named(manager: WebhookManager, sandbox: Sandbox) -> None:
    await manager.send_member_event("join", None, "mia")
    await manager.send_member_event("leave", 200, None)
    await manager.send_member_event("ban", "not-a-number", "")
    await manager.send_performance_alert("queue", "many", None)  # type: ignore[arg-type]
    text = str(await shown(manager, sandbox))
    for expected in ("mia", "<@200>", "not-a-number", "queue is many, the threshold is None"):
        assert expected in text
    for wrong, says in (
        (manager.send_log(), "send_log() needs 'level', by position or by name; it takes level, message"),
        (manager.send_log("info"), "send_log() needs 'message'"),
        (manager.send_error("text"), "an exception is wanted"),  # type: ignore[arg-type]
        (manager.send_error(None), "an exception is wanted"),  # type: ignore[arg-type]
        (manager.send_member_event("join", 1), "needs 'username'"),
    ):
        with pytest.raises(TypeError, match=r"needs|wanted") as failure:
            await wrong
        assert says in str(failure.value)


async def test_the_functions_of_the_integration(manager: WebhookManager, sandbox: Sandbox) -> None:
    log_to_webhook("info", "one", component="x")
    log_error_to_webhook(ValueError("two"), component="x")
    log_performance_alert_to_webhook("three", 2, 1)
    log_member_event_to_webhook("join", 200, "four")
    log_error_to_webhook("no exception")  # type: ignore[arg-type]
    text = str(await shown(manager, sandbox))
    for expected in ("one", "ValueError: two", "three is 2", "four (<@200>)"):
        assert expected in text


async def test_what_comes_before_the_first_manager_is_kept(urls: dict[str, Any], sandbox: Sandbox) -> None:
    set_current_manager(None)
    log_to_webhook("info", "before")
    async with running_manager(WebhookConfig(**urls, storage="memory://", batch_timeout_seconds=0.05)) as manager:
        set_current_manager(manager)
        log_to_webhook("info", "after")
        text = str(await shown(manager, sandbox))
    set_current_manager(None)
    assert text.index("before") < text.index("after")


def test_before_setup_it_says_what_to_call() -> None:
    set_current_manager(None)
    with pytest.raises(WebhookLoggingError, match=r"call setup_webhook_logging\(\) or load the extension first"):
        get_webhook_manager()


def test_settings_say_what_is_wrong_and_where_levels_go() -> None:
    assert WebhookConfig().validate() == ["no webhook URL is set: at least one is needed, such as WEBHOOK_ERROR_URL"]
    config = WebhookConfig(error_webhook_url=URL, info_webhook_url=URL.replace("123", "456"))
    assert config.validate() == []
    levels = {level: [url.split("/")[5] for url in config.get_webhooks_for_level(level)] for level in LogLevel}
    assert levels == {"DEBUG": [], "INFO": ["456"], "WARNING": ["123"], "ERROR": ["123"], "CRITICAL": ["123", "456"]}
    assert config.get_webhooks_for_level("error") == [URL]


def test_a_message_says_what_discord_would_refuse() -> None:
    assert FORMATTER.format_log_message("info", "x" * 9000).validate() == []
    bad = WebhookMessage(content="x" * 2001, embeds=({"title": "x" * 257, "fields": [{"name": "n", "value": "v"}] * 26},))
    assert bad.validate() == [
        "content: 2001 characters, at most 2000",
        "embed 0: 26 fields, at most 25",
        "embed 0: title: 257 characters, at most 256",
    ]
    assert WebhookMessage().validate() == ["no content, no embed and no file"]
