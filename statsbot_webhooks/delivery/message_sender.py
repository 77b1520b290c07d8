"""Message sender: claim what waits for one destination, lay it out, seal it, send it and settle the result.

It edits no message, and the worker decides when it may act.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..formatting.formatter import WebhookMessage, mark
from ..storage import Entry
from .batch import MAX_ENTRIES, Batch, Presentation
from .callbacks import Watches
from .card import Card
from .card_appender import CardAppender
from .card_files import takes_more
from .card_states import CardState
from .lost_answers import Sight
from .message_threads import FORUM_NEEDS_NAME, NOT_A_FORUM, ThreadPlace
from .outcome import LOST_MESSAGE, Outcome, Result
from .place_refusals import way_out
from .rate_limiter import Priority
from .refusal_search import RefusalSearch
from .selection import Unit, next_unit, whole_unit
from .transport import options_for
from .worker_context import WorkerContext

# Parts of a message that can be left out, because the card names the bot too.
_OPTIONAL: Final = frozenset({"username", "avatar_url"})
# A message whose sending was cancelled is looked for after this time: Discord rarely takes longer to post one.
_ARRIVAL_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message about to be sent or settled, and what it was made of."""

    batch: Batch
    place: ThreadPlace
    key: str
    card: Card | None
    state: CardState = field(default_factory=CardState)


class MessageSender:
    """Send one destination's next message. `note` is a line above the next message.

    `on_return(key)` is called for the card of an issue that came back after it was resolved.
    """

    def __init__(self, parts: WorkerContext, on_return: Callable[[str], None] = lambda _: None) -> None:
        self._parts = parts
        self._on_return = on_return
        self._search = RefusalSearch()
        self._appender = CardAppender(parts)
        # The batch whose last message certainly did not arrive; any other sealed batch may have arrived.
        self._unsent = ""
        # When a message that may be under way will have arrived; None after a start, as it may be an earlier worker's.
        self._arrived_at: float | None = None
        self._refused_names: set[str] = set()
        self._priority = Priority.CALM
        self._presentation = Presentation.CARDS
        self._has_turn = False
        self.note = ""
        self.is_flushing = False
        self.watches = Watches()

    async def due_seconds(self) -> float | None:
        """Return the seconds until the next message may leave; `None` when nothing waits."""
        due = await self._ready_seconds()
        return None if due is None else max(due, self._parts.limiter.wait_seconds(self._priority))

    async def _ready_seconds(self) -> float | None:
        depth = await self._parts.outbox.depth()
        # Decided before the claim, so that calm events that wait for budget do not hold up urgent ones. After a failure the
        # next request is urgent as well: it shows whether there is an outage.
        is_urgent = depth.is_urgent_next or depth.urgent > 0 or self._parts.health.breaker.is_failing
        self._priority = Priority.URGENT if is_urgent else Priority.CALM
        # During the search for a refused event only urgent events go before the next half.
        self._has_turn = not self._search or (depth.is_urgent_next and depth.ready > 0)
        if not self._has_turn:
            self._priority = _priority(self._search.next())
            return 0.0
        if depth.ready == 0:
            return None
        if self.is_flushing or depth.recovered or depth.is_urgent_next:
            return 0.0
        return self._parts.batcher.wait_seconds(depth.ready, depth.urgent, depth.oldest, self._parts.clock.now())

    async def send(self) -> None:
        """Send the next message, and settle its result."""
        parts = self._parts
        unit = await self._next_unit()
        if unit is None:
            return
        if self._may_append(unit) and await self._appender.append(unit, self._priority):
            return
        card = await parts.layout.compute(parts.cards.preview, unit.entries) if unit.key else None
        state = parts.states.of(unit.key, card.whole.event) if card is not None else CardState()
        try:
            # Laying out long texts takes milliseconds: never on the loop.
            batch = await parts.layout.compute(self._lay_out, unit, card, parts.limiter.budget_left())
            if card is not None:
                batch = replace(batch, message=parts.dress(batch.message, card, state))
                card = replace(card, has_buttons=bool(batch.message.buttons), batch_id=batch.id)
        except Exception as error:  # noqa: BLE001 - a guard: what cannot be formatted is buried, the worker goes on
            await parts.outbox.release(unit.rest)
            await self._reject(unit.entries, Result(Outcome.REJECTED, f"{type(error).__name__} while it was laid out"))
            return
        place = parts.threads.place(batch.entries[-1].event, unit.key, parts.clock.now())
        sent = _Sent(batch, place, unit.key, card, state)
        # The rest of a half stays leased: the search goes on with it.
        rest = [*(() if self._is_of_search(batch.entries) else batch.rest), *unit.rest]
        result = await self._find_lost(unit, sent)
        if result is not None:
            await parts.outbox.release(rest)
        else:
            result = await self._transmit(sent, rest)
        await self._settle(sent, result)
        self.watches.answer(batch.entries, result)

    async def _find_lost(self, unit: Unit, sent: _Sent) -> Result | None:
        """Look for a message that may have arrived earlier; returns its result, a RETRY when the look failed, else `None`."""
        first, clock = unit.entries[0], self._parts.clock
        if not first.batch or sent.batch.id == self._unsent or self._parts.links.reader() is None:
            return None
        if self._arrived_at is None:
            self._arrived_at = clock.monotonic() + (0.0 if first.is_recovered else _ARRIVAL_SECONDS)
        if (wait := self._arrived_at - clock.monotonic()) > 0:
            await clock.sleep(wait)
        sight, result = await self._parts.lost_answers.look(sent.batch.id, sent.place)
        return result if sight in (Sight.THERE, Sight.LATER) else None

    async def _transmit(self, sent: _Sent, rest: Sequence[Entry]) -> Result:
        """Send a message, and once more without the optional parts that Discord refused."""
        parts, events = self._parts, [entry.event for entry in sent.batch.entries]
        message = self._with_allowed_name(sent.batch.message)
        place = sent.place if not sent.place.thread_name else replace(sent.place, tags=parts.post_tags(sent.key))
        async with parts.limiter.request(self._priority):
            await parts.outbox.seal(sent.batch.entries, sent.batch.id, rest)
            role_id = parts.pings.take(events, parts.clock.now())
            # If this call is cancelled before its answer, the message may be under way.
            self._unsent, self._arrived_at = "", parts.clock.monotonic() + _ARRIVAL_SECONDS
            result = await parts.transport.send(parts.destination, message, options_for(place, events, role_id))
        self._arrived_at = 0.0
        if result.is_about_buttons:
            parts.buttons.refused.add(parts.destination.url.id)
            async with parts.limiter.request(self._priority):
                message = replace(message, buttons=None)
                result = await parts.transport.send(parts.destination, message, options_for(place, events, role_id))
        if result.outcome == Outcome.REJECTED and result.fields and result.fields <= _OPTIONAL:
            self._refused_names.update(value for name in result.fields if (value := getattr(message, name)))
            async with parts.limiter.request(self._priority):
                message = self._with_allowed_name(message)
                result = await parts.transport.send(parts.destination, message, options_for(place, events, role_id))
        if result.outcome == Outcome.UNKNOWN:
            sight, found = await parts.lost_answers.look(sent.batch.id, sent.place)
            result = found if sight == Sight.THERE else result
        else:
            self._unsent = sent.batch.id
        if role_id is not None and result.outcome not in (Outcome.DELIVERED, Outcome.UNKNOWN):
            parts.pings.give_back()
        return result

    def _may_append(self, unit: Unit) -> bool:
        """Whether entries may be added to a message: not when sealed or watched, during a search, or with a note to show."""
        is_plain = bool(unit.key) and not self.note and not self._search and not unit.entries[0].batch
        return is_plain and not self.watches.among(unit.entries)

    def _with_allowed_name(self, message: WebhookMessage) -> WebhookMessage:
        """Return the message without a sender name or avatar that Discord refused before."""
        refused = {name: None for name in _OPTIONAL if getattr(message, name) in self._refused_names}
        return replace(message, **refused) if refused else message

    def give_back(self) -> None:
        """Give back every leased entry; returns at once."""
        self._search.clear()
        self._parts.outbox.give_all_back()

    async def _next_unit(self) -> Unit | None:
        if not self._has_turn:
            return whole_unit(self._search.next()) if self._search else None
        parts = self._parts
        entries = await parts.outbox.claim(MAX_ENTRIES)
        if not entries:
            return whole_unit(self._search.next()) if self._search else None
        if entries[0].batch:
            return whole_unit(entries)
        watched = self.watches.among(entries)
        others = _without(entries, watched) if watched else entries
        # Fingerprints of many tracebacks take milliseconds: never on the loop.
        absorbed = await parts.layout.compute(parts.cards.absorb, others, parts.clock.now())
        if absorbed.entries:
            await parts.outbox.ack(absorbed.entries, absorbed.state, shown=0)
        rest, left = [*watched, *absorbed.rest], parts.limiter.budget_left()
        now = parts.clock.now()

        def can_grow(key: str) -> bool:
            return takes_more(parts.cards.get(key), now)

        return await parts.layout.compute(next_unit, rest, left, parts.cards.knows, can_grow) if rest else None

    def _lay_out(self, unit: Unit, card: Card | None, budget_left: int) -> Batch:
        parts, batcher = self._parts, self._parts.batcher
        if card is None:
            now, current = parts.clock.now(), self._presentation
            batch = batcher.build(unit.entries, note=self.note, now=now, budget_left=budget_left, current=current)
            self._presentation = batch.presentation
            events = [entry.event for entry in batch.entries]
            menu = parts.buttons.draw_choice(events, parts.destination.url.id, parts.application_id)
            batch_id = _id_of(batch.entries)
            return replace(batch, message=replace(mark(batch.message, "", batch_id), buttons=menu), id=batch_id)
        # There is room for one line; the card's own returns with its first edit.
        note = self.note or parts.states.of(unit.key, card.whole.event).note or card.remark
        batch_id = _id_of(unit.entries)
        message = batcher.build_card(card.whole, card.events, note=note, batch_id=batch_id)
        return Batch(unit.entries, (), message, id=batch_id)

    async def _settle(self, sent: _Sent, result: Result) -> None:
        parts, entries = self._parts, sent.batch.entries
        if result.outcome == Outcome.DELIVERED:
            await self._delivered(sent, result)
            return
        parts.health.last_error = result.reason
        if await self._is_about_the_place(sent.place, result):
            await self._take_back(entries, result)
        elif result.outcome == Outcome.REJECTED:
            await self._reject(entries, result)
        else:
            await self._take_back(entries, result)
            parts.health.record_failure(result, parts.clock.monotonic(), parts.limiter.retry_seconds())
            # A test message that waits behind this one would fail the same way.
            self.watches.answer_all(result)

    def _is_of_search(self, entries: Sequence[Entry]) -> bool:
        return bool(self._search) and entries[0] in self._search.next()

    async def _take_back(self, entries: Sequence[Entry], result: Result) -> None:
        outbox = self._parts.outbox
        if not self._is_of_search(entries):
            # A message that may have arrived must be sent unchanged; a refused one did not arrive.
            await outbox.release(entries, unseal=result.outcome in (Outcome.GONE, Outcome.REJECTED))
        elif result.outcome == Outcome.RETRY:
            # Not taken by Discord, so the search goes on with it.
            await outbox.unseal(entries)
        else:
            others = _without(self._search.entries, entries)
            self._search.clear()
            await outbox.release(others)
            await outbox.release(entries, unseal=result.outcome != Outcome.UNKNOWN)

    async def _is_about_the_place(self, place: ThreadPlace, result: Result) -> bool:
        """Whether Discord refused a message only because of where it was to go."""
        parts = self._parts
        if result.code in LOST_MESSAGE and place.key and place.thread_id:
            # The next message makes a new post.
            await parts.outbox.write_state(parts.threads.forget(place))
            return True
        if result.code in (FORUM_NEEDS_NAME, NOT_A_FORUM):
            self._use_forum(is_forum=result.code == FORUM_NEEDS_NAME)
            return True
        text = way_out(result, parts.destination, is_in_thread=place.thread_id is not None)
        if text:
            self.watches.answer_all(result)
            parts.health.record_refusal(result, parts.clock.monotonic(), text)
        return bool(text)

    def _use_forum(self, *, is_forum: bool) -> None:
        parts = self._parts
        name, url = parts.threads.use_forum(is_forum), parts.destination.setting
        setting = f"{url.removesuffix('_URL')}_THREAD_NAME"
        if is_forum:
            parts.health.say(
                f"{url} belongs to a forum: each day gets a post named {name} and its date; {setting} changes the name"
            )
        else:
            parts.health.say(f"{setting}: {url} does not belong to a forum, so messages go to the channel itself")

    async def _delivered(self, sent: _Sent, result: Result) -> None:
        parts, now = self._parts, self._parts.clock.now()
        self.note = ""
        parts.health.delivered_at = now
        self._search.passed(sent.batch.entries)
        parts.lost_answers.note(result.message_id)
        state: dict[str, Any] = {**parts.threads.used(sent.place, result.channel_id, now), **parts.pings.state()}
        if result.channel_id is not None and sent.place == ThreadPlace():
            state |= parts.channel_state(result.channel_id)
        shown = len(sent.batch.entries) - sent.batch.folded
        if sent.card is not None:
            thread_id = sent.place.thread_of(result.channel_id)
            message = sent.batch.message
            state |= parts.cards.posted(sent.key, sent.card, result.message_id, thread_id, now, message, result.files)
            if parts.states.of(sent.key, sent.card.whole.event) != sent.state:
                # Something was decided while the message was under way.
                state |= parts.cards.redraw(sent.key, now)
            shown = 1
        else:
            state |= parts.cards.counted(sent.batch.entries, now)
        await parts.outbox.ack(sent.batch.entries, state, shown=shown)
        if any(entry.event.note for entry in sent.batch.entries):
            self._on_return(sent.key)
        if result.message_id is not None:
            parts.links.on_message(result.message_id, (entry.event for entry in sent.batch.entries))
        await parts.note_success(len(sent.batch.entries))

    async def _reject(self, entries: Sequence[Entry], result: Result) -> None:
        """Search for the one event that Discord refuses, by halves, and bury it."""
        parts = self._parts
        # The next half is another message, with an id of its own.
        refused = self._search.refused([replace(entry, batch="") for entry in entries])
        if refused is None:
            # The message is not in Discord, and urgent events must not wait for the end of the search.
            await parts.outbox.unseal(entries)
            return
        await parts.outbox.bury([refused], result.reason)
        parts.cards.buried(refused.event)
        name = parts.destination.name
        parts.health.say(f"Discord refuses an event for webhook {name}: {result.reason}. It is kept as a dead letter")


def _id_of(entries: Sequence[Entry]) -> str:
    """Return the id of the message that shows entries: the sealed one, or else one that no other set of entries has.

    The first entry alone is not enough: a message that began with it may be in the channel when its answer was lost and a
    later refusal unsealed it.
    """
    first = entries[0]
    if first.batch or len(entries) == 1:
        return first.batch or f"{first.id:x}"
    return f"{first.id:x}z{zlib.crc32(repr([entry.id for entry in entries]).encode()) & 0xFFFF:x}"


def _priority(entries: Sequence[Entry]) -> Priority:
    return Priority.URGENT if any(entry.event.is_urgent for entry in entries) else Priority.CALM


def _without(entries: Sequence[Entry], others: Sequence[Entry]) -> list[Entry]:
    ids = {entry.id for entry in others}
    return [entry for entry in entries if entry.id not in ids]
