"""What the process uses: memory, CPU, threads, open files, tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, cast

import psutil

from ...clock import Clock

_MIB: Final = 1024 * 1024


class ProcessProbe:
    """Measure this process; a call takes a fraction of a millisecond."""

    def __init__(self, interval_seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._process = psutil.Process()
        # The kernel counts CPU time in ticks of 10 ms: over the first instant after a start one tick reads as 1000 %.
        self._span = min(interval_seconds / 2, 1.0)
        self._cpu_since = 0.0
        self._cpu: float | None = None

    def start(self) -> None:
        """Begin to count CPU time."""
        self._process.cpu_percent()
        self._cpu_since = self._clock.monotonic()

    def measure(self) -> dict[str, float]:
        """Return the sample of now."""
        sample = {
            "memory_mb": self._process.memory_info().rss / _MIB,
            "threads": float(threading.active_count()),
            "tasks": float(len(asyncio.all_tasks())),
        }
        if self._clock.monotonic() - self._cpu_since >= self._span:
            self._cpu = self._process.cpu_percent()
            self._cpu_since = self._clock.monotonic()
        if self._cpu is not None:
            sample["cpu_percent"] = self._cpu
        # Windows counts handles instead.
        count = cast("Callable[[], int] | None", getattr(self._process, "num_fds", getattr(self._process, "num_handles", None)))
        if count is not None:
            sample["open_files"] = float(count())
        return sample


def process_uptime(now: float) -> float:
    """Return for how many seconds this process has been running: it outlives a reload of the extension."""
    return max(now - psutil.Process().create_time(), 0.0)
