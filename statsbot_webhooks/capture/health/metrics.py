"""What each metric is called and how its values read. Pure."""

from __future__ import annotations

from typing import Final

# Name, unit and decimals. The part of a metric's name after a slash says of what: a shard, a task loop.
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
    "task_loop_seconds": ("Run time of the task loop", "s", 1),
}


def format_metric(metric: str) -> str:
    """Return what people call a metric."""
    name, _, part = metric.partition("/")
    label = _METRICS[name][0] if name in _METRICS else name
    if not part:
        return label
    return f"{label} of shard {part}" if name == "gateway_latency_ms" else f"{label} {part}"


def format_value(metric: str, value: float) -> str:
    """Return a value with its unit."""
    _, unit, decimals = _METRICS.get(metric.partition("/")[0], ("", "", 1))
    number = f"{value:,.{decimals}f}"
    return f"{number}{unit}" if unit == "/s" else f"{number} {unit}".rstrip()


def format_span(seconds: float) -> str:
    """Return a length of time, in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def format_ago(time: float) -> str:
    """Return how long ago a time is; Discord keeps it right while the message is looked at."""
    return f"<t:{int(time)}:R>"


def format_moment(time: float) -> str:
    """Return a time of day that Discord shows in each reader's own time zone."""
    return f"<t:{int(time)}:t>"
