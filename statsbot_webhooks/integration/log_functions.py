"""The functions of StatsBot's `webhook_logging.integration` that send from anywhere: on any thread, never raising.

Without a manager what they are given is kept, and shipped by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..capture.breadcrumbs import trail
from ..capture.errors.deduplication import as_known
from ..clock import SystemClock
from ..events.event import Event, LogLevel
from ..events.factory import error_event, log_event, member_event, performance_event
from .statsbot import keeps_traces, submit_or_keep

_log = logging.getLogger(__name__)
_clock = SystemClock()


def log_to_webhook(level: LogLevel | str, message: object, /, **context: object) -> None:
    """Ship a log message; the other keywords are shown with it."""
    _ship(lambda: log_event(level, message, now=_clock.now(), context=context))


def log_error_to_webhook(error: BaseException, /, **context: object) -> None:
    """Ship an exception."""
    now = _clock.now()

    def make() -> Event:
        keep, before = keeps_traces(), trail.before(now)
        return as_known(error_event(error, now=now, include_stack_traces=keep, context=context, before=before), error)

    _ship(make)


def log_performance_alert_to_webhook(metric_name: str, value: float, threshold: float, /, **context: object) -> None:
    """Ship a measured value that is above its threshold."""
    _ship(lambda: performance_event(metric_name, value, threshold, now=_clock.now(), context=context))


def log_member_event_to_webhook(event_type: str, member_id: int, username: str, /, **context: object) -> None:
    """Ship what happened to a member."""
    _ship(lambda: member_event(event_type, member_id, username, now=_clock.now(), context=context))


def _ship(make: Callable[[], Event]) -> None:
    try:
        submit_or_keep(make())
    except Exception as error:  # noqa: BLE001 - a guard: the original swallows and logs too
        _log.warning("an event was not shipped: %s", error)
