"""The counters: every accepted event ends in exactly one counted outcome, and `Stats.balanced` shows it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class LossReason(StrEnum):
    """Why an accepted event will never be shown."""

    STORAGE_FULL = "storage full"
    STOPPED = "stopped before delivery"
    STORAGE_FAILED = "storage failed"
    EXPIRED = "too old, written to the expired file"
    UNREADABLE = "stored row cannot be read"
    FORGOTTEN = "of a person who was forgotten"


@dataclass(frozen=True, slots=True)
class DestinationStats:
    """The counters of one destination, in events; `requests` and `rate_limited` count Discord's answers.

    `repeated` counts events that were sent again although Discord may have had them: after a crash or a broken answer.
    `muted` events were kept back by an admin's choice before they were accepted. `forwarded` events went to the process of
    a fleet that sends; in that process those that came from others count with less than 0.
    """

    accepted: int = 0
    delivered: int = 0
    folded: int = 0
    pending: int = 0
    dead: int = 0
    lost: Mapping[LossReason, int] = field(default_factory=dict[LossReason, int])
    requests: int = 0
    rate_limited: int = 0
    repeated: int = 0
    muted: int = 0
    forwarded: int = 0

    @property
    def waiting(self) -> int:
        """How many events should be pending."""
        ended = self.delivered + self.folded + self.dead + sum(self.lost.values())
        return self.accepted - ended - self.forwarded

    @property
    def balanced(self) -> bool:
        """Whether accepted = delivered + folded + pending + dead + lost + forwarded."""
        return self.waiting == self.pending


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of the counters. `filtered` events had no destination that asked for them; `incoming` are not routed yet."""

    destinations: Mapping[str, DestinationStats]
    incoming: int
    filtered: int
    refused: int

    @property
    def accepted(self) -> int:
        return self.incoming + self.refused + sum(stats.accepted for stats in self.destinations.values())

    @property
    def delivered(self) -> int:
        return sum(stats.delivered for stats in self.destinations.values())

    @property
    def folded(self) -> int:
        return sum(stats.folded for stats in self.destinations.values())

    @property
    def pending(self) -> int:
        return self.incoming + sum(stats.pending for stats in self.destinations.values())

    @property
    def dead(self) -> int:
        return sum(stats.dead for stats in self.destinations.values())

    @property
    def lost(self) -> int:
        return self.refused + sum(sum(stats.lost.values()) for stats in self.destinations.values())

    @property
    def muted(self) -> int:
        return sum(stats.muted for stats in self.destinations.values())

    @property
    def forwarded(self) -> int:
        return sum(stats.forwarded for stats in self.destinations.values())

    @property
    def requests(self) -> int:
        return sum(stats.requests for stats in self.destinations.values())

    @property
    def rate_limited(self) -> int:
        return sum(stats.rate_limited for stats in self.destinations.values())

    @property
    def balanced(self) -> bool:
        """Whether accepted = delivered + folded + pending + dead + lost + forwarded, for each destination and in all."""
        total = self.delivered + self.folded + self.pending + self.dead + self.lost + self.forwarded
        return self.accepted == total and all(stats.balanced for stats in self.destinations.values())


class Counters:
    """Thread-safe tallies per destination. Never touched by `submit`, which may run inside a signal handler."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lost: Counter[tuple[str, LossReason]] = Counter()
        self.filtered = 0
        self.refused = 0

    def after_fork(self) -> None:
        """Begin anew in a child process: a thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def add(self, destination: str, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[destination, name] += count

    def lose(self, destination: str, reason: LossReason, count: int = 1) -> None:
        with self._lock:
            self._lost[destination, reason] += count

    @property
    def destinations(self) -> frozenset[str]:
        """The names of the destinations that have events to account for."""
        with self._lock:
            return frozenset(name for (name, _), count in [*self._counts.items(), *self._lost.items()] if count)

    def snapshot(self, pending: Mapping[str, int], incoming: int) -> Stats:
        """Return the counters, with the numbers of waiting events that the storage and the intake report."""
        with self._lock:
            destinations = {
                name: DestinationStats(
                    **{key: self._counts[name, key] for key in ("accepted", "delivered", "folded", "dead")},
                    **{key: self._counts[name, key] for key in ("requests", "rate_limited", "repeated", "muted", "forwarded")},
                    pending=waiting,
                    lost={reason: count for (where, reason), count in self._lost.items() if where == name},
                )
                for name, waiting in pending.items()
            }
            return Stats(destinations, incoming, self.filtered, self.refused)
