"""Card appender: add a lasting file to a card's message, so that a flood of one error stays one message.

It posts no new message (`message_sender` does) and does not choose the file (`card_files` does).
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
    """Show entries in a file of their card's message; they stay leased until Discord has confirmed it.

    An edit whose answer was lost is repeated without the file that it may have added.
    """

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts

    async def append(self, unit: Unit, priority: Priority) -> bool:
        """Add a unit's entries to the message of its card; False when they need a message of their own."""
        parts, now = self._parts, self._parts.clock.now()
        grown = await parts.layout.compute(self._lay_out, unit, now)
        if grown is None:
            return False
        await parts.outbox.release(unit.rest)
        state = parts.states.of(unit.key, grown.card.whole.event)
        message = parts.dress(grown.message, grown.card, state)
        grown = replace(grown, card=replace(grown.card, has_buttons=bool(message.buttons)))
        if grown.exchanges:
            # Written first: if this process ends during the edit, the previous file may or may not be there.
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
        except Exception:  # noqa: BLE001 - a guard: the message sender then finds and counts the event that is to blame
            return None

    async def _settle(self, key: str, entries: Sequence[Entry], grown: Grown, result: Result) -> None:
        parts, now = self._parts, self._parts.clock.now()
        if result.outcome == Outcome.DELIVERED:
            await parts.outbox.ack(entries, parts.cards.appended(key, grown, result.files, now), shown=0)
            await parts.note_success(len(entries))
            return
        parts.health.last_error = result.reason
        if grown.exchanges and result.outcome != Outcome.UNKNOWN:
            # This edit changed nothing; an earlier one may still be in doubt.
            await parts.outbox.write_state(parts.cards.doubt(key, grown.card.is_doubted))
        await parts.outbox.release(entries)
        if result.code in LOST_MESSAGE:
            await parts.outbox.write_state(parts.cards.lost(key, is_deleted=result.code in GONE_MESSAGE))
        elif place_text := way_out(result, parts.destination, is_in_thread=grown.card.thread_id is not None):
            parts.health.record_refusal(result, parts.clock.monotonic(), place_text)
        elif result.outcome == Outcome.REJECTED or result.code == ANNOUNCEMENT_EDITS:
            # The entries leave in a message of their own.
            await parts.outbox.write_state(parts.cards.lost(key, is_deleted=False))
        else:
            parts.health.record_failure(result, parts.clock.monotonic())
