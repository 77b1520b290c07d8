"""One asyncio task for each destination: wait until something is due, and let it be sent or edited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from ..config.destination import Destination
from ..config.model import WebhookConfig
from ..feedback import suppressed
from ..storage import Depth
from .batch import Batcher
from .card_editor import CardEditor
from .circuit_breaker import CircuitBreaker
from .destination_health import DestinationState
from .message_sender import MessageSender
from .outcome import Outcome, Result
from .role_pings import PREFIX as PINGS
from .worker_context import WorkerContext

# How long to wait after a failure of our own: it may well come again at once.
_STUMBLE_SECONDS: Final = 1.0


class DestinationWorker:
    """Deliver one destination's events. Exactly one send or edit is in flight."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self._sender = MessageSender(parts)
        self._editor = CardEditor(parts)
        self._wake = asyncio.Event()
        self._is_retired = False

    @property
    def destination(self) -> Destination:
        return self._parts.destination

    @property
    def name(self) -> str:
        return self._parts.destination.name

    @property
    def state(self) -> DestinationState:
        """How the destination is."""
        return self._parts.health.state

    @property
    def breaker(self) -> CircuitBreaker:
        """The breaker of the destination."""
        return self._parts.health.breaker

    @property
    def last_error(self) -> str:
        """The last reason for a failure, Discord's or the network's."""
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
        """When the last message arrived, by the clock; None when none did in this process."""
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
        """Whether the newest state of a card is still to be shown."""
        return self._editor.has_work

    def edit_wait_seconds(self) -> float:
        """Return how long until the next state of a card may be shown; 0 when all show their newest state."""
        return self._editor.due_seconds() or 0.0

    def set_flushing(self, is_flushing: bool, *, is_ending: bool = False) -> None:
        """Send what waits without waiting for batches to fill; at the end cards do not wait for their pace either."""
        self._sender.is_flushing = is_flushing
        self._editor.is_ending = is_ending
        self.wake()

    def wake(self) -> None:
        """Look again at what waits."""
        self._wake.set()

    def configure(self, config: WebhookConfig, batcher: Batcher) -> None:
        """Go on with other settings of the same destination, from the next message on."""
        self._parts.batcher = batcher
        self._parts.health.breaker.configure(failures=config.breaker_failures, cooldown_seconds=config.breaker_cooldown_seconds)
        self._parts.cards.configure(config.card_edit_seconds, config.bot_version)
        self._parts.health.hold_reason = config.hold_reason
        self.wake()

    def retire(self) -> None:
        """End after what is being sent now."""
        self._is_retired = True
        self.wake()

    def revive(self) -> None:
        """Try a destination again that was gone."""
        self._parts.health.revive()
        self.wake()

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Forget the live cards that are meant; what they show in Discord stays."""
        self._parts.cards.forget(is_meant)

    async def is_gone(self) -> bool:
        """Ask Discord whether it does not know the webhook any more."""
        _, result = await self._parts.transport.fetch_channel_id(self._parts.destination)
        return result.outcome == Outcome.GONE

    def watch(self, origin: str) -> asyncio.Future[Result]:
        """Return a future for Discord's answer to the message that shows the event of that origin."""
        return self._sender.watches.add(origin)

    async def run(self) -> None:
        """Deliver until cancelled or retired. Whatever ends it, what it has claimed is given back."""
        # Everything that this task logs, and what discord.py logs for it, would feed back.
        suppressed.set(True)
        try:
            await self._deliver()
        finally:
            # Not awaited: a task that is cancelled gets no further. The calls of a thread keep their order.
            self._parts.ledger.give_all_back()

    async def _deliver(self) -> None:
        await self._prepare()
        while not self._is_retired:
            try:
                wait, act = await self._next()
                if wait is None or wait > 0:
                    await self._sleep(wait)
                else:
                    await act()
            except Exception as error:  # noqa: BLE001 - a border: what nobody thought of must not end the delivery for good
                await self._sender.give_back()
                result = Result(Outcome.RETRY, f"{type(error).__name__} in the delivery")
                self._parts.health.record_failure(result, time.monotonic())
                await asyncio.sleep(_STUMBLE_SECONDS)

    async def _prepare(self) -> None:
        parts = self._parts
        channel_id, result = await parts.transport.fetch_channel_id(parts.destination)
        if channel_id is not None:
            parts.health.channel_id = channel_id
            parts.limiters.join(self.name, channel_id)
        elif result.outcome == Outcome.GONE:
            parts.health.give_up(result)
        self._sender.note = _recovery_note(await parts.ledger.depth())
        parts.cards.load(await parts.ledger.read_state(parts.cards.prefix))
        parts.threads.load(await parts.ledger.read_state(parts.threads.prefix))
        parts.pings.load(await parts.ledger.read_state(PINGS))
        parts.limiter.recall(await parts.ledger.recent_sends(parts.clock.now() - 61))

    async def _next(self) -> tuple[float | None, Callable[[], Awaitable[None]]]:
        """Return what is next, and in how many seconds; `None` waits until somebody wakes the worker."""
        send, edit = self._sender.send, self._editor.edit
        self._wake.clear()
        if self.state == DestinationState.GONE:
            await self._hand_over()
            return None, send
        if self.state in (DestinationState.OFF, DestinationState.HELD):
            return None, send
        now = self._parts.clock.monotonic()
        if (pause := self._parts.health.pause_seconds(now)) > 0:
            return pause, send
        due, edit_due = await self._sender.due_seconds(), self._editor.due_seconds()
        # A new message goes first: an edit must not take its place in the budget.
        wait, act = (edit_due, edit) if due is None or (edit_due is not None and edit_due < due) else (due, send)
        # The breaker is asked last: permission turns OPEN into HALF_OPEN, and then the probe must go out.
        return (wait or self.breaker.wait_seconds(now)) if wait is not None else None, act

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _hand_over(self) -> None:
        # Their events go elsewhere now, or wait.
        self._sender.watches.answer_all(Result(Outcome.GONE, self.last_error))
        await self._sender.give_back()
        if self.state != DestinationState.GONE:
            # Revived meanwhile: what was filed since is not to be moved.
            return
        target = self._parts.links.fallback(self.name)
        if target is not None and await self._parts.ledger.move(target):
            self._parts.links.wake(target)


def _recovery_note(depth: Depth) -> str:
    if not depth.recovered or depth.recovered_last is None:
        return ""
    last = datetime.fromtimestamp(depth.recovered_last, UTC)
    return f"{depth.recovered} events from before the restart (last one at {last:%Y-%m-%d %H:%M:%S} UTC)"
