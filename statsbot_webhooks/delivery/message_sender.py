"""Takes what waits for one destination and brings it into the channel: claim, lay out, seal, send, settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..storage import Entry
from .batch import MAX_ENTRIES, Batch, Presentation
from .callbacks import Watches
from .forum_threads import FORUM_NEEDS_NAME, NOT_A_FORUM, Place
from .live_cards import Card
from .outcome import LOST_MESSAGE, Outcome, Result
from .rate_limiter import Priority
from .selection import Unit, next_unit, whole_unit
from .transport import options_for
from .worker_context import WorkerContext


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that left, and what it was made of."""

    batch: Batch
    batch_id: str
    place: Place
    key: str
    card: Card | None


class MessageSender:
    """Send one destination's next message. `note` is a line that the next message carries."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self._suspects: list[Entry] = []
        self._claimed: Sequence[Entry] = []
        self._doubted = ""
        self._priority = Priority.CALM
        self._presentation = Presentation.CARDS
        self.note = ""
        self.is_flushing = False
        self.watches = Watches()

    async def due_seconds(self) -> float | None:
        """Return how long until the next message may leave; `None` when nothing waits."""
        due = await self._ready_seconds()
        return None if due is None else max(due, self._parts.limiter.wait_seconds(self._priority))

    async def _ready_seconds(self) -> float | None:
        if self._suspects:
            self._priority = _priority(self._suspects)
            return 0.0
        depth = await self._parts.ledger.depth()
        # What comes next must be known before it is claimed: what waits for its turn must not be in the way of what is urgent.
        self._priority = Priority.URGENT if depth.is_urgent_next else Priority.CALM
        if depth.ready == 0:
            return None
        if self.is_flushing or depth.recovered:
            return 0.0
        return self._parts.batcher.wait_seconds(depth.ready, depth.urgent, depth.oldest, self._parts.clock.now())

    async def send(self) -> None:
        """Send what is next, and note what came of it."""
        parts = self._parts
        unit = await self._next_unit()
        if unit is None:
            return
        batch_id = unit.entries[0].batch or f"{unit.entries[0].id:x}"
        card = await parts.layout.compute(parts.cards.preview, unit.entries) if unit.key else None
        try:
            # Long texts take milliseconds to lay out: never on the loop.
            batch = await parts.layout.compute(self._lay_out, unit, card, batch_id, parts.limiter.budget_left())
        except Exception as error:  # noqa: BLE001 - a border: what cannot be formatted is buried, the worker lives on
            await parts.ledger.release(unit.rest)
            await self._reject(unit.entries, Result(Outcome.REJECTED, f"{type(error).__name__} while it was laid out"))
            return
        now, events = parts.clock.now(), [entry.event for entry in batch.entries]
        place = parts.threads.place(events[-1], unit.key, now)
        async with parts.limiter.request(self._priority):
            # What is left of the suspects stays leased.
            await parts.ledger.seal(batch.entries, batch_id, () if self._suspects else [*batch.rest, *unit.rest])
            role_id = parts.pings.take(events, now)
            result = await parts.transport.send(parts.destination, batch.message, options_for(place, events, role_id))
        if role_id is not None and result.outcome not in (Outcome.DELIVERED, Outcome.UNKNOWN):
            parts.pings.give_back()
        await self._settle(_Sent(batch, batch_id, place, unit.key, card), result)
        self.watches.answer(batch.entries, result)

    async def give_back(self) -> None:
        """Put back what was held."""
        held, self._suspects, self._claimed = [*self._suspects, *self._claimed], [], []
        await self._parts.ledger.release(held)

    async def _next_unit(self) -> Unit | None:
        if self._suspects:
            # While an event that Discord refuses is among them, the half of them that may hold it goes alone.
            return whole_unit(self._suspects[: (len(self._suspects) + 1) // 2])
        parts = self._parts
        entries = self._claimed = await parts.ledger.claim(MAX_ENTRIES)
        if not entries or entries[0].batch:
            return whole_unit(entries) if entries else None
        watched = [entry for entry in entries if self.watches.has(entry)]
        # Fingerprints of many tracebacks take milliseconds: not on the loop.
        absorbed = await parts.layout.compute(parts.cards.absorb, _without(entries, watched), parts.clock.now())
        if absorbed.entries:
            await parts.ledger.ack(absorbed.entries, absorbed.state, shown=0)
        rest, left = [*watched, *absorbed.rest], parts.limiter.budget_left()
        return await parts.layout.compute(next_unit, rest, left) if rest else None

    def _lay_out(self, unit: Unit, card: Card | None, batch_id: str, budget_left: int) -> Batch:
        parts, batcher = self._parts, self._parts.batcher
        if card is None:
            state = {"current": self._presentation, "budget_left": budget_left}
            batch = batcher.build(unit.entries, note=self.note, batch_id=batch_id, now=parts.clock.now(), **state)
            self._presentation = batch.presentation
            return batch
        events = [entry.event for entry in unit.entries]
        # There is room for one line; the card's own comes back with its first edit.
        note = self.note or card.remark
        return Batch(unit.entries, (), batcher.build_card(card.fold, events, note=note, batch_id=batch_id))

    async def _settle(self, sent: _Sent, result: Result) -> None:
        if result.outcome == Outcome.UNKNOWN and self._doubted == sent.batch_id:
            # Sent twice, and Discord answered 2xx both times: it is there.
            result = replace(result, outcome=Outcome.DELIVERED)
        if result.outcome == Outcome.DELIVERED:
            await self._delivered(sent, result)
            return
        self._parts.health.last_error = result.reason
        if await self._is_about_the_place(sent.place, result):
            await self._take_back(sent.batch.entries)
        elif result.outcome == Outcome.REJECTED:
            await self._reject(sent.batch.entries, result)
        else:
            await self._take_back(sent.batch.entries)
            if result.outcome == Outcome.UNKNOWN:
                self._doubted = sent.batch_id
            else:
                self._parts.health.record_failure(result, self._parts.clock.monotonic())

    async def _take_back(self, entries: Sequence[Entry]) -> None:
        if not self._suspects:
            await self._parts.ledger.release(entries)

    async def _is_about_the_place(self, place: Place, result: Result) -> bool:
        """Whether Discord refused a message only because of the thread it was for; the next one goes elsewhere."""
        parts = self._parts
        if result.code in LOST_MESSAGE and place.key and place.thread_id:
            await parts.ledger.write_state(parts.threads.forget(place))
            return True
        is_forum = result.code == FORUM_NEEDS_NAME
        if not is_forum and result.code != NOT_A_FORUM:
            return False
        name, url = parts.threads.use_forum(is_forum), parts.destination.setting
        setting = url.removesuffix("_URL") + "_THREAD_NAME"
        if is_forum:
            parts.health.say(f"{url} is a forum's: there is a post a day now, named {name!r}. {setting} names it otherwise")
        else:
            parts.health.say(f"{setting}: {url} is no forum's, so messages go to the channel itself")
        return True

    async def _delivered(self, sent: _Sent, result: Result) -> None:
        parts, now = self._parts, self._parts.clock.now()
        self.note = self._doubted = ""
        self._suspects = _without(self._suspects, sent.batch.entries)
        parts.health.delivered_at = now
        if result.channel_id is not None and sent.place == Place():
            parts.health.channel_id = result.channel_id
        if result.channel_id is not None and sent.place == Place() and not parts.limiters.knows(parts.destination.name):
            parts.limiters.join(parts.destination.name, result.channel_id)
        state: dict[str, Any] = {**parts.threads.used(sent.place, result.channel_id, now), **parts.pings.state()}
        shown = len(sent.batch.entries) - sent.batch.folded
        if sent.card is not None:
            thread_id = sent.place.thread_of(result.channel_id)
            state |= parts.cards.posted(sent.key, sent.card, result.message_id, thread_id, now)
            shown = 1
        else:
            state |= parts.cards.counted(sent.batch.entries, now)
        await parts.ledger.ack(sent.batch.entries, state, shown=shown)
        if result.message_id is not None:
            parts.links.on_message(result.message_id, (entry.event for entry in sent.batch.entries))
        await parts.note_success(len(sent.batch.entries))

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


def _priority(entries: Sequence[Entry]) -> Priority:
    return Priority.URGENT if any(entry.event.is_urgent for entry in entries) else Priority.CALM


def _without(entries: Sequence[Entry], others: Sequence[Entry]) -> list[Entry]:
    ids = {entry.id for entry in others}
    return [entry for entry in entries if entry.id not in ids]
