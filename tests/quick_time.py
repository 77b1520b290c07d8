"""Time that passes faster while everything waits, for tests of what takes seconds by a clock.

A test's event loops wait in `select`. While every one of them does, no thread or server runs or waits for a disk and no child
process lives, nothing can happen but that time passes: then `time.time` and `time.monotonic`, which event loops and our clocks
read, go `FACTOR` times as fast. As soon as anything works, they go on as usual; so a busy machine makes no timeout shorter.

The clock of threads (`threading`, `queue`) is the machine's own, and so is `datetime.now`. Only where /proc tells what threads
do; elsewhere time passes as it does.
"""

from __future__ import annotations

import math
import os
import selectors
import threading
import time
from pathlib import Path
from typing import Any, Final

import pytest

FACTOR: Final = 50
# How long a look at a quiet process lasts, and how much of it counts: what the machine is late was not seen to be quiet.
_LOOK_SECONDS: Final = 0.002
_MOST_SECONDS: Final = 0.004
# Processes of servers that are no children of this one: while one works, time passes as it does.
SERVERS: Final[set[int]] = set()
_TASKS: Final = Path("/proc/self/task")
_select = selectors.EpollSelector.select if hasattr(selectors, "EpollSelector") else None
_monotonic, _time, _time_ns = time.monotonic, time.time, time.time_ns


class QuickTime:
    """The clock of a process: the machine's, and what was gained while everything waited."""

    def __init__(self) -> None:
        self.gained = 0.0
        self._lock = threading.Lock()
        # Until when each waiting selector waits; one that does something has no entry but is known.
        self._deadlines: dict[Any, float | None] = {}
        # Since when nothing was seen to be done.
        self._quiet_since = _monotonic()

    def monotonic(self) -> float:
        return _monotonic() + self.gained

    def time(self) -> float:
        return _time() + self.gained

    def time_ns(self) -> int:
        return _time_ns() + int(self.gained * 1e9)

    def select(self, selector: Any, timeout: float | None = None) -> list[Any]:
        """Wait as the selector does, in the time of this clock."""
        assert _select is not None
        if timeout is not None and timeout <= 0:
            return _select(selector, timeout)
        deadline = math.inf if timeout is None else self.monotonic() + timeout
        with self._lock:
            self._deadlines[selector] = deadline
            self._quiet_since = _monotonic()
        try:
            while (left := deadline - self.monotonic()) > 0:
                if ready := _select(selector, min(left, _LOOK_SECONDS)):
                    return ready
                self._pass()
            return []
        finally:
            with self._lock:
                self._deadlines[selector] = None

    def close(self, selector: Any) -> None:
        with self._lock:
            self._deadlines.pop(selector, None)

    def _pass(self) -> None:
        """Let the time since the last look pass faster, when nothing was done in it."""
        with self._lock:
            now = _monotonic()
            if self._is_quiet():
                first = min(deadline for deadline in self._deadlines.values() if deadline is not None)
                gain = min(now - self._quiet_since, _MOST_SECONDS) * (FACTOR - 1)
                self.gained += max(min(gain, first - now - self.gained), 0.0)
            self._quiet_since = now

    def _is_quiet(self) -> bool:
        if None in self._deadlines.values():
            return False
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            pass
        else:
            return False
        me = str(threading.get_native_id())
        tasks = (f"{_TASKS}/{task}" for task in os.listdir(_TASKS) if task != me)
        return not any(_works(task) for task in (*tasks, *(f"/proc/{server}" for server in SERVERS)))


def _works(task: str) -> bool:
    """Whether a thread or process runs or would (R), or waits for a disk (D)."""
    try:
        with open(f"{task}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] in (b"R", b"D")
    except OSError:
        return False


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass so for the rest of a test."""
    if _select is None or not _TASKS.is_dir():
        return
    quick, close = QuickTime(), selectors.EpollSelector.close

    def close_selector(selector: Any) -> None:
        quick.close(selector)
        close(selector)

    monkeypatch.setattr(selectors.EpollSelector, "select", lambda selector, timeout=None: quick.select(selector, timeout))
    monkeypatch.setattr(selectors.EpollSelector, "close", close_selector)
    monkeypatch.setattr(time, "monotonic", quick.monotonic)
    monkeypatch.setattr(time, "time", quick.time)
    monkeypatch.setattr(time, "time_ns", quick.time_ns)
