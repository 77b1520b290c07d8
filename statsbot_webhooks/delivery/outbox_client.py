"""Outbox client: tell storage and counters what became of a destination's entries, in one call, so that counters balance.

It does not decide what is sent, or when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..clock import Clock
from ..events.accounting import Counters
from ..events.event import Event
from ..pipeline.intake import Intake
from ..storage import Depth, Entry, LeaseLostError, Outbox
from ..storage.maintenance import hand_over


class OutboxClient:
    """One destination's view of the outbox, on the intake's thread: coroutines raise `NotRunningError` without it."""

    def __init__(self, name: str, intake: Intake, outbox: Outbox, counters: Counters, clock: Clock) -> None:
        self._name = name
        self._intake = intake
        self._outbox = outbox
        self._counters = counters
        self._clock = clock

    async def depth(self) -> Depth:
        """Return what waits for the destination."""
        return await self._intake.run(self._outbox.depth, self._name)

    async def claim(self, limit: int) -> Sequence[Entry]:
        """Lease up to `limit` entries. Those redacted under earlier rules are redacted again."""

        def work() -> Sequence[Entry]:
            entries = self._outbox.claim(self._name, limit)
            if not self._intake.redacts_again:
                return entries
            return [replace(entry, event=self._intake.redactor.redact(entry.event)) for entry in entries]

        return await self._intake.run(work)

    async def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        """Give leased entries back; `unseal` says that their message is not in Discord, so they may leave in other messages."""
        if entries:
            await self._intake.run(lambda: self._outbox.release(entries, unseal=unseal))

    async def unseal(self, entries: Sequence[Entry]) -> None:
        """Note that the message of leased entries is not in Discord; they stay leased."""
        await self._intake.run(self._outbox.unseal, entries)

    def give_all_back(self) -> None:
        """Give back everything that is leased; returns at once."""
        self._intake.post(self._outbox.release_all, self._name)

    async def release_all(self) -> None:
        """Give back everything that is leased."""
        await self._intake.run(self._outbox.release_all, self._name)

    async def seal(self, entries: Sequence[Entry], batch_id: str, rest: Sequence[Entry]) -> None:
        """Note that entries are about to leave, and give the rest back. Raises `LeaseLostError` when they must not."""

        def work() -> None:
            self._outbox.seal(entries, batch_id, self._clock.now())
            if rest:
                self._outbox.release(rest)
            if entries[0].batch:
                self._counters.add(self._name, "repeated", len(entries))

        await self._intake.run(work)
        self._check_lease()

    def _check_lease(self) -> None:
        """Raise `LeaseLostError` when this process must not send any more: it may have been suspended since the last check."""
        if not self._outbox.fleet.may_send:
            raise LeaseLostError

    async def ack(self, entries: Sequence[Entry], state: Mapping[str, Any] | None = None, *, shown: int | None = None) -> None:
        """End entries that Discord has: `shown` of them (default: all) are visible, the others are folded into these."""
        delivered = len(entries) if shown is None else shown

        def work() -> None:
            if not self._outbox.ack(entries, state):
                return
            self._counters.add(self._name, "delivered", delivered)
            self._counters.add(self._name, "folded", len(entries) - delivered)

        await self._intake.run(work)

    async def bury(self, entries: Sequence[Entry], reason: str) -> None:
        """Keep entries that Discord refuses as dead letters."""

        def work() -> None:
            if not self._outbox.bury(entries, reason, self._clock.now()):
                return
            self._counters.add(self._name, "dead", len(entries))

        await self._intake.run(work)

    async def move(self, target: str, goes_on: Callable[[], bool]) -> int:
        """Move what is ready to another destination, in parts, while `goes_on()`; returns how many entries were moved."""
        total = 0
        while goes_on() and (count := await self._intake.run(hand_over, self._outbox, self._counters, self._name, target)):
            total += count
        return total

    async def put_back(self, events: Sequence[Event], state: Mapping[str, Any], *, are_new: bool = False) -> None:
        """File events again that a card could not show; `are_new` when this process had not counted them as accepted."""

        def work() -> None:
            self._outbox.put([(self._name, event) for event in events])
            self._outbox.write_state(state)
            self._counters.add(self._name, *(("accepted", len(events)) if are_new else ("folded", -len(events))))

        await self._intake.run(work)

    async def recent_sends(self, since: float) -> Sequence[float]:
        """Return the wall clock times at which messages left since `since`, also those of earlier processes."""
        return await self._intake.run(self._outbox.recent_sends, self._name, since)

    async def keep_limits(self, name: str, text: str) -> bool:
        """Store what was learned of the limits for the next process that sends; returns whether it is stored."""
        return await self._intake.run(self._outbox.fleet.keep_limits, name, text)

    async def kept_limits(self, name: str) -> tuple[str, float] | None:
        """Return what `keep_limits` stored, and how many seconds ago; None without."""
        return await self._intake.run(self._outbox.fleet.kept_limits, name)

    async def note_edit(self, now: float) -> None:
        """Note that an edit leaves, because Discord's window outlives this process. Raises `LeaseLostError`."""
        await self._intake.run(self._outbox.note_send, self._name, now)
        self._check_lease()

    async def read_state(self, prefix: str) -> Mapping[str, Any]:
        """Return the stored state whose keys begin with `prefix`."""
        return await self._intake.run(self._outbox.read_state, prefix)

    async def write_state(self, values: Mapping[str, Any]) -> None:
        """Store state; None deletes a key."""
        await self._intake.run(self._outbox.write_state, values)
