"""Event of an alert. Pure; `formatting/alerts.py` makes title, colour and details from its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...events.event import Event, EventFile, EventKind, LogLevel
from ...events.metric_names import format_metric, format_value, is_task_loop
from ...events.time_text import format_span
from .alerts import Alert, AlertState


def alert_event(
    alert: Alert, sample: Mapping[str, float], *, course: Sequence[float | None] = (), chart: bytes | None = None
) -> Event:
    """Return the event of an alert; `sample` is all that was measured, `course` and `chart` (PNG) the recent values."""
    metric = alert.metric
    return Event(
        EventKind.PERFORMANCE,
        alert.level if alert.is_open else LogLevel.INFO,
        _text(alert),
        alert.now,
        metric,
        template=metric,
        card=alert.card,
        files=(EventFile("chart.png", data=chart),) if chart else (),
        route_level=alert.worst,
        ends_card=not alert.is_open,
        facts={
            "type": "alert",
            "brief": _brief(alert),
            "state": alert.state.value,
            "value": alert.value,
            "threshold": _threshold(alert),
            "peak": alert.peak,
            "peak_time": alert.peak_time,
            "since": alert.since,
            "duration": alert.duration,
            "beside": dict(sample),
            "course": list(course),
        },
    )


def _threshold(alert: Alert) -> float:
    return alert.threshold.critical if alert.level is LogLevel.CRITICAL else alert.threshold.warning


def _brief(alert: Alert) -> str:
    """Return the text below the title of the card."""
    if alert.state is AlertState.STOPPED:
        return f"The last value was {format_value(alert.metric, alert.value)}."
    if not alert.is_open or is_task_loop(alert.metric):
        return _text(alert)
    return f"The {_word(alert)} threshold is {format_value(alert.metric, _threshold(alert))}."


def _word(alert: Alert) -> str:
    return "critical" if alert.level is LogLevel.CRITICAL else "warning"


def _text(alert: Alert) -> str:
    metric = alert.metric
    name, value = format_metric(metric), format_value(metric, alert.value)
    if alert.state is AlertState.OVER:
        peak = format_value(metric, alert.peak)
        return f"{name} is {value} again. It was too high for {format_span(alert.duration)}, {peak} at most."
    if alert.state is AlertState.STOPPED:
        return f"{name} was {value}, too high, when the bot stopped."
    if is_task_loop(metric):
        interval = format_value(metric, alert.threshold.warning)
        return f"A run takes {value}, and the next one is due after {interval}: it comes late, or not at all."
    return f"{name} is {value}, the {_word(alert)} threshold is {format_value(metric, _threshold(alert))}."
