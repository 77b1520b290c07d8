"""Card editor: show the newest state of cards, in their message or in a new one when that is gone or too old for edits.

What a card shows is decided in `live_cards`; new events are posted by `message_sender`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from ..formatting.formatter import WebhookMessage
from .card import Card, without_files
from .card_files import beside_files
from .lost_answers import Sight
from .outcome import ANNOUNCEMENT_EDITS, GONE_MESSAGE, LOST_MESSAGE, Outcome, Result
from .place_refusals import way_out
from .rate_limiter import Priority
from .transport import options_for
from .worker_context import WorkerContext

# How long no card is edited after Discord refused an edit in an announcement channel.
_EDIT_LIMIT_SECONDS: Final = 600.0


class CardEditor:
    """Edit one destination's cards, one at a time."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self._no_edit_until = 0.0
        # Cards whose new message may have arrived, with its batch id.
        self._doubted: dict[str, str] = {}
        self.is_ending = False

    @property
    def has_work(self) -> bool:
        """Whether a card does not show its newest state yet."""
        return self._parts.cards.are_stale

    @property
    def is_in_doubt(self) -> bool:
        """Whether a card's message may have arrived: it is looked for before the card is posted again."""
        cards = [self._parts.cards.get(key) for key in self._doubted]
        return any(card is not None and card.is_stale and card.message_id is None for card in cards)

    def due_seconds(self) -> float | None:
        """Return how long until the next edit; `None` when every card shows its newest state.

        While the worker ends, edits do not wait for their pace: no newer state will follow.
        """
        edit = self._parts.cards.next_edit(self._parts.clock.now())
        if edit is None:
            return None
        pause = self._no_edit_until - self._parts.clock.monotonic()
        return max(0.0 if self.is_ending else edit[1], pause, self._parts.limiter.wait_seconds(Priority.EDIT))

    async def edit(self) -> None:
        """Show the newest state of the card that is due first."""
        parts = self._parts
        edit = parts.cards.next_edit(parts.clock.now())
        card = parts.cards.get(edit[0]) if edit is not None else None
        if edit is None or card is None:
            return
        key, state = edit[0], parts.states.of(edit[0], card.whole.event)
        try:
            is_post = not card.can_be_edited(parts.clock.now()) or (card.is_doubted and card.waiting is not None)
            if is_post and card.waiting is None:
                await parts.outbox.write_state(parts.cards.lost(key, is_deleted=False))
                return
            card = without_files(card) if is_post else card
            batch_id = self._doubted.get(key) or _batch_id(key, card) if is_post else card.batch_id
            build = parts.batcher.build_card
            note = state.note or card.remark
            message = await parts.layout.compute(build, card.whole, card.events, note=note, batch_id=batch_id)
            message = parts.dress(beside_files(card, message), card, state)
        except Exception as error:  # noqa: BLE001 - a guard, as for batches: the worker goes on
            await self._settle(key, card, Result(Outcome.REJECTED, f"{type(error).__name__} while it was laid out"))
            return
        card = replace(card, has_buttons=bool(message.buttons), batch_id=batch_id)
        if is_post:
            result, is_found = await self._post(key, card, message, batch_id)
        else:
            result, is_found = await parts.edit(card, message, Priority.EDIT, card.files, _kept(card)), False
        await self._settle(key, card, result, is_found=is_found)

    async def _post(self, key: str, card: Card, message: WebhookMessage, batch_id: str) -> tuple[Result, bool]:
        """Post a card anew, or find it when the answer was lost; the second value says that it was found, in an older state."""
        parts, now = self._parts, self._parts.clock.now()
        place = parts.threads.place(card.whole.event, key, now)
        if place.thread_name:
            place = replace(place, tags=parts.post_tags(key))
        sight, result = await parts.lost_answers.look(batch_id, place) if key in self._doubted else (Sight.NOT_THERE, None)
        if result is None or sight not in (Sight.THERE, Sight.LATER):
            async with parts.limiter.request(Priority.CALM):
                await parts.outbox.note_edit(now)
                result = await parts.transport.send(parts.destination, message, options_for(place, [card.whole.event]))
        if result.outcome == Outcome.UNKNOWN:
            self._doubted[key] = batch_id
        result = replace(result, thread_id=place.thread_of(result.channel_id))
        if result.outcome == Outcome.DELIVERED:
            self._doubted.pop(key, None)
            parts.lost_answers.note(result.message_id)
            await parts.outbox.write_state(parts.threads.used(place, result.channel_id, now))
        elif result.code in LOST_MESSAGE:
            await parts.outbox.write_state(parts.threads.forget(place))
        return result, sight == Sight.THERE

    async def _settle(self, key: str, card: Card, result: Result, *, is_found: bool = False) -> None:
        parts, now = self._parts, self._parts.clock.now()
        place_text = way_out(result, parts.destination, is_in_thread=card.thread_id is not None)
        if result.outcome == Outcome.DELIVERED:
            is_edit, where = result.message_id == card.message_id, (result.message_id, result.thread_id)
            await parts.outbox.write_state(
                parts.cards.edited(key, card, now) if is_edit else parts.cards.posted(key, card, *where, now, is_found=is_found)
            )
            await parts.note_success(0)
        elif result.code == ANNOUNCEMENT_EDITS:
            if self._no_edit_until <= parts.clock.monotonic():
                parts.health.say(
                    f"Discord limits edits in the announcement channel of {parts.destination.setting}: cards there are brought "
                    "up to date every 10 minutes. An ordinary text channel has no such limit"
                )
            self._no_edit_until = parts.clock.monotonic() + _EDIT_LIMIT_SECONDS
        elif result.code in LOST_MESSAGE and card.message_id is not None:
            await parts.outbox.write_state(parts.cards.lost(key, is_deleted=result.code in GONE_MESSAGE))
        elif place_text:
            parts.health.record_refusal(result, parts.clock.monotonic(), place_text)
        elif result.outcome == Outcome.REJECTED:
            await self._give_up(key, result)
        else:
            parts.health.record_failure(result, parts.clock.monotonic())

    async def _give_up(self, key: str, result: Result) -> None:
        """Send the events of a refused state as messages, where the event that is to blame can be found."""
        parts = self._parts
        events, state = parts.cards.refused(key)
        await parts.outbox.put_back(events, state)
        name = parts.destination.name
        parts.health.say(f"Discord refuses the new state of a card for webhook {name}: {result.reason}. It is sent as messages")


def _kept(card: Card) -> frozenset[str]:
    """Return the parts that an edit leaves alone: a card with nothing new keeps its files, and a chart or list its embeds."""
    if card.waiting is not None:
        return frozenset()
    return frozenset({"files", "embeds"} if card.fold.event.card else {"files"})


def _batch_id(key: str, card: Card) -> str:
    """Return an id for the message of a card's state, derived from its count and its last time."""
    return hashlib.blake2b(f"{key} {card.whole.count} {card.whole.last}".encode(), digest_size=5).hexdigest()
