"""The real StatsBot's modules: run where STATSBOT_DIR names a checkout of trippixn963/StatsBot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("STATSBOT_DIR" not in os.environ, reason="STATSBOT_DIR names no checkout of trippixn963/StatsBot"),
]
_SCRIPT = Path(__file__).with_name("statsbot_calls.py")
_ROOT = Path(__file__).parents[2]
_VARYING = (
    (re.compile(r"\d\d/\d\d \d\d:\d\d [AP]M EST"), "TIME"),
    (re.compile(r"\b[0-9A-F]{8}\b"), "RUN"),
    (re.compile(r"\d+\.\d\dms"), "DURATION"),
    (re.compile(r"freed -?\d+\.\d\dMB"), "freed SIZE"),
    (re.compile(r"\d{4}-\d\d-\d\d[T0-9:.+-]*"), "DATE"),
)


def run(folder: Path, **extra: str) -> tuple[str, dict[str, str]]:
    """Return what the script printed, and the files that it wrote, made comparable."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), **extra}
    command = [sys.executable, "-W", "error::SyntaxWarning", str(_SCRIPT)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    files.pop("captured.json", None)
    return comparable(done.stdout + done.stderr), {comparable(name): comparable(text) for name, text in files.items()}


def comparable(text: str) -> str:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


def test_console_and_files_are_the_same_and_each_call_is_one_event(tmp_path: Path) -> None:
    (printed, files), (plain, plain_files) = run(tmp_path / "with", INTEGRATED="1"), run(tmp_path / "without")
    assert list(unified_diff(plain.splitlines(), printed.splitlines(), lineterm="")) == []
    assert files == plain_files
    every = json.loads((tmp_path / "with" / "captured.json").read_text())
    events = [event for event in every if event["kind"] != "performance"]
    assert every[: len(events)] == events
    _assert_monitors(every[len(events) :])
    titles = [event["title"] for event in events]
    assert titles == [
        "🎯 Before",
        "🎯 StatsBot",
        "🌳 Many",
        "Twice",
        "🔌 By method",
        "ERROR · while saving",
        "CRITICAL · while saving",
        "WARNING · while saving",
        "ERROR · only a text",
        # The call that fails half way is shipped too; the one whose arguments do not fit was no call.
        "x",
        "🏁 Normal shutdown",
    ]
    by_title: dict[str, Any] = dict(zip(titles, events, strict=True))
    assert list(by_title["🌳 Many"]["context"]) == [f"key {number}" for number in range(40)]
    assert by_title["Twice"]["context"] == {"same": 1, "same (2)": 2}
    assert re.fullmatch("[0-9A-F]{8}", by_title["🎯 StatsBot"]["context"]["run_id"])
    assert "OSError: disk CRITICAL" in by_title["CRITICAL · while saving"]["text"]
    if "self.start_time =" in (Path(os.environ["STATSBOT_DIR"]) / "src/utils/tree_log.py").read_text():
        assert by_title["🏁 Normal shutdown"]["context"]["duration"] == "0s"


def _assert_monitors(events: list[dict[str, Any]]) -> None:
    """Each finding of `performance.py` and of each `MemoryMonitor` has arrived, and no other."""
    if not (Path(os.environ["STATSBOT_DIR"]) / "src/utils/performance.py").exists():
        assert events == []
        return
    slow = [event["context"]["function"] for event in events if event["origin"] == "slow_operation"]
    assert [name.rpartition(".")[2] for name in slow] == ["save", "load"]
    memory = [(event["level"], event["text"]) for event in events if event["origin"] == "memory_mb/(StatsBot)"]
    assert len(slow) + len(memory) == len(events)
    # The monitor of the script is critical and then well; StatsBot's own is high, critical and well; its other one is critical.
    assert [level for level, _ in memory] == ["CRITICAL", "INFO", "WARNING", "CRITICAL", "INFO", "CRITICAL"]
