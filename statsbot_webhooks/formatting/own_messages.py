"""Messages of a formatter that the host has written: what it overrides is used for delivery too. Pure.

Only a message for one event is asked of it; lines and digests of many, and exceptions, which are kept as text alone, are ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from ..events.event import Event, EventKind
from ..events.folding import Group
from .message import WebhookMessage

_log = logging.getLogger(__name__)
_METHODS: Final = {
    EventKind.LOG: "format_log_message",
    EventKind.PERFORMANCE: "format_performance_alert",
    EventKind.MEMBER: "format_member_event",
}


class OwnMessages:
    """Ask a formatter for the message of an event where its class has a method of its own for that kind."""

    def __init__(self, formatter: object, base: type) -> None:
        self._formatter = formatter
        own = type(formatter)
        self._kinds = {kind for kind, name in _METHODS.items() if getattr(own, name) is not getattr(base, name)}
        self._has_failed = False

    def of(self, group: Group) -> WebhookMessage | None:
        """Return the host's own message for a group of repeats; None when it has none, or one that Discord would refuse."""
        event = group.fold.event
        # A card of its own, such as an alert that lasts, is ours from its first state to its last.
        if event.kind not in self._kinds or event.card:
            return None
        try:
            made: object = self._make(event, group.fold.count)
        except Exception as error:  # noqa: BLE001 - a guard: the host's own code may raise anything
            return self._fail(f"raises {type(error).__name__}")
        if not isinstance(made, WebhookMessage):
            return self._fail(f"returns {type(made).__name__}, and not a WebhookMessage")
        problems = made.validate()
        return self._fail(f"makes what Discord refuses: {problems[0]}") if problems else made

    def _make(self, event: Event, count: int) -> object:
        method: Callable[..., object] = getattr(self._formatter, _METHODS[event.kind])
        context = {**event.context, **({"repeats": count} if count > 1 else {})}
        if event.kind is EventKind.LOG:
            return method(event.level, event.message, **context)
        if event.kind is EventKind.PERFORMANCE:
            known = {**event.facts, **event.context}
            shown = {key: value for key, value in context.items() if key not in ("value", "threshold")}
            return method(event.origin, known.get("value"), known.get("threshold"), **shown)
        person = event.persons[0] if event.persons else None
        names = (person.names if person is not None else ()) or (str(event.context.get("username", "unknown")),)
        shown = {key: value for key, value in context.items() if key not in ("member_id", "username")}
        return method(event.origin, person.id if person is not None else None, names[0], **shown)

    def _fail(self, why: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _log.warning("%s %s; the package's own message is sent instead; said once", type(self._formatter).__name__, why)
