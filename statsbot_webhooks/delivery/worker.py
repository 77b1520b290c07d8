"""One asyncio task for each destination: wait until a batch is due, claim, send, and settle what came of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from enum import StrEnum

from ..batch import MAX_ENTRIES, Batch, Batcher
from ..capture.logs import suppressed
from ..clock import Clock
from ..config import Destination
from ..intake import Intake
from ..stats import Counters
from ..storage import Entry, Outbox
from .breaker import BreakerState, CircuitBreaker
from .limiter import ChannelLimiters
from .outcome import Outcome, Result
from .transport import Transport

_log = logging.getLogger(__name__)


class DestinationState(StrEnum):
    """Whether a destination works, waits, or is out of use."""

    WORKING = "working"
    FAILING = "failing"
    GONE = "gone"
    OFF = "switched off"


@dataclass(slots=True)
class Pause:
    """Until when nothing at all may be sent: Cloudflare blocks addresses, not webhooks. Monotonic seconds."""

    until: float = 0.0


@dataclass(slots=True)
class Watch:
    """Somebody who waits for the answer to one event, told by its origin."""

    origin: str
    answer: asyncio.Future[Result] = field(repr=False)


class DestinationWorker:
    """Deliver one destination's events. Exactly one send is in flight."""

    def __init__(
        self,
        destination: Destination,
        *,
        intake: Intake,
        outbox: Outbox,
        batcher: Batcher,
        transport: Transport,
        limiters: ChannelLimiters,
        breaker: CircuitBreaker,
        counters: Counters,
        clock: Clock,
        pause: Pause,
    ) -> None:
        self.destination = destination
        self.breaker = breaker
        self.is_enabled = True
        self.is_flushing = False
        self.last_error = ""
        self._is_gone = False
        self._intake = intake
        self._outbox = outbox
        self._batcher = batcher
        self._transport = transport
        self._limiters = limiters
        self._channel: object = destination.name
        self._counters = counters
        self._clock = clock
        self._pause = pause
        self._wake = asyncio.Event()
        self._size = MAX_ENTRIES
        self._watches: list[Watch] = []

    @property
    def name(self) -> str:
        return self.destination.name

    @property
    def state(self) -> DestinationState:
        """How the destination is."""
        if self._is_gone:
            return DestinationState.GONE
        if not self.is_enabled:
            return DestinationState.OFF
        return DestinationState.WORKING if self.breaker.state is BreakerState.CLOSED else DestinationState.FAILING

    def wake(self) -> None:
        """Look again at what waits."""
        self._wake.set()

    def revive(self) -> None:
        """Try a destination again that was gone."""
        self._is_gone = False
        self.wake()

    def watch(self, origin: str) -> asyncio.Future[Result]:
        """Return a future for Discord's answer to the message that shows the event of that origin."""
        watch = Watch(origin, asyncio.get_running_loop().create_future())
        self._watches.append(watch)
        return watch.answer

    async def run(self) -> None:
        """Deliver until cancelled."""
        # Everything that this task logs, and what discord.py logs for it, would feed back.
        suppressed.set(True)
        channel_id, result = await self._transport.fetch_channel_id(self.destination)
        if channel_id is not None:
            self._channel = channel_id
        elif result.outcome is Outcome.GONE:
            self._give_up(result)
        while True:
            wait = await self._wait_seconds()
            if wait is None or wait > 0:
                await self._sleep(wait)
                continue
            await self._limiters.limiter(self._channel).acquire()
            await self._deliver()

    async def _wait_seconds(self) -> float | None:
        self._wake.clear()
        if self.state in (DestinationState.GONE, DestinationState.OFF):
            return None
        now = self._clock.monotonic()
        if now < self._pause.until:
            return self._pause.until - now
        depth = await self._intake.run(self._outbox.depth, self.name)
        if depth.entries == 0:
            return None
        due = (
            0.0 if self.is_flushing else self._batcher.wait_seconds(depth.entries, depth.urgent, depth.oldest, self._clock.now())
        )
        # The breaker is asked last: permission turns OPEN into HALF_OPEN, and then the probe must go out.
        return due or self.breaker.wait_seconds(now)

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _deliver(self) -> None:
        entries = await self._intake.run(self._outbox.claim, self.name, self._size, self._clock.now())
        if not entries:
            return
        try:
            # Long texts take milliseconds to lay out: never on the loop.
            batch = await asyncio.to_thread(self._batcher.build, entries)
        except Exception as error:  # noqa: BLE001 - a border: what cannot be formatted is buried, the worker lives on
            await self._reject(Batch(entries, (), None), Result(Outcome.REJECTED, type(error).__name__))  # type: ignore[arg-type]
            return
        if batch.rest:
            await self._intake.run(self._outbox.release, batch.rest)
        result = await self._transport.send(self.destination, batch.message)
        await self._settle(batch, result)
        for watch in [w for w in self._watches if any(e.event.origin == w.origin for e in batch.entries)]:
            self._watches.remove(watch)
            if not watch.answer.done():
                watch.answer.set_result(result)

    async def _settle(self, batch: Batch, result: Result) -> None:
        if result.outcome is Outcome.DELIVERED:
            await self._intake.run(self._ack, batch.entries)
            self._size = min(self._size * 2, MAX_ENTRIES)
            if self.breaker.record_success():
                _log.warning("webhook %s works again", self.name)
            return
        self.last_error = result.reason
        if result.outcome is Outcome.REJECTED:
            await self._reject(batch, result)
            return
        await self._intake.run(self._outbox.release, batch.entries)
        if result.outcome is Outcome.GONE:
            self._give_up(result)
            return
        now = self._clock.monotonic()
        if result.stops_all:
            self._pause.until = max(self._pause.until, now + result.retry_after)
            _log.error("Discord blocks this address (429 without Via): nothing is sent for %.0f s", result.retry_after)
        elif self.breaker.record_failure(now, result.weight):
            _log.warning("webhook %s fails (%s): its events wait until it works again", self.name, result.reason)

    def _ack(self, entries: list[Entry]) -> None:
        # On the intake thread and in one call, so that the books balance in every snapshot.
        self._outbox.ack(entries)
        self._counters.add(self.name, "delivered", len(entries))

    def _bury(self, entries: list[Entry], reason: str) -> None:
        self._outbox.bury(entries, reason)
        self._counters.add(self.name, "dead", len(entries))

    async def _reject(self, batch: Batch, result: Result) -> None:
        """Halve until the one event that Discord refuses is alone, then bury that."""
        if len(batch.entries) == 1:
            await self._intake.run(self._bury, batch.entries, result.reason)
            _log.error("Discord refuses an event for webhook %s: %s", self.name, result.reason)
            return
        self._size = max(len(batch.entries) // 2, 1)
        await self._intake.run(self._outbox.release, [*batch.entries])

    def _give_up(self, result: Result) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        self.last_error = result.reason
        _log.error(
            "%s: Discord does not know this webhook any more (%s). Its events wait; put the URL of an existing webhook "
            "there, or run /webhooks test %s once it is back.",
            self.destination.setting,
            result.reason,
            self.name,
        )
