"""What StatsBot's `PerformanceMonitor` finds, as events: one card for each time that memory is too high, and slow operations."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ..capture.health.alert_event import alert_event
from ..capture.health.alerts import RECOVERY, Alert, AlertState, Threshold
from ..events.event import Event, LogLevel
from ..events.factory import performance_event

# The bot's own samples have an alert of the same name; this one says whose it is.
_MEMORY: Final = "memory_mb/(StatsBot)"


class MemoryWatch:
    """Follow the memory that a monitor measures, each 30 s and around each timed call, on any thread.

    The monitor itself warns at each measurement; here that is one alert from the first to the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Alert | None = None

    def measure(self, usage: float, thresholds: Mapping[str, float], *, now: float) -> Event | None:
        """Return the event of a measured value in MB, if there is something to show."""
        threshold = Threshold(thresholds.get("memory_warning", 512.0), thresholds.get("memory_critical", 1024.0))
        with self._lock:
            alert = self._next(usage, threshold, now)
            self._open = alert if alert is not None and alert.is_open else (None if alert is not None else self._open)
        return None if alert is None else alert_event(alert, {})

    def stop(self, *, now: float) -> Event | None:
        """Return the event that ends an alert which lasts, because the monitor is not watched any more."""
        with self._lock:
            alert, self._open = self._open, None
        return None if alert is None else alert_event(replace(alert, state=AlertState.STOPPED, now=now), {})

    def _next(self, usage: float, threshold: Threshold, now: float) -> Alert | None:
        before = self._open
        level = threshold.level(usage, 1.0 if before is None else RECOVERY)
        if before is None:
            return None if level is None else Alert(
                _MEMORY, AlertState.OPENED, level, level, usage, usage, now, now, now, threshold
            )  # fmt: skip
        peak = {"peak": usage, "peak_time": now} if usage > before.peak else {}
        known = replace(before, value=usage, now=now, threshold=threshold, **peak)
        if level is None:
            return replace(known, state=AlertState.OVER)
        if level.number > before.level.number:
            return replace(known, state=AlertState.RAISED, level=level, worst=max(level, before.worst, key=lambda it: it.number))
        return replace(known, state=AlertState.LASTS)


def slow_operation_event(call: Mapping[str, Any], threshold: float, *, now: float) -> Event | None:
    """Return the event of a timed call that took too long; `call` are the arguments of the monitor's `_record_metric`."""
    duration = float(call["duration"])
    if duration <= threshold or not call.get("log_slow", True):
        return None
    function = getattr(call.get("func"), "__qualname__", "?")
    context = {"function": function, "category": call.get("category"), "unit": "ms", "exception": call.get("exception_info")}
    shown = {key: value for key, value in context.items() if value is not None}
    event = performance_event("slow_operation", duration, threshold, now=now, context={"level": LogLevel.WARNING, **shown})
    # Occurrences of one function are one thing, calls of different functions are not.
    return replace(event, template=f"slow_operation {function}")
