"""The manager: builds the pipeline, owns every task, and is what users call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from .admin import Steering
from .clock import Clock, SystemClock, breathe
from .config.destination import Destination
from .config.model import WebhookConfig
from .delivery.batch import Batcher
from .delivery.callbacks import Links
from .delivery.destination_health import DestinationState
from .delivery.outcome import Result
from .delivery.worker import DestinationWorker
from .delivery.worker_pool import Crew
from .events.accounting import Counters, LossReason, Stats
from .events.daily_counts import Tally
from .events.event import Event, EventKind, LogLevel
from .formatting.formatter import BotInfo, MessageFormatter
from .formatting.templates import load_templates
from .pipeline.intake import Intake
from .pipeline.overrides import Control
from .pipeline.router import Router, fallbacks
from .privacy import make_redactor
from .redaction.log_filter import OwnRecords
from .sending import Sending
from .storage import DeadLetter, make_outbox, storage_path
from .storage.erasure import Trace, forget
from .storage.maintenance import Upkeep
from .storage.mask_key import keep_mask_key

_log = logging.getLogger(__name__)
_HOUSEKEEPING_SECONDS = 60.0
_FORGET_SECONDS = 60.0
_T = TypeVar("_T")
_BROKEN = (DestinationState.FAILING, DestinationState.GONE)


class WebhookManager(Sending, Steering):
    """Accept events and deliver them. Build it anywhere; `start` needs a running loop.

    Events sent before `start` wait and are delivered then. With a `predecessor` it goes on with that one's books.
    """

    def __init__(self, config: WebhookConfig, *, clock: Clock | None = None, predecessor: WebhookManager | None = None) -> None:
        # What was asked for; `config` also has the destinations that `/webhooks setup` made.
        self.settings = self.config = config
        self.on_open: Callable[[], None] | None = None
        self._clock = clock or SystemClock()
        self._counters = Counters() if predecessor is None else predecessor._counters
        self._predecessor = predecessor
        self._successor = None
        self._upkeep = Upkeep(config, self._counters, self._clock)
        self._outbox = make_outbox(config.storage, config.storage_max_events, self._upkeep.on_loss)
        self._formatter = MessageFormatter(config, clock=self._clock, pause=breathe)
        self._redactor = make_redactor(config)
        self._router = Router(config.destinations)
        self.control = Control(self._outbox, self._router, self._counters, self._clock)
        self._intake = Intake(
            self._outbox,
            self._redactor,
            self._router,
            self._counters,
            max_events=config.storage_max_events,
            on_open=self._on_open,
            on_put=self._wake,
            gate=self.control,
        )
        self.workers: dict[str, DestinationWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._crew: Crew | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tests = 0
        self._own_records = OwnRecords(self._redactor.redact_text)

    @property
    def is_running(self) -> bool:
        """Whether `start` has been called, and `stop` not since."""
        return self._loop is not None

    @property
    def configured(self) -> frozenset[str]:
        """The names of the destinations that have a URL in the settings."""
        return frozenset(destination.name for destination in self.settings.destinations)

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of the configured destinations."""
        return tuple(destination.name for destination in self.config.destinations)

    async def start(self) -> None:
        """Start delivering. A second call does nothing."""
        if self.is_running:
            return
        self._loop = asyncio.get_running_loop()
        self._own_records.install()
        # What is wrong in the file is logged, which must not happen in a constructor.
        self._formatter.use_templates(load_templates(self.settings.templates))
        batcher = Batcher(
            self._formatter,
            batch_size=self.config.batch_size,
            batch_timeout_seconds=self.config.batch_timeout_seconds,
        )
        self._crew = Crew(
            self.config,
            batcher=batcher,
            intake=self._intake,
            outbox=self._outbox,
            counters=self._counters,
            clock=self._clock,
            links=Links(self._tell, self._fallback, self._wake_from_intake, self._report_losses, self.control.tail.note_message),
            clean=self._redactor.redact_text,
        )
        self._intake.start()
        self._add_workers(self.config.destinations)
        self._spawn("house keeping", self._keep_house())
        self._spawn("end of mutes", self.control.keep(self._intake.run, self._tell_ended))

    def _add_workers(self, destinations: Sequence[Destination]) -> None:
        """Begin to deliver to destinations; one of the same name is replaced."""
        if self._crew is None:
            return
        for destination in destinations:
            name = destination.name
            if (old := self._tasks.pop(name, None)) is not None:
                old.cancel()
            worker = self.workers[name] = self._crew.make_worker(destination)
            worker.is_enabled = name not in self.control.switched_off
            self._spawn(name, worker.run())

    # The names of tasks that are no workers have a space in them, which no destination's name has.
    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = asyncio.create_task(work, name=f"statsbot_webhooks-{name}")

    async def stop(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - part of the public API
        """Deliver what waits within `timeout` seconds, then end every task.

        What is left stays in the storage for the next start; with storage in memory it is counted as lost.
        """
        if not self.is_running:
            return
        await self._flush(timeout, is_ending=True)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._crew is not None:
            await self._crew.close()
        await self._intake.settle()
        left = await self._intake.run(self._leave_rest)
        self._loop = None
        await asyncio.to_thread(self._intake.stop)
        self.workers, self._tasks, self._crew = {}, {}, None
        if left:
            _log.warning("%s", left)
        self._own_records.uninstall()

    async def flush(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - part of the public API
        """Send what waits now, without waiting for batches to fill; returns when it is sent, or after `timeout` seconds.

        Destinations that are gone or switched off are not waited for; the newest state of a card may have to wait for its pace.
        """
        await self._flush(timeout, is_ending=False)

    async def _flush(self, timeout: float | None, *, is_ending: bool) -> None:  # noqa: ASYNC109 - as in flush
        if not self.is_running:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._intake.settle()
                await asyncio.gather(*(self._flush_worker(worker, is_ending) for worker in self.workers.values()))
        for worker in self.workers.values():
            worker.set_flushing(False)

    async def _flush_worker(self, worker: DestinationWorker, is_ending: bool) -> None:
        worker.set_flushing(True, is_ending=is_ending)
        if self._tasks[worker.name].done():
            # A SystemExit in some task makes asyncio.run cancel every task, ours too, before the bot is closed.
            self._spawn(worker.name, worker.run())
        while worker.state in (DestinationState.WORKING, DestinationState.FAILING):
            worker.wake()
            depth = await self._intake.run(self._outbox.depth, worker.name)
            if depth.entries == 0 and not worker.has_stale_cards:
                return
            await self._clock.sleep(0.05)

    def submit(self, event: Event) -> bool:
        """Accept an event from any thread; False, and counted, when it is refused because too many wait. Never raises."""
        if self._successor is not None:
            return self._successor.submit(event)
        return self._intake.submit(event)

    def settle(self, seconds: float) -> bool:
        """Block until every accepted event is in the storage; False when `seconds` were not enough. For the process's end."""
        return self._intake.settle_blocking(seconds)

    async def stats(self) -> Stats:
        """Return the books; they balance at any moment."""
        if not self.is_running:
            return self._intake.snapshot(self.destinations)
        return await self._intake.run(self._intake.snapshot, self.destinations)

    async def take_tally(self) -> Tally:
        """Return how many events of which kind came in since the last call; for the daily summary."""
        return await self._intake.take_tally()

    def find_delivery_problem(self) -> str:
        """Say what keeps events from arriving; nothing when all is well. A destination that was switched off is well."""
        bad = [f"{name} is {worker.state.value}" for name, worker in self.workers.items() if worker.state in _BROKEN]
        if self.workers:
            return ", ".join(bad)
        return "no webhook is configured" if self.is_running else "delivery has stopped"

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
        self._intake.file(destination, event)
        async with asyncio.timeout(timeout):
            return await answer

    @property
    def is_durable(self) -> bool:
        """Whether what waits outlives the process."""
        return self._outbox.is_durable

    async def dead_letters(self, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        """Return the events that Discord refused, newest first, 1000 at most."""
        return await self._intake.run(self._outbox.dead_letters, 1000, ids)

    async def replay(self, ids: Sequence[int]) -> int:
        """Send dead letters again; returns how many there were."""
        return await self._intake.run(self._replay, ids)

    async def purge(self, ids: Sequence[int]) -> int:
        """Delete dead letters; returns how many there were."""
        return await self._intake.run(self._outbox.purge, ids)

    async def forget(self, user_id: int, names: Sequence[str] = ()) -> int:
        """Delete what the storage still holds of a person, and what the expired files do; returns how many things went.

        The person is found by id, by pseudonym and by `names`. Events that wait are counted as lost; those being sent are
        waited for, a minute at most. What Discord shows already is not touched. Raises `OSError` for the expired files.
        """
        await self._intake.settle()
        total, until = 0, self._clock.monotonic() + _FORGET_SECONDS
        while True:
            trace = Trace(user_id, names, self._redactor.mask_key)
            for worker in self.workers.values():
                worker.forget(trace.is_in)
            gone, busy = await self._intake.run(self._forget, trace)
            total += gone
            if not busy or self._clock.monotonic() > until:
                return total
            await self._clock.sleep(0.2)

    def _forget(self, trace: Trace) -> tuple[int, int]:
        forgotten = forget(self._outbox, storage_path(self.config.storage), trace)
        for name, count in forgotten.entries.items():
            self._counters.lose(name, LossReason.FORGOTTEN, count)
        return forgotten.total, forgotten.busy

    def _replay(self, ids: Sequence[int]) -> int:
        letters = self._outbox.replay(ids)
        for letter in letters:
            self._counters.add(letter.destination, "accepted")
        self._wake({letter.destination for letter in letters})
        return len(letters)

    def set_bot_info(self, name: str | None, avatar_url: str | None) -> None:
        """Say whose events these are; shown when `include_bot_info` is on."""
        self._formatter.bot_info = BotInfo(name, avatar_url)

    def _leave_rest(self) -> str:
        self.control.save_tallies()
        return self._upkeep.leave_rest(self._outbox, self.destinations)

    def add_secrets(self, *values: str) -> None:
        """Redact these values too, in every encoding. The environment's and `.env`'s are known already."""
        self._redactor.add_secrets(values)

    def redact_text(self, text: str) -> str:
        """Return a text as it may be shown: without secrets."""
        return self._redactor.redact_text(text)

    def _on_open(self) -> None:
        """Put what an earlier process left into the books; an earlier life of this manager has done so already."""
        # Before the first event is redacted.
        keep_mask_key(self._outbox, self._redactor)
        self.control.load()
        urls = {name: url for name, url in self.control.stored_urls().items() if name not in self.destinations}
        stored = self._adopt(urls)
        books = self._counters.snapshot(dict.fromkeys(self.destinations, 0), 0).destinations
        for name in self.destinations:
            self._counters.add(name, "accepted", self._outbox.depth(name).entries - books[name].waiting)
        self._on_loop(self._after_open, stored)

    def _after_open(self, stored: Sequence[Destination]) -> None:
        if not self.config.destinations:
            _log.warning(
                "webhook logging is off: no valid webhook URL. Run /webhooks setup in Discord, or put at least "
                "WEBHOOK_ERROR_URL into the environment or .env"
            )
        for name, worker in self.workers.items():
            worker.is_enabled = name not in self.control.switched_off
        self._add_workers(stored)
        if self.on_open is not None:
            self.on_open()

    def _report_losses(self, destination: str) -> None:
        text = self._upkeep.report_losses(destination)
        if text:
            self._intake.file(destination, self._notice(text))

    def _notice(self, text: str) -> Event:
        return Event(EventKind.LOG, LogLevel.WARNING, text, self._clock.now(), "statsbot_webhooks")

    def _tell(self, about: str, text: str) -> None:
        target = self._fallback(about)
        if target is not None:
            self._intake.file(target, self._notice(text))

    def _fallback(self, name: str) -> str | None:
        works = (DestinationState.WORKING,)
        for other in fallbacks(name):
            if other in self.workers and self.workers[other].state in works:
                return other
        return None

    async def _keep_house(self) -> None:
        while True:
            await self._clock.sleep(_HOUSEKEEPING_SECONDS)
            await self._intake.run(self._expire)

    def _expire(self) -> None:
        self.control.save_tallies()
        self._upkeep.expire(self._outbox)

    def _wake_from_intake(self, name: str) -> None:
        self._wake({name})

    def _wake(self, names: set[str]) -> None:
        self._on_loop(self._wake_workers, names)

    def _on_loop(self, function: Callable[[_T], None], argument: _T) -> None:
        # Called on the intake thread; the loop may be closed when the host ended without stop().
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(function, argument)

    def _wake_workers(self, names: set[str]) -> None:
        for name in names & self.workers.keys():
            self.workers[name].wake()
