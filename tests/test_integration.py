"""Stand-in modules that behave as StatsBot's do: imported by name, each line to the root logger, handlers cleared."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from statsbot_webhooks import WebhookConfig, WebhookLogHandler, setup_webhook_logging
from statsbot_webhooks.integration import (
    integrate_with_member_events,
    integrate_with_performance_monitor,
    integrate_with_tree_log,
    remove_integrations,
)
from statsbot_webhooks.sandbox import Sandbox

from .conftest import running_bot

_TREE = """
import logging
def _line(text):
    root = logging.getLogger()
    root.handlers.clear()
    root.warning(text)
def log_perfect_tree_section(title, items, emoji="x"):
    _line(title)
    for key, value in items:
        _line(f"|- {key}: {value}")
    return len(items)
def log_error_with_traceback(message, exception):
    _line(message)
def log_run_end(message):
    _line(message)
"""


@pytest.fixture
def tree() -> Iterator[ModuleType]:
    module, caller = ModuleType("tree_log"), ModuleType("tree_caller")
    sys.modules |= {"tree_log": module, "tree_caller": caller}
    exec(_TREE, vars(module))  # noqa: S102 - the stand-in's source is above
    names = ("log_perfect_tree_section", "log_run_end", "log_error_with_traceback")
    for name in names:
        setattr(caller, name, getattr(module, name))
    handlers = list(logging.getLogger().handlers)
    yield caller
    remove_integrations()
    del sys.modules["tree_log"], sys.modules["tree_caller"]
    logging.getLogger().handlers[:] = handlers


async def test_tree_calls_are_shipped_once(sandbox: Sandbox, urls: dict[str, str], tree: ModuleType) -> None:
    original = tree.log_run_end
    manager = setup_webhook_logging(WebhookConfig(**urls, batch_timeout_seconds=0.1))
    await manager.start()
    logging.getLogger().addHandler(WebhookLogHandler(manager.submit))
    assert integrate_with_tree_log()
    assert integrate_with_tree_log()
    assert tree.log_perfect_tree_section("Boot", [("guilds", 3), ("version", "1.0")]) == 2
    tree.log_run_end("the run ended")
    tree.log_error_with_traceback(message="it broke", exception=ValueError("why"))
    await manager.flush()
    stats = await manager.stats()
    await manager.stop()
    assert stats.accepted == 3
    info = "".join(message.text for message in sandbox.messages("info"))
    assert all(text in info for text in ("Boot", "guilds", "version", "the run ended"))
    assert "ValueError: why" in sandbox.messages("error")[0].text
    remove_integrations()
    assert tree.log_run_end is original


async def test_monitor_alerts_are_shipped(sandbox: Sandbox, urls: dict[str, str]) -> None:
    class Monitor:
        def send_alert(self, metric: str, value: float, threshold: float) -> str:
            return f"{metric} alerted"

    monitor = Monitor()
    manager = setup_webhook_logging(WebhookConfig(**urls, batch_timeout_seconds=0.1))
    await manager.start()
    assert integrate_with_performance_monitor(monitor)
    assert monitor.send_alert("memory_usage", 900.0, threshold=512.0) == "memory_usage alerted"
    await manager.stop()
    remove_integrations()
    assert "send_alert" not in vars(monitor)
    assert "memory" in sandbox.messages("performance")[0].text


async def test_member_events_ship_once_beside_the_extension(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:
        assert integrate_with_member_events(bot)
        sandbox.join("anna")
        await sandbox.wait_until(lambda: sandbox.messages("member_events"))
    assert "".join(message.text for message in sandbox.messages("member_events")).count("anna joined") == 1


def test_a_missing_module_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert not integrate_with_tree_log()
    assert "src.utils.tree_log" in caplog.text
