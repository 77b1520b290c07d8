"""The names and units of metrics. Pure; what is done with a value is decided elsewhere."""

from __future__ import annotations

from typing import Final

DEAD_LOOP: Final = "task_loop_dead/"
# Name, unit and decimals. The part of a metric's name after a slash says of what: a shard, a bot, a task loop.
_METRICS: Final = {
    "memory_mb": ("Memory", "MB", 0),
    "cpu_percent": ("CPU", "%", 0),
    "gateway_latency_ms": ("Gateway latency", "ms", 0),
    "loop_lag_ms": ("Event loop lag", "ms", 0),
    "tasks": ("Tasks", "", 0),
    "threads": ("Threads", "", 0),
    "open_files": ("Open files", "", 0),
    "guilds": ("Servers", "", 0),
    "members": ("Members", "", 0),
    "events_per_second": ("Events", "/s", 1),
    "commands_per_second": ("Commands", "/s", 2),
    "task_loop_dead": ("Task loop", "", 0),
    "task_loop_seconds": ("Run time of the task loop", "s", 1),
}


def format_metric(metric: str) -> str:
    """Return what people call a metric."""
    name, _, part = metric.partition("/")
    label = _METRICS[name][0] if name in _METRICS else name
    if not part:
        return label
    if name != "gateway_latency_ms":
        return f"{label} {part}"
    return f"{label} of {part[1:]}" if part.startswith("@") else f"{label} of shard {part}"


def format_value(metric: str, value: float) -> str:
    """Return a value with its unit."""
    _, unit, decimals = _METRICS.get(metric.partition("/")[0], ("", "", 1))
    number = f"{value:,.{decimals}f}"
    return f"{number}{unit}" if unit == "/s" else f"{number} {unit}".rstrip()


def is_dead_loop(metric: str) -> bool:
    """Whether an alert is about a task loop that does not run any more."""
    return metric.startswith(DEAD_LOOP)


def is_task_loop(metric: str) -> bool:
    """Whether a metric is the run time of a task loop; its threshold is the loop's interval."""
    return metric.startswith("task_loop_seconds/")
