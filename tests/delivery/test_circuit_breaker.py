"""The breaker's states over time, and what each failure of a send means."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks.delivery.circuit_breaker import BreakerState, CircuitBreaker
from statsbot_webhooks.delivery.outcome import EndedCallError, Outcome, Result, classify
from statsbot_webhooks.delivery.rate_limiter import ChannelLimiter, Priority
from statsbot_webhooks.delivery.response_headers import WebhookResponse

from .test_rate_limiter import LoopClock, run


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


def test_an_outage_of_weeks_is_tried_as_often_as_one_of_days() -> None:
    breaker = CircuitBreaker(failures=1, cooldown_seconds=10)
    for _ in range(1100):
        breaker.record_failure(0)
    assert breaker.pause_seconds(0) <= 720


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


def test_after_a_recovery_the_next_outage_trips_again_and_begins_with_the_base_cool_down() -> None:
    breaker = CircuitBreaker(failures=2, cooldown_seconds=10)
    now = 0.0
    for _ in range(3):
        breaker.record_failure(now, weight=2)
        now += breaker.pause_seconds(now)
        breaker.wait_seconds(now)
    assert breaker.record_success()
    assert not breaker.is_failing
    # One failure does not trip it: the earlier ones are forgotten.
    assert not breaker.record_failure(now)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.record_failure(now)
    assert 8 <= breaker.pause_seconds(now) <= 12


def test_pauses_grow_and_end_at_ten_minutes() -> None:
    breaker = CircuitBreaker(failures=1, cooldown_seconds=30)
    now, pauses = 0.0, list[float]()
    for _ in range(9):
        breaker.record_failure(now)
        pauses.append(breaker.pause_seconds(now))
        now += pauses[-1]
        assert breaker.wait_seconds(now) == 0
    assert [0.8 * min(30 * 2**n, 600) <= pause <= 1.2 * min(30 * 2**n, 600) for n, pause in enumerate(pauses)] == [True] * 9


def test_a_failure_that_does_not_trip_it_is_followed_by_a_short_pause() -> None:
    breaker = CircuitBreaker(failures=5, cooldown_seconds=30)
    breaker.record_failure(0.0)
    assert 0 < breaker.wait_seconds(0.0) < 1
    assert breaker.state is BreakerState.CLOSED
    assert breaker.wait_seconds(1.0) == 0


def test_a_time_that_discord_names_trips_at_once_and_is_kept() -> None:
    breaker = CircuitBreaker(failures=5, cooldown_seconds=10)
    assert breaker.record_failure(0.0, at_least=600)
    assert breaker.pause_seconds(0.0) == 600
    breaker.probe_now()
    assert breaker.wait_seconds(0.0) == 0
    assert breaker.state is BreakerState.HALF_OPEN


@pytest.mark.parametrize(
    ("error", "is_written", "outcome"),
    [
        (TimeoutError(), True, Outcome.UNKNOWN),
        (aiohttp.ServerDisconnectedError(), True, Outcome.UNKNOWN),
        (ConnectionResetError(), True, Outcome.UNKNOWN),
        (aiohttp.ClientPayloadError(), True, Outcome.UNKNOWN),
        (TimeoutError(), False, Outcome.RETRY),
        (ConnectionResetError(), False, Outcome.RETRY),
    ],
)
def test_a_request_that_left_without_an_answer_may_have_arrived(error: Exception, is_written: bool, outcome: Outcome) -> None:
    assert classify(error, is_written=is_written).outcome is outcome


@pytest.mark.parametrize(
    ("status", "code", "outcome", "is_final"),
    [
        (500, 0, Outcome.UNKNOWN, False),
        (503, 0, Outcome.UNKNOWN, False),
        (404, 10015, Outcome.GONE, True),
        (404, 0, Outcome.GONE, False),
        (401, 50027, Outcome.GONE, False),
        (403, 50013, Outcome.GONE, False),
        (400, 50035, Outcome.REJECTED, False),
        *((status, 0, Outcome.UNKNOWN, False) for status in (405, 408, 409, 421, 499)),
        (413, 40005, Outcome.REJECTED, False),
        (429, 0, Outcome.RETRY, False),
    ],
)
def test_what_a_status_means(status: int, code: int, outcome: Outcome, is_final: bool) -> None:
    result = classify(EndedCallError(status, "text", code), has_via=True)
    assert (result.outcome, result.is_final, result.code) == (outcome, is_final, code)


def test_a_429_of_cloudflare_without_a_time_pauses_everything_for_a_minute() -> None:
    result = classify(EndedCallError(429), has_via=False)
    assert (result.stops_all, result.retry_after) == (True, 60.0)
    assert not classify(EndedCallError(429, retry_after=2.0), has_via=True).stops_all


@pytest.mark.parametrize("used", [0, 4, 30])
@pytest.mark.parametrize(
    "result",
    [
        classify(EndedCallError(500, "", 0)),
        classify(aiohttp.ClientConnectionError()),
        classify(aiohttp.ServerDisconnectedError(), is_written=True),
        classify(EndedCallError(429), has_via=True),
        classify(EndedCallError(429, retry_after=0.5), has_via=True),
        classify(EndedCallError(429, retry_after=2.9), has_via=True),
    ],
    ids=["500", "no connection", "no answer", "429 without a time", "429, 0.5 s", "429, 2.9 s"],
)
def test_an_outage_is_known_within_three_seconds_however_much_of_the_budget_is_used(used: int, result: Result) -> None:
    async def work() -> None:
        clock, breaker = LoopClock(), CircuitBreaker(failures=5, cooldown_seconds=30)
        limiter = ChannelLimiter(30, clock)
        for _ in range(used):
            async with limiter.request(Priority.URGENT):
                pass
        since: float | None = None
        told = 0.0
        while breaker.state is BreakerState.CLOSED:
            async with limiter.request(Priority.URGENT):
                await asyncio.sleep(0.05)
            since = since or clock.monotonic()
            if result.status == 429:
                limiter.learn(WebhookResponse("info", "POST", 429, retry_after=result.retry_after or None))
            breaker.record_failure(clock.monotonic(), result.weight, next_seconds=limiter.retry_seconds())
            told = clock.monotonic()
            await asyncio.sleep(breaker.pause_seconds(told))
        assert since is not None
        assert told - since < 3

    run(work)


def test_more_failures_that_may_be_last_longer() -> None:
    breaker = CircuitBreaker(failures=20, cooldown_seconds=30)
    assert not breaker.record_failure(0.0)
    assert not breaker.record_failure(9.0, next_seconds=2.5)
    assert breaker.record_failure(9.0, next_seconds=60)


def test_another_process_goes_on_where_this_one_was() -> None:
    breaker = CircuitBreaker(failures=4, cooldown_seconds=10)
    breaker.record_failure(0.0, weight=3)
    another = CircuitBreaker(failures=4, cooldown_seconds=10)
    another.relearn(breaker.learned(0.0), 0.5, 70.0)
    assert another.pause_seconds(70.0) == pytest.approx(0.2)
    assert another.state is BreakerState.CLOSED
    # The fourth trips it, with the base cool-down; what it learns of an open one is that, and how far its pauses have grown.
    assert another.record_failure(70.0)
    assert 8 <= another.pause_seconds(70.0) <= 12
    third = CircuitBreaker(failures=4, cooldown_seconds=10)
    third.relearn(another.learned(71.0), 2.0, 500.0)
    assert third.state is BreakerState.OPEN
    assert third.pause_seconds(500.0) == pytest.approx(another.pause_seconds(71.0) - 2.0)
    assert not third.record_failure(600.0)
    assert 16 <= third.pause_seconds(600.0) <= 24


@pytest.mark.parametrize(
    ("error", "told", "expected"),
    [
        (None, {"status": 200}, Result(Outcome.DELIVERED, status=200)),
        (EndedCallError(404, "x", 10015), {}, Result(Outcome.GONE, "404 x", 404, code=10015)),
        (EndedCallError(500, "", 7), {}, Result(Outcome.UNKNOWN, "500", 500, 3, code=7)),
        (EndedCallError(302, "a page"), {}, Result(Outcome.RETRY, "302 a page", 302, 2)),
        (EndedCallError(429, "x"), {"has_via": True, "retry_after": 5.0}, Result(Outcome.RETRY, "429 x", 429, retry_after=5.0)),
        (
            EndedCallError(429, "x", 0, 7.0),
            {"has_via": True, "retry_after": 5.0},
            Result(Outcome.RETRY, "429 x", 429, retry_after=7.0),
        ),
        (EndedCallError(429, "x"), {}, Result(Outcome.RETRY, "429 x", 429, retry_after=60.0, stops_all=True)),
        (
            TypeError(),
            {"status": 429, "has_via": True, "retry_after": 2.0},
            Result(Outcome.RETRY, "429 Too Many Requests", 429, retry_after=2.0),
        ),
        (TypeError(), {"status": 299}, Result(Outcome.UNKNOWN, "answer not understood (TypeError)", 299, 3)),
        (TypeError(), {"status": 300}, Result(Outcome.RETRY, "TypeError in the client", 300)),
        (TimeoutError(), {"is_written": True}, Result(Outcome.UNKNOWN, "no answer in time", None, 3)),
        (TimeoutError(), {}, Result(Outcome.RETRY, "no answer in time", None, 2)),
        (OSError(), {"is_written": True}, Result(Outcome.UNKNOWN, "connection lost before the answer (OSError)", None, 3)),
        (OSError(), {"status": 200}, Result(Outcome.RETRY, "connection failed (OSError)", 200, 2)),
    ],
)
def test_what_each_failure_is_taken_for(error: Exception | None, told: dict[str, Any], expected: Result) -> None:
    assert classify(error, **told) == expected


def test_an_outage_begins_with_its_first_failure() -> None:
    breaker = CircuitBreaker(failures=5, cooldown_seconds=30)
    assert not breaker.record_failure(0.0)
    assert not breaker.record_success()
    assert not breaker.record_failure(100.0)
    assert not breaker.record_failure(102.0)
    another = CircuitBreaker(failures=5, cooldown_seconds=30)
    another.relearn(breaker.learned(102.0), 0.0, 5000.0)
    assert not another.record_failure(5001.0)
