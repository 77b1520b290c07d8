"""The contract of an outbox, which every backend keeps and `tests/storage/test_outbox.py` checks.

An entry is one event for one destination. Its life: `put`, then `claim` leases it, then one of `ack` (Discord has it),
`release` (back to its old place) or `bury` (Discord refuses it; a dead letter). While it is leased no other claim returns it.
A lease lives as long as the process: after a crash every entry that was not acknowledged is there again.

`seal` says that entries are about to leave in one message, under a batch id. From then on they are claimed together and
alone, with that id, until `ack`, `bury` or a `release` with `unseal=True`: so a message that is sent again after a crash or
a broken answer holds the same events and carries the same id.

`claim` hands out, in this order: a sealed batch; the first of what was there when the outbox was opened; ERROR and above;
more of what was there, oldest first at any level; the rest, oldest first.

When more than the allowed number or size of entries wait, `put` drops the oldest of the lowest level, ERROR and above last;
never what is leased or sealed. What cannot be read is skipped. Each loss is told to the `on_loss` of the constructor. No
method fails because of the storage or of what it holds. One thread at a time may call. What a method did is stored when it
returns, and no method takes longer because much waits: `move` and `expire` do a part of it in each call.

Several processes may share a storage (`Fleet`). Then one of them sends: `claim` and `expire` hand out nothing in the others, and
`depth` counts what waits in this process only. `seal`, `note_send` and `write_state` of what belongs to sending raise
`LeaseLostError` in a process that does not send any more; `ack` and `bury` say that they did nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..events.accounting import LossReason
from ..events.event import Event, LogLevel

# Where live cards are that another life has left in a file to which this one went back; before the destination.
LEFT_CARDS: Final = "left/"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that waits for one destination. `batch` is the id of the message it may already have left in."""

    id: int
    destination: str
    event: Event
    batch: str = ""
    is_recovered: bool = False


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits for a destination: `entries` in all, `ready` of them not leased, `urgent` of those ERROR and above.

    `oldest` is the time of the oldest ready event; `recovered` counts the ready entries from before the start, and
    `recovered_last` is the time of the newest of them. `is_urgent_next` says what the next claim hands out.
    """

    entries: int = 0
    ready: int = 0
    urgent: int = 0
    oldest: float | None = None
    recovered: int = 0
    recovered_last: float | None = None
    is_urgent_next: bool = False


@dataclass(frozen=True, slots=True)
class ErrorsWaiting:
    """How many entries of ERROR and above wait, leased ones included, and the time of the oldest of their events."""

    count: int = 0
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Entries that were dropped; `level` is None when it is not known any more."""

    destination: str
    reason: LossReason
    count: int
    level: LogLevel | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that Discord refuses, with its reason. `time` is when it was buried.

    Of one that is not readable (a newer version may have written it) `event` is a note; it cannot be replayed.
    """

    id: int
    destination: str
    event: Event
    reason: str
    time: float
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted of a person: entries of each destination, dead letters, and more. `busy` entries were being sent.

    `damaged` files that had been put aside were deleted as a whole.
    """

    entries: Mapping[str, int]
    dead: int = 0
    busy: int = 0
    cards: int = 0
    expired: int = 0
    damaged: int = 0

    @property
    def total(self) -> int:
        """How many things were deleted."""
        return sum(self.entries.values()) + self.dead + self.cards + self.expired + self.damaged


class LeaseLostError(Exception):
    """This process must not send: another one does, or the storage cannot say who does."""


@dataclass(frozen=True, slots=True)
class Member:
    """A process of a fleet. `seen` is how many seconds ago it gave a sign of life; `waiting` is what waits in its own file."""

    name: str
    host: str
    pid: int
    version: str
    shards: str = ""
    waiting: int = 0
    seen: float = 0.0
    is_sender: bool = False


class Fleet(Protocol):
    """The processes that share a storage, seen by one of them. `on_news` may be called from any thread; all else from one.

    `name` is the name of this process, empty for one that shares with none.
    """

    name: str
    on_news: Callable[[], None]

    @property
    def label(self) -> str:
        """What events of this process carry: its name and host, empty while there is no other process."""
        ...

    @property
    def has_others(self) -> bool:
        """Whether there is another process."""
        ...

    @property
    def term(self) -> int | None:
        """The number of the lease under which this process sends, never used before; None while another one sends."""
        ...

    @property
    def may_send(self) -> bool:
        """Whether this process may send at this very moment, as far as it can know without asking. From any thread."""
        ...

    @property
    def has_news(self) -> bool:
        """Whether others did something that `Outbox.maintain` will learn."""
        ...

    def take_arrivals(self) -> set[str]:
        """Return the destinations for which something came from others since the last call."""
        ...

    def describe(self, version: str, shards: str) -> None:
        """Say what the others may know of this process."""
        ...

    def members(self) -> Sequence[Member]:
        """Return the processes of the fleet; none when it is this one alone."""
        ...

    def take_departed(self) -> Sequence[Member]:
        """Return those that ended without saying so, each in one process only."""
        ...

    def backlog(self) -> Mapping[str, int]:
        """Return how much waits in what they share, by destination; nothing when it is this one alone."""
        ...

    def keep_limits(self, name: str, text: str) -> None:
        """Keep what this process, while it sends, learned of Discord's limits, for the next one."""
        ...

    def kept_limits(self, name: str) -> tuple[str, float] | None:
        """Return what an earlier sender kept, and how many seconds ago by the clock of the storage; None for nothing."""
        ...


class Alone:
    """The fleet of a process that shares its storage with none."""

    def __init__(self) -> None:
        self.name = self.label = ""
        self.has_others = False
        self.on_news: Callable[[], None] = _nothing
        self.term: int | None = 1
        self.has_news = False
        self.may_send = True

    def take_arrivals(self) -> set[str]:
        return set()

    def describe(self, version: str, shards: str) -> None:
        """No other process wants to know."""

    def members(self) -> Sequence[Member]:
        return ()

    def take_departed(self) -> Sequence[Member]:
        return ()

    def backlog(self) -> Mapping[str, int]:
        return {}

    def keep_limits(self, name: str, text: str) -> None:
        """A restart of the only process begins anew."""

    def kept_limits(self, name: str) -> tuple[str, float] | None:
        return None


def _nothing() -> None:
    pass


class StateStore(Protocol):
    """What must outlive a restart beside the events: live cards, switches, mutes, keys. Values are JSON-able.

    Keys are paths such as "card/error/<fingerprint>", so that `read_state("card/error/")` finds all of a sort.
    """

    def read_state(self, prefix: str) -> dict[str, Any]:
        """Return every value whose key begins with a prefix."""
        ...

    def write_state(self, values: Mapping[str, Any]) -> None:
        """Set values, all or none; `None` deletes."""
        ...

    def update_state(self, changes: Mapping[str, Callable[[Any], Any]], *, is_news: bool = True) -> dict[str, Any]:
        """Replace values by what a function makes of the stored ones (None for none); returns the new ones.

        No other process changes them between, so that counts of several processes add up. A function may be called twice.
        Nothing is changed, and nothing returned, while the storage cannot say what it holds. `is_news` tells the other
        processes at once.
        """
        ...


class Outbox(StateStore, Protocol):
    """Durable store until acknowledged."""

    fleet: Fleet

    @property
    def is_durable(self) -> bool:
        """Whether what waits outlives the process."""
        ...

    def open(self) -> None:
        """Make ready; what an earlier process left is there."""
        ...

    @property
    def is_displaced(self) -> bool:
        """Whether the usual place of storage failed and another one stands in for it: `maintain` is to be called soon."""
        ...

    def maintain(self) -> bool:
        """Go back to the usual place of storage when it works again. Call it about once a minute.

        Returns whether it went back: then entries and state may have come that this process has not seen before.
        """
        ...

    def close(self) -> None:
        """Let go of the storage; open leases end."""
        ...

    def after_fork(self) -> None:
        """Let go, in a child process, of what is the parent's, without touching it; `open` begins anew."""
        ...

    def put(self, items: Iterable[tuple[str, Event]]) -> None:
        """Store (destination, event) pairs; the oldest of the lowest level make room when it is full."""
        ...

    def claim(self, destination: str, limit: int) -> Sequence[Entry]:
        """Lease up to `limit` entries."""
        ...

    def seal(self, entries: Sequence[Entry], batch: str, now: float) -> None:
        """Note that leased entries of one destination are about to leave together, now."""
        ...

    def ack(self, entries: Sequence[Entry], state: Mapping[str, Any] | None = None) -> bool:
        """Forget delivered entries and, in the same transaction, write state: both are stored, or neither.

        False when this process has lost the lease meanwhile: then they belong to another one.
        """
        ...

    def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        """Give leased entries back, to their old places."""
        ...

    def release_all(self, destination: str) -> None:
        """Give back everything that is leased of a destination: who claimed it has ended."""
        ...

    def unseal(self, entries: Sequence[Entry]) -> None:
        """Note that the message of leased, sealed entries is not in Discord: they may leave in others."""
        ...

    def bury(self, entries: Sequence[Entry], reason: str, now: float) -> bool:
        """Keep entries that Discord refuses as dead letters, with its reason. False as for `ack`."""
        ...

    def move(self, source: str, target: str, is_there: Callable[[Event], bool] | None = None) -> int:
        """Hand some of the ready entries of a destination to another one; return how many. Call it until it does nothing.

        Those whose event `is_there` already end here.
        """
        ...

    def expire(self, before: float, *, only_recovered: bool = False) -> Sequence[Entry]:
        """Lease some ready entries of events older than a time, and delete dead letters that old.

        Call it until it returns none; `ack` ends what it returned. A sealed batch is old when all of it is.
        """
        ...

    def note_send(self, destination: str, now: float) -> None:
        """Note that a message without entries, such as an edit, is about to leave."""
        ...

    def recent_sends(self, destination: str, since: float) -> Sequence[float]:
        """Return when messages left, also those of the process before."""
        ...

    def depth(self, destination: str) -> Depth:
        """Return how much waits."""
        ...

    def depths(self) -> Mapping[str, Depth]:
        """Return how much waits, for each destination that something waits for."""
        ...

    def errors_waiting(self, destinations: Collection[str]) -> ErrorsWaiting:
        """Return how many errors wait for some destinations, and since when; of a fleet, in the process that sends."""
        ...

    def dead_letters(self, limit: int, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        """Return dead letters, newest first."""
        ...

    def replay(self, ids: Sequence[int]) -> Sequence[DeadLetter]:
        """Make dead letters wait for delivery again; return those that were there."""
        ...

    def purge(self, ids: Sequence[int]) -> int:
        """Delete dead letters; return how many."""
        ...

    def forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        """Delete entries and dead letters whose stored text holds one of the words and is meant, and leave no trace in the file.

        Leased entries stay and are counted as busy.
        """
        ...
