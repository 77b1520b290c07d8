"""One asyncio task for each destination: wait until a batch is due, claim, send, and settle what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ..batch import MAX_ENTRIES, Batch, Batcher
from ..capture.logs import suppressed
from ..clock import Clock
from ..config import Destination
from ..intake import Intake
from ..stats import Counters
from ..storage import Depth, Entry, Outbox
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


@dataclass(frozen=True, slots=True)
class Links:
    """What a worker needs of the others.

    `tell(about, text)` shows a text in a working destination other than `about`; `fallback(name)` names where the events of a
    gone one go; `wake(name)` makes it look, from any thread; `on_delivered(name)` is called after each delivery.
    """

    tell: Callable[[str, str], None]
    fallback: Callable[[str], str | None]
    wake: Callable[[str], None]
    on_delivered: Callable[[str], None]


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
        links: Links,
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
        self._links = links
        self._suspects: list[Entry] = []
        self._doubted = ""
        self._note = ""
        self._failing_since = 0.0
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
        return DestinationState.WORKING if self.breaker.state == BreakerState.CLOSED else DestinationState.FAILING

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
        elif result.outcome == Outcome.GONE:
            self._give_up(result)
        self._note = _recovery_note(await self._intake.run(self._outbox.depth, self.name))
        minute_ago = self._clock.now() - 61
        self._limiters.limiter(self._channel).recall(await self._intake.run(self._outbox.recent_sends, self.name, minute_ago))
        while True:
            wait = await self._wait_seconds()
            if wait is None or wait > 0:
                await self._sleep(wait)
                continue
            await self._limiters.limiter(self._channel).acquire()
            await self._deliver()

    async def _wait_seconds(self) -> float | None:
        self._wake.clear()
        if self.state == DestinationState.GONE:
            await self._hand_over()
            return None
        if self.state == DestinationState.OFF:
            return None
        now = self._clock.monotonic()
        if now < self._pause.until:
            return self._pause.until - now
        due = 0.0 if self._suspects else await self._due_seconds()
        if due is None:
            return None
        # The breaker is asked last: permission turns OPEN into HALF_OPEN, and then the probe must go out.
        return due or self.breaker.wait_seconds(now)

    async def _due_seconds(self) -> float | None:
        depth = await self._intake.run(self._outbox.depth, self.name)
        if depth.ready == 0:
            return None
        if self.is_flushing or depth.recovered:
            return 0.0
        return self._batcher.wait_seconds(depth.ready, depth.urgent, depth.oldest, self._clock.now())

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _deliver(self) -> None:
        # While an event that Discord refuses is among the suspects, the half of them that may hold it goes alone.
        entries = self._suspects[: (len(self._suspects) + 1) // 2]
        if not entries:
            entries = await self._intake.run(self._outbox.claim, self.name, MAX_ENTRIES)
        if not entries:
            return
        batch_id = entries[0].batch or f"{entries[0].id:x}"
        try:
            # Long texts take milliseconds to lay out: never on the loop.
            batch = await asyncio.to_thread(self._batcher.build, entries, note=self._note, batch_id=batch_id)
        except Exception as error:  # noqa: BLE001 - a border: what cannot be formatted is buried, the worker lives on
            await self._reject(entries, Result(Outcome.REJECTED, f"{type(error).__name__} while it was laid out"))
            return
        await self._intake.run(self._before_send, batch, batch_id)
        if entries[0].batch:
            self._counters.add(self.name, "repeated", len(batch.entries))
        result = await self._transport.send(self.destination, batch.message)
        await self._settle(batch, batch_id, result)
        for watch in [w for w in self._watches if any(e.event.origin == w.origin for e in batch.entries)]:
            self._watches.remove(watch)
            if not watch.answer.done():
                watch.answer.set_result(result)

    def _before_send(self, batch: Batch, batch_id: str) -> None:
        self._outbox.seal(batch.entries, batch_id, self._clock.now())
        if batch.rest and not self._suspects:
            self._outbox.release(batch.rest)

    async def _settle(self, batch: Batch, batch_id: str, result: Result) -> None:
        if result.outcome == Outcome.UNKNOWN and self._doubted == batch_id:
            # Sent twice, and Discord answered 2xx both times: it is there.
            result = Result(Outcome.DELIVERED, status=result.status)
        if result.outcome == Outcome.DELIVERED:
            await self._delivered(batch)
            return
        self.last_error = result.reason
        if result.outcome == Outcome.REJECTED:
            await self._reject(batch.entries, result)
            return
        if not self._suspects:
            await self._intake.run(self._outbox.release, batch.entries)
        now = self._clock.monotonic()
        if result.outcome == Outcome.UNKNOWN:
            self._doubted = batch_id
        elif result.outcome == Outcome.GONE:
            self._give_up(result)
        elif result.stops_all:
            self._pause.until = max(self._pause.until, now + result.retry_after)
            _log.error("Discord blocks this address (429 without Via): nothing is sent for %.0f s", result.retry_after)
        elif self.breaker.record_failure(now, result.weight):
            self._failing_since = now
            self._say(f"webhook {self.name} fails ({result.reason}): its events wait until it works again")

    async def _delivered(self, batch: Batch) -> None:
        self._note = self._doubted = ""
        self._suspects = self._suspects[len(batch.entries) :]
        await self._intake.run(self._ack, batch.entries)
        if self.breaker.record_success():
            seconds = self._clock.monotonic() - self._failing_since
            depth = await self._intake.run(self._outbox.depth, self.name)
            waited = len(batch.entries) + depth.entries
            self._say(f"webhook {self.name} works again after {seconds:.0f} s; {waited} events waited")
        self._links.on_delivered(self.name)

    def _say(self, text: str) -> None:
        """Tell a change of state: in the log, and in another destination that works."""
        _log.warning("%s", text)
        self._links.tell(self.name, text)

    def _ack(self, entries: Sequence[Entry]) -> None:
        # On the intake thread and in one call, so that the books balance in every snapshot.
        self._outbox.ack(entries)
        self._counters.add(self.name, "delivered", len(entries))

    def _bury(self, entries: Sequence[Entry], reason: str) -> None:
        self._outbox.bury(entries, reason, self._clock.now())
        self._counters.add(self.name, "dead", len(entries))

    async def _reject(self, entries: Sequence[Entry], result: Result) -> None:
        """Look for the one event that Discord refuses, by halves, and bury it."""
        others = self._suspects[len(entries) :]
        if others:
            await self._intake.run(self._outbox.release, others)
        if len(entries) > 1:
            self._suspects = list(entries)
            return
        self._suspects = []
        await self._intake.run(self._bury, entries, result.reason)
        self._say(f"Discord refuses an event for webhook {self.name}: {result.reason}. It is kept as a dead letter")

    def _give_up(self, result: Result) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        self.last_error = result.reason
        self._say(
            f"{self.destination.setting}: Discord does not know this webhook any more ({result.reason}). Its events go elsewhere "
            f"or wait; put the URL of an existing webhook there, or run /webhooks test {self.name} once it is back"
        )

    async def _hand_over(self) -> None:
        if self._suspects:
            await self._intake.run(self._outbox.release, self._suspects)
            self._suspects = []
        target = self._links.fallback(self.name)
        if target is not None:
            await self._intake.run(self._move, target)

    def _move(self, target: str) -> None:
        count = self._outbox.move(self.name, target)
        # Accepted is counted where an event ends, so that each destination's books balance.
        self._counters.add(self.name, "accepted", -count)
        self._counters.add(target, "accepted", count)
        if count:
            self._links.wake(target)


def _recovery_note(depth: Depth) -> str:
    if not depth.recovered or depth.recovered_last is None:
        return ""
    last = datetime.fromtimestamp(depth.recovered_last, UTC)
    return f"{depth.recovered} events from before the restart (last one at {last:%Y-%m-%d %H:%M:%S} UTC)"
