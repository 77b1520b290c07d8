"""Alerts neither flap nor repeat: the state machine on a clock of its own."""

from __future__ import annotations

import itertools

import pytest

from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alert, Alerts, AlertState, Threshold
from statsbot_webhooks.events.colors import GREEN
from statsbot_webhooks.events.event import LogLevel
from statsbot_webhooks.formatting.own_markup import revealed
from statsbot_webhooks.formatting.presentation import present

CPU = {"cpu_percent": Threshold(80, 95)}
START = 1_700_000_000.0


def run(
    alerts: Alerts, values: list[float], step: float = 1.0, start: float = START, hidden: set[str] | None = None
) -> list[Alert]:
    changes: list[Alert] = []
    for number, value in enumerate(values):
        changes += alerts.judge(start + number * step, {"cpu_percent": value}, CPU, hidden or set())
    return changes


def test_flapping_100_times_in_10_minutes_is_one_card() -> None:
    """200 crossings in 600 s, around the threshold and far around it."""
    for high, low in ((81, 79), (85, 60), (99, 10)):
        alerts = Alerts(60)
        flaps = [value for _ in range(100) for value in (high, high, high, low, low, low)]
        changes = run(alerts, flaps) + run(alerts, [20] * 120, start=START + 600)
        assert len({alert.card for alert in changes}) == 1
        assert [alert.state for alert in changes].count(AlertState.OPENED) == 1
        assert changes[-1].state is AlertState.OVER
        assert len(changes) < 14
        assert not alerts.open


def test_an_hour_at_100_percent_is_one_card_and_then_green() -> None:
    alerts = Alerts(60)
    changes = run(alerts, [5] * 4 + [100] * 120 + [5] * 10, step=30)
    events = [present(alert_event(alert, {"cpu_percent": alert.value, "memory_mb": 88})) for alert in changes]
    assert len({event.card for event in events}) == 1
    assert [alert.state for alert in changes] == [AlertState.OPENED, *[AlertState.LASTS] * 44, AlertState.OVER]
    first, last = events[0], events[-1]
    assert (first.level, first.title, first.color) == (LogLevel.CRITICAL, "CPU is critical: 100 %", None)
    assert (last.level, last.title, last.color) == (LogLevel.INFO, "CPU is back to normal", GREEN)
    assert last.context["lasted"] == "1 h 1 min"
    assert last.context["peak"] == "100 %"
    assert revealed(last.message).endswith(
        f"100 % at most. It began at <t:{int(START) + 120}:t>, with the peak at <t:{int(START) + 120}:t>."
    )
    assert last.context["At that time"] == "Memory 88 MB"
    gaps = [later.now - earlier.now for earlier, later in itertools.pairwise(changes)]
    assert min(gaps) >= 60


def test_a_short_peak_and_rare_peaks_are_no_alert() -> None:
    assert run(Alerts(60), [100] * 50 + [10] * 200) == []
    assert run(Alerts(60), ([100] * 10 + [10] * 50) * 60) == []


def test_it_becomes_critical_at_once_and_eases_late() -> None:
    alerts = Alerts(3)
    changes = run(alerts, [82] * 5 + [96] + [90] * 8 + [100, 82, 100, 82] + [82] * 2 + [10] * 10)
    told = [(alert.state.value, alert.level.value) for alert in changes]
    assert told == [("opened", "WARNING"), ("raised", "CRITICAL"), ("over", "INFO")]
    assert changes[-1].worst is LogLevel.CRITICAL


def test_easing_is_told_once() -> None:
    changes = run(Alerts(3), [96] * 5 + [82] * 10)
    assert [(alert.state.value, alert.level.value) for alert in changes] == [("opened", "CRITICAL"), ("eased", "WARNING")]


def test_the_minimum_is_what_the_setting_says() -> None:
    assert [alert.state for alert in run(Alerts(0), [81, 10])] == [AlertState.OPENED, AlertState.OVER]
    assert run(Alerts(5), [81] * 5) == []
    assert len(run(Alerts(5), [81] * 6)) == 1


def test_a_hidden_metric_keeps_its_state() -> None:
    alerts = Alerts(3)
    assert len(run(alerts, [81] * 5)) == 1
    assert run(alerts, [10] * 100, start=START + 5, hidden={"cpu_percent"}) == []
    assert len(alerts.open) == 1


def test_what_is_open_when_the_bot_stops_is_said() -> None:
    alerts = Alerts(0)
    run(alerts, [81])
    (alert,) = alerts.close(START + 10)
    event = present(alert_event(alert, {}))
    assert event.title == "CPU was too high when the bot stopped"
    assert event.card == f"alert/cpu_percent/{int(START)}"
    assert alerts.close(START + 11) == []


@pytest.mark.parametrize(("value", "level"), [(79.9, None), (80, LogLevel.WARNING), (95, LogLevel.CRITICAL)])
def test_a_threshold_counts_from_its_value_on(value: float, level: LogLevel | None) -> None:
    assert Threshold(80, 95).level(value) is level
