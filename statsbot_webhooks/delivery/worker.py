"""Destination worker: one asyncio task for each destination, which waits until something is due and has it sent or edited.

`message_sender` and `card_editor` decide what is sent, and `destination_health` whether anything may be sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from ..clock import wait_for_event
from ..config.destination import Destination
from ..config.model import WebhookConfig
from ..events.time_text import format_count
from ..feedback import suppressed
from ..storage import Depth, LeaseLostError
from .batch import Batcher
from .card_editor import CardEditor
from .card_erasure import CardErasure
from .destination_health import DestinationState
from .forum_tags import ForumTags
from .live_cards import Cards
from .message_sender import MessageSender
from .outcome import LONG_WAIT_SECONDS, Outcome, Result
from .reminders import Reminders
from .role_pings import PREFIX as PINGS
from .worker_context import CHANNELS, WorkerContext

# Pause after an unexpected error of this package, which is likely to repeat at once.
_STUMBLE_SECONDS: Final = 1.0
# How often the stored state is read in vain before delivery goes on without it.
_PREPARATIONS: Final = 5
# How often a destination is looked for that takes the events of one that is gone.
_HAND_OVER_SECONDS: Final = 5.0
# A failed look-up does no harm, so a slow one must not hold up delivery.
_LOOK_UP_SECONDS: Final = 5.0
_NEXT_LOOK_UP_SECONDS: Final = 60.0


class DestinationWorker:
    """Deliver one destination's events. Exactly one send or edit is in flight."""

    def __init__(self, parts: WorkerContext, remind_minutes: tuple[float, ...] = ()) -> None:
        self._parts = parts
        self._forum_tags = ForumTags(parts)
        self._sender = MessageSender(parts, self._forum_tags.note)
        self._editor = CardEditor(parts)
        self._reminders = Reminders(parts, remind_minutes)
        self._erasure = CardErasure(parts)
        self._wake = asyncio.Event()
        self._is_retired = False
        self._is_to_load = self._is_to_give_back = False
        self._look_up_at = 0.0
        # Keys of decisions made before the cards were read from the storage; None afterwards.
        self._early: set[str] | None = set()
        self._is_to_redraw = False
        # The note of each card when decisions were last looked at.
        self._notes: dict[str, str] = {}

    @property
    def destination(self) -> Destination:
        return self._parts.destination

    @property
    def name(self) -> str:
        return self._parts.destination.name

    @property
    def cards(self) -> Cards:
        """The live cards of the destination."""
        return self._parts.cards

    @property
    def state(self) -> DestinationState:
        """The state of the destination; FAILING while nothing may be sent to any."""
        state = self._parts.health.state
        is_paused = self._parts.health.pause_seconds(self._parts.clock.monotonic()) > 0
        return DestinationState.FAILING if state == DestinationState.WORKING and is_paused else state

    @property
    def takes_others(self) -> bool:
        """Whether it can show events of other destinations, now or as soon as anything may be sent."""
        return self._parts.health.state == DestinationState.WORKING

    @property
    def next_try_seconds(self) -> float | None:
        """Seconds until the next try; `None` when nothing is wrong, or no try will follow."""
        return self._parts.health.next_try_seconds(self._parts.clock.monotonic())

    @property
    def next_try_at(self) -> float | None:
        """Time of the next try (wall clock); `None` when nothing is wrong, or no try will follow."""
        seconds = self.next_try_seconds
        return None if seconds is None else self._parts.clock.now() + seconds

    @property
    def last_error(self) -> str:
        """The reason of the last failure, Discord's or the network's."""
        return self._parts.health.last_error

    @property
    def hold_reason(self) -> str:
        """Why nothing may be sent; empty when it may."""
        return self._parts.health.hold_reason

    @property
    def channel_id(self) -> int | None:
        """The channel that the webhook posts to, when it is known."""
        return self._parts.health.channel_id

    @property
    def delivered_at(self) -> float | None:
        """When the last message arrived (wall clock); None when none did in this process."""
        return self._parts.health.delivered_at

    @property
    def is_enabled(self) -> bool:
        """Whether an admin lets it send."""
        return self._parts.health.is_enabled

    @is_enabled.setter
    def is_enabled(self, value: bool) -> None:
        self._parts.health.is_enabled = value

    @property
    def has_stale_cards(self) -> bool:
        """Whether a card does not show its newest state yet."""
        return self._editor.has_work

    def edit_wait_seconds(self) -> float:
        """Return the seconds until the next state of a card may be shown; 0 when all show their newest state."""
        return self._editor.due_seconds() or 0.0

    def set_flushing(self, is_flushing: bool, *, is_ending: bool = False) -> None:
        """Send what waits without waiting for batches to fill; with `is_ending`, cards do not wait for their pace either."""
        self._sender.is_flushing = is_flushing
        self._editor.is_ending = is_ending
        self.wake()

    def wake(self) -> None:
        """Make the worker look again at what waits. Call it on the loop."""
        self._wake.set()

    def configure(self, config: WebhookConfig, batcher: Batcher) -> None:
        """Apply other settings of the same destination, from the next message on."""
        self._parts.batcher = batcher
        self._parts.health.breaker.configure(failures=config.breaker_failures, cooldown_seconds=config.breaker_cooldown_seconds)
        self._parts.cards.configure(config.card_edit_seconds, config.bot_version)
        self._parts.health.hold_reason = config.hold_reason
        self._reminders.minutes = config.remind_minutes
        self.wake()

    def load(self) -> None:
        """Read the stored state again, because another storage file may be in use."""
        self._is_to_load = True
        self.wake()

    def forget(self, is_meant: Callable[[str], bool]) -> asyncio.Future[int]:
        """Forget cards after the current request, as `CardErasure.ask`."""
        self.wake()
        return self._erasure.ask(is_meant)

    def look_at_decisions(self) -> None:
        """Show decisions about cards that were made in other processes."""
        self._is_to_redraw = True
        self.wake()

    def retire(self) -> None:
        """End after the current request."""
        self._is_retired = True
        self.wake()

    def revive(self) -> None:
        """Try the destination at once, although it is gone or waits for its next try."""
        self._parts.health.revive()
        self.wake()

    async def redraw(self, *keys: str) -> bool:
        """Make cards show decisions about them; returns whether any of their messages can be edited."""
        if self._early is not None:
            self._early.update(keys)
        for key in keys:
            self._forum_tags.note(key)
        states = [self._parts.cards.redraw(key, self._parts.clock.now()) for key in keys]
        changed = {key: value for state in states for key, value in state.items()}
        if changed:
            # When another process of the fleet has become the sender, that one shows the decision.
            with contextlib.suppress(LeaseLostError):
                await self._parts.outbox.write_state(changed)
        self.wake()
        return bool(changed)

    async def _redraw_decided(self) -> None:
        """Make cards show decisions that were made in another process of the fleet."""
        parts = self._parts
        notes = {key: parts.states.of(key, card.whole.event).note for key, card in parts.cards.items()}
        before, self._notes = self._notes, notes
        await self.redraw(*(key for key, note in notes.items() if before.get(key, "") != note))

    async def add_buttons(self) -> None:
        """Add buttons to cards that were posted before the webhook was known to carry them."""
        if self._parts.carries_buttons:
            parts = self._parts
            keys = [
                key
                for key in parts.cards.without_buttons(parts.clock.now())
                if parts.states.of(key, parts.cards.event_of(key)).verbs
            ]
            await self.redraw(*keys)

    async def is_gone(self) -> bool:
        """Ask Discord, and return whether it refuses the webhook."""
        _, result = await self._parts.transport.fetch_channel_id(self._parts.destination)
        return result.outcome == Outcome.GONE

    def watch(self, origin: str) -> asyncio.Future[Result]:
        """Return a future for Discord's answer to the message that shows the event of that origin.

        It is done at once when Discord has said that nothing may be sent for a while.
        """
        answer = self._sender.watches.add(origin)
        now = self._parts.clock.monotonic()
        blocked = max(self._parts.limiter.blocked_seconds(now), self._parts.health.pause_seconds(now))
        if blocked > LONG_WAIT_SECONDS:
            reason = f"{self.last_error or '429 Too Many Requests'}; nothing may be sent for {blocked:.0f} s"
            self._sender.watches.answer_all(Result(Outcome.RETRY, reason))
        return answer

    async def run(self) -> None:
        """Deliver until cancelled or retired; then give back what is leased."""
        # What this task logs, and what discord.py logs in it, must not become events.
        suppressed.set(True)
        self._erasure.is_running = True
        try:
            tries = 0
            while self._early is not None and not self._is_retired and tries < _PREPARATIONS:
                # Before it is known what left already, nothing may leave; but what can never be read must not end delivery.
                tries += await self._guarded(self._prepare)
            while not self._is_retired:
                await self._guarded(self._turn)
            # Another worker for the same cards waits for the end of this one.
            await self._guarded(self._erasure.act)
        finally:
            self._erasure.end()
            self._sender.watches.answer_all(Result(Outcome.RETRY, "delivery to this webhook ended or was changed"))
            # Not awaited, as a cancelled task may get no further. The intake's thread keeps the order of its calls.
            self._sender.give_back()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do a part of the work; False when this process is not the sender of its fleet now."""
        try:
            await work()
        except LeaseLostError:
            # Another process sends; this one does again when it gets the lease.
            self._sender.give_back()
            await self._parts.clock.sleep(_STUMBLE_SECONDS)
            return False
        except Exception as error:  # noqa: BLE001 - a guard: an unexpected error must not end the delivery for good
            self._sender.give_back()
            self._is_to_give_back = True
            result = Result(Outcome.RETRY, f"{type(error).__name__} in the delivery")
            self._parts.health.record_failure(result, self._parts.clock.monotonic())
            await self._parts.clock.sleep(_STUMBLE_SECONDS)
        return True

    async def _turn(self) -> None:
        await self._parts.learned.keep(self._parts.outbox, self._parts.clock)
        if self._is_to_give_back:
            # The posted `give_back` may have failed like the turn itself; its entries would then wait for the next start.
            await self._parts.outbox.release_all()
            self._is_to_give_back = False
        if self._is_to_load:
            self._is_to_load = False
            await self._load()
        await self._erasure.act()
        if self._is_to_redraw:
            self._is_to_redraw = False
            await self._redraw_decided()
        since = self._parts.clock.monotonic()
        wait, act = await self._next()
        if wait is None or wait > 0:
            # The storage may have taken a while to answer.
            left = None if wait is None else since + wait - self._parts.clock.monotonic()
            await wait_for_event(self._parts.clock, self._wake, left)
        else:
            await act()

    async def _prepare(self) -> None:
        parts = self._parts
        stored = (await parts.outbox.read_state(CHANNELS)).get(f"{CHANNELS}{self.name}")
        if channel := parts.restore(stored):
            parts.limiters.join(self.name, channel)
        else:
            parts.limiters.leave(self.name)
        await parts.learned.take_up(parts.outbox, parts.clock)
        await self._look_up()
        # Before anything is sent, because the channel's windows outlive a process.
        parts.limiters.recall(self.name, await parts.outbox.recent_sends(parts.clock.now() - 61))
        self._sender.note = _recovery_note(await parts.outbox.depth())
        await self._load()

    async def _load(self) -> None:
        """Read what earlier processes have stored."""
        parts = self._parts
        parts.cards.load(await parts.outbox.read_state(parts.cards.prefix))
        if left := await parts.outbox.read_state(parts.cards.left_prefix):
            events, state = parts.cards.adopt(left)
            await parts.outbox.put_back(events, state, are_new=True)
        parts.threads.load(await parts.outbox.read_state(parts.threads.prefix))
        parts.pings.load(await parts.outbox.read_state(PINGS))
        self._reminders.load(await parts.outbox.read_state(self._reminders.prefix))
        self._forum_tags.recall()
        early, self._early = self._early, None
        await self.redraw(*(early or ()))

    async def _look_up(self) -> None:
        """Ask Discord which channel the webhook posts to."""
        parts, now = self._parts, self._parts.clock.monotonic()
        self._look_up_at = now + _NEXT_LOOK_UP_SECONDS
        if self.state == DestinationState.GONE:
            parts.health.postpone_look(now)
        try:
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                channel_id, result = await parts.transport.fetch_channel_id(parts.destination)
        except TimeoutError:
            return
        if channel_id is not None:
            await parts.outbox.write_state(parts.channel_state(channel_id, result))
            await self.add_buttons()
            if self.state == DestinationState.GONE:
                parts.health.come_back(now)
        elif result.outcome == Outcome.GONE:
            parts.health.give_up(result, now)

    async def _next(self) -> tuple[float | None, Callable[[], Awaitable[None]]]:
        """Return the next step, and in how many seconds it is due; `None` waits until the worker is woken."""
        send, edit, health = self._sender.send, self._editor.edit, self._parts.health
        self._wake.clear()
        now = self._parts.clock.monotonic()
        if health.state == DestinationState.GONE:
            left, look = await self._hand_over(), health.look_seconds(now)
            waits = [wait for wait in (_HAND_OVER_SECONDS if left else None, look) if wait is not None]
            # Events were handed over just now, so a look-up that is due is next.
            return min(waits, default=None), self._look_up if look == 0 else self._skip
        if health.state in (DestinationState.OFF, DestinationState.HELD):
            return None, send
        if (pause := health.pause_seconds(now)) > 0:
            return pause, send
        if health.is_refused and health.breaker.pause_seconds(now) > 0:
            await self._hand_over()
        if (tags_due := self._forum_tags.due_seconds()) == 0:
            # Before an edit, which a closed post does not take.
            return 0.0, self._forum_tags.act
        if not self._parts.limiters.knows(self.name) and now >= self._look_up_at:
            return 0.0, self._look_up
        due, edit_due = await self._sender.due_seconds(), self._editor.due_seconds()
        # A new message goes first: an edit must not take its place in the budget.
        is_edit = edit_due is not None and (due is None or edit_due < due or self._editor.is_in_doubt)
        wait, act = (edit_due, edit) if is_edit else (due, send)
        remind_due = None if self._sender.is_flushing else self._reminders.due_seconds()
        for later, work in ((remind_due, self._reminders.act), (tags_due, self._forum_tags.act)):
            if later is not None and (wait is None or later < wait):
                wait, act = later, work
        # The breaker is asked last: its permission turns OPEN into HALF_OPEN, and then the probe must leave.
        return (wait or health.breaker.wait_seconds(now)) if wait is not None else None, act

    async def _skip(self) -> None:
        """Do nothing: `_next` has handed events over already."""

    async def _hand_over(self) -> bool:
        """Move what waits to a working destination; returns whether something still waits."""
        parts = self._parts
        self._sender.watches.answer_all(Result(Outcome.GONE, self.last_error))
        self._sender.give_back()
        if parts.health.state == DestinationState.GONE:
            await self._give_back_cards()
        target = parts.links.fallback(self.name)
        # `_is_out` is asked between the parts: once the destination is revived, later events stay.
        if target is not None and await parts.outbox.move(target, self._is_out):
            parts.links.wake(target)
        return (await parts.outbox.depth()).ready > 0

    def _is_out(self) -> bool:
        health = self._parts.health
        return health.state == DestinationState.GONE or health.is_refused

    async def _give_back_cards(self) -> None:
        events, state = self._parts.cards.give_back()
        if state:
            await self._parts.outbox.put_back(events, state)


def _recovery_note(depth: Depth) -> str:
    if not depth.recovered or depth.recovered_last is None:
        return ""
    last = datetime.fromtimestamp(depth.recovered_last, UTC)
    return f"{format_count(depth.recovered, 'event')} from before the restart (last one at {last:%Y-%m-%d %H:%M:%S} UTC)"
