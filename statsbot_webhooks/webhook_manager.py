"""`WebhookManager`, which users call: it puts the parts of the package together, starts them and ends them.

What a part does is written in that part: accepting in `pipeline/`, delivering in `delivery/`, choices in `admin.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from .admin import Admin
from .capture.breadcrumbs import trail
from .capture.errors.deduplication import as_known, know_as, known_as, reported_trace, root_exception
from .capture.errors.trace_id import trace_details
from .clock import Clock, SystemClock, loop_time
from .config.destination import Destination
from .config.model import WebhookConfig
from .config.renewal import Renews, parts_to_renew
from .delivery.formatters import CustomFormatter, Formatters
from .delivery.worker import DestinationWorker
from .delivery.worker_pool import WorkerPool
from .events.accounting import Stats
from .events.call_arguments import MISSING, take_arguments
from .events.event import Event, LogLevel
from .events.factory import error_event, log_event, member_event, performance_event
from .host_access import HostAccess
from .issues.fingerprint import finish, with_fingerprint
from .monitoring.monitor import Monitor
from .pipeline.assembly import Pipeline
from .pipeline.before_send import Hook
from .pipeline.listeners import Listeners
from .pipeline.loop_calls import LoopCalls
from .redaction.log_filter import OwnRecords
from .storage import DeadLetter

_log = logging.getLogger(__name__)
# Of the time of a stop, what is kept for the storage; and what it always gets.
_CLOSING_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.5


class WebhookManager:
    """Accept events and deliver them. Build it anywhere; `start` needs a running loop.

    Events sent before `start` wait and are delivered then. `admin` has what admins may do while it runs. A `formatter` of your
    own lays the messages out; a class or function is called with the settings, and again when they change.
    """

    def __init__(self, config: WebhookConfig, *, clock: Clock | None = None, formatter: CustomFormatter | None = None) -> None:
        self._pipeline = Pipeline(
            config,
            clock=clock or SystemClock(),
            on_open=lambda stored: self._loop.call(self._after_open, stored),
            on_put=lambda names: self._loop.call(self._pool.wake, names),
        )
        self._clock, self._intake, self._outbox = self._pipeline.clock, self._pipeline.intake, self._pipeline.outbox
        self._formatters = Formatters(formatter, self._clock)
        self._pool = WorkerPool(self._pipeline)
        self._loop = LoopCalls()
        name = lambda: self._pipeline.redact_text(self._formatters.bot_info.name or "")  # noqa: E731
        self._monitor = Monitor(self._pipeline, self._pool, bot_name=name)
        self.host = HostAccess(self._pipeline, self._pool, self._formatters, self._loop)
        self.listeners = Listeners(on_added=lambda: self.is_running and self._own_records.install())
        self.admin = Admin(self._pipeline, self._pool, self.listeners)
        # A short way for log records, and those that users of 0.1 know.
        self.submit_note = self._intake.submit_note
        self.send_test, self.redact_text = self.admin.send_test, self.host.redact_text
        self.set_bot_info, self.find_delivery_problem = self.host.set_bot_info, self.host.find_delivery_problem
        self._own_records = OwnRecords(self.redact_text)
        self._changing = asyncio.Lock()

    @property
    def config(self) -> WebhookConfig:
        """The settings that hold."""
        return self._pipeline.config

    settings = config

    @property
    def is_running(self) -> bool:
        """Whether `start` has been called in this process, on a loop that is not closed, and `stop` not since."""
        return self._loop.is_on

    @property
    def has_ended(self) -> bool:
        """Whether `stop` has been called, and `start` not since."""
        return self._loop.has_ended

    @property
    def is_durable(self) -> bool:
        """Whether what waits outlives the process."""
        return self._outbox.is_durable

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of all destinations in use: those of the settings, and those that `/webhooks setup` made."""
        return self._pipeline.destinations

    @property
    def workers(self) -> Mapping[str, DestinationWorker]:
        """The workers, by the names of their destinations."""
        return self._pool.workers

    async def start(self) -> None:
        """Start delivering. A second call does nothing; after the end of an event loop it goes on in the next one."""
        if self.is_running:
            return
        if self._loop.begin():
            await self._pool.abandon()
        self._changing = asyncio.Lock()
        self._own_records.install()
        self._pool.start(self._formatters.use(self._formatters.make(self.config)))
        self._pipeline.start(self.admin.end_mutes, self.admin.forgetting.follow_requests)
        self.host.describe_process("")
        self._pool.add(self._pipeline.all_destinations)
        self._monitor.start()

    async def reconfigure(self, config: WebhookConfig) -> frozenset[Renews]:
        """Go on with other settings, in place: what waits, choices, counters and limits stay. Returns what was renewed.

        The storage's own settings are for the next start. When the settings cannot be used it raises, and the old ones go on.
        """
        # What has begun is brought to its end, also when the caller is cancelled.
        return await asyncio.shield(asyncio.create_task(self._reconfigure(config), name="statsbot_webhooks-reconfigure"))

    async def _reconfigure(self, config: WebhookConfig) -> frozenset[Renews]:
        async with self._changing:
            old = self.config
            kept = {name: getattr(old, name) for name in ("storage", "process_name", "storage_max_events", "storage_max_mb")}
            config = replace(config, **kept)
            formatter = self._formatters.make(config)
            destinations = await self._pipeline.reconfigure(config)
            self._pool.reconfigure(self._formatters.use(formatter), destinations)
            await self._monitor.reconfigure(old)
            renewed = parts_to_renew(old, config)
            await self.listeners.reconfigure(renewed)
            return renewed

    async def stop(self, timeout: float = 10.0) -> None:
        """Deliver what waits, then end every task and thread, all within `timeout` seconds.

        What is left stays in the storage for the next start; with storage in memory it is counted as lost.
        """
        if not self.is_running:
            return
        deadline = loop_time() + timeout
        # A part of the time is for the storage.
        await self._flush(deadline - min(timeout / 4, _CLOSING_SECONDS), is_ending=True)
        deadline = max(deadline, loop_time() + _LEAST_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline), self._changing:
                # A change of the settings that goes on after this finds no workers.
                await self._monitor.stop()
                await self._pool.stop((deadline - loop_time()) / 2)
        self._loop.end()
        await self._pipeline.stop(deadline)
        self._own_records.uninstall()

    async def flush(self, timeout: float | None = None) -> None:
        """Send what waits now, without waiting for batches to fill; returns when it is sent, or after `timeout` seconds.

        Destinations that are gone or switched off are not waited for; the newest state of a card may have to wait for its pace.
        """
        await self._flush(math.inf if timeout is None else loop_time() + timeout, is_ending=False)

    async def drain(self, timeout: float) -> bool:
        """Deliver what waits as `stop` does, and go on; False when not everything was sent within `timeout` seconds."""
        return not self.is_running or await self._flush(loop_time() + timeout, is_ending=True)

    async def _flush(self, deadline: float, *, is_ending: bool) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(None if deadline == math.inf else deadline):
                await self._intake.settle()
                if self._outbox.is_displaced:
                    # The file may be free again since it was tried last: then what it holds is sent too.
                    await self._intake.run(self._intake.care.look)
        return await self._pool.flush(deadline, is_ending=is_ending)

    # -- sending: each returns when the event is accepted; the other keywords are shown with it

    def submit(self, event: Event) -> bool:
        """Accept an event from any thread; False, and counted, when it is refused because too many wait. Never raises."""
        return self._intake.submit(event)

    async def send_log(self, level: LogLevel | str = MISSING, message: object = MISSING, /, **context: object) -> None:
        """Accept a log message. The first parameters of each `send_*` may be given by name too."""
        level, message = take_arguments("send_log", context, level=level, message=message)
        self.submit(log_event(level, message, now=self._clock.now(), context=context))

    async def send_error(self, error: BaseException = MISSING, /, **context: object) -> None:
        """Accept an exception, with its traceback unless `include_stack_traces` is off. Raises `TypeError` for anything else."""
        (error,) = take_arguments("send_error", context, error=error)
        keep, now = self.config.include_stack_traces, self._clock.now()
        details = {**trace_details(), **context}
        event = error_event(error, now=now, include_stack_traces=keep, context=details, before=trail.before(now))
        self.submit(as_known(event, error))

    async def send_performance_alert(
        self, metric_name: str = MISSING, value: float = MISSING, threshold: float = MISSING, /, **context: object
    ) -> None:
        """Accept a measured value that is above its threshold, both in the metric's own unit. `level` may be the alert's."""
        named = {"metric_name": metric_name, "value": value, "threshold": threshold}
        metric_name, value, threshold = take_arguments("send_performance_alert", context, **named)
        self.submit(performance_event(metric_name, value, threshold, now=self._clock.now(), context=context))

    async def send_member_event(
        self,
        event_type: str = MISSING,
        member_id: int | str | None = MISSING,
        username: str | None = MISSING,
        /,
        **context: object,
    ) -> None:
        """Accept what happened to a member: join, leave, kick, ban, unban or a type of your own. Id or name may be None."""
        named = {"event_type": event_type, "member_id": member_id, "username": username}
        event_type, member_id, username = take_arguments("send_member_event", context, **named)
        self.submit(member_event(event_type, member_id, username, now=self._clock.now(), context=context))

    @property
    def before_send(self) -> Hook | None:
        """A function of yours that sees each event on the intake's thread, before it is redacted.

        It returns the event, changed (`dataclasses.replace`) or not, or None to drop it, which is counted as filtered. One
        that raises, or takes longer than a second, is named in the log and not called any more.
        """
        return self._intake.before_send.hook

    @before_send.setter
    def before_send(self, hook: Hook | None) -> None:
        self._intake.before_send.hook = hook

    def error_reference(self, error: BaseException) -> str:
        """Return the reference of an exception's issue, such as E-7F3A, to be shown to the user of the bot whom it hit."""
        root = root_exception(error)
        if not (fingerprint := known_as(root)):
            event = finish(error_event(root, now=self._clock.now(), trace=reported_trace(root)))
            if event.fingerprint:
                know_as(root, event.fingerprint)
            fingerprint = with_fingerprint(event).fingerprint
        return self.admin.overrides.issues.reference_of(fingerprint)

    async def stats(self) -> Stats:
        """Return the counters; they balance at any moment."""
        if not self.is_running:
            return self._pipeline.snapshot()
        return await self._intake.run(self._pipeline.snapshot)

    def metrics_collector(self) -> Any:
        """Return the counters as a collector of the `prometheus_client` (extra `metrics`), for a registry of your own:

        `prometheus_client.REGISTRY.register(manager.metrics_collector())`. It waits for nothing, on the event loop too. Raises
        `ImportError` without the extra.
        """
        return self._monitor.make_collector()

    # -- short ways to `admin`

    async def dead_letters(self, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        """See `Admin.dead_letters`."""
        return await self.admin.dead_letters(ids)

    async def replay(self, ids: Sequence[int]) -> int:
        """See `Admin.replay`."""
        return await self.admin.replay(ids)

    async def purge(self, ids: Sequence[int]) -> int:
        """See `Admin.purge`."""
        return await self.admin.purge(ids)

    async def forget(self, user_id: int, names: Sequence[str] = ()) -> int:
        """See `Admin.forget`."""
        return await self.admin.forget(user_id, names)

    def add_secrets(self, *values: str) -> None:
        """Redact these values too, in every encoding. The environment's and `.env`'s are known already."""
        self._pipeline.add_secrets(values)

    def _after_open(self, stored: Sequence[Destination]) -> None:
        if not self.destinations:
            _log.warning(
                "webhook logging is off: no valid webhook URL. Run /webhooks setup in Discord, or put at least "
                "WEBHOOK_ERROR_URL into the environment or .env"
            )
        self._pool.follow_term()
        self._pool.apply_switches()
        self._pool.load()
        workers = self._pool.workers
        self._pool.add([new for new in stored if new.name not in workers or workers[new.name].destination != new])
        self.listeners.apply_choices()
        self.admin.look_again()
