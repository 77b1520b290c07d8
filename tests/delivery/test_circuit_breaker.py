"""The breaker's states over time, and what each failure of a send means."""

from __future__ import annotations

import aiohttp
import pytest

from statsbot_webhooks.delivery.circuit_breaker import BreakerState, CircuitBreaker
from statsbot_webhooks.delivery.outcome import Outcome, classify


def test_the_breaker_trips_cools_down_probes_and_closes() -> None:
    breaker = CircuitBreaker(failures=3, cooldown_seconds=10)
    assert [breaker.record_failure(0) for _ in range(3)] == [False, False, True]
    assert 8 <= breaker.wait_seconds(0) <= 12
    assert breaker.state is BreakerState.OPEN
    assert breaker.wait_seconds(12.1) == 0
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.record_failure(13)
    assert 16 <= breaker.wait_seconds(13) <= 24
    assert breaker.wait_seconds(40) == 0
    assert breaker.record_success()
    assert breaker.state is BreakerState.CLOSED


def test_one_server_error_trips_at_once() -> None:
    breaker = CircuitBreaker(failures=5, cooldown_seconds=10)
    assert breaker.record_failure(0, weight=5)


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (None, 200, Outcome.DELIVERED),
        (TypeError(), 200, Outcome.UNKNOWN),
        (TypeError(), 429, Outcome.RETRY),
        (TimeoutError(), None, Outcome.RETRY),
        (aiohttp.ServerDisconnectedError(), None, Outcome.RETRY),
        (ConnectionResetError(), None, Outcome.RETRY),
    ],
)
def test_outcomes(error: Exception | None, status: int | None, outcome: Outcome) -> None:
    assert classify(error, status=status).outcome is outcome
