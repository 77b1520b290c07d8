"""Facts to what a reader sees: which module shows which type of event. Pure; the layout of a card is not decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ..events.event import Event, EventKind
from ..events.folding import Group
from .alerts import show_alert, show_blocked_loop, show_slow_call
from .crowds import show_prune, show_surge
from .daily_summary import show_summary
from .lifecycle import show_gateway, show_outage, show_server, show_start, show_stop
from .members import show_departure, show_hidden_audit_log, show_join, show_joins, show_named_member, split_joins

_SHOW: Final[Mapping[str, Callable[[Event], Event]]] = {
    "alert": show_alert,
    "audit log hidden": show_hidden_audit_log,
    "blocked loop": show_blocked_loop,
    "departure": show_departure,
    "gateway": show_gateway,
    "join": show_join,
    "joins": show_joins,
    "outage": show_outage,
    "prune": show_prune,
    "server": show_server,
    "slow call": show_slow_call,
    "start": show_start,
    "stop": show_stop,
    "summary": show_summary,
    "surge": show_surge,
}


DRILL: Final = "DRILL"
DRILL_NOTE: Final = "drill"
"""The fact of an event that is shown as a drill: who asked for it."""


def present(event: Event, *, on_card: bool = False) -> Event:
    """Return the event with the title, colour, text and details that a reader sees; on a card fields say a part of its text.

    An event without facts is returned as it is: its context is shown as it is, and version 0.1 stored what it showed.
    """
    if "type" not in event.facts:
        return show_named_member(event) if event.kind == EventKind.MEMBER else event
    if event.facts.get("type") == "error":
        # The layout makes links of them.
        return event
    show = _SHOW.get(str(event.facts.get("type")))
    if on_card and isinstance(brief := event.facts.get("brief"), str):
        event = replace(event, message=brief)
    try:
        shown = event if show is None else show(event)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        # Another version wrote them, or they were redacted to something else: they are shown as they are.
        show, shown = None, event
    if show is None:
        shown = replace(event, context={**event.context, **event.facts})
    if (note := event.facts.get(DRILL_NOTE)) is not None:
        shown = as_drill(shown, str(note))
    return replace(shown, facts={})


def as_drill(event: Event, note: str) -> Event:
    """Return an event of which nothing has happened, marked as that."""
    title = f"{DRILL} · {event.title}" if event.title else ""
    return replace(event, message=f"{DRILL} · {event.message}", title=title, context={**event.context, DRILL_NOTE: note})


def parts_of(event: Event) -> list[Event]:
    """Return the events that one message shows each by a card of its own; nothing for an event that is one card."""
    try:
        return split_joins(event)
    except (KeyError, TypeError, ValueError, AttributeError):
        # As above: what cannot be read is shown as it is.
        return []


def present_group(group: Group, *, on_card: bool) -> Group:
    """Return a group whose events are as a reader sees them, on cards or elsewhere."""
    if not any("type" in event.facts or event.kind == EventKind.MEMBER for event in (*group.events, group.fold.event)):
        return group
    newest = present(group.fold.event, on_card=on_card)
    # The layout asks which of the events is the newest by identity.
    events = [newest if event is group.fold.event else present(event, on_card=on_card) for event in group.events]
    return replace(group, fold=replace(group.fold, event=newest), events=events)
