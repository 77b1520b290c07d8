"""Takes what waits for one destination and brings it into the channel: claim, lay out, seal, send, settle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ..batch import MAX_ENTRIES, Batch, Presentation
from ..storage import Depth, Entry
from .cards import Card
from .links import Watches
from .outcome import Outcome, Result
from .parts import Parts
from .units import Unit, next_unit, whole_unit


class MessageSender:
    """Send one destination's next message. `note` is a line that the next message carries."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._suspects: list[Entry] = []
        self._doubted = ""
        self._presentation = Presentation.CARDS
        self.note = ""
        self.is_flushing = False
        self.watches = Watches()

    async def due_seconds(self) -> float | None:
        """Return how long until the next message; `None` when nothing waits."""
        if self._suspects:
            return 0.0
        depth = await self._parts.ledger.depth()
        if depth.ready == 0:
            return None
        if self.is_flushing or depth.recovered:
            return 0.0
        return self._batch_due(depth)

    def _batch_due(self, depth: Depth) -> float | None:
        return self._parts.batcher.wait_seconds(depth.ready, depth.urgent, depth.oldest, self._parts.clock.now())

    async def send(self) -> None:
        """Send what is next, and note what came of it."""
        parts = self._parts
        unit = await self._next_unit()
        if unit is None:
            return
        batch_id = unit.entries[0].batch or f"{unit.entries[0].id:x}"
        card = parts.cards.preview(unit.entries) if unit.key else None
        try:
            # Long texts take milliseconds to lay out: never on the loop.
            batch = await asyncio.to_thread(self._lay_out, unit, card, batch_id)
        except Exception as error:  # noqa: BLE001 - a border: what cannot be formatted is buried, the worker lives on
            await parts.ledger.release(unit.rest)
            await self._reject(unit.entries, Result(Outcome.REJECTED, f"{type(error).__name__} while it was laid out"))
            return
        await parts.limiters.limiter(parts.destination.name).acquire()
        # What is left of the suspects stays leased.
        await parts.ledger.seal(batch.entries, batch_id, () if self._suspects else [*batch.rest, *unit.rest])
        result = await parts.transport.send(parts.destination, batch.message)
        await self._settle(batch, batch_id, result, unit.key, card)
        self.watches.answer(batch.entries, result)

    async def give_back(self) -> None:
        """Put back what was held."""
        suspects, self._suspects = self._suspects, []
        await self._parts.ledger.release(suspects)

    async def _next_unit(self) -> Unit | None:
        if self._suspects:
            # While an event that Discord refuses is among them, the half of them that may hold it goes alone.
            return whole_unit(self._suspects[: (len(self._suspects) + 1) // 2])
        entries = await self._parts.ledger.claim(MAX_ENTRIES)
        if entries and entries[0].batch:
            return whole_unit(entries)
        absorbed = self._parts.cards.absorb(entries, self._parts.clock.now())
        if absorbed.entries:
            await self._parts.ledger.ack(absorbed.entries, absorbed.state, shown=0)
        return next_unit(absorbed.rest) if absorbed.rest else None

    def _lay_out(self, unit: Unit, card: Card | None, batch_id: str) -> Batch:
        parts, batcher = self._parts, self._parts.batcher
        if card is None:
            left = parts.limiters.limiter(parts.destination.name).budget_left()
            state = {"current": self._presentation, "budget_left": left}
            batch = batcher.build(unit.entries, note=self.note, batch_id=batch_id, now=parts.clock.now(), **state)
            self._presentation = batch.presentation
            return batch
        return Batch(unit.entries, (), batcher.build_card(card.fold, note=self.note, batch_id=batch_id))

    async def _settle(self, batch: Batch, batch_id: str, result: Result, key: str, card: Card | None) -> None:
        if result.outcome == Outcome.UNKNOWN and self._doubted == batch_id:
            # Sent twice, and Discord answered 2xx both times: it is there.
            result = replace(result, outcome=Outcome.DELIVERED)
        if result.outcome == Outcome.DELIVERED:
            await self._delivered(batch, result, key, card)
            return
        self._parts.health.last_error = result.reason
        if result.outcome == Outcome.REJECTED:
            await self._reject(batch.entries, result)
            return
        if not self._suspects:
            await self._parts.ledger.release(batch.entries)
        if result.outcome == Outcome.UNKNOWN:
            self._doubted = batch_id
        else:
            self._parts.health.record_failure(result, self._parts.clock.monotonic())

    async def _delivered(self, batch: Batch, result: Result, key: str, card: Card | None) -> None:
        self.note = self._doubted = ""
        self._suspects = _without(self._suspects, batch.entries)
        if card is None:
            await self._parts.ledger.ack(batch.entries, shown=len(batch.entries) - batch.folded)
        else:
            state = self._parts.cards.posted(key, card, result.message_id, None, self._parts.clock.now())
            await self._parts.ledger.ack(batch.entries, state, shown=1)
        if result.message_id is not None:
            self._parts.links.on_message(result.message_id, (entry.event for entry in batch.entries))
        await self._parts.note_success(len(batch.entries))

    async def _reject(self, entries: Sequence[Entry], result: Result) -> None:
        """Look for the one event that Discord refuses, by halves, and bury it."""
        await self._parts.ledger.release(_without(self._suspects, entries))
        if len(entries) > 1:
            self._suspects = list(entries)
            return
        self._suspects = []
        await self._parts.ledger.bury(entries, result.reason)
        name = self._parts.destination.name
        self._parts.health.say(f"Discord refuses an event for webhook {name}: {result.reason}. It is kept as a dead letter")


def _without(entries: Sequence[Entry], others: Sequence[Entry]) -> list[Entry]:
    ids = {entry.id for entry in others}
    return [entry for entry in entries if entry.id not in ids]
