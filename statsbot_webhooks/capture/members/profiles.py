"""What is known of a person and of a server when something happens. Pure: plain values, read once from discord.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...events.event import Person


@dataclass(frozen=True, slots=True)
class Who:
    """A user. `name` is empty for one that discord.py does not know; times are seconds since the epoch.

    `roles` is None, and so is `joined`, when the user was not in the cache as a member.
    """

    id: int
    name: str = ""
    display_name: str = ""
    other_names: tuple[str, ...] = ()
    avatar_url: str = ""
    created: float = 0.0
    is_bot: bool = False
    roles: tuple[str, ...] | None = None
    joined: float | None = None

    @property
    def person(self) -> Person:
        """The person under every name that a text may use: masking must find them all."""
        names = (self.name, self.display_name, *self.other_names)
        return Person(self.id, tuple(dict.fromkeys(name for name in names if name)))

    def with_facts_of(self, other: Who) -> Who:
        """Return the user with what another view of the same user adds."""
        best = self if self.name else other
        roles = self.roles if self.roles is not None else other.roles
        joined = self.joined if self.joined is not None else other.joined
        return replace(best, roles=roles, joined=joined)


@dataclass(frozen=True, slots=True)
class GuildProfile:
    """A server, and what the bot is told of what happens there."""

    id: int
    name: str
    member_count: int | None = None
    sees_audit_log: bool = True
    sees_bans: bool = True


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log. `created` is Discord's own clock, in seconds since the epoch."""

    id: int
    action: str
    created: float
    moderator: Who | None = None
    reason: str = ""
    removed: int = 0
    inactive_days: int = 0
