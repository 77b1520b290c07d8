"""Events of the bot as a whole: online, stopped, gateway gaps, servers joined and left. Pure.

The message is one plain sentence; `formatting/lifecycle.py` makes title, colour and details from the facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...events.event import Event, EventKind, LogLevel, Person
from ...events.time_text import format_span
from .gateway_gaps import Gaps


def life_event(text: str, facts: Mapping[str, Any], *, now: float) -> Event:
    """Return the event of a start, which has a card so that it is shown at once, or of a stop."""
    what = str(facts["type"])
    card = f"start/{int(now * 1000)}" if what == "start" else ""
    return Event(EventKind.LIFECYCLE, LogLevel.INFO, text, now, "bot", template=what, card=card, facts=facts)


def gateway_event(shard: int | None, gaps: Gaps, *, now: float) -> Event:
    """Return the event of the gaps of one shard, open or closed."""
    who = "The gateway" if shard is None else f"Shard {shard}"
    if gaps.down_since is not None:
        level, text = LogLevel.WARNING, f"{who} is disconnected. discord.py is trying to reconnect."
    else:
        times = f"{gaps.count} gaps of {format_span(gaps.total)} in all" if gaps.count > 1 else format_span(gaps.longest)
        level, text = LogLevel.INFO, f"{who} is connected again. It was away for {times}."
    return Event(
        EventKind.LIFECYCLE,
        level,
        text,
        now,
        "gateway",
        template=f"gateway {shard}",
        card=f"gateway/{'all' if shard is None else shard}/{int(gaps.began)}",
        route_level=LogLevel.WARNING,
        ends_card=gaps.down_since is None,
        facts={
            "type": "gateway",
            "shard": shard,
            "began": gaps.began,
            "count": gaps.count,
            "longest": gaps.longest,
            "total": gaps.total,
            "fresh_sessions": gaps.fresh_sessions,
            "down_since": gaps.down_since,
        },
    )


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
    return Event(
        EventKind.LIFECYCLE,
        LogLevel.INFO,
        f"The bot has {verb} {name}.",
        now,
        "server",
        guild_id=guild_id,
        persons=(owner,),
        template=f"server {verb}",
        avatar_url=icon_url,
        facts={
            "type": "server",
            "verb": verb,
            "name": name,
            "id": str(guild_id),
            "members": members,
            # Not "owner": under a key that names a person masking takes the whole mapping for one name.
            "owned_by": {"id": str(owner.id), "name": owner.names[0] if owner.names else ""},
            "servers": guilds,
            "brief": "",
        },
    )
