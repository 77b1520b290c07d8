"""Behaves as StatsBot's tree log: every call clears the root logger, sets it up anew, and writes each line to it at INFO.

Written from what that module does at commit 659c690 of trippixn963/StatsBot, not from its text.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

LOGS = Path("logs")
# StatsBot closes none of the handlers that it takes away; the tests do, at their end.
made: list[logging.Handler] = []


class TreeLogger:
    def __init__(self) -> None:
        self.run_id = f"{time.time_ns() & 0xFFFFFFFF:08X}"
        LOGS.mkdir(exist_ok=True)
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        for handler in root.handlers[:]:
            root.removeHandler(handler)
        for handler in (logging.StreamHandler(), logging.FileHandler(LOGS / "logs.log", encoding="utf-8")):
            handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
            root.addHandler(handler)
            made.append(handler)

    def _write_json_log(self, level: str, category: str, message: str) -> None:
        with (LOGS / "logs.json").open("a") as file:
            file.write(json.dumps({"level": level, "category": category, "message": message, "run_id": self.run_id}) + "\n")

    def _section(self, header: str, items: Iterable[tuple[object, object]]) -> None:
        log = logging.getLogger()
        log.info("")
        log.info("")
        log.info(header)
        lines = list(items)
        for number, (key, value) in enumerate(lines):
            line = f"{'└─' if number == len(lines) - 1 else '├─'} {key}: {value}"
            log.info(line)
            self._write_json_log("INFO", "tree_item", line)

    def log_section(self, title: str, items: Iterable[tuple[object, object]], emoji: str = "") -> None:
        self._section(f"{emoji} {title}", items)

    def log_run_header(self, bot_name: str, version: str) -> None:
        logging.getLogger().info("=" * 80)
        self._section(f"🎯 {bot_name} v{version} - Run ID: {self.run_id}", [("version", version), ("run_id", self.run_id)])

    def log_run_end(self, reason: str = "Normal shutdown") -> None:
        self._section(f"🏁 Bot Run Ended - Run ID: {self.run_id}", [("reason", reason)])
        logging.getLogger().info("=" * 80)


def log_perfect_tree_section(title: str, items: Iterable[tuple[object, object]], emoji: str = "") -> None:
    TreeLogger()._section(f"{emoji} {title}", items)


def log_error_with_traceback(message: str, error: object, level: str = "ERROR") -> None:
    logger, log = TreeLogger(), logging.getLogger()
    number = {"ERROR": logging.ERROR, "CRITICAL": logging.CRITICAL}.get(level, logging.WARNING)
    log.log(number, f"❌ {level}: {message}")
    logger._write_json_log(level, "error", message)
    if error:
        log.error(f"└─ {type(error).__name__}: {error}")
        if isinstance(error, BaseException):
            for line in traceback.format_tb(error.__traceback__):
                log.error(f"   {line.strip()}")


def log_run_header(bot_name: str, version: str) -> None:
    return TreeLogger().log_run_header(bot_name, version)


def log_run_end(reason: str = "Normal shutdown") -> None:
    return TreeLogger().log_run_end(reason)


async def log_async_section(title: str, items: Iterable[tuple[object, object]], emoji: str = "") -> int:
    """StatsBot has none of these yet; bots made after it have."""
    TreeLogger()._section(f"{emoji} {title}", items)
    return 7
