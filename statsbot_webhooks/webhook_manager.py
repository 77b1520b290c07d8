"""The manager: builds the pipeline, owns every task, and is what users call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from .batch import Batcher
from .clock import Clock, SystemClock
from .config import WebhookConfig
from .delivery.breaker import CircuitBreaker
from .delivery.limiter import ChannelLimiters
from .delivery.outcome import Result
from .delivery.transport import WebhookTransport
from .delivery.worker import DestinationState, DestinationWorker, Pause
from .event import Event, EventKind, LogLevel, to_plain
from .event_factory import error_event, member_event, performance_event
from .intake import Intake
from .message_formatter import BotInfo, MessageFormatter
from .redact import Redactor
from .route import Router
from .stats import Counters, LossReason, Stats
from .storage import MemoryOutbox

_log = logging.getLogger(__name__)


class WebhookManager:
    """Accept events and deliver them. Build it anywhere; `start` needs a running loop.

    Events sent before `start` wait and are delivered then.
    """

    def __init__(self, config: WebhookConfig, *, clock: Clock | None = None) -> None:
        self.config = config
        self._clock = clock or SystemClock()
        self._counters = Counters()
        self._outbox = MemoryOutbox(config.storage_max_events)
        self._formatter = MessageFormatter(config, clock=self._clock)
        self._intake = Intake(
            self._outbox,
            Redactor(mask_user_ids=config.mask_user_ids, include_stack_traces=config.include_stack_traces),
            Router(config.destinations),
            self._counters,
            max_events=config.storage_max_events,
            on_put=self._wake,
        )
        self.workers: dict[str, DestinationWorker] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._transport: WebhookTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tests = 0

    @property
    def is_running(self) -> bool:
        """Whether `start` has been called, and `stop` not since."""
        return self._loop is not None

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of the configured destinations."""
        return tuple(destination.name for destination in self.config.destinations)

    async def start(self) -> None:
        """Start delivering. A second call does nothing."""
        if self.is_running:
            return
        if not self.config.destinations:
            _log.warning(
                "webhook logging is off: no valid webhook URL. Put at least WEBHOOK_ERROR_URL into the environment or .env"
            )
        self._loop = asyncio.get_running_loop()
        self._transport = WebhookTransport(self._count_request)
        limiters = ChannelLimiters(self.config.max_requests_per_minute)
        pause = Pause()
        batcher = Batcher(
            self._formatter,
            batch_size=self.config.batch_size,
            batch_timeout_seconds=self.config.batch_timeout_seconds,
        )
        for destination in self.config.destinations:
            self.workers[destination.name] = DestinationWorker(
                destination,
                intake=self._intake,
                outbox=self._outbox,
                batcher=batcher,
                transport=self._transport,
                limiters=limiters,
                breaker=CircuitBreaker(
                    failures=self.config.breaker_failures, cooldown_seconds=self.config.breaker_cooldown_seconds
                ),
                counters=self._counters,
                clock=self._clock,
                pause=pause,
            )
        self._intake.start()
        self._tasks = [
            asyncio.create_task(worker.run(), name=f"statsbot_webhooks-{name}") for name, worker in self.workers.items()
        ]

    async def stop(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - part of the public API
        """Deliver what waits within `timeout` seconds, then end every task. What is left over is counted as lost."""
        if not self.is_running:
            return
        await self.flush(timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport is not None:
            await self._transport.close()
        await self._intake.settle()
        left = await self._intake.run(self._give_up_rest)
        self._loop = None
        await asyncio.to_thread(self._intake.stop)
        self.workers, self._tasks, self._transport = {}, [], None
        if left:
            _log.error("%d events were not delivered before the stop and are lost (storage is memory)", left)

    async def flush(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - part of the public API
        """Send what waits now, without waiting for batches to fill; returns when it is sent, or after `timeout` seconds.

        Destinations that are gone or switched off are not waited for.
        """
        if not self.is_running:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._intake.settle()
                await asyncio.gather(*(self._flush_worker(worker) for worker in self.workers.values()))
        for worker in self.workers.values():
            worker.is_flushing = False

    async def _flush_worker(self, worker: DestinationWorker) -> None:
        worker.is_flushing = True
        while worker.state in (DestinationState.WORKING, DestinationState.FAILING):
            worker.wake()
            depth = await self._intake.run(self._outbox.depth, worker.name)
            if depth.entries == 0:
                return
            await self._clock.sleep(0.05)

    def submit(self, event: Event) -> bool:
        """Accept an event from any thread; False, and counted, when it is refused because too many wait. Never raises."""
        return self._intake.submit(event)

    async def stats(self) -> Stats:
        """Return the books; they balance at any moment."""
        if not self.is_running:
            return self._intake.snapshot(self.destinations)
        return await self._intake.run(self._intake.snapshot, self.destinations)

    async def send_log(self, level: LogLevel, message: str, /, **context: object) -> None:
        """Accept a log message; the other keywords are shown with it."""
        plain: Mapping[str, Any] = to_plain(context)
        level = LogLevel(str(getattr(level, "value", level)).upper())
        self.submit(Event(EventKind.LOG, level, str(message), self._clock.now(), context=plain))

    async def send_error(self, error: BaseException, /, **context: object) -> None:
        """Accept an exception, with its traceback unless `include_stack_traces` is off."""
        keep = self.config.include_stack_traces
        self.submit(error_event(error, now=self._clock.now(), include_stack_traces=keep, context=context))

    async def send_performance_alert(self, metric_name: str, value: float, threshold: float, /, **context: object) -> None:
        """Accept a measured value that is above its threshold, both in the metric's own unit."""
        self.submit(performance_event(metric_name, value, threshold, now=self._clock.now(), context=context))

    async def send_member_event(self, event_type: str, member_id: int, username: str, /, **context: object) -> None:
        """Accept what happened to a member: join, leave, kick, ban, unban or a type of your own."""
        self.submit(member_event(event_type, member_id, username, now=self._clock.now(), context=context))

    async def send_test(self, destination: str, timeout: float = 30.0) -> Result:  # noqa: ASYNC109
        """Send a test message through the worker of a destination and return what Discord answered.

        Raises `KeyError` for an unknown destination and `TimeoutError` when no answer came in time.
        """
        worker = self.workers[destination]
        self._tests += 1
        origin = f"test {self._tests}"
        event = Event(EventKind.LOG, LogLevel.ERROR, f"Test message for {destination}", self._clock.now(), origin)
        answer = worker.watch(origin)
        worker.revive()
        await self._intake.run(self._put_test, destination, event)
        worker.wake()
        async with asyncio.timeout(timeout):
            return await answer

    def set_bot_info(self, name: str | None, avatar_url: str | None) -> None:
        """Say whose events these are; shown when `include_bot_info` is on."""
        self._formatter.bot_info = BotInfo(name, avatar_url)

    def _put_test(self, destination: str, event: Event) -> None:
        self._outbox.put([(destination, event)])
        self._counters.add(destination, "accepted")

    def _give_up_rest(self) -> int:
        total = 0
        for name in self.destinations:
            while entries := self._outbox.claim(name, 1000, float("inf")):
                self._outbox.ack(entries)
                self._counters.lose(name, LossReason.STOPPED, len(entries))
                total += len(entries)
        return total

    def _count_request(self, destination: str, status: int) -> None:
        self._counters.add(destination, "requests")
        if status == 429:
            self._counters.add(destination, "rate_limited")

    def _wake(self, names: set[str]) -> None:
        # Called on the intake thread; the loop may be closed when the host ended without stop().
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake_workers, names)

    def _wake_workers(self, names: set[str]) -> None:
        for name in names & self.workers.keys():
            self.workers[name].wake()
