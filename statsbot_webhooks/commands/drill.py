"""`drill`: one of each card, through the normal pipeline, so that an admin sees what they look like before they matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import discord
from discord import app_commands

from ..capture.health.alert_event import alert_event
from ..capture.health.alerts import Alert, AlertState, Threshold
from ..capture.lifecycle.events import life_event
from ..capture.members.departures import Departure, Type
from ..capture.members.member_events import departure_event, join_event
from ..capture.members.profiles import AuditEntry, GuildProfile, Who
from ..events.event import Event, EventKind, LogLevel
from ..events.factory import error_event
from ..formatting.presentation import DRILL, DRILL_NOTE, as_drill
from .base import Theme, checked, make_command

_DAY: Final = 86400.0
_START: Final = {
    "type": "start",
    "is_bot_start": True,
    "servers": 1,
    "members": 42,
    "shards": None,
    "host": "a drill",
    "runs_on": "a drill",
    "uptime": 0.0,
}


class Drill(Theme):
    """Show one of each."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        return [make_command("drill", "Show one of each card, marked as a drill", self.drill)]

    @checked
    async def drill(self, interaction: discord.Interaction) -> str:
        manager, guild = self.manager, interaction.guild
        place = GuildProfile(
            interaction.guild_id or 0, guild.name if guild else "this server", guild.member_count if guild else None
        )
        caller = Who(interaction.user.id, interaction.user.name)
        names = dict.fromkeys(manager.workers, 0)
        events = drill_events(self.runner.clock.now(), caller, place, by=self.runner.name_of(interaction.user))
        for event in events:
            for name in manager.admin.routes(event):
                names[name] += 1
            manager.submit(event)
        await self.runner.record(interaction, "started a drill")
        lines = [f"**{name}**: {count}" for name, count in names.items()]
        return "\n".join([f"{len(events)} events, marked {DRILL}, are on their way.", *lines])[:2000]


def drill_events(now: float, caller: Who, place: GuildProfile, *, by: str) -> list[Event]:
    """Return one event for each card there is, made by what makes the real ones; nothing of it has happened."""
    # An id that belongs to no user.
    member = Who(1, "drill-member", "Drill Member", created=now - 800 * _DAY, roles=("Regulars",), joined=now - 90 * _DAY)
    banned = AuditEntry(1, "ban", now, caller, "a drill")
    alert = Alert(
        *("loop_lag_ms", AlertState.OPENED, LogLevel.WARNING, LogLevel.WARNING),
        *(420.0, 510.0, now, now - 60.0, now, Threshold(250.0, 1000.0)),
    )
    events = [
        Event(EventKind.LOG, LogLevel.INFO, "a log record", now, "drill"),
        Event(EventKind.LOG, LogLevel.WARNING, "a warning", now, "drill", {"order": 42}),
        error_event(_failure(), now=now, origin="drill"),
        alert_event(alert, {"cpu_percent": 71.0, "memory_mb": 212.0}),
        join_event(member, place, now, rejoined=False, gone=None),
        departure_event(Departure(Type.LEAVE, place, member, now, None, has_left=True)),
        departure_event(Departure(Type.BAN, place, member, now, None, entry=banned, has_left=True)),
        life_event("The bot is online.", _START, now=now),
    ]
    return [_marked(event, by, number) for number, event in enumerate(events)]


def _marked(event: Event, by: str, number: int) -> Event:
    note = f"asked for by {by}; nothing happened"
    # No card, and no fingerprint that could be an issue's: the next real alert or error must not continue this one.
    event = replace(event, template=f"{DRILL} {event.template}", card="", fingerprint=f"drill-{number}")
    if event.facts.get("type", "error") == "error":
        return as_drill(event, note)
    return replace(event, facts={**event.facts, DRILL_NOTE: note})


def _failure() -> Exception:
    """Return a real exception with a real traceback."""
    try:
        raise ZeroDivisionError("division by zero, as a drill")
    except ZeroDivisionError as error:
        return error
