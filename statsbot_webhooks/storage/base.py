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
never leased or sealed ones. Unreadable rows are skipped. `on_loss` of the constructor is called for each loss. No method
raises because of the storage or of its content. One thread at a time may call. What a method did is stored when it returns,
and no method takes longer because much waits: `move` and `expire` do a part of the work in each call.

Several processes may share a storage (`Fleet`). Then one of them sends: `claim` and `expire` return nothing in the others, and
`depth` counts only what waits in this process. `seal`, `note_send` and `write_state` of the sender's keys raise
`LeaseLostError` in a process that is not the sender any more; `ack` and `bury` return False.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..events.accounting import LossReason
from ..events.event import Event, LogLevel

# Prefix (before the destination) of cards that an earlier process left in a file to which this one went back.
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
    """What waits for a destination: `entries` in all, `ready` of them not leased, `urgent` of those ERROR and above.

    `oldest` is the time of the oldest ready event; `recovered` counts the ready entries from before the start, and
    `recovered_last` is the time of the newest of them. `is_urgent_next` says whether the next claim returns urgent ones.
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
    """Entries that were dropped; `level` is None when it is unknown."""

    destination: str
    reason: LossReason
    count: int
    level: LogLevel | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that Discord refuses, with its reason. `time` is when it was buried.

    When it is not readable (a newer version may have written it), `event` is a note, and it cannot be replayed.
    """

    id: int
    destination: str
    event: Event
    reason: str
    time: float
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted about a person: entries by destination, dead letters, cards, expired lines and damaged files.

    `busy` entries were not deleted, because they were being sent. `damaged` files were deleted as a whole.
    """

    entries: Mapping[str, int]
    dead: int = 0
    busy: int = 0
    cards: int = 0
    expired: int = 0
    damaged: int = 0

    @property
    def total(self) -> int:
        """The number of all deletions."""
        return sum(self.entries.values()) + self.dead + self.cards + self.expired + self.damaged


class LeaseLostError(Exception):
    """This process must not send: another one does, or the storage cannot say who does."""


@dataclass(frozen=True, slots=True)
class Member:
    """A process of a fleet. `seen` is the seconds since its last sign of life; `waiting` counts the events in its own file."""

    name: str
    host: str
    pid: int
    version: str
    shards: str = ""
    waiting: int = 0
    seen: float = 0.0
    is_sender: bool = False


class Fleet(Protocol):
    """The processes that share a storage, as one of them sees them. `on_news` is called from any thread; the rest from one.

    `name` is the name of this process; empty for a process that does not share its storage.
    """

    name: str
    on_news: Callable[[], None]

    @property
    def label(self) -> str:
        """The name and host that events of this process carry; empty while there is no other process."""
        ...

    @property
    def has_others(self) -> bool:
        """Whether there is another process."""
        ...

    @property
    def term(self) -> int | None:
        """The number of the lease under which this process sends, unique in the fleet; None while another one sends."""
        ...

    @property
    def may_send(self) -> bool:
        """Whether this process may send now, as far as it knows without asking the storage. From any thread."""
        ...

    @property
    def has_news(self) -> bool:
        """Whether other processes did something, which `Outbox.maintain` then reads."""
        ...

    def take_arrivals(self) -> set[str]:
        """Return the destinations that got events from other processes since the last call."""
        ...

    def describe(self, version: str, shards: str) -> None:
        """Set what other processes see of this one: its version and its shards."""
        ...

    def members(self) -> Sequence[Member]:
        """Return the processes of the fleet; empty without a fleet."""
        ...

    def take_departed(self) -> Sequence[Member]:
        """Return the processes that ended without saying so, each to one process only."""
        ...

    def backlog(self) -> Mapping[str, int]:
        """Return how many entries wait in the shared storage, by destination; empty without a fleet."""
        ...

    def keep_limits(self, name: str, text: str) -> bool:
        """Store what this process, the sender, learned of Discord's limits for the next one; returns whether it is stored."""
        ...

    def kept_limits(self, name: str) -> tuple[str, float] | None:
        """Return what an earlier sender stored, and how many seconds ago (by the clock of the storage); None without."""
        ...


class Alone:
    """The fleet of a process that does not share its storage."""

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
        """Do nothing: there is no other process."""

    def members(self) -> Sequence[Member]:
        return ()

    def take_departed(self) -> Sequence[Member]:
        return ()

    def backlog(self) -> Mapping[str, int]:
        return {}

    def keep_limits(self, name: str, text: str) -> bool:
        """Do nothing: a single process learns the limits anew after a restart."""
        return True

    def kept_limits(self, name: str) -> tuple[str, float] | None:
        return None


def _nothing() -> None:
    pass


class StateStore(Protocol):
    """State that outlives a restart, apart from events: live cards, switches, mutes, keys. Values are JSON-able.

    Keys are paths such as "card/error/<fingerprint>", so that `read_state("card/error/")` finds all of a kind.
    """

    def read_state(self, prefix: str) -> dict[str, Any]:
        """Return every value whose key begins with `prefix`."""
        ...

    def write_state(self, values: Mapping[str, Any]) -> None:
        """Set values, all or none; `None` deletes."""
        ...

    def update_state(self, changes: Mapping[str, Callable[[Any], Any]], *, is_news: bool = True) -> dict[str, Any]:
        """Replace values by the results of functions of the stored ones (None for a missing one); returns the new values.

        No other process changes them in between, so that counts of several processes add up. A function may be called
        twice. While the storage cannot be read nothing changes, and the result is empty. With `is_news` the other processes
        are told at once.
        """
        ...


class Outbox(StateStore, Protocol):
    """Stores entries until they are acknowledged; the module docstring is the contract."""

    fleet: Fleet

    @property
    def is_durable(self) -> bool:
        """Whether waiting entries outlive the process."""
        ...

    def open(self) -> None:
        """Open the storage, with the entries that earlier processes left."""
        ...

    @property
    def is_displaced(self) -> bool:
        """Whether a substitute stands in for the usual storage, which failed; then call `maintain` every few seconds."""
        ...

    def maintain(self) -> bool:
        """Return to the usual storage when it works again. Call it about once a minute.

        Returns whether it did: then it may hold entries and state that this process has not seen before.
        """
        ...

    def close(self) -> None:
        """Close the storage; leases end."""
        ...

    def after_fork(self) -> None:
        """Drop, in a child process, the parent's connection without touching it; `open` begins anew."""
        ...

    def put(self, items: Iterable[tuple[str, Event]]) -> None:
        """Store (destination, event) pairs; when it is full, the oldest of the lowest level are dropped."""
        ...

    def claim(self, destination: str, limit: int) -> Sequence[Entry]:
        """Lease up to `limit` entries."""
        ...

    def seal(self, entries: Sequence[Entry], batch: str, now: float) -> None:
        """Note that leased entries of one destination are about to leave together, at `now`."""
        ...

    def ack(self, entries: Sequence[Entry], state: Mapping[str, Any] | None = None) -> bool:
        """Delete delivered entries and write state, in one transaction.

        False when this process has lost the lease meanwhile: then the entries belong to another process.
        """
        ...

    def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        """Give leased entries back, to their old places."""
        ...

    def release_all(self, destination: str) -> None:
        """Give back every leased entry of a destination, because its worker has ended."""
        ...

    def unseal(self, entries: Sequence[Entry]) -> None:
        """Note that the message of leased, sealed entries is not in Discord, so they may leave in other messages."""
        ...

    def bury(self, entries: Sequence[Entry], reason: str, now: float) -> bool:
        """Turn leased entries that Discord refuses into dead letters, with its reason. False as for `ack`."""
        ...

    def move(self, source: str, target: str, is_there: Callable[[Event], bool] | None = None) -> int:
        """Move some of the ready entries of a destination to another one; return how many. Call it until it returns 0.

        Entries for whose event `is_there` holds are deleted instead.
        """
        ...

    def expire(self, before: float, *, only_recovered: bool = False) -> Sequence[Entry]:
        """Lease some ready entries whose event is older than `before`, and delete dead letters that old.

        Call it until it returns none, and `ack` what it returns. A sealed batch is old when all of its entries are.
        """
        ...

    def note_send(self, destination: str, now: float) -> None:
        """Note that a message without entries, such as an edit, is about to leave."""
        ...

    def recent_sends(self, destination: str, since: float) -> Sequence[float]:
        """Return when messages left (wall clock), also those of earlier processes."""
        ...

    def depth(self, destination: str) -> Depth:
        """Return what waits for a destination."""
        ...

    def depths(self) -> Mapping[str, Depth]:
        """Return what waits, for each destination that has entries."""
        ...

    def errors_waiting(self, destinations: Collection[str]) -> ErrorsWaiting:
        """Return how many errors wait for some destinations, and since when; in a fleet, complete in the sender only."""
        ...

    def dead_letters(self, limit: int, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        """Return at most `limit` dead letters, newest first; with `ids`, only those."""
        ...

    def replay(self, ids: Sequence[int]) -> Sequence[DeadLetter]:
        """Put dead letters back for delivery; return those that existed and can be read."""
        ...

    def purge(self, ids: Sequence[int]) -> int:
        """Delete dead letters; return how many."""
        ...

    def forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        """Delete entries and dead letters whose stored text holds one of the words and `is_meant`, without a trace in the file.

        Leased entries stay and are counted as busy.
        """
        ...
