"""Shows the newest state of cards: in their message, or in a new one when that is gone or too old to be edited."""

from __future__ import annotations

from dataclasses import replace

from ..formatting.formatter import WebhookMessage
from .live_cards import Card
from .outcome import LOST_MESSAGE, Outcome, Result
from .rate_limiter import Priority
from .transport import options_for
from .worker_context import WorkerContext


class CardEditor:
    """Edit one destination's cards, one at a time."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self.is_ending = False

    @property
    def has_work(self) -> bool:
        """Whether the newest state of a card is still to be shown."""
        return self._parts.cards.are_stale

    def due_seconds(self) -> float | None:
        """Return how long until the next edit; `None` when every card shows its newest state.

        At the end nothing follows that could make another edit necessary, so none waits any longer.
        """
        edit = self._parts.cards.next_edit(self._parts.clock.now())
        if edit is None:
            return None
        return max(0.0 if self.is_ending else edit[1], self._parts.limiter.wait_seconds(Priority.EDIT))

    async def edit(self) -> None:
        """Show the newest state of the card whose turn it is."""
        parts = self._parts
        edit = parts.cards.next_edit(parts.clock.now())
        card = parts.cards.get(edit[0]) if edit is not None else None
        if edit is None or card is None:
            return
        try:
            message = await parts.layout.compute(parts.batcher.build_card, card.fold, card.events, note=card.remark)
        except Exception as error:  # noqa: BLE001 - a border, as for batches: the worker lives on
            await self._settle(edit[0], card, Result(Outcome.REJECTED, f"{type(error).__name__} while it was laid out"))
            return
        await self._settle(edit[0], card, await self._show(edit[0], card, message))

    async def _show(self, key: str, card: Card, message: WebhookMessage) -> Result:
        parts, now = self._parts, self._parts.clock.now()
        if card.message_id is not None and card.can_be_edited(now):
            async with parts.limiter.request(Priority.EDIT):
                await parts.ledger.note_edit(now)
                result = await parts.transport.edit(parts.destination, card.message_id, message, thread_id=card.thread_id)
        else:
            place = parts.threads.place(card.fold.event, key, now)
            async with parts.limiter.request(Priority.CALM):
                await parts.ledger.note_edit(now)
                result = await parts.transport.send(parts.destination, message, options_for(place, [card.fold.event]))
            result = replace(result, thread_id=place.thread_of(result.channel_id))
            if result.outcome == Outcome.DELIVERED:
                await parts.ledger.write_state(parts.threads.used(place, result.channel_id, now))
            elif result.code in LOST_MESSAGE:
                await parts.ledger.write_state(parts.threads.forget(place))
        # To show a state twice does no harm, so there is no doubt to be settled.
        return replace(result, outcome=Outcome.DELIVERED) if result.outcome == Outcome.UNKNOWN else result

    async def _settle(self, key: str, card: Card, result: Result) -> None:
        parts, now = self._parts, self._parts.clock.now()
        if result.outcome == Outcome.DELIVERED:
            is_edit, where = result.message_id == card.message_id, (result.message_id, result.thread_id)
            state = parts.cards.edited(key, now) if is_edit else parts.cards.posted(key, card, *where, now)
        elif result.code in LOST_MESSAGE:
            state = parts.cards.lost(key)
        elif result.outcome == Outcome.REJECTED:
            state = parts.cards.edited(key, now)
            parts.health.say(f"Discord refuses the new state of a card for webhook {parts.destination.name}: {result.reason}")
        else:
            parts.health.record_failure(result, parts.clock.monotonic())
            return
        await parts.ledger.write_state(state)
        if result.outcome == Outcome.DELIVERED:
            await parts.note_success(0)
