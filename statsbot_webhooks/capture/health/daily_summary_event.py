"""Event of the daily summary, and when it is due. Pure: `now` and the time zone are arguments.

The message is one plain sentence; `formatting/daily_summary.py` makes title and details from the facts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from ...events.accounting import Stats
from ...events.daily_counts import DailyCounts
from ...events.event import Event, EventFile, EventKind, LogLevel
from ...events.sparkline import course_of
from ...events.time_text import format_count, format_span
from .time_series import TimeSeries

# Shown in this order; the first four are drawn.
METRICS: Final = ("cpu_percent", "memory_mb", "gateway_latency_ms", "loop_lag_ms", "events_per_second", "commands_per_second")
DRAWN: Final = 4
_TOP: Final = 3


def next_time(now: float, hour: int, zone: tzinfo) -> float:
    """Return the next time at which it is that hour in that time zone, in seconds since the epoch.

    On a day on which the clock skips that hour it is the hour after.
    """
    day = datetime.fromtimestamp(now, zone).date()
    for ahead in range(3):
        then = day + timedelta(days=ahead)
        time = datetime(then.year, then.month, then.day, hour, tzinfo=zone).timestamp()
        if time > now:
            return time
    raise AssertionError("a day has passed within three days")


@dataclass(frozen=True, slots=True)
class Day:
    """The figures of the time from `since` to `until`. `stats` and `before` are the counters at its end and its start."""

    since: float
    until: float
    uptime: float
    tally: DailyCounts
    stats: Stats
    before: Stats
    alerts: Counter[str] = field(default_factory=Counter[str])
    gaps: int = 0


def summary_event(day: Day, samples: TimeSeries, zone: tzinfo, *, chart: bytes | None = None) -> Event:
    """Return the event that sums up a day."""
    errors = sum(day.tally.errors.values())
    text = (
        f"In the last {format_span(day.until - day.since)}: {_count(sum(day.tally.kinds.values()), 'event')}, "
        f"{_count(errors, 'error')}, {_count(sum(day.alerts.values()), 'alert')}, {_count(day.gaps, 'gateway gap')}. "
        f"Up for {format_span(day.uptime)}."
    )
    top_errors, other_errors = _top(day.tally.errors)
    top_alerts, other_alerts = _top(day.alerts)
    facts: dict[str, Any] = {
        "type": "summary",
        "date": datetime.fromtimestamp(day.until, zone).date().isoformat(),
        "kinds": [{"name": kind.value, "count": count} for kind, count in day.tally.kinds.most_common()],
        "errors": top_errors,
        "other_errors": other_errors,
        "alerts": top_alerts,
        "other_alerts": other_alerts,
        "metrics": [found for metric in METRICS if (found := _measured(samples, metric, day.since))],
        "changes": [found for metric in ("members", "guilds") if (found := _change(samples, metric, day.since))],
        "delivery": _delivery(day),
    }
    return Event(
        EventKind.LIFECYCLE,
        LogLevel.INFO,
        text,
        day.until,
        "summary",
        template="summary",
        files=(EventFile("chart.png", data=chart),) if chart else (),
        facts=facts,
    )


def _count(number: int, noun: str) -> str:
    return format_count(number, noun) if number else f"no {noun}s"


def _top(counts: Counter[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the most frequent names, and the sum of the other counts."""
    top = [{"name": name, "count": count} for name, count in counts.most_common(_TOP)]
    return top, sum(counts.values()) - sum(count for _, count in counts.most_common(_TOP))


def _measured(samples: TimeSeries, metric: str, since: float) -> dict[str, Any] | None:
    points, peak = samples.series(metric, since), samples.peak(metric, since)
    if peak is None:
        return None
    mean = sum(value for _, value in points) / len(points)
    return {"name": metric, "mean": mean, "peak": peak[1], "peak_time": peak[0], "course": course_of(points)}


def _change(samples: TimeSeries, metric: str, since: float) -> dict[str, Any] | None:
    points = samples.series(metric, since)
    return {"name": metric, "first": int(points[0][1]), "last": int(points[-1][1])} if points else None


def _delivery(day: Day) -> dict[str, int]:
    now, before = day.stats, day.before
    return {
        "delivered": now.delivered + now.folded - before.delivered - before.folded,
        "requests": now.requests - before.requests,
        "waiting": now.pending,
        "lost": now.lost - before.lost,
        "dead": now.dead - before.dead,
        "rate_limited": now.rate_limited - before.rate_limited,
    }
