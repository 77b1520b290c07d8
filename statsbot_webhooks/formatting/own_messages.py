"""Messages of a formatter that the host has written: what it overrides is used for delivery too. Pure.

Only a message for one event is asked of it; lines and digests of many are ours.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ..events.event import EventKind, to_plain
from ..events.folding import Group
from .message import WebhookMessage

_log = logging.getLogger(__name__)
_METHODS: Final = {
    EventKind.LOG: "format_log_message",
    EventKind.ERROR: "format_error_message",
    EventKind.PERFORMANCE: "format_performance_alert",
    EventKind.MEMBER: "format_member_event",
}
# The line of a traceback that names the class: the first at the margin below the last frame.
_CLASS: Final = re.compile(r"(?s:.*)^ .*\n(?:[\w<>]+\.)*(\w+)(?:: ((?s:.*)))?\Z", re.MULTILINE)


class ShownError(Exception):
    """An exception as it was stored, for `format_error_message`: the name of its class and its text; what was logged with it is
    a note. `group` has the rest.
    """

    def __init__(self, text: str, group: Group) -> None:
        super().__init__(text)
        self.group = group


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
            made: object = self._make(group)
        except BaseException as error:  # noqa: BLE001 - a guard: a `sys.exit` of the host's own code would end the bot here
            return self._fail(f"raises {type(error).__name__}")
        if not isinstance(made, WebhookMessage):
            return self._fail(f"returns {type(made).__name__}, and not a WebhookMessage")
        problems = made.validate()
        return self._fail(f"makes what Discord refuses: {problems[0]}") if problems else made

    def _make(self, group: Group) -> object:
        event, count = group.fold.event, group.fold.count
        method: Callable[..., object] = getattr(self._formatter, _METHODS[event.kind])
        context = {**event.context, **({"repeats": count} if count > 1 else {})}
        if event.kind is EventKind.ERROR:
            return method(_error_of(group), context)
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


def _error_of(group: Group) -> ShownError:
    event = group.fold.event
    name, text = event.template, event.message.removeprefix(f"{event.template}: ")
    if found := _CLASS.match((event.traceback or "").rstrip()):
        name, text = found[1], found[2] or ""
    error = type(name if name.isidentifier() else "Exception", (ShownError,), {})(text, group)
    if event.message not in (name, f"{name}: {text}"):
        error.add_note(event.message)
    return error


def with_context(group: Group, context: Mapping[str, object]) -> Group:
    """Return the group with other details; how often it came stands in the card."""
    details = to_plain({key: value for key, value in context.items() if key != "repeats"})
    shown = group.fold.event
    event = replace(shown, context=details)
    events = [event if each is shown else each for each in group.events]
    return replace(group, fold=replace(group.fold, event=event), events=events)
