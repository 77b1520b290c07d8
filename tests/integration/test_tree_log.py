"""StatsBot's modules, by stand-ins that behave as they do: imported by name, writing to and clearing the root logger."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig, WebhookLogHandler, WebhookManager
from statsbot_webhooks.current_manager import set_current_manager
from statsbot_webhooks.integration.statsbot import (
    integrate_with_member_events,
    integrate_with_performance_monitor,
    integrate_with_tree_log,
    remove_integrations,
)
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot

TREE_LOG = """
import logging

class TreeLogger:
    def __init__(self):
        root = logging.getLogger()
        for handler in root.handlers[:]:
            root.removeHandler(handler)

    def log_section(self, title, items, emoji=""):
        logging.getLogger().warning(f"{emoji} {title}")

    def log_run_header(self, bot_name, version):
        logging.getLogger().warning(f"{bot_name} v{version}")
        return "RUN1"

def log_perfect_tree_section(title, items, emoji=""):
    TreeLogger()
    log = logging.getLogger()
    log.warning("")
    log.warning(f"{emoji} {title}")
    for index, (key, value) in enumerate(items):
        log.warning(f"{'└─' if index == len(items) - 1 else '├─'} {key}: {value}")
    return len(items)

def log_error_with_traceback(message, error, level="ERROR"):
    TreeLogger()
    logging.getLogger().error(f"{level}: {message}")
    logging.getLogger().error(f"{type(error).__name__}: {error}")

def log_run_header(bot_name, version):
    return TreeLogger().log_run_header(bot_name, version)

def log_run_end(message="Normal shutdown"):
    logging.getLogger().warning(message)

def make():
    prefix = "closed over"
    def log_closure(title):
        logging.getLogger().warning(title)
        return prefix
    return log_closure

log_closure = make()
"""


class Monitor:
    """Checks as StatsBot's `PerformanceMonitor` does, without its thread."""

    def __init__(self) -> None:
        self.thresholds = {"memory_warning": 512.0, "memory_critical": 1024.0, "slow_operation": 1000.0}
        self.checked: list[float] = []

    def _record_metric(  # noqa: PLR0913 - StatsBot's signature
        self,
        func: Any,
        duration: Any,
        memory_before: Any,
        memory_after: Any,
        args: Any,
        kwargs: Any,
        exception_info: Any,
        category: Any,
        log_slow: Any,
    ) -> None:
        if log_slow and duration > self.thresholds["slow_operation"]:
            logging.getLogger("performance").warning("Slow operation detected")
        if memory_after > 0:
            self._check_memory_thresholds(memory_after)

    def _check_memory_thresholds(self, memory_usage: float) -> None:
        self.checked.append(memory_usage)
        if memory_usage > self.thresholds["memory_warning"]:
            logging.getLogger("performance").warning("High memory usage")

    def time(self, duration: float, memory: float) -> None:
        self._record_metric(Monitor.time, duration, 0, memory, (), {}, None, "general", True)


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    yield
    remove_integrations()
    sys.modules.pop("_statsbot_webhooks_integrations", None)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("tree_log")
    exec(TREE_LOG, module.__dict__)  # noqa: S102 - a stand-in whose functions belong to a module of that name
    monkeypatch.setitem(sys.modules, "tree_log", module)
    return module


@pytest.fixture
async def manager(sandbox: Sandbox, urls: dict[str, Any]) -> AsyncIterator[WebhookManager]:
    manager = WebhookManager(WebhookConfig(**urls, batch_timeout_seconds=0.05))
    handler = WebhookLogHandler(manager.submit)
    logging.getLogger().addHandler(handler)
    set_current_manager(manager)
    await manager.start()
    yield manager
    await manager.stop(5)
    set_current_manager(None)
    logging.getLogger().removeHandler(handler)


async def shown(manager: WebhookManager, sandbox: Sandbox, channel: str) -> list[str]:
    await manager.flush(5)
    return [str(embed) for message in sandbox.messages(channel) for embed in message.embeds]


async def test_a_caller_by_name_ships_each_call_once(manager: WebhookManager, sandbox: Sandbox, tree: ModuleType) -> None:
    log, held = tree.log_perfect_tree_section, {"end": tree.log_run_end}
    assert integrate_with_tree_log()
    assert integrate_with_tree_log(tree)
    assert log("Bot Ready", [("message", "fine"), ("level", "high"), ("level", "low")], emoji="🎯") == 3
    held["end"]("message in the tree")
    info = await shown(manager, sandbox, "info")
    assert len(info) == 2
    assert "🎯 Bot Ready" in info[0]
    assert all(text in info[0] for text in ("fine", "high", "low"))
    assert "message in the tree" in info[1]
    # S2: none of the lines came through the root logger as well.
    assert await shown(manager, sandbox, "error") == []


async def test_nested_functions_methods_and_closures(manager: WebhookManager, sandbox: Sandbox, tree: ModuleType) -> None:
    holder = ModuleType("holder")
    sys.modules["holder"] = holder
    holder.__dict__["mine"] = tree.log_closure
    try:
        assert integrate_with_tree_log(tree)
        assert tree.log_run_header("StatsBot", "1.2") == "RUN1"
        assert holder.__dict__["mine"]("from a closure") == "closed over"
        tree.TreeLogger().log_section("by method", [("a", 1)])
        remove_integrations()
        assert holder.__dict__["mine"] is tree.log_closure
    finally:
        del sys.modules["holder"]
    info = await shown(manager, sandbox, "info")
    assert len(info) == 3
    for text in ("StatsBot", "from a closure", "by method"):
        assert sum(text in embed for embed in info) == 1, text
    assert await shown(manager, sandbox, "error") == []


async def test_errors_go_to_the_error_channel(manager: WebhookManager, sandbox: Sandbox, tree: ModuleType) -> None:
    assert integrate_with_tree_log(tree)
    try:
        raise ValueError("broken thing")
    except ValueError as error:
        tree.log_error_with_traceback("while saving", error)
    tree.log_error_with_traceback("no exception", None, level="CRITICAL")
    errors = await shown(manager, sandbox, "error")
    assert len(errors) == 2
    both = "\n".join(errors)
    assert "while saving" in both
    assert "test_errors_go_to_the_error_channel" in both


async def test_our_handler_is_back_at_once(manager: WebhookManager, sandbox: Sandbox, tree: ModuleType) -> None:
    assert integrate_with_tree_log(tree)
    tree.log_perfect_tree_section("clears the handlers", [])
    logging.getLogger("app").warning("right after it")
    assert sum("right after it" in embed for embed in await shown(manager, sandbox, "error")) == 1


async def test_an_exception_of_the_original_passes(manager: WebhookManager, tree: ModuleType) -> None:
    assert integrate_with_tree_log(tree)
    with pytest.raises(TypeError):
        tree.log_perfect_tree_section("items are no list", None)
    with pytest.raises(TypeError):
        tree.log_perfect_tree_section()


async def test_a_call_that_raises_is_shipped(manager: WebhookManager, sandbox: Sandbox, tree: ModuleType) -> None:
    assert integrate_with_tree_log(tree)
    with pytest.raises((TypeError, ValueError)):
        tree.log_perfect_tree_section("half way", [1])
    assert "half way" in str(await shown(manager, sandbox, "info"))


def test_undone_in_full(tree: ModuleType) -> None:
    functions = [tree.log_perfect_tree_section, tree.TreeLogger.log_section]
    before = [(function, function.__code__, dict(vars(function))) for function in functions]
    assert integrate_with_tree_log(tree)
    assert all(function.__code__ is not code for function, code, _ in before)
    remove_integrations()
    remove_integrations()
    for function, code, attributes in before:
        assert function.__code__ is code
        assert vars(function) == attributes


def test_without_a_manager_calls_go_on(tree: ModuleType) -> None:
    set_current_manager(None)
    assert integrate_with_tree_log(tree)
    assert tree.log_perfect_tree_section("x", [("a", 1)]) == 1


def test_a_refusal_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert not integrate_with_tree_log()
        assert not integrate_with_tree_log(ModuleType("empty"))
        assert not integrate_with_performance_monitor()
        assert not integrate_with_performance_monitor(object())
        assert not integrate_with_member_events(object())  # type: ignore[arg-type]
    assert len([record for record in caplog.records if "not integrated" in record.message]) == 5


@pytest.mark.slow
async def test_the_monitor_ships_alerts(manager: WebhookManager, sandbox: Sandbox) -> None:
    monitor = Monitor()
    assert integrate_with_performance_monitor(monitor)
    assert integrate_with_performance_monitor(monitor)
    monitor.time(10, 100)
    monitor.time(1500, 600)
    alerts = await shown(manager, sandbox, "performance")
    for text in ("1500", "600"):
        assert sum(text in embed for embed in alerts) == 1, text
    assert len(alerts) == 2
    assert await shown(manager, sandbox, "error") == []
    remove_integrations()
    assert set(vars(monitor)) == {"thresholds", "checked"}
    monitor.time(1500, 2000)
    assert len(await shown(manager, sandbox, "performance")) == 2


async def test_removing_ends_the_open_memory_card(manager: WebhookManager, sandbox: Sandbox) -> None:
    monitor = Monitor()
    assert integrate_with_performance_monitor(monitor)
    monitor.time(10, 600)
    await shown(manager, sandbox, "performance")
    remove_integrations()
    # An edit of a card has a pace of its own.
    await sandbox.wait_until(lambda: "was too high when the bot stopped" in str(sandbox.messages("performance")[0].embeds), 20)
    assert len(sandbox.messages("performance")) == 1


async def test_member_events_with_the_extension_ship_once(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:
        assert integrate_with_member_events(bot)
        sandbox.join("anna")
        await sandbox.wait_until(lambda: sandbox.messages("member_events"))
    assert sum("anna joined" in str(e) for m in sandbox.messages("member_events") for e in m.embeds) == 1


async def test_member_events_before_the_extension_ship_once(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:
        await bot.unload_extension("statsbot_webhooks")
        assert integrate_with_member_events(bot)
        assert integrate_with_member_events(bot)
        await bot.load_extension("statsbot_webhooks")
        sandbox.join("anna")
        await sandbox.wait_until(lambda: sandbox.messages("member_events"))
    assert sum("anna joined" in str(e) for m in sandbox.messages("member_events") for e in m.embeds) == 1


async def test_member_listeners_are_removed() -> None:
    bot = commands.Bot("!", intents=discord.Intents.all())
    before = {name: list(listeners) for name, listeners in bot.extra_events.items()}
    assert integrate_with_member_events(bot)
    assert bot.extra_events
    remove_integrations()
    assert {name: each for name, each in bot.extra_events.items() if each} == before


async def test_a_reload_of_the_extension_keeps_the_tree_log(sandbox: Sandbox, env: pytest.MonkeyPatch, tree: ModuleType) -> None:
    async with running_bot(sandbox) as bot:
        assert integrate_with_tree_log(tree)
        await bot.reload_extension("statsbot_webhooks")
        assert importlib.import_module("statsbot_webhooks.integration").integrate_with_tree_log(tree)
        tree.log_perfect_tree_section("after the reload", [("a", 1)])
    info = [str(embed) for message in sandbox.messages("info") for embed in message.embeds]
    assert sum("after the reload" in embed for embed in info) == 1
    assert not sandbox.messages("error")


async def test_a_function_without_its_source_shows_no_frame_of_ours(tree: ModuleType) -> None:
    exec("async def log_later(items):\n    for key, value in items: ...", vars(tree))  # noqa: S102 - as hosts do
    assert integrate_with_tree_log(tree)
    for call in (lambda: tree.log_perfect_tree_section("x", [1]), lambda: tree.log_perfect_tree_section(nothing=1)):
        with pytest.raises(TypeError) as raised:
            call()
        assert [entry.name for entry in raised.traceback if "statsbot_webhooks/" in str(entry.path)] == []
    with pytest.raises(TypeError) as raised:
        await tree.log_later([1])
    assert [entry.name for entry in raised.traceback if "statsbot_webhooks/" in str(entry.path)] == []
    assert raised.traceback[-1].name == "log_later"


async def test_errors_of_one_place_under_different_titles_are_all_readable(
    sandbox: Sandbox, env: pytest.MonkeyPatch, tree: ModuleType
) -> None:
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.2")
    names = ("ALPHA", "BRAVO", "CHARLIE", "DELTA")
    async with running_bot(sandbox) as bot:
        assert integrate_with_tree_log(tree)

        def update(name: str) -> None:
            try:
                raise OSError("404 Not Found")
            except OSError as error:
                tree.log_error_with_traceback(f"channel {name}", error)

        for name in names[:3]:
            update(name)
        await bot.cogs["Webhooks"].manager.flush(10)
        # This one comes to the card by an edit.
        update(names[3])
        await sandbox.wait_until(lambda: "DELTA" in str([m.embeds for m in sandbox.messages("error")]), 20)
    text = str([(message.text, message.embeds) for message in sandbox.messages("error")])
    assert [name for name in names if f"channel {name}" not in text] == []


async def test_a_join_that_statsbot_logs_as_a_section_too_is_one_card(
    sandbox: Sandbox, env: pytest.MonkeyPatch, tree: ModuleType
) -> None:
    async with running_bot(sandbox) as bot:
        assert integrate_with_tree_log(tree)

        # StatsBot tells of each member twice: its listener logs a section, before ours or after.
        def tell(title: str, user: discord.abc.User) -> None:
            tree.log_perfect_tree_section(title, [("member", user.name), ("id", str(user.id)), ("date", "2026-11-26")], "➡️")

        async def on_member_join(member: discord.Member) -> None:
            tell("Member Join", member)

        async def on_member_remove(member: discord.Member) -> None:
            tell("Member Leave", member)

        bot.extra_events.setdefault("on_member_join", []).insert(0, on_member_join)
        bot.add_listener(on_member_remove)
        anna = sandbox.join("anna")
        await sandbox.wait_until(lambda: "anna joined" in str([m.embeds for m in sandbox.messages("member_events")]))
        sandbox.leave(anna)
        await sandbox.wait_until(lambda: "anna left" in str([m.embeds for m in sandbox.messages("member_events")]))
        # A section that only looks like one.
        tree.log_perfect_tree_section("Member count", [("id", str(anna)), ("count", 3)])
        await sandbox.wait_until(lambda: "Member count" in str([m.embeds for m in sandbox.messages("info")]))
    sections = [str(embed) for message in sandbox.messages("info") for embed in message.embeds]
    assert not [each for each in sections if "anna" in each]
    cards = [str(embed) for message in sandbox.messages("member_events") for embed in message.embeds]
    assert len(cards) == 2
