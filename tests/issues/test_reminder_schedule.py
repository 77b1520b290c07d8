"""When the lines of reminders are due."""

from __future__ import annotations

import pytest

from statsbot_webhooks.issues.reminder_schedule import Reminder, due_at, from_state, passed, to_state

MINUTES = (15.0, 60.0, 240.0, 1440.0)
DAY = 1440


def test_seven_times_and_then_never() -> None:
    reminder, due = Reminder(0, 0), []
    while (time := due_at(reminder, MINUTES)) is not None:
        due.append(time / 60)
        reminder = passed(reminder, MINUTES, time)
    assert due == [15, 60, 240, DAY, 2 * DAY, 3 * DAY, 4 * DAY]


def test_what_went_by_while_the_bot_was_away_is_one() -> None:
    reminder = passed(Reminder(0, 0), MINUTES, 300 * 60)
    assert (reminder.step, due_at(reminder, MINUTES)) == (3, DAY * 60)


@pytest.mark.parametrize(("minutes", "due"), [((), []), ((5.0,), [5, 10, 15, 20, 25, 30, 35])])
def test_other_settings(minutes: tuple[float, ...], due: list[float]) -> None:
    reminder, found = Reminder(0, 0), []
    while (time := due_at(reminder, minutes)) is not None:
        found.append(time / 60)
        reminder = passed(reminder, minutes, time)
    assert found == due


def test_it_is_kept() -> None:
    reminder = Reminder(1.5, 2.5, 3, 4, 5)
    assert from_state(to_state(reminder)) == reminder
