"""Monitor: the tasks of the metrics endpoint and the fallback alert that the settings ask for. It measures nothing itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..config.model import WebhookConfig
from ..config.version import PACKAGE_VERSION
from ..delivery.destination_health import DestinationState
from ..delivery.worker_pool import WorkerPool
from ..pipeline.assembly import Pipeline
from ..pipeline.supervisor import Supervisor
from ..storage.base import ErrorsWaiting
from .fallback_alert import STATE, Address, FallbackAlert
from .stats_collector import DestinationReading, Reading, StatsCollector

if TYPE_CHECKING:
    from .metrics_endpoint import MetricsEndpoint

_log = logging.getLogger(__name__)
# Its module is imported late, but `OwnRecords` looks for our loggers when the manager starts.
logging.getLogger(f"{__package__}.metrics_endpoint")
_METRICS: Final = ("metrics_port", "metrics_host")
_FALLBACK: Final = ("fallback_url",)


class Monitor:
    """Own the endpoint and the fallback alert of one manager. `start` needs a running loop."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool, *, bot_name: Callable[[], str]) -> None:
        self._pipeline = pipeline
        self._pool = pool
        self._bot_name = bot_name
        self._tasks = Supervisor()
        self._endpoint: MetricsEndpoint | None = None

    def start(self) -> None:
        """Start what the settings ask for."""
        self._tasks.abandon()
        if self._endpoint is not None:
            # Left by a loop that ended without a stop.
            self._endpoint.close()
            self._endpoint = None
        self._start_metrics(self._pipeline.config)
        self._start_fallback(self._pipeline.config)

    async def reconfigure(self, before: WebhookConfig) -> None:
        """Apply the pipeline's new settings: restart the parts whose settings differ from `before`."""
        config = self._pipeline.config
        for names, start, task in ((_METRICS, self._start_metrics, "metrics"), (_FALLBACK, self._start_fallback, "fallback")):
            if any(getattr(config, name) != getattr(before, name) for name in names):
                await self._tasks.end(task)
                start(config)

    async def stop(self) -> None:
        """End everything."""
        await self._tasks.stop()
        self._endpoint = None

    def _start_metrics(self, config: WebhookConfig) -> None:
        if config.metrics_port is None:
            return
        try:
            collector = self.make_collector()
        except ImportError as error:
            _log.error("WEBHOOK_METRICS_PORT: %s", error)
            return
        # Imported here, because few need Python's HTTP server.
        from .metrics_endpoint import MetricsEndpoint

        self._endpoint = MetricsEndpoint(collector, config.metrics_host, config.metrics_port, self._pipeline.clock)
        self._tasks.run("metrics", self._endpoint.serve)

    def _start_fallback(self, config: WebhookConfig) -> None:
        if config.fallback_url is None:
            return
        delivery, clock = _ManagerDelivery(self._pipeline, self._pool), self._pipeline.clock
        alert = FallbackAlert(self._find_address, delivery, clock=clock, bot_name=self._bot_name)
        self._tasks.run("fallback", alert.watch)

    def _find_address(self) -> Address:
        url = self._pipeline.config.fallback_url
        return Address("" if url is None else url.get_secret_value(), self._pool.network)

    def make_collector(self) -> StatsCollector:
        """Return a collector of the counters; raises `ImportError` without the extra `metrics`."""
        return StatsCollector(self._read)

    def _read(self) -> Reading:
        # A copy, because this is not the loop's thread.
        workers = dict(self._pool.workers)
        log = self._pipeline.json_log
        return Reading(
            PACKAGE_VERSION,
            self._pipeline.peek(),
            {name: DestinationReading(worker.state, worker.delivered_at) for name, worker in workers.items()},
            None if log is None else log.lost,
        )


class _ManagerDelivery:
    """The delivery of one manager, as the fallback alert reads it."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool) -> None:
        self._pipeline = pipeline
        self._pool = pool

    def last_delivery(self) -> float | None:
        return self._pool.last_delivery

    def describe_problems(self) -> str:
        problems = list(self._pool.find_problems())
        problems += [f"{name}: {worker.last_error}" for name, worker in self._pool.workers.items() if worker.last_error]
        return self._pipeline.redact_text("\n".join(problems))

    def is_of_this_process(self) -> bool:
        # While the shared storage is unavailable, each process reports for itself.
        return self._pipeline.outbox.fleet.term is not None or self._pipeline.outbox.is_displaced

    async def errors_waiting(self) -> ErrorsWaiting:
        names = [name for name, worker in self._pool.workers.items() if worker.state != DestinationState.OFF]
        run, outbox = self._pipeline.intake.run, self._pipeline.outbox
        waiting, depths = await run(outbox.errors_waiting, names), await run(outbox.depths)
        since = waiting.since
        if since is not None and any(self._is_reached(name, since) for name in names if name not in depths):
            return ErrorsWaiting()
        return waiting

    def _is_reached(self, name: str, since: float) -> bool:
        """Whether something arrived at a working destination after `since` (wall clock)."""
        worker = self._pool.workers.get(name)
        return worker is not None and worker.state == DestinationState.WORKING and (worker.delivered_at or 0.0) > since

    async def read_state(self) -> Any:
        return (await self._pipeline.intake.run(self._pipeline.outbox.read_state, STATE)).get(STATE)

    async def write_state(self, value: float | None) -> None:
        await self._pipeline.intake.run(self._pipeline.outbox.write_state, {STATE: value})
