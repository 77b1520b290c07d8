"""What the parts of a sandbox share: its state, its thread, and the server that is meant when none is named.

What users do does not live here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar

from ..gateway import Gateway
from ..guild_payload import DEFAULT_PERMISSIONS
from ..messages import MessageStore
from ..moderation import Moderation
from ..permissions import bits
from ..rest.api import Rest
from ..state import JSON, Guild, State
from ..thread import ServerThread

_P = ParamSpec("_P")
_T = TypeVar("_T")
# What bots usually ask for when they are invited.
BOT_PERMISSIONS = ("view_audit_log", "manage_channels", "manage_roles", "manage_webhooks", "manage_messages")


@dataclass(slots=True)
class Context:
    """Shared by every part; `home` is the first server, in which adam is an admin and mia a member."""

    state: State
    messages: MessageStore
    moderation: Moderation
    gateway: Gateway
    rest: Rest
    thread: ServerThread
    owner: JSON
    bot: JSON
    home: Guild
    admin_id: int
    member_id: int

    @property
    def owner_id(self) -> int:
        return int(self.owner["id"])

    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a function on the server's thread and return its result."""
        return self.thread.call(function, *args, **kwargs)

    def guild(self, guild_id: int | None) -> Guild:
        """Return a server, the first one when none is named."""
        return self.home if guild_id is None else self.state.guilds[guild_id]

    def speaker(self, guild: Guild, user_id: int) -> JSON:
        """Return a member who may act; raises `LookupError` for one who is not there or is timed out, as a client refuses it."""
        member = guild.members.get(user_id)
        if member is None:
            raise LookupError("they are not a member of the server")
        until = member.get("communication_disabled_until")
        if until is not None and datetime.fromisoformat(until).timestamp() > self.state.clock.time():
            raise LookupError(f"{member['user']['username']} is timed out and can do nothing")
        return member

    def find_channel(self, name: str, guild: Guild | None = None) -> int | None:
        """Return the id of a channel or thread by its name."""
        guild = guild or self.home
        places = [*guild.channels.items(), *guild.threads.items()]
        return next((place_id for place_id, place in places if place["name"] == name), None)

    def channel(self, name: str | int, guild: Guild | None = None) -> int:
        """Return the id of a channel or thread by its name or id; raises `LookupError` when there is none."""
        if isinstance(name, int):
            found = name if (guild or self.home).place(name) is not None else None
        else:
            found = self.find_channel(name, guild)
        if found is None:
            known = ", ".join(f"#{channel['name']}" for channel in (guild or self.home).channels.values())
            raise LookupError(f"no channel {name!r}; there are {known}")
        return found


def make_guild(state: State, moderation: Moderation, name: str, owner: JSON, bot: JSON) -> Guild:
    """Add a server with its owner and the bot in it; the bot is not told yet."""
    guild = state.add_guild(name, int(owner["id"]), DEFAULT_PERMISSIONS | bits(BOT_PERMISSIONS))
    moderation.add(guild, owner)
    moderation.add(guild, bot, (guild.bot_role_id,))
    return guild
