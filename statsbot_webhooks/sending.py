"""What users call to send: each coroutine makes an event and submits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .clock import Clock
from .config.model import WebhookConfig
from .events.event import Event, EventKind, LogLevel, to_plain
from .events.factory import error_event, member_event, performance_event


class Sending:
    """The `send_*` part of the manager. They return when the event is accepted; the other keywords are shown with it."""

    config: WebhookConfig
    _clock: Clock

    def submit(self, event: Event) -> bool:
        """Accept an event; the manager says how."""
        raise NotImplementedError

    async def send_log(self, level: LogLevel, message: str, /, **context: object) -> None:
        """Accept a log message."""
        plain: Mapping[str, Any] = to_plain(context)
        level = LogLevel(str(getattr(level, "value", level)).upper())
        self.submit(Event(EventKind.LOG, level, str(message), self._clock.now(), context=plain))

    async def send_error(self, error: BaseException, /, **context: object) -> None:
        """Accept an exception, with its traceback unless `include_stack_traces` is off."""
        keep = self.config.include_stack_traces
        self.submit(error_event(error, now=self._clock.now(), include_stack_traces=keep, context=context))

    async def send_performance_alert(self, metric_name: str, value: float, threshold: float, /, **context: object) -> None:
        """Accept a measured value that is above its threshold, both in the metric's own unit."""
        self.submit(performance_event(metric_name, value, threshold, now=self._clock.now(), context=context))

    async def send_member_event(self, event_type: str, member_id: int, username: str, /, **context: object) -> None:
        """Accept what happened to a member: join, leave, kick, ban, unban or a type of your own."""
        self.submit(member_event(event_type, member_id, username, now=self._clock.now(), context=context))
