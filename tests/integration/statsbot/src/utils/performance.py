"""Behaves as StatsBot's performance monitor: one object made at import, with a thread, that is called by its decorators.

Written from what that module does at commit 659c690 of trippixn963/StatsBot, not from its text.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import time
from collections import deque
from typing import Any

perf_logger = logging.getLogger("performance")


class PerformanceMonitor:
    def __init__(self) -> None:
        self.memory = 100.0
        self.alerts: deque[tuple[str, float]] = deque(maxlen=100)
        self.metrics: list[tuple[str, float]] = []
        self.thresholds = {"memory_warning": 512.0, "memory_critical": 1024.0, "slow_operation": 1000.0}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._background_monitor, daemon=True)
        self._thread.start()

    def timing_decorator(self, include_memory: bool = True, log_slow: bool = True, category: str = "general") -> Any:
        def decorate(func: Any) -> Any:
            @functools.wraps(func)
            async def timed_async(*args: Any, **kwargs: Any) -> Any:
                started, failure = time.perf_counter(), None
                try:
                    return await func(*args, **kwargs)
                except Exception as error:
                    failure = f"{type(error).__name__}: {error}"
                    raise
                finally:
                    duration = (time.perf_counter() - started) * 1000
                    after = self._get_memory_usage() if include_memory else 0.0
                    self._record_metric(func, duration, 0.0, after, args, kwargs, failure, category, log_slow)

            @functools.wraps(func)
            def timed(*args: Any, **kwargs: Any) -> Any:
                started, failure = time.perf_counter(), None
                try:
                    return func(*args, **kwargs)
                finally:
                    duration = (time.perf_counter() - started) * 1000
                    after = self._get_memory_usage() if include_memory else 0.0
                    self._record_metric(func, duration, 0.0, after, args, kwargs, failure, category, log_slow)

            return timed_async if inspect.iscoroutinefunction(func) else timed

        return decorate

    def _record_metric(  # noqa: PLR0913 - StatsBot's signature
        self,
        func: Any,
        duration: float,
        memory_before: float,
        memory_after: float,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        exception_info: str | None,
        category: str,
        log_slow: bool,
    ) -> None:
        self.metrics.append((f"{category}.{func.__name__}", duration))
        if log_slow and duration > self.thresholds["slow_operation"]:
            perf_logger.warning(f"Slow operation detected: {category}.{func.__name__} took {duration:.2f}ms")
        if memory_after > 0:
            self._check_memory_thresholds(memory_after)

    def _get_memory_usage(self) -> float:
        return self.memory

    def _check_memory_thresholds(self, memory_usage: float) -> None:
        if memory_usage > self.thresholds["memory_critical"]:
            self.alerts.append(("critical", memory_usage))
            perf_logger.critical(f"Critical memory usage: {memory_usage:.2f}MB")
        elif memory_usage > self.thresholds["memory_warning"]:
            self.alerts.append(("warning", memory_usage))
            perf_logger.warning(f"High memory usage: {memory_usage:.2f}MB")

    def _background_monitor(self) -> None:
        while not self._ends.wait(30):
            self._check_memory_thresholds(self._get_memory_usage())

    def shutdown(self) -> None:
        self._ends.set()
        self._thread.join()


performance_monitor = PerformanceMonitor()
timing = performance_monitor.timing_decorator
