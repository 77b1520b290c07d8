"""The contract of an outbox.

`put` accepts entries in order. `claim` leases the oldest entries of a destination, ERROR and above first; a leased
entry is not claimed again until `release`. `ack`, `release` and `bury` end a lease. One thread at a time may call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..event import Event


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that waits for one destination. `attempt` counts the claims so far, the present one included."""

    id: int
    destination: str
    event: Event
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits for a destination, leased entries included. `oldest` is the time of its oldest event."""

    entries: int = 0
    urgent: int = 0
    oldest: float | None = None


class Outbox(Protocol):
    """Durable store until acknowledged."""

    def put(self, items: Iterable[tuple[str, Event]]) -> Mapping[str, int]:
        """Store (destination, event) pairs; return how many older entries each destination lost to make room."""
        ...

    def claim(self, destination: str, limit: int, now: float) -> Sequence[Entry]:
        """Lease up to `limit` entries whose `not_before` has come."""
        ...

    def ack(self, entries: Iterable[Entry]) -> None:
        """Forget delivered entries."""
        ...

    def release(self, entries: Iterable[Entry], not_before: float = 0.0) -> None:
        """Give leased entries back, in their old places, not to be claimed before a time."""
        ...

    def bury(self, entries: Iterable[Entry], reason: str) -> None:
        """Keep entries that Discord refuses as dead letters, with its reason."""
        ...

    def depth(self, destination: str) -> Depth:
        """Return how much waits."""
        ...
