"""An alert as the event that shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...events.event import Event, EventFile, EventKind, LogLevel
from .alerts import Alert, AlertState
from .metrics import format_ago, format_metric, format_moment, format_span, format_value

GREEN: Final = 0x23A55A
GREY: Final = 0x80848E
# What else was going on, in the order in which it helps most.
_BESIDE: Final = ("cpu_percent", "memory_mb", "loop_lag_ms", "gateway_latency_ms", "events_per_second", "tasks", "open_files")


def alert_event(alert: Alert, sample: Mapping[str, float], *, trend: str = "", chart: bytes | None = None) -> Event:
    """Return the event of an alert; `sample` says what else was measured, `trend` and `chart` how the value went."""
    metric = alert.metric
    context: dict[str, object] = {
        "value": format_value(metric, alert.value),
        "threshold": format_value(metric, _threshold(alert)),
        "peak": f"{format_value(metric, alert.peak)} at {format_moment(alert.peak_time)}",
    }
    if not alert.is_open:
        context["lasted"] = format_span(alert.duration)
    beside = [
        f"{format_metric(name)} {format_value(name, sample[name])}" for name in _BESIDE if name in sample and name != metric
    ]
    if beside:
        context["At that time"] = " · ".join(beside)
    if trend and chart is None:
        context["trend"] = trend
    return Event(
        EventKind.PERFORMANCE,
        alert.level if alert.is_open else LogLevel.INFO,
        _text(alert),
        alert.now,
        metric,
        context,
        template=metric,
        title=_title(alert),
        card=alert.card,
        color={AlertState.OVER: GREEN, AlertState.STOPPED: GREY}.get(alert.state),
        files=(EventFile("chart.png", data=chart),) if chart else (),
        route_level=alert.worst,
        ends_card=not alert.is_open,
    )


def _threshold(alert: Alert) -> float:
    return alert.threshold.critical if alert.level is LogLevel.CRITICAL else alert.threshold.warning


def metric_is_loop(metric: str) -> bool:
    """Whether a metric is the run time of a task loop; its threshold is the loop's interval."""
    return metric.startswith("task_loop_seconds/")


def _title(alert: Alert) -> str:
    name = format_metric(alert.metric)
    if alert.state is AlertState.OVER:
        return f"{name} is back to normal"
    if alert.state is AlertState.STOPPED:
        return f"{name} was too high when the bot stopped"
    if metric_is_loop(alert.metric):
        return f"Task loop {alert.metric.partition('/')[2]} takes longer than its interval"
    word = "critical" if alert.level is LogLevel.CRITICAL else "high"
    return f"{name} is {word}: {format_value(alert.metric, alert.value)}"


def _text(alert: Alert) -> str:
    name, value = format_metric(alert.metric), format_value(alert.metric, alert.value)
    since, ago = format_moment(alert.since), format_ago(alert.since)
    if alert.state is AlertState.OVER:
        return (
            f"{name} is {value} again. It was too high for {format_span(alert.duration)}, since {since}, "
            f"{format_value(alert.metric, alert.peak)} at most."
        )
    if alert.state is AlertState.STOPPED:
        return f"{name} was {value}, too high since {since}, when the bot stopped."
    if metric_is_loop(alert.metric):
        interval = format_value(alert.metric, alert.threshold.warning)
        return (
            f"A run takes {value}, and the next one is due after {interval}: it comes late, or not at all. Since {since}, {ago}."
        )
    word = "critical" if alert.level is LogLevel.CRITICAL else "warning"
    limit = format_value(alert.metric, _threshold(alert))
    return f"{name} is {value}, the {word} threshold is {limit}. Too high since {since}, {ago}."
