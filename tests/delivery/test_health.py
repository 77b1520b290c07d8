"""What a destination knows of itself: when it is looked at, what is told of an outage, and what another process goes on with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statsbot_webhooks.config.destination import Destination, WebhookURL
from statsbot_webhooks.delivery.callbacks import Callbacks, Pause
from statsbot_webhooks.delivery.circuit_breaker import BreakerState, CircuitBreaker
from statsbot_webhooks.delivery.destination_health import DestinationState, Health
from statsbot_webhooks.delivery.outcome import Outcome, Result
from statsbot_webhooks.delivery.role_pings import Pings
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.events.factory import Outage

URL = "https://discord.com/api/webhooks/123456789012345678/" + "x" * 68
LOST = Result(Outcome.UNKNOWN, "500 broken", 500, weight=3)
REFUSED = Result(Outcome.GONE, "403 no", 403)
DELETED = Result(Outcome.GONE, "404 Unknown Webhook", 404, code=10015)


class Told(list[tuple[str, str, str, Outage | None]]):
    """What was told: about which, the text, where, and the outage. All is told in "info"."""

    where = "info"

    def tell(self, about: str, text: str, where: str, outage: Outage | None) -> str:
        self.append((about, text, where, outage))
        return self.where


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def made(told: Told) -> Callable[..., Health]:
    def make(pause: Pause | None = None, failures: int = 5) -> Health:
        breaker = CircuitBreaker(failures=failures, cooldown_seconds=10)
        links: Any = [told.tell, *[lambda *_: None] * 4]
        return Health(Destination("error", WebhookURL(URL)), breaker, pause or Pause(), Callbacks(*links))

    return make


def test_a_refused_webhook_is_looked_at_with_growing_gaps(made: Callable[..., Health], told: Told) -> None:
    health = made()
    assert (health.state, health.look_seconds(0.0), health.next_try_seconds(0.0)) == (DestinationState.WORKING, None, None)
    health.record_failure(REFUSED, 100.0)
    assert (health.state, health.last_error, health.look_seconds(100.0)) == (DestinationState.GONE, "403 no", 30.0)
    assert [health.look_seconds(now) for now in (120.0, 130.0, 140.0)] == [10.0, 0.0, 0.0]
    assert health.next_try_seconds(120.0) == 10.0
    gaps = []
    for _ in range(14):
        health.postpone_look(200.0)
        gaps.append(health.look_seconds(200.0))
    assert gaps[:3] == [60.0, 120.0, 240.0]
    assert gaps[-2:] == [86_400.0, 86_400.0]
    # Told once; and again only when it is known to be deleted.
    health.give_up(REFUSED, 300.0)
    assert len(told) == 1
    assert "refuses this webhook (403 no)" in told[0][1]
    assert "it is looked at again after 30 s" in told[0][1]
    health.give_up(DELETED, 400.0)
    health.give_up(REFUSED, 500.0)
    health.give_up(DELETED, 500.0)
    assert len(told) == 3
    assert "does not know this webhook any more (404 Unknown Webhook)" in told[1][1]
    assert told[0][3] is not None
    assert {outage.key for _, _, _, outage in told if outage} == {told[0][3].key}


def test_a_deleted_webhook_is_not_looked_at_and_comes_back_when_it_is_there(made: Callable[..., Health], told: Told) -> None:
    health = made()
    health.give_up(DELETED, 100.0)
    assert (health.look_seconds(200.0), health.next_try_seconds(200.0), health.state) == (None, None, DestinationState.GONE)
    health.come_back(160.0)
    assert (health.state, health.outage_marks) == (DestinationState.WORKING, (None, ""))
    about, text, where, outage = told[-1]
    assert (about, text, where) == ("error", "webhook error is there again; its events go to it", "info")
    assert outage is not None
    assert (outage.is_over, outage.seconds, outage.key) == (True, 60.0, told[0][3].key if told[0][3] else "")
    health.give_up(REFUSED, 1000.0)
    assert health.look_seconds(1000.0) == 30.0
    assert told[-1][3] is not None
    assert told[-1][3].key != outage.key


def test_one_outage_is_told_at_its_begin_and_its_end(made: Callable[..., Health], told: Told) -> None:
    health = made()
    health.record_failure(LOST, 100.0)
    assert (told, health.state) == ([], DestinationState.WORKING)
    health.record_failure(LOST, 101.0)
    assert (len(told), health.state) == (1, DestinationState.FAILING)
    assert "webhook error fails (500 broken). Its events wait; it is tried again after " in told[0][1]
    assert 8 <= (health.next_try_seconds(101.0) or 0) <= 12
    health.breaker.wait_seconds(120.0)
    health.record_failure(LOST, 120.0)
    assert len(told) == 1
    health.record_success(161.0, 7)
    assert (health.state, len(told)) == (DestinationState.WORKING, 2)
    _, text, where, outage = told[1]
    assert (text, where) == ("webhook error works again after 60 s; 7 events waited", "info")
    assert outage is not None
    assert (outage.is_over, outage.seconds, outage.problem) == (True, 60.0, "WEBHOOK_ERROR_URL: 500 broken")
    health.record_success(170.0, 7)
    assert len(told) == 2


@pytest.mark.parametrize(("seconds", "where"), [(59.0, ""), (60.0, "error")])
def test_a_long_outage_that_could_be_told_nowhere_is_told_in_the_channel_itself(
    seconds: float, where: str, made: Callable[..., Health], told: Told
) -> None:
    told.where = ""
    health = made(failures=1)
    health.record_failure(LOST, 100.0)
    health.record_success(100.0 + seconds, 1)
    assert told[-1][1:3] == (f"webhook error works again after {seconds:.0f} s; 1 event waited", where)


def test_a_blocked_address_stops_all_and_a_long_wait_trips(made: Callable[..., Health], told: Told) -> None:
    pause = Pause()
    one, other = made(pause), made(pause)
    one.record_failure(Result(Outcome.RETRY, "429", 429, retry_after=60.0, stops_all=True), 100.0)
    one.record_failure(Result(Outcome.RETRY, "429", 429, retry_after=10.0, stops_all=True), 100.0)
    assert (other.pause_seconds(110.0), other.pause_seconds(160.0), other.next_try_seconds(130.0)) == (50.0, 0.0, 30.0)
    assert one.breaker.state == BreakerState.CLOSED
    assert told[0][:3] == ("", "Discord blocks this address (429 without Via): nothing is sent for 60 s", "")
    for seconds, state in ((3.0, DestinationState.WORKING), (3.1, DestinationState.FAILING)):
        health = made()
        health.record_failure(Result(Outcome.RETRY, "429 slow", 429, retry_after=seconds), 200.0)
        assert health.state == state


def test_a_refusal_of_the_place_trips_at_once_and_says_the_way_out(made: Callable[..., Health], told: Told) -> None:
    health = made()
    health.record_refusal(Result(Outcome.REJECTED, "400 archived", 400, code=50083), 100.0, "open it")
    assert (health.is_refused, health.state, health.last_error) == (True, DestinationState.FAILING, "400 archived; open it")
    assert "webhook error takes no messages (400 archived): open it. Its events go elsewhere or wait; it is tried" in told[0][1]
    health.record_refusal(Result(Outcome.REJECTED, "400 archived", 400, code=50083), 120.0, "open it")
    assert len(told) == 1
    health.record_success(130.0, 0)
    assert (health.is_refused, told[-1][1]) == (False, "webhook error works again after 30 s; 0 events waited")


def test_what_is_switched_off_or_held_says_so_first(made: Callable[..., Health]) -> None:
    health = made()
    health.is_enabled = False
    assert health.state == DestinationState.OFF
    health.give_up(REFUSED, 1.0)
    assert health.state == DestinationState.GONE
    health.hold_reason = "a wrong setting"
    assert health.state == DestinationState.HELD
    health.hold_reason = ""
    health.revive()
    assert health.state == DestinationState.OFF


def test_another_process_goes_on_with_the_outage(made: Callable[..., Health], told: Told) -> None:
    before, after = made(failures=1), made(failures=1)
    assert before.learned_outage(1.0) == {}
    before.record_failure(LOST, 100.0)
    known = before.learned_outage(140.0)
    assert (known["where"], known["problem"], known["seconds"], known["failing"]) == (
        "info", "WEBHOOK_ERROR_URL: 500 broken", 40.0, 40.0,
    )  # fmt: skip
    after.breaker.relearn(before.breaker.learned(140.0), 5.0, 1000.0)
    after.relearn_outage(known, {key: known[key] for key in ("seconds", "failing")}, 5.0, 1000.0)
    assert after.state == DestinationState.FAILING
    after.record_success(1015.0, 2)
    _, text, where, outage = told[-1]
    assert (text, where) == ("webhook error works again after 60 s; 2 events waited", "info")
    assert outage is not None
    assert (outage.key, outage.seconds, outage.is_over) == (known["key"], 60.0, True)
    unknown = made()
    unknown.relearn_outage({}, {}, 5.0, 1000.0)
    assert unknown.learned_outage(1.0) == {}


def test_what_a_breaker_learned_is_what_the_next_one_knows() -> None:
    before, after = (CircuitBreaker(failures=4, cooldown_seconds=10) for _ in range(2))
    before.record_failure(100.0)
    assert before.learned(100.0) == {"open": 0, "failures": 1, "trips": 0, "wait": pytest.approx(0.7)}
    assert before.learned(200.0)["wait"] == 0.0
    before.record_failure(101.0, 3)
    known = before.learned(101.0)
    assert (known["open"], known["failures"], known["trips"]) == (1, 4, 1)
    after.relearn(known, 2.0, 500.0)
    assert after.pause_seconds(500.0) == pytest.approx(known["wait"] - 2.0)
    assert after.wait_seconds(500.0 + known["wait"]) == 0.0
    assert after.state is BreakerState.HALF_OPEN
    # The trip was told by the other one, and the pauses go on growing.
    assert not after.record_failure(600.0)
    assert 16 <= after.pause_seconds(600.0) <= 24
    fresh = CircuitBreaker(failures=4, cooldown_seconds=10)
    fresh.relearn({"failures": 1e12, "wait": 1.0}, 5.0, 0.0)
    assert (fresh.state, fresh.pause_seconds(0.0), fresh.marks[1]) == (BreakerState.CLOSED, 0.0, 1000)


def test_pings_at_their_edges() -> None:
    critical, error = (Event(EventKind.LOG, level, "x", 0.0) for level in (LogLevel.CRITICAL, LogLevel.ERROR))
    pings = Pings(7, 60.0)
    assert (pings.state(), pings.take([error], 100.0), pings.take([error, critical], 100.0)) == ({}, None, 7)
    assert [pings.take([critical], now) for now in (100.0, 159.9, 95.1)] == [None] * 3
    assert (pings.is_due(critical, 160.0), pings.is_due(critical, 95.0), pings.is_due(error, 160.0)) == (True, True, False)
    assert pings.take([critical], 160.0) == 7
    pings.give_back()
    assert pings.state() == {"ping/last": 100.0}
    pings.load({"ping/last": 150.0})
    pings.load({"ping/last": 140.0})
    pings.load({"ping/last": "soon"})
    assert (pings.take([critical], 209.0), pings.take([critical], 210.0)) == (None, 7)
    pings.configure(None, 1.0)
    assert pings.take([critical], 1000.0) is None
    pings.configure(8, 1.0)
    assert (pings.take([critical], 210.5), pings.take([critical], 211.0)) == (None, 8)
