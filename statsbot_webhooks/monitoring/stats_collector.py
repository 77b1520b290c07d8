"""Stats collector: the counters of `stats()` as Prometheus metrics (extra `metrics`). It asks neither storage nor loop.

The names are promised: `docs/metrics.md` lists them, and a test compares.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..delivery.destination_health import DestinationState
from ..events.accounting import Stats

_PREFIX: Final = "statsbot_webhooks"
# Counters of a destination, by the field of `DestinationStats`.
_EVENTS: Final = {
    "accepted": "Events that were accepted for the destination",
    "delivered": "Events that Discord has confirmed",
    "folded": "Events that were counted in a message of an earlier one",
    "repeated": "Events that were sent again although Discord may have had them",
    "muted": "Events that a choice of an admin kept back",
}
_ANSWERS: Final = {
    "requests": "Answers of Discord to requests for the destination",
    "rate_limited": "Answers of Discord that were a rate limit (429)",
}


@dataclass(frozen=True, slots=True)
class DestinationReading:
    """A destination now. `delivered_at` is in seconds since the epoch; None when nothing was delivered yet."""

    state: DestinationState
    delivered_at: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of one scrape. `log_lost` is None when no JSON log is written."""

    version: str
    stats: Stats
    destinations: Mapping[str, DestinationReading]
    log_lost: int | None


def require_client(module: str = "prometheus_client") -> Any:
    """Return a module of the official client; raises an `ImportError` that says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError('metrics need the extra "metrics": pip install "statsbot_webhooks[metrics]"') from None


class StatsCollector:
    """A collector for any registry of the client; it reads the counters at each scrape."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._core: Any = require_client("prometheus_client.core")
        self._read = read
        # Our counters can go down, when events move to another destination; those of Prometheus must not.
        self._seen: dict[tuple[str, ...], float] = {}
        self._totals: dict[tuple[str, ...], float] = {}

    def collect(self) -> Iterator[Any]:
        """Yield every metric; from any thread, without blocking."""
        reading = self._read()
        stats = reading.stats
        yield self._gauge("info", "The version that runs", {(reading.version,): 1.0}, ("version",))
        for name, text in _EVENTS.items():
            values = {(key,): float(getattr(each, name)) for key, each in stats.destinations.items()}
            yield self._counter(f"events_{name}", text, values, ("destination",))
        lost = {(key, reason.value): float(n) for key, each in stats.destinations.items() for reason, n in each.lost.items()}
        yield self._counter("events_lost", "Accepted events that will never be shown, by reason", lost, ("destination", "reason"))
        for name, text in _ANSWERS.items():
            values = {(key,): float(getattr(each, name)) for key, each in stats.destinations.items()}
            yield self._counter(name, text, values, ("destination",))
        pending = {(key,): float(each.pending) for key, each in stats.destinations.items()}
        yield self._gauge("events_pending", "Events that wait for delivery", pending, ("destination",))
        dead = {(key,): float(each.dead) for key, each in stats.destinations.items()}
        yield self._gauge("events_dead", "Events that Discord refuses, kept as dead letters", dead, ("destination",))
        yield self._counter("events_filtered", "Events that no destination asked for", {(): float(stats.filtered)})
        yield self._counter("events_refused", "Events that were refused because too many waited", {(): float(stats.refused)})
        yield self._gauge("events_incoming", "Events that are not routed yet", {(): float(stats.incoming)})
        yield from self._destinations(reading)

    def _destinations(self, reading: Reading) -> Iterator[Any]:
        states = {
            (name, state.value): float(each.state == state)
            for name, each in reading.destinations.items()
            for state in DestinationState
        }
        yield self._gauge("destination_state", "1 for the state that a destination is in", states, ("destination", "state"))
        times = {(name,): each.delivered_at for name, each in reading.destinations.items() if each.delivered_at is not None}
        text = "When Discord confirmed a message last, in seconds since the epoch"
        yield self._gauge("last_delivery_timestamp_seconds", text, times, ("destination",))
        if reading.log_lost is not None:
            lost = {(): float(reading.log_lost)}
            yield self._counter("json_log_lost", "Events that are missing in WEBHOOK_JSON_LOG", lost)

    def _gauge(self, name: str, text: str, values: Mapping[tuple[str, ...], float], labels: tuple[str, ...] = ()) -> Any:
        return _fill(self._core.GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=labels), values)

    def _counter(self, name: str, text: str, values: Mapping[tuple[str, ...], float], labels: tuple[str, ...] = ()) -> Any:
        totals = {series: self._count_up(name, series, value) for series, value in values.items()}
        return _fill(self._core.CounterMetricFamily(f"{_PREFIX}_{name}", text, labels=labels), totals)

    def _count_up(self, name: str, series: tuple[str, ...], value: float) -> float:
        key = (name, *series)
        total = self._totals.get(key, 0.0) + max(value - self._seen.get(key, 0.0), 0.0)
        self._seen[key], self._totals[key] = value, total
        return total


def _fill(family: Any, values: Mapping[tuple[str, ...], float]) -> Any:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
