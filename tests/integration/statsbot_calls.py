"""Calls every function of the real StatsBot's tree log, as its own code does; INTEGRATED says whether we are there.

Prints with the tree log's own handlers; what we have captured goes to `captured.json`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

sys.path.insert(0, os.environ["STATSBOT_DIR"])

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


def main() -> None:
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
                events.append({"title": event.title, "level": event.level, "context": event.context, "text": format_text(event)})
                return True

        assert integrate_with_tree_log()
        call_first = log_run_header
        call_first("Before", "0.1")
        set_current_manager(Kept())
        call_all()
        # The first StatsBots have no monitor.
        has_monitor = os.path.exists(os.path.join(os.environ["STATSBOT_DIR"], "src/utils/performance.py"))
        events.append({"monitors": integrate_with_performance_monitor() if has_monitor else True})
        with open("captured.json", "w") as file:
            json.dump(events, file)
    else:
        log_run_header("Before", "0.1")
        call_all()


main()
