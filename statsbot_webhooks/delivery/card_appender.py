"""Adds to a card's message what the card cannot keep: a file that stays, so that a flood of one error is one message.

What does not fit into the message is posted by `message_sender`; which file is added is decided in `card_files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..storage import Entry
from .card_files import Grown, grow
from .outcome import ANNOUNCEMENT_EDITS, GONE_MESSAGE, LOST_MESSAGE, Outcome, Result
from .place_refusals import way_out
from .rate_limiter import Priority
from .selection import Unit
from .worker_context import WorkerContext


class CardAppender:
    """Show entries in a file of their card's message. They are held until Discord has confirmed it.

    An edit whose answer is lost is made again: the file that nothing knows is left out then.
    """

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts

    async def append(self, unit: Unit, priority: Priority) -> bool:
        """Add what a unit holds to the message of its card; False when it needs a message of its own."""
        parts, now = self._parts, self._parts.clock.now()
        grown = await parts.layout.compute(self._lay_out, unit, now)
        if grown is None:
            return False
        await parts.outbox.release(unit.rest)
        state = parts.states.of(unit.key, grown.card.whole.event)
        message = parts.dress(grown.message, grown.card, state)
        grown = replace(grown, card=replace(grown.card, has_buttons=bool(message.buttons)))
        if grown.exchanges:
            # Written before: an end of this process may leave it open whether the file of before is still there.
            await parts.outbox.write_state(parts.cards.doubt(unit.key, is_doubted=True))
        result = await parts.edit(grown.card, message, priority, grown.kept)
        await self._settle(unit.key, unit.entries, grown, result)
        return True

    def _lay_out(self, unit: Unit, now: float) -> Grown | None:
        parts = self._parts
        card = parts.cards.overfull(unit.key, [entry.event for entry in unit.entries], now)
        if card is None:
            return None
        note = parts.states.of(unit.key, card.whole.event).note or replace(card, filed=card.filed + len(card.events)).remark
        try:
            return grow(card, parts.batcher.build_card(card.whole, card.events, note=note, batch_id=card.batch_id))
        except Exception:  # noqa: BLE001 - a guard: when it is posted, the event that is to blame is found and counted
            return None

    async def _settle(self, key: str, entries: Sequence[Entry], grown: Grown, result: Result) -> None:
        parts, now = self._parts, self._parts.clock.now()
        if result.outcome == Outcome.DELIVERED:
            await parts.outbox.ack(entries, parts.cards.appended(key, grown, result.files, now), shown=0)
            await parts.note_success(len(entries))
            return
        parts.health.last_error = result.reason
        if grown.exchanges and result.outcome != Outcome.UNKNOWN:
            # Of an edit before this one it may be unknown still.
            await parts.outbox.write_state(parts.cards.doubt(key, grown.card.is_doubted))
        await parts.outbox.release(entries)
        if result.code in LOST_MESSAGE:
            await parts.outbox.write_state(parts.cards.lost(key, is_deleted=result.code in GONE_MESSAGE))
        elif place_text := way_out(result, parts.destination, is_in_thread=grown.card.thread_id is not None):
            parts.health.record_refusal(result, parts.clock.monotonic(), place_text)
        elif result.outcome == Outcome.REJECTED or result.code == ANNOUNCEMENT_EDITS:
            # They leave in a message of their own.
            await parts.outbox.write_state(parts.cards.lost(key, is_deleted=False))
        else:
            parts.health.record_failure(result, parts.clock.monotonic())
