"""Profiles of a person and a server at the time of an event: plain values, read once from discord.py. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...events.event import Person


@dataclass(frozen=True, slots=True)
class Who:
    """A user. `name` is empty when discord.py does not know the user; times are seconds since the epoch.

    `roles` and `joined` are None when the user was not in the cache as a member.
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
        """The person with every name that a text may use, so that masking finds all of them."""
        names = (self.name, self.display_name, *self.other_names)
        return Person(self.id, tuple(dict.fromkeys(name for name in names if name)))

    def with_facts_of(self, other: Who) -> Who:
        """Return the user with the facts that another profile of the same user adds."""
        best = self if self.name else other
        roles = self.roles if self.roles is not None else other.roles
        joined = self.joined if self.joined is not None else other.joined
        return replace(best, roles=roles, joined=joined)


@dataclass(frozen=True, slots=True)
class GuildProfile:
    """A server, and which of its events Discord reports to the bot."""

    id: int
    name: str
    member_count: int | None = None
    sees_audit_log: bool = True
    sees_bans: bool = True


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log. `created` is by Discord's clock, in seconds since the epoch."""

    id: int
    action: str
    created: float
    moderator: Who | None = None
    reason: str = ""
    removed: int = 0
    inactive_days: int = 0
