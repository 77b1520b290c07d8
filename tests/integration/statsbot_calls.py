"""Calls every function of the real StatsBot's tree log, as its own code does; INTEGRATED says whether we are there.

Prints with the tree log's own handlers; what we have captured goes to `captured.json`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import time
import traceback
from typing import Any

sys.path.insert(0, os.environ["STATSBOT_DIR"])

import contextlib

from src.utils.tree_log import (  # type: ignore[import-not-found]  # noqa: E402
    TreeLogger,
    log_error_with_traceback,
    log_perfect_tree_section,
    log_run_end,
    log_run_header,
)


def call_all() -> None:
    log_run_header("StatsBot", "1.0.0")
    log_perfect_tree_section("Many", [(f"key {number}", number) for number in range(40)], emoji="🌳")
    log_perfect_tree_section("Twice", [("same", 1), ("same", 2)])
    TreeLogger().log_section("By method", [("a", 1)], "🔌")
    for level in ("ERROR", "CRITICAL", "WARNING"):
        try:
            raise OSError(f"disk {level}")
        except OSError as error:
            log_error_with_traceback("while saving", error, level)
    log_error_with_traceback("only a text", None)
    for wrong in (lambda: log_perfect_tree_section("x", [("a", 1)], level="WARNING"), lambda: log_perfect_tree_section("x", [1])):
        try:
            wrong()
        except TypeError:
            print(traceback.format_exc())
    try:
        log_run_end("Normal shutdown")
    except AttributeError:
        # The first StatsBot has no time of its start.
        print(traceback.format_exc())


def load_hidden() -> Any:
    """Return the module of performance.py, which a package of that name hides; None where there is none."""
    path = os.path.join(os.environ["STATSBOT_DIR"], "src/utils/performance.py")
    if not os.path.exists(path):
        # The first StatsBots have no monitor.
        return None
    spec = importlib.util.spec_from_file_location("hidden_performance", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def call_monitors(hidden: Any) -> None:
    from src.utils.performance import MemoryMonitor, memory_monitor  # type: ignore[import-not-found]

    monitor = hidden.performance_monitor
    monitor.thresholds.update(slow_operation=5.0)

    @monitor.timing_decorator(category="db")
    def save() -> None:
        time.sleep(0.02)

    @monitor.timing_decorator(category="db")
    async def load() -> None:
        await asyncio.sleep(0.02)
        raise LookupError("no such row")

    async def run() -> None:
        save()
        with contextlib.suppress(LookupError):
            await load()
        own = MemoryMonitor(warning_threshold=0.5, critical_threshold=1.0, check_interval=0.01)
        own._get_memory_usage = lambda: 2.0
        await own.start_monitoring()
        await asyncio.sleep(0)
        own._get_memory_usage = lambda: 0.1
        own._check_memory_thresholds(0.1)
        await own.stop_monitoring()

    monitor._get_memory_usage = lambda: 0.0
    asyncio.run(run())
    for usage in (600.0, 1100.0, 100.0):
        monitor._check_memory_thresholds(usage)
    memory_monitor._trigger_gc = lambda: 0.0
    memory_monitor._check_memory_thresholds(memory_monitor.critical_threshold + 1)
    monitor._monitoring_active = False


def main() -> None:
    hidden = load_hidden()
    events: list[Any] = []
    if os.environ.get("INTEGRATED"):
        from statsbot_webhooks import WebhookConfig
        from statsbot_webhooks.current_manager import set_current_manager
        from statsbot_webhooks.formatting.full_text import format_text
        from statsbot_webhooks.integration import integrate_with_performance_monitor, integrate_with_tree_log
        from statsbot_webhooks.issues.fingerprint import finish

        class Kept:
            config = WebhookConfig()

            def submit(self, event: Any) -> bool:
                event = finish(event)
                events.append(
                    {
                        "title": event.title,
                        "level": event.level,
                        "kind": event.kind,
                        "origin": event.origin,
                        "context": event.context,
                        "text": format_text(event),
                    }
                )
                return True

        assert integrate_with_tree_log()
        call_first = log_run_header
        call_first("Before", "0.1")
        set_current_manager(Kept())
        call_all()
        if hidden is not None:
            assert integrate_with_performance_monitor()
            call_monitors(hidden)
        with open("captured.json", "w") as file:
            json.dump(events, file)
    else:
        log_run_header("Before", "0.1")
        call_all()
        if hidden is not None:
            call_monitors(hidden)


main()
