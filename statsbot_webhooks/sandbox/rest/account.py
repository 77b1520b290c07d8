"""The bot's account: its token, its application and its commands, and what it may do in a channel or a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from ..permissions import demand
from ..state import Guild, State
from .errors import JSON, Refusal

# Whether messages of others come with their content: the intent as granted, or as granted to small bots.
_CONTENT_FLAGS: Final = 1 << 18 | 1 << 19


@dataclass(slots=True)
class BotAccount:
    """The one bot of this Discord."""

    state: State
    token: str
    user: JSON
    owner: JSON
    flags: int
    shards: int
    base_url: str = ""
    team: JSON | None = None
    commands: dict[int | None, list[JSON]] = field(default_factory=dict[int | None, list[JSON]])

    @property
    def id(self) -> int:
        return int(self.user["id"])

    @property
    def gateway_url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/gateway/"

    @property
    def sees_content(self) -> bool:
        return bool(self.flags & _CONTENT_FLAGS)

    def check_token(self, request: web.Request) -> None:
        """Raise `Refusal` unless the request carries the bot's token."""
        if request.headers.get("Authorization") != f"Bot {self.token}":
            raise Refusal(401, 0, "401: Unauthorized")

    def demand(self, guild: Guild, needed: int, channel_id: int | None = None) -> None:
        """Raise `Refusal` unless the bot has a permission in a server, or in one of its channels."""
        demand(self.state.permissions(guild, self.id, channel_id), needed)

    def demand_above(self, guild: Guild, user_id: int) -> None:
        """Raise `Refusal` when a member stands above the bot: then it may not kick, ban or change them."""
        if user_id == guild.owner_id or self.rank(guild, user_id) >= self.rank(guild, self.id):
            raise Refusal(403, 50013, "Missing Permissions")

    def rank(self, guild: Guild, user_id: int) -> int:
        """Return the position of a member's highest role."""
        member = guild.members.get(user_id)
        held = () if member is None else (guild.roles.get(int(role_id)) for role_id in member["roles"])
        return max((role["position"] for role in held if role is not None), default=0)


def found(thing: JSON | None, code: int, message: str) -> JSON:
    """Return what was found; raises `Refusal` when nothing was."""
    if not thing:
        raise Refusal(404, code, message)
    return thing
