"""What happens to the bot as a whole, as events: online, stopped, gateway gaps, servers joined and left. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...events.event import Event, EventKind, LogLevel, Person
from ..health.alert_event import GREEN, GREY
from ..health.metrics import format_moment, format_span
from .gateway_gaps import Gaps


def life_event(title: str, text: str, context: Mapping[str, object], *, now: float, color: int) -> Event:
    """Return the event of a start or a stop."""
    return Event(EventKind.LIFECYCLE, LogLevel.INFO, text, now, "bot", dict(context), template=title, title=title, color=color)


def gateway_event(shard: int | None, gaps: Gaps, *, now: float) -> Event:
    """Return the event that shows the gaps of one shard, open or closed."""
    who = "The gateway" if shard is None else f"Shard {shard}"
    context: dict[str, object] = {}
    if gaps.count > 1:
        context |= {"gaps": gaps.count, "In all": format_span(gaps.total)}
    if gaps.longest:
        context["Longest gap"] = format_span(gaps.longest)
    if gaps.down_since is not None:
        level, color = LogLevel.WARNING, None
        title = f"{who} is disconnected"
        text = f"{who} lost its connection at {format_moment(gaps.down_since)}. discord.py is trying to reconnect."
    else:
        level, color = LogLevel.INFO, GREEN
        title = f"{who} is connected again"
        times = f"{gaps.count} gaps of {format_span(gaps.total)} in all" if gaps.count > 1 else format_span(gaps.longest)
        text = f"{who} was away for {times}, since {format_moment(gaps.began)}. " + _missed(gaps)
    return Event(
        EventKind.LIFECYCLE,
        level,
        text,
        now,
        "gateway",
        context,
        template=f"gateway {shard}",
        title=title,
        card=f"gateway/{'all' if shard is None else shard}/{int(gaps.began)}",
        color=color,
        route_level=LogLevel.WARNING,
        ends_card=gaps.down_since is None,
    )


def _missed(gaps: Gaps) -> str:
    if not gaps.fresh_sessions:
        return "The session was resumed: nothing was missed."
    if gaps.fresh_sessions == gaps.count:
        return "The session could not be resumed: what happened meanwhile was missed."
    return f"{gaps.fresh_sessions} sessions of {gaps.count} could not be resumed: what happened then was missed."


def guild_event(
    verb: str,
    *,
    guild_id: int,
    name: str,
    members: int | None,
    owner: Person,
    icon_url: str,
    guilds: int,
    now: float,
) -> Event:
    """Return the event of a server that the bot has joined or left."""
    owner_name = owner.names[0] if owner.names else "unknown"
    context: dict[str, object] = {
        "server": name,
        "id": str(guild_id),
        "members": "unknown" if members is None else members,
        "owner": f"{owner_name} ({owner.id})",
        "Servers now": guilds,
    }
    return Event(
        EventKind.LIFECYCLE,
        LogLevel.INFO,
        f"The bot has {verb} {name}.",
        now,
        "server",
        context,
        guild_id=guild_id,
        persons=(owner,),
        template=f"server {verb}",
        title=f"Server {verb}",
        color=GREEN if verb == "joined" else GREY,
        avatar_url=icon_url,
    )
