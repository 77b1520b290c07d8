"""A bot with StatsBot's own modules and the extension: trees arrive as one card each, alerts as one, and nothing twice."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from discord.ext import commands

from statsbot_webhooks import get_webhook_manager
from statsbot_webhooks.integration.statsbot import (
    integrate_with_performance_monitor,
    integrate_with_tree_log,
    remove_integrations,
)
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot

EXTENSION = "statsbot_webhooks"
ITEMS = [("bot_name", "StatsBot"), ("guilds", 3), ("message", "ready"), ("guilds", "again")]


@pytest.fixture(autouse=True)
def undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(Path(__file__).parent / "statsbot")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    remove_integrations()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in [name for name in sys.modules if name == "src" or name.startswith("src.")]:
        module = sys.modules.pop(name)
        for handler in getattr(module, "made", ()):
            handler.close()
        if hasattr(module, "performance_monitor"):
            module.performance_monitor.shutdown()


@pytest.fixture
def tree() -> ModuleType:
    from src.utils import tree_log  # noqa: PLC0415 - from the folder that the fixture before put on the path

    return tree_log


@pytest.fixture
def talkative(env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every line that the tree log writes at INFO would be shipped too."""
    env.setenv("WEBHOOK_LOG_LEVEL", "INFO")
    return env


async def cards(sandbox: Sandbox, *channels: str) -> list[dict[str, Any]]:
    await get_webhook_manager().flush(10)
    names = channels or ("error", "info", "performance", "member_events")
    return [embed for name in names for message in sandbox.messages(name) for embed in message.embeds]


async def test_a_tree_section_is_one_card_with_its_lines_as_fields(
    sandbox: Sandbox, talkative: pytest.MonkeyPatch, tree: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    held_by_name = tree.log_perfect_tree_section
    held_by_name("Services Up", ITEMS, emoji="🎯")
    printed = capsys.readouterr().err
    async with running_bot(sandbox):
        assert integrate_with_tree_log()
        capsys.readouterr()
        held_by_name("Services Up", ITEMS, emoji="🎯")
        assert capsys.readouterr().err == printed
        tree.TreeLogger().log_section("By method", [("a", 1)], "🌳")
        assert await tree.log_async_section("By coroutine", [("b", 2)], "⏳") == 7
        assert inspect.iscoroutinefunction(tree.log_async_section)
        tree.log_run_header("StatsBot", "1.2.3")
        tree.log_run_end("message of the day")
        everything = await cards(sandbox)
    found = [card for card in everything if card.get("footer", {}).get("text", "").startswith("log_")]
    shown = {card["title"]: [(item["name"], item["value"]) for item in card.get("fields", ())] for card in found}
    lines = [("Bot name", "StatsBot"), ("Guilds", "3"), ("Message", "ready"), ("guilds (2)", "again")]
    assert shown["🎯 Services Up"] == lines
    assert shown["🌳 By method"] == [("A", "1")]
    assert shown["⏳ By coroutine"] == [("B", "2")]
    assert [name for name, _ in shown["🎯 StatsBot"]] == ["Version", "Run ID"]
    assert [name for name, _ in shown["🏁 message of the day"]] == ["Run ID"]
    assert "🏁 message of the day" in shown
    # None of the lines came loose, though each was written to the root logger at INFO.
    assert not [card for card in everything if any(mark in str(card) for mark in ("─", "===", "Run ID:"))]
    assert len(found) == 5


async def test_an_error_in_a_command_arrives_once_with_the_command(
    sandbox: Sandbox, talkative: pytest.MonkeyPatch, tree: ModuleType
) -> None:
    async with running_bot(sandbox) as bot:
        assert integrate_with_tree_log()

        @bot.command()
        async def save(ctx: commands.Context[commands.Bot]) -> None:
            try:
                raise OSError("disk full")
            except OSError as error:
                tree.log_error_with_traceback("while saving", error, "CRITICAL")
                raise

        sandbox.say("!save")
        tree.log_error_with_traceback("only a text", "no exception", "WARNING")
        await sandbox.wait_until(lambda: any("disk full" in str(e) for m in sandbox.messages("error") for e in m.embeds))
        sandbox.say("!nothing")
        found = [card for card in await cards(sandbox, "error") if "disk full" in str(card) or "only a text" in str(card)]
    assert len(found) == 2
    error = next(card for card in found if "disk full" in str(card))
    assert error["title"] == "CRITICAL · while saving"
    assert f'> File "{__file__}"' in error["description"]
    assert {"name": "Command", "value": "!save", "inline": True} in error["fields"]
    text = next(card for card in found if "only a text" in str(card))
    assert (text["title"], text["fields"][0]["value"]) == ("WARNING · only a text", "no exception")


async def test_logs_between_tree_calls_that_clear_the_root_arrive_once(
    sandbox: Sandbox, env: pytest.MonkeyPatch, tree: ModuleType
) -> None:
    async with running_bot(sandbox):
        assert integrate_with_tree_log()
        for number in range(20):
            tree.log_perfect_tree_section(f"section {number}", [])
            logging.getLogger("app").warning("between %s", chr(97 + number))
        # Not integrated, the tree log still does not keep us from the records.
        remove_integrations()
        tree.TreeLogger()
        logging.getLogger("app").warning("between all")
        await get_webhook_manager().flush(10)
    everything = "\n".join(message.text for message in sandbox.messages("error"))
    files = [file.data.decode("utf-8", "replace") for message in sandbox.messages("error") for file in message.attachments]
    for letter in [*map(chr, range(97, 117)), "all"]:
        assert f"between {letter}" in everything + "".join(files), letter


@pytest.mark.slow
async def test_unloading_undoes_and_loading_makes_again(sandbox: Sandbox, env: pytest.MonkeyPatch, tree: ModuleType) -> None:
    functions = [tree.log_perfect_tree_section, tree.log_async_section, tree.TreeLogger.log_section]
    before = [(function.__code__, dict(vars(function))) for function in functions]

    def is_untouched() -> bool:
        return [(function.__code__, dict(vars(function))) for function in functions] == before

    async with running_bot(sandbox) as bot:
        assert integrate_with_tree_log()
        assert not is_untouched()
        for number in range(2):
            await bot.unload_extension(EXTENSION)
            assert is_untouched()
            functions[0]("while unloaded", [])
            await bot.load_extension(EXTENSION)
            functions[0](f"after load {number}", [])
            await bot.reload_extension(EXTENSION)
            functions[0](f"after reload {number}", [])
        titles = [card["title"] for card in await cards(sandbox, "info") if "after" in card["title"] or "while" in card["title"]]
    assert sorted(titles) == sorted(f"after {what} {number}" for what in ("load", "reload") for number in range(2))
    # What is logged after the bot was closed is kept for the next start.
    assert not is_untouched()
    remove_integrations()
    assert is_untouched()


@pytest.mark.slow
async def test_the_monitor_ships_one_card_for_memory_and_each_slow_function(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    from src.utils import performance  # noqa: PLC0415 - from the folder that the fixture before put on the path

    monitor = performance.performance_monitor

    @performance.timing(include_memory=False, category="stats")
    async def collect() -> str:
        return "done"

    @performance.timing()
    def render() -> str:
        return "drawn"

    async with running_bot(sandbox) as bot:
        assert integrate_with_performance_monitor()
        monitor.memory = 600.0
        assert render() == "drawn"
        await sandbox.wait_until(lambda: any("Memory (StatsBot)" in str(m.embeds) for m in sandbox.messages("performance")))
        monitor.memory = 1500.0
        for _ in range(5):
            monitor._check_memory_thresholds(monitor.memory)
        monitor.thresholds["slow_operation"] = 0.0
        assert await collect() == "done"
        await bot.reload_extension(EXTENSION)
        # Still too high: what lasted is closed by the reload, and goes on as a new one.
        monitor._check_memory_thresholds(monitor.memory)
        monitor.memory = 100.0
        render()
        await get_webhook_manager().flush(10)
        assert [monitor.alerts[0][0], len(monitor.alerts)] == ["warning", 7]
    found = [embed for message in sandbox.messages("performance") for embed in message.embeds]
    memory = [card["title"] for card in found if "(StatsBot)" in card["title"]]
    slow = [card for card in found if "slow" in card["title"].lower()]
    # A card is named after the second in which the value rose, so that the two may be one.
    assert memory[-1] == "Memory (StatsBot) is back to normal"
    assert set(memory[:-1]) <= {"Memory (StatsBot) was too high when the bot stopped"}
    assert len(slow) == 2
    assert {"collect", "render"} == {name for name in ("collect", "render") for card in slow if name in str(card)}
    assert "_check_memory_thresholds" not in vars(monitor)
