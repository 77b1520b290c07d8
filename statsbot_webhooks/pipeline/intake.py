"""Intake: the thread between `submit` and the outbox, which routes, redacts and puts. Every call to the outbox runs here."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeVar

from ..clock import Clock, SystemClock, breathe
from ..errors import NotRunningError
from ..events.accounting import Counters, Stats
from ..events.daily_counts import DailyCounts
from ..events.draft import RecordNote
from ..events.event import Event
from ..events.time_text import format_count
from ..issues.fingerprint import finish, with_fingerprint
from ..issues.occurrences import Occurrences
from ..issues.source_links import SourceLinks
from ..redaction.redactor import Redactor
from ..redaction.rules import warm_up
from ..storage import Outbox
from . import at_exit
from .before_send import BeforeSend
from .bell import Bell
from .calls import IntakeCall, answering_call, post_result
from .gate import Gate, Mirror
from .incoming_events import PIECE_BITS, IncomingEvents, pieces_of
from .router import Router
from .storage_care import StorageCare

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
# Calls of the workers run between groups of this many events, so that a burst does not hold them up.
_GROUP: Final = 100
# When the thread is busy for longer, the storage is reported as not answering.
_STALL_SECONDS: Final = 30.0
# How long the end of the interpreter waits for the storage.
_EXIT_SECONDS: Final = 2.0


class Intake:
    """Accept events from any thread and put them into the outbox.

    `on_open`, and `on_put` with the destinations' names, are called on the intake's thread.
    """

    def __init__(
        self,
        outbox: Outbox,
        redactor: Redactor,
        router: Router,
        counters: Counters,
        *,
        max_events: int,
        on_open: Callable[[], None],
        on_put: Callable[[set[str]], None],
        gate: Gate | None = None,
        clock: Clock | None = None,
        max_mb: float = 256.0,
    ) -> None:
        self._outbox = outbox
        self.redactor = redactor
        self.router = router
        self._counters = counters
        self._bounds = (max_events, max_mb)
        self._on_open, self.on_put = on_open, on_put
        self._gate = gate
        self._clock = clock or SystemClock()
        self.care = StorageCare(outbox, self._clock, on_open, on_put)
        outbox.fleet.on_news = lambda: self._bell.ring()
        self.failures = 0
        self._busy_since: float | None = None
        self._tally = DailyCounts()
        self._occurrences = Occurrences()
        # Whether waiting events may have been redacted under earlier rules.
        self.redacts_again = False
        self.links: SourceLinks | None = None
        self.before_send = BeforeSend(self._clock)
        self.mirror: Mirror | None = None
        self._make_queues()
        self._thread: threading.Thread | None = None
        # `_is_foreign`: this is a child process, whose parent owns the storage.
        self._is_foreign = self._is_stopping = self._has_stored = False
        self._on_end: asyncio.Future[None] | None = None
        at_exit.watch_forks(self)

    def _make_queues(self) -> None:
        # SimpleQueue.put is reentrant: `post` and `submit` may be called from __del__ or a signal handler (queue docs).
        self._bell = Bell()
        self._calls: queue.SimpleQueue[IntakeCall] = queue.SimpleQueue()
        self._incoming = IncomingEvents(*self._bounds)
        # Taken from the queue, but not filed yet.
        self._group: list[Event] = []
        self._taken = 0
        self._barriers: list[tuple[int, Callable[[], None]]] = []

    def submit(self, event: Event) -> bool:
        """Accept an event; False, and counted as refused, when more wait than the storage may hold. Never raises."""
        return self._accept(event, pieces_of(event))

    def submit_note(self, note: RecordNote) -> bool:
        """Accept a log record like an event; it becomes one on the intake's thread."""
        return self._accept(note, len(note[3]) >> PIECE_BITS)

    def _accept(self, event: Event | RecordNote, pieces: int) -> bool:
        if not self._incoming.add(event, pieces):
            if self._is_foreign:
                self._say_foreign()
            return False
        if self._bell.is_awaited:
            self._bell.ring()
            if self._thread is None:
                at_exit.keep(self)
        return True

    @property
    def is_alive(self) -> bool:
        """Whether the thread that owns the storage runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, which opens the outbox and files events submitted before. Also starts it again after its end."""
        self._is_stopping = self._incoming.refuses = self._is_foreign = False
        if not self.is_alive:
            self._bell.ring()
            self._thread = threading.Thread(target=self._run, name="statsbot_webhooks-intake", daemon=True)
            self._thread.start()
        at_exit.release(self)

    async def stop(self, deadline: float) -> bool:
        """File submitted events, close the outbox and end the thread; False when it has not ended by `deadline` (loop time).

        Later events wait for the next start; with storage in memory they are refused.
        """
        thread = self._thread
        if thread is None or not thread.is_alive():
            self._thread = None
            return True
        loop = asyncio.get_running_loop()
        ended = self._on_end = loop.create_future()
        self._incoming.refuses = not self._outbox.is_durable
        self._is_stopping = True
        self._bell.ring()
        try:
            async with asyncio.timeout_at(deadline):
                await ended
        except TimeoutError:
            return False
        thread.join()
        self._thread, self._bell.is_awaited = None, True
        return True

    def take_unstored(self) -> list[str]:
        """Remove and return, encoded, the events that wait while no thread runs; nothing while it runs."""
        if self.is_alive:
            return []
        at_exit.release(self)
        self._bell.is_awaited = True
        return self._incoming.take_encoded()

    def store_at_exit(self) -> None:
        """Store waiting events at the end of the interpreter, when no event loop runs any more."""
        if self.is_alive:
            self.settle_blocking(_EXIT_SECONDS)
            return
        count = len(self._incoming)
        if not count:
            return
        self._is_stopping = True
        self._run()
        if not self._has_stored:
            events = format_count(count, "event was", "events were")
            _log.warning("%s accepted after the end, or before a start that never came, and lost", events)

    def after_fork(self) -> None:
        """Begin anew in a child process, which has no thread and no storage until it calls `start`.

        The parent files the events that waited; the connection belongs to the parent, and is never touched here.
        """
        self._is_foreign = self._thread is not None
        self._thread, self._is_stopping, self._taken, self._barriers = None, False, 0, []
        self._make_queues()
        self._incoming.refuses = self._is_foreign
        self._counters.after_fork()
        self._outbox.after_fork()

    def _say_foreign(self) -> None:
        self._is_foreign = False
        _log.warning(
            "this process is a fork of a bot: what it logs is not shown, unless it calls `await manager.start()` with a "
            "WEBHOOK_STORAGE of its own"
        )

    async def run(self, function: Callable[..., _T], *args: Any) -> _T:
        """Run a function on the intake's thread and return its result; raises `NotRunningError` when that does not run."""
        if not self.is_alive:
            raise NotRunningError("the manager is not running: call `await manager.start()` first")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        call = answering_call(loop, future, function, *args)
        self._calls.put(call)
        self._bell.ring()
        if not self.is_alive:
            # The thread ended meanwhile and would never answer.
            call.fail()
        return await future

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the intake's thread later; returns at once. Failures are counted, and the first is logged."""
        self._calls.put(IntakeCall(lambda: function(*args)))
        self._bell.ring()

    def file(self, destination: str, event: Event) -> None:
        """File an event for one destination, without routing. Returns at once."""
        self._calls.put(IntakeCall(lambda: self._store_for(destination, event)))
        self._bell.ring()

    async def settle(self) -> None:
        """Return when every event submitted before this call is filed. Raises `NotRunningError` without the thread."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self.run(self._add_barrier, lambda: post_result(future.get_loop(), future, None, None))
        await future

    def settle_blocking(self, seconds: float) -> bool:
        """Block until every event submitted before is filed; False when that takes longer than `seconds`. Not on the loop."""
        filed = threading.Event()
        if not self.is_alive:
            return False
        self._calls.put(IntakeCall(lambda: self._add_barrier(filed.set)))
        self._bell.ring()
        return filed.wait(seconds)

    def _add_barrier(self, call: Callable[[], None]) -> None:
        self._barriers.append((self._taken + len(self._incoming), call))

    def peek(self) -> tuple[int, int]:
        """Return how many submitted events are not filed yet, and how many were refused. From any thread."""
        return len(self._incoming) + len(self._group), self._counters.refused + self._incoming.refusals

    def snapshot(self, destinations: Iterable[str]) -> Stats:
        """Return the counters. On the intake's thread: call it through `run`."""
        pending = {name: self._outbox.depth(name).entries for name in destinations}
        self._counters.refused += self._incoming.take_refusals()
        return self._counters.snapshot(pending, self.peek()[0])

    async def take_tally(self) -> DailyCounts:
        """Return how many events of each kind came in since the last call."""
        return await self.run(self._tally.take)

    def find_problem(self) -> str:
        """Return why accepted events are not filed; empty when they are, and before the start."""
        if self._thread is not None and not self._thread.is_alive():
            return "the thread that owns the storage has ended"
        if (since := self._busy_since) is not None and self._clock.monotonic() - since > _STALL_SECONDS:
            return "the storage does not answer"
        return ""

    def _run(self) -> None:
        try:
            self._own_outbox()
        finally:
            self._busy_since, self._bell.is_awaited = None, True
            if self._is_stopping:
                while not self._calls.empty():
                    self._calls.get().fail()
            if (ended := self._on_end) is not None:
                self._on_end = None
                post_result(ended.get_loop(), ended, None, None)

    def _own_outbox(self) -> None:
        # Opening a large file takes a while; on this thread it blocks no event loop.
        self.guard(self._outbox.open)
        self.guard(self._on_open)
        # In another thread, so that the first events are stored at once: a process may be killed in its first moments.
        warming = warm_up(lambda: self._is_stopping)
        while not self._is_stopping:
            self._bell.wait(self.care.wait_seconds, self._incoming)
            self._busy_since = self._clock.monotonic()
            self.guard(self.care.look_if_due)
            self.guard(self._work)
            self._busy_since = None
        self.guard(self._work)
        if warming is not None:
            warming.join()
        # Read before the end: a closed outbox does not know.
        self._has_stored = self._outbox.is_durable
        self.guard(self._outbox.close)

    def guard(self, function: Callable[[], object]) -> bool:
        """Call a part of the work; False when it raised, which is counted, and logged the first time."""
        try:
            function()
        except Exception as error:  # noqa: BLE001 - a guard: a call or event that fails affects no other
            self.failures += 1
            if self.failures == 1:
                # Without the text of the exception, which may hold secrets.
                _log.error("a call of the storage failed (%s); said once", type(error).__name__)
            return False
        return True

    def _work(self) -> None:
        """Do all that waits, with the calls between groups of events."""
        while True:
            while not self._calls.empty():
                self.guard(self._calls.get().work)
            due = [call for target, call in self._barriers if target <= self._taken]
            self._barriers = [barrier for barrier in self._barriers if barrier[0] > self._taken]
            for call in due:
                self.guard(call)
            if not self._group:
                self._group = self._incoming.take(_GROUP)
            if not self._group:
                return
            self._file(self._group)
            self.guard(self.care.look_if_due)
            self._taken += len(self._group)
            self._group = []

    def _file(self, group: list[Event]) -> None:
        items: list[tuple[str, Event]] = []
        for event in group:
            try:
                items.extend(self._prepare(event))
            except Exception as error:  # noqa: BLE001 - a guard: one bad event must neither end the thread nor hold up the others
                # It is not stored, because it may not be redacted.
                self._counters.refused += 1
                _log.error("an event was lost in the intake: %s", type(error).__name__)
            breathe()
        if not self.guard(lambda: self._store(items)):
            # One of them cannot be stored; store the others.
            for item in items:
                if not self.guard(lambda item=item: self._store([item])):
                    self._counters.refused += 1

    def _store_for(self, destination: str, event: Event) -> None:
        try:
            clean = self._clean(event)
            if self.mirror is not None:
                self.mirror.add(clean, (destination,))
            self._store([(destination, clean)])
        except Exception:
            self._counters.refused += 1
            raise

    def _store(self, items: list[tuple[str, Event]]) -> None:
        self._outbox.put(items)
        counts = Counter(name for name, _ in items)
        for name, count in counts.items():
            self._counters.add(name, "accepted", count)
        self.guard(lambda: self.on_put(set(counts)))

    def _clean(self, event: Event) -> Event:
        """Return an event redacted and complete; the slow part of reading an exception is done here, off the loop."""
        clean = with_fingerprint(self.redactor.redact(finish(event)))
        return clean if self.links is None else self.links.add(clean)

    def _prepare(self, event: Event) -> list[tuple[str, Event]]:
        kept = self.before_send.apply(event)
        if kept is None and event is not None:  # pyright: ignore[reportUnnecessaryComparison] - a host may submit anything
            self._counters.filtered += 1
            return []
        # Compared with None, because `bool(event)` may run code of the host.
        event = event if kept is None else kept
        # Fields of a log record are checked here, where it costs the host no time.
        event.__post_init__()
        self._tally.add(event)
        names = self.router.route(event)
        if not names:
            self._counters.filtered += 1
        elif self._gate is not None:
            names = self._gate.admit(event, names, redacted=False)
        if not names and self.mirror is None:
            return []
        clean = self._clean(event)
        if event.noted is not None and names:
            clean = self._occurrences.note(clean)
        if self._gate is not None and names:
            clean = self._gate.identify(clean)
            names = self._gate.admit(clean, names, redacted=True)
        if self.mirror is not None:
            self.mirror.add(clean, names)
        clean = self.care.sign(clean if len(names) == 1 else replace(clean, routes=names))
        return [(name, clean) for name in names]
