"""Process probe: measure memory, CPU, threads, open files and tasks of this process. It keeps no history."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from ...clock import Clock
from .own_process import find_own_process

_MIB: Final = 1024 * 1024


class ProcessProbe:
    """Measure this process; a call takes a fraction of a millisecond."""

    def __init__(self, interval_seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._process = find_own_process()
        # CPU time is counted in ticks of 10 ms: over a very short span a single tick would read as 1000 %.
        self._span = min(interval_seconds / 2, 1.0)
        self._cpu_since = self._cpu_used = 0.0
        self._cpu: float | None = None

    def start(self) -> None:
        """Begin to count CPU time."""
        self._cpu_used, self._cpu_since = self._process.cpu_seconds(), self._clock.monotonic()

    def measure(self) -> dict[str, float]:
        """Return the current values by metric; CPU in percent of one core since the last measurement."""
        sample = {"threads": float(threading.active_count()), "tasks": float(len(asyncio.all_tasks()))}
        if (rss := self._process.rss_bytes()) is not None:
            sample["memory_mb"] = rss / _MIB
        used, now = self._process.cpu_seconds(), self._clock.monotonic()
        if now - self._cpu_since >= self._span:
            self._cpu = 100.0 * (used - self._cpu_used) / (now - self._cpu_since)
            self._cpu_used, self._cpu_since = used, now
        if self._cpu is not None:
            sample["cpu_percent"] = self._cpu
        if (count := self._process.open_files()) is not None:
            sample["open_files"] = float(count)
        return sample


def process_uptime(now: float) -> float:
    """Return for how many seconds this process has been running; 0 when its start is unknown."""
    started = find_own_process().started_at()
    return 0.0 if started is None else max(now - started, 0.0)
