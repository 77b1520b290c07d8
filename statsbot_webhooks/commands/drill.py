"""`drill`: one of each card, through the normal pipeline, so that an admin sees what they look like before they matter."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from ..event import Event, EventKind, LogLevel
from ..event_factory import error_event, member_event, performance_event
from .desk import Theme, checked, make_command

_MARK = "DRILL"


class Drill(Theme):
    """Show one of each."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        return [make_command("drill", "Show one of each card, marked as a drill", self.drill)]

    @checked
    async def drill(self, interaction: discord.Interaction) -> str:
        manager = self.manager
        events = drill_events(time.time(), interaction.user.name)
        names = dict.fromkeys(manager.workers, 0)
        for event in events:
            for name in manager.routes(event):
                names[name] += 1
            manager.submit(event)
        await self.desk.record(interaction, "started a drill")
        lines = [f"**{name}**: {count} cards" for name, count in names.items()]
        return "\n".join([f"{len(events)} events, marked {_MARK}, are on their way.", *lines])[:2000]


def drill_events(now: float, by: str) -> list[Event]:
    """Return one event for each card there is; nothing of it has happened."""
    note = {"drill": f"asked for by {by}, nothing happened"}
    events = [
        Event(EventKind.LOG, LogLevel.INFO, "a log record", now, "drill", note),
        Event(EventKind.LOG, LogLevel.WARNING, "a warning", now, "drill", note),
        error_event(_failure(), now=now, origin="drill", context=note),
        performance_event("loop_lag_ms", 1234.0, 250.0, now=now, context=note),
    ]
    # An id that Discord has given to nobody.
    members = ("join", "leave", "ban")
    events += [member_event(what, 1, "drill-member", now=now, context={**note, "event": what}) for what in members]
    events.append(Event(EventKind.LIFECYCLE, LogLevel.INFO, "the bot is ready", now, "drill", note))
    return [_marked(event) for event in events]


def _marked(event: Event) -> Event:
    template = f"{_MARK} {event.template or event.message}"
    return replace(event, message=f"{_MARK} · {event.message}", template=template)


def _failure() -> Exception:
    """Return a real exception with a real traceback."""
    try:
        raise ZeroDivisionError("division by zero, as a drill")
    except ZeroDivisionError as error:
        return error
