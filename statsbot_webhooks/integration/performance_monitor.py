"""What StatsBot's `PerformanceMonitor` finds, as events: one card for each time that memory is too high, and slow operations."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
import threading
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ..capture.health.alert_event import alert_event
from ..capture.health.alerts import RECOVERY, Alert, AlertState, Threshold
from ..events.event import Event, LogLevel
from ..events.factory import performance_event

_log = logging.getLogger(__name__)
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


class MonitorWatch:
    """What is known of the monitors of one kind: each has its own memory alert."""

    def __init__(self) -> None:
        self._memory: weakref.WeakKeyDictionary[Any, MemoryWatch] = weakref.WeakKeyDictionary()

    def measure(self, call: Mapping[str, Any], *, now: float) -> Event | None:
        """Return the event of a measured value; `call` are the arguments of `_check_memory_thresholds`."""
        monitor = call["self"]
        watch = self._memory.setdefault(monitor, MemoryWatch())
        return watch.measure(float(call["memory_usage"]), _thresholds(monitor), now=now)

    def time_call(self, call: Mapping[str, Any], *, now: float) -> Event | None:
        """Return the event of a timed call that took too long; `call` are the arguments of `_record_metric`."""
        threshold = _thresholds(call["self"]).get("slow_operation")
        return None if threshold is None else slow_operation_event(call, threshold, now=now)

    def stop(self, *, now: float) -> list[Event]:
        """Return the events that end the alerts which last."""
        ended = [watch.stop(now=now) for watch in list(self._memory.values())]
        return [event for event in ended if event is not None]


def _thresholds(monitor: Any) -> Mapping[str, float]:
    if hasattr(monitor, "thresholds"):
        return monitor.thresholds
    return {"memory_warning": monitor.warning_threshold, "memory_critical": monitor.critical_threshold}


def has_thresholds(monitor: Any) -> bool:
    """Whether a monitor, or each of a class, has the thresholds of a `PerformanceMonitor` or a `MemoryMonitor`."""
    if inspect.isclass(monitor):
        return "warning_threshold" in inspect.signature(monitor).parameters
    return hasattr(monitor, "thresholds") or hasattr(monitor, "warning_threshold")


def find_monitors(module: ModuleType) -> list[object]:
    """Return the monitors of StatsBot's performance module, or of the package that hides its file."""
    hidden = _hidden_module(module)
    found = [getattr(each, "performance_monitor", None) for each in (module, hidden) if each is not None]
    found.append(getattr(module, "MemoryMonitor", None))
    return [each for each in found if each is not None]


def _hidden_module(package: ModuleType) -> ModuleType | None:
    """Return the module whose file stands beside a package of the same name, so that no import finds it."""
    folders = list(getattr(package, "__path__", ()))
    path = Path(folders[0]).with_suffix(".py") if folders else None
    if path is None or not path.is_file():
        return None
    for each in list(sys.modules.values()):
        if getattr(each, "__file__", None) and Path(str(each.__file__)) == path:
            return each
    spec = importlib.util.spec_from_file_location(f"{package.__name__}_file", path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - importing the host's code may raise anything
        del sys.modules[spec.name]
        _log.warning("%s fails when it is imported: %s", path.name, type(error).__name__)
        return None
    return module


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
