"""The daily summary as an event, and when it is due. Pure: `now` and the time zone are arguments."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Final

from ...events.accounting import Stats
from ...events.daily_counts import Tally
from ...events.event import Event, EventFile, EventKind, LogLevel
from .metrics import format_metric, format_moment, format_span, format_value
from .time_series import Ring, value_sparkline

_BLUE: Final = 0x5865F2
# Shown in this order; the first four are drawn.
METRICS: Final = ("cpu_percent", "memory_mb", "gateway_latency_ms", "loop_lag_ms", "events_per_second", "commands_per_second")
DRAWN: Final = 4
_TOP: Final = 3


def next_time(now: float, hour: int, zone: tzinfo) -> float:
    """Return when it is that hour next in that time zone, in seconds since the epoch.

    On a day whose clock is put forward over that hour it is the hour after.
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
    """What is known of the time from `since` to `until`. `stats` and `before` are the books at its end and its begin."""

    since: float
    until: float
    uptime: float
    tally: Tally
    stats: Stats
    before: Stats
    alerts: Counter[str] = field(default_factory=Counter[str])
    gaps: int = 0


def summary_event(day: Day, ring: Ring, zone: tzinfo, *, chart: bytes | None = None) -> Event:
    """Return the event that sums up a day."""
    errors = sum(day.tally.errors.values())
    events = sum(day.tally.kinds.values())
    span = day.until - day.since
    alerts = _count(sum(day.alerts.values()), "alert")
    gaps = _count(day.gaps, "gap")
    text = (
        f"In the last {format_span(span)}: {_count(events, 'event')}, {_count(errors, 'error')}, {alerts}, "
        f"{gaps} of the gateway. Up for {format_span(day.uptime)}."
    )
    context: dict[str, object] = {}
    if day.tally.kinds:
        context["events"] = " · ".join(f"{kind.value} {count:,}" for kind, count in day.tally.kinds.most_common())
    if errors:
        context["errors"] = _top(day.tally.errors)
    if day.alerts:
        context["alerts"] = _top(Counter({format_metric(name): count for name, count in day.alerts.items()}))
    for metric in METRICS:
        line = _metric_line(ring, metric, day.since, is_drawn=chart is not None)
        if line:
            context[format_metric(metric)] = line
    for metric in ("members", "guilds"):
        line = _change(ring, metric, day.since)
        if line:
            context[format_metric(metric)] = line
    context["delivery"] = _delivery(day)
    date = datetime.fromtimestamp(day.until, zone)
    return Event(
        EventKind.LIFECYCLE,
        LogLevel.INFO,
        text,
        day.until,
        "summary",
        context,
        template="summary",
        title=f"Daily summary, {date:%A} {date.day} {date:%B %Y}",
        color=_BLUE,
        files=(EventFile("chart.png", data=chart),) if chart else (),
    )


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}" if number < 1000 else f"{number:,} {noun}s"


def _top(counts: Counter[str]) -> str:
    parts = [f"{name} ×{count}" if count > 1 else name for name, count in counts.most_common(_TOP)]
    rest = sum(counts.values()) - sum(count for _, count in counts.most_common(_TOP))
    return ", ".join(parts) + (f" and {rest:,} others" if rest else "")


def _metric_line(ring: Ring, metric: str, since: float, *, is_drawn: bool) -> str:
    points = ring.series(metric, since)
    peak = ring.peak(metric, since)
    if peak is None:
        return ""
    mean = sum(value for _, value in points) / len(points)
    line = f"{format_value(metric, mean)}, peak {format_value(metric, peak[1])} {format_moment(peak[0])}"
    return line if is_drawn else f"{line}\n{value_sparkline(points)}"


def _change(ring: Ring, metric: str, since: float) -> str:
    points = ring.series(metric, since)
    if not points:
        return ""
    first, last = int(points[0][1]), int(points[-1][1])
    return f"{last:,}" + (f" ({last - first:+,})" if last != first else "")


def _delivery(day: Day) -> str:
    now, before = day.stats, day.before
    delivered = now.delivered + now.folded - before.delivered - before.folded
    parts = [f"{delivered:,} delivered", f"{now.requests - before.requests:,} requests"]
    for count, word in (
        (now.pending, "waiting"),
        (now.lost - before.lost, "lost"),
        (now.dead - before.dead, "refused by Discord"),
        (now.rate_limited - before.rate_limited, "rate limited"),
    ):
        if count > 0:
            parts.append(f"{count:,} {word}")
    return " · ".join(parts)
