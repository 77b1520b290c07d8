"""Alerts: when a value that is too high becomes an alert, how that changes, and when it is over. Pure: `now` is an argument."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ...events.event import LogLevel

# A value counts as below a threshold at this fraction of it, so that an alert does not flap.
RECOVERY: Final = 0.9
# Before an alert, time below the threshold takes back this fraction of the time above it. So a value that flaps becomes an
# alert, and one that is high only occasionally does not.
_FORGET: Final = 0.5
REPEAT_SECONDS: Final = 60.0
# An older message is left alone until the alert is over: Discord limits edits of messages older than an hour, and a second
# card would say nothing new. Discord's timestamps in it keep counting.
_QUIET_AFTER_SECONDS: Final = 45 * 60.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """The values from which a metric is a warning, and critical."""

    warning: float
    critical: float

    def level(self, value: float, factor: float = 1.0) -> LogLevel | None:
        """Return the level of a value, None below the thresholds; `factor` scales them."""
        if value >= self.critical * factor:
            return LogLevel.CRITICAL
        return LogLevel.WARNING if value >= self.warning * factor else None


class AlertState(StrEnum):
    """The last change of an alert."""

    OPENED = "opened"
    RAISED = "raised"
    EASED = "eased"
    LASTS = "lasts"
    OVER = "over"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is now. `worst` is its highest level so far, `since` when the value was first too high."""

    metric: str
    state: AlertState
    level: LogLevel
    worst: LogLevel
    value: float
    peak: float
    peak_time: float
    since: float
    now: float
    threshold: Threshold

    @property
    def card(self) -> str:
        """The key of the one message that shows this alert."""
        return f"alert/{self.metric}/{int(self.since)}"

    @property
    def is_open(self) -> bool:
        return self.state not in (AlertState.OVER, AlertState.STOPPED)

    @property
    def duration(self) -> float:
        """Seconds from the first high value until now."""
        return max(self.now - self.since, 0.0)


@dataclass(slots=True)
class _MetricWatch:
    """The state of one metric. `above_for` is the time above the threshold that counts towards an alert."""

    since: float
    judged: float
    above_for: float = 0.0
    peak: float = 0.0
    peak_time: float = 0.0
    calm_since: float | None = None
    eased_since: float | None = None
    shown: float = 0.0
    opened: float = 0.0
    alert: Alert | None = field(default=None)


class Alerts:
    """Judge samples; each call returns the alerts that have something new to show.

    An alert opens when its value was above the warning threshold for `minimum_seconds`, and is over when it stayed below
    nine tenths of that for as long. Until then it is one alert, however often the value crosses the threshold. It is shown
    again every minute for 45 minutes, and at once when it becomes critical.
    """

    def __init__(self, minimum_seconds: float) -> None:
        self._minimum = minimum_seconds
        self._watches: dict[str, _MetricWatch] = {}

    @property
    def open(self) -> tuple[Alert, ...]:
        """The alerts that last."""
        return tuple(watch.alert for watch in self._watches.values() if watch.alert is not None)

    def judge(
        self, now: float, sample: Mapping[str, float], thresholds: Mapping[str, Threshold], hidden: Container[str] = ()
    ) -> list[Alert]:
        """Return the alerts that changed. A metric that is `hidden`, or not in the sample, keeps its state."""
        changes: list[Alert] = []
        for metric, threshold in thresholds.items():
            if metric in sample and metric not in hidden:
                change = self._judge(now, metric, sample[metric], threshold)
                if change is not None:
                    changes.append(change)
        return changes

    def close(self, now: float) -> list[Alert]:
        """Forget every metric; returns the open alerts, as stopped."""
        ended = [replace(alert, state=AlertState.STOPPED, now=now) for alert in self.open]
        self._watches.clear()
        return ended

    def _judge(self, now: float, metric: str, value: float, threshold: Threshold) -> Alert | None:
        watch = self._watches.get(metric)
        level = threshold.level(value)
        if watch is None:
            if level is None:
                return None
            watch = self._watches[metric] = _MetricWatch(now, now)
        elapsed, watch.judged = max(now - watch.judged, 0.0), now
        if value > watch.peak:
            watch.peak, watch.peak_time = value, now
        if watch.alert is None:
            return self._wait(now, metric, watch, value, threshold, elapsed)
        return self._follow(now, watch, watch.alert, value, threshold)

    def _wait(
        self, now: float, metric: str, watch: _MetricWatch, value: float, threshold: Threshold, elapsed: float
    ) -> Alert | None:
        """Count the time above the threshold until it opens an alert."""
        level = threshold.level(value)
        if level is None:
            if threshold.level(value, RECOVERY) is None:
                watch.above_for -= elapsed * _FORGET
            if watch.above_for <= 0:
                del self._watches[metric]
            return None
        watch.above_for += elapsed
        if watch.above_for < self._minimum:
            return None
        watch.shown = watch.opened = now
        watch.alert = Alert(
            metric, AlertState.OPENED, level, level, value, watch.peak, watch.peak_time, watch.since, now, threshold
        )
        return watch.alert

    def _follow(self, now: float, watch: _MetricWatch, alert: Alert, value: float, threshold: Threshold) -> Alert | None:
        alert = replace(alert, value=value, now=now, threshold=threshold, state=AlertState.LASTS)
        alert = replace(alert, peak=watch.peak, peak_time=watch.peak_time)
        is_calm = threshold.level(value, RECOVERY) is None
        watch.calm_since = (watch.calm_since if watch.calm_since is not None else now) if is_calm else None
        if watch.calm_since is not None and now - watch.calm_since >= self._minimum:
            del self._watches[alert.metric]
            return replace(alert, state=AlertState.OVER, level=LogLevel.INFO)
        alert = self._change_level(now, watch, alert, threshold)
        watch.alert = alert
        is_old = now - watch.opened >= _QUIET_AFTER_SECONDS
        if alert.state is AlertState.LASTS and (is_old or now - watch.shown < REPEAT_SECONDS):
            return None
        watch.shown = now
        return alert

    def _change_level(self, now: float, watch: _MetricWatch, alert: Alert, threshold: Threshold) -> Alert:
        """Raise the alert to critical at once, and ease it to a warning only after the minimum time."""
        if threshold.level(alert.value) is LogLevel.CRITICAL:
            watch.eased_since = None
            if alert.level is not LogLevel.CRITICAL:
                return replace(alert, state=AlertState.RAISED, level=LogLevel.CRITICAL, worst=LogLevel.CRITICAL)
            return alert
        if alert.level is not LogLevel.CRITICAL or threshold.level(alert.value, RECOVERY) is LogLevel.CRITICAL:
            watch.eased_since = None
            return alert
        watch.eased_since = watch.eased_since if watch.eased_since is not None else now
        # Not while the value is below the warning threshold: the alert will soon be over.
        if watch.calm_since is not None or now - watch.eased_since < self._minimum:
            return alert
        watch.eased_since = None
        return replace(alert, state=AlertState.EASED, level=LogLevel.WARNING)
