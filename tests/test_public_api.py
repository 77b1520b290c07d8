"""The names, defaults and signatures that users rely on. A change here is a change for every bot."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest

import statsbot_webhooks
from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig, WebhookManager, WebhookMessage, config, integration

NAMES = {
    "LogLevel", "MessageFormatter", "WebhookConfig", "WebhookLogHandler", "WebhookManager", "WebhookMessage",
    "WebhookCog", "error_reference", "watch_client", "webhook_context",
    "get_webhook_manager", "load_webhook_config", "setup_webhook_logging", "setup", "teardown",
}  # fmt: skip
INTEGRATIONS = {"integrate_with_tree_log", "integrate_with_performance_monitor", "integrate_with_member_events", "watch_client"}
# The original's, with exactly its defaults.
DEFAULTS = {
    "error_webhook_url": None, "info_webhook_url": None, "performance_webhook_url": None, "member_events_webhook_url": None,
    "max_requests_per_minute": 30, "batch_size": 5, "batch_timeout_seconds": 10.0, "use_embeds": True,
    "include_timestamps": True, "include_bot_info": True, "mask_user_ids": False, "include_stack_traces": True,
    "max_message_length": 2000,
}  # fmt: skip
SIGNATURES = {
    "start": "(self)", "stop": "(self, timeout=10.0)", "flush": "(self, timeout=None)", "stats": "(self)",
    "reconfigure": "(self, config)", "submit": "(self, event)", "dead_letters": "(self, ids=None)", "replay": "(self, ids)",
    "purge": "(self, ids)", "forget": "(self, user_id, names=())",
}  # fmt: skip
# Given by position or by name; given by position, the names are free for the context.
SENDERS = ("send_log", "send_error", "send_performance_alert", "send_member_event")
FORMATTERS = ("format_log_message", "format_error_message", "format_performance_alert", "format_member_event")


def bare(function: object) -> str:
    """Return a signature without its annotations."""
    found = inspect.signature(function)  # type: ignore[arg-type]
    parameters = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values()]
    return str(found.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def test_the_promised_names_are_exported() -> None:
    assert set(statsbot_webhooks.__all__) >= NAMES
    assert all(hasattr(statsbot_webhooks, name) for name in statsbot_webhooks.__all__)
    assert config.LogLevel is LogLevel
    assert set(integration.__all__) >= INTEGRATIONS


def test_the_settings_of_the_original_have_its_defaults() -> None:
    fields = {field.name for field in dataclasses.fields(WebhookConfig)}
    assert fields >= set(DEFAULTS)
    made = WebhookConfig()
    assert {name: getattr(made, name) for name in DEFAULTS} == DEFAULTS
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.batch_size = 1  # type: ignore[misc]


@pytest.mark.parametrize(("name", "signature"), SIGNATURES.items())
def test_calls_of_the_manager_stay(name: str, signature: str) -> None:
    assert bare(getattr(WebhookManager, name)) == signature


def test_senders_and_formatters_take_any_context() -> None:
    for owner, names in ((WebhookManager, SENDERS), (MessageFormatter, FORMATTERS)):
        for name in names:
            parameters = inspect.signature(getattr(owner, name)).parameters.values()
            takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
            assert takes_any or name == "format_error_message", name


def test_the_manager_is_made_of_parts_and_inherits_nothing() -> None:
    assert WebhookManager.__bases__ == (object,)
    assert len(inspect.getsource(WebhookManager).splitlines()) < 250


async def test_short_ways_that_users_of_0_1_know_stay(tmp_path: Path) -> None:
    manager = WebhookManager(WebhookConfig(storage=f"sqlite:///{tmp_path}/events.sqlite3"))
    manager.add_secrets("planted-secret-of-the-user")
    assert "planted" not in manager.redact_text("it is planted-secret-of-the-user")
    manager.set_bot_info("shop-bot", None)
    assert manager.find_delivery_problem() == "delivery has stopped"
    with pytest.raises(LookupError):
        await manager.send_test("nowhere")


def test_a_message_has_what_users_read() -> None:
    message = MessageFormatter(WebhookConfig()).format_log_message(LogLevel.INFO, "text", component="example")
    assert isinstance(message, WebhookMessage)
    assert all(hasattr(message, name) for name in ("content", "embeds", "username", "avatar_url"))
    assert message.to_payload()["allowed_mentions"] == {"parse": []}
