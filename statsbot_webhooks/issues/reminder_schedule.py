"""When something that lasts is told again: after the minutes of the settings, seven times at most. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

MOST: Final = 7


@dataclass(frozen=True, slots=True)
class Reminder:
    """The reminders of one card since `since`; `step` counts the times that are past, told or not.

    `told` is the time up to which the channel knows of it, by its card or by the last line, which is the message `message_id`.
    """

    since: float
    told: float
    step: int = 0
    message_id: int = 0
    thread_id: int = 0


def due_at(reminder: Reminder, minutes: Sequence[float]) -> float | None:
    """Return when the next line is due; None when none is."""
    if not minutes or reminder.step >= MOST:
        return None
    over = max(reminder.step - len(minutes) + 1, 0)
    # After the last of them its own length again: with a day at the end, daily.
    pause = minutes[min(reminder.step, len(minutes) - 1)] + over * minutes[-1]
    return reminder.since + pause * 60


def passed(reminder: Reminder, minutes: Sequence[float], now: float) -> Reminder:
    """Return the reminder after `now`: times that went by while the bot was away are one."""
    while (due := due_at(reminder, minutes)) is not None and due <= now:
        reminder = replace(reminder, step=reminder.step + 1)
    return reminder


def to_state(reminder: Reminder) -> dict[str, Any]:
    """Return a JSON-able copy for the state store."""
    return asdict(reminder)


def from_state(state: Mapping[str, Any]) -> Reminder:
    """Return the reminder of `to_state`; raises `KeyError`, `TypeError` or `ValueError` when it is none."""
    return Reminder(
        float(state["since"]),
        float(state["told"]),
        max(int(state["step"]), 0),
        int(state["message_id"]),
        int(state["thread_id"]),
    )
