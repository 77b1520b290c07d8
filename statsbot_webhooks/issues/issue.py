"""An issue: one error, however often it comes, and what people decided about it. Pure; where issues are kept is in `register`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

_TITLE: Final = 200
_HOUR: Final = 3600.0


class IssueState(StrEnum):
    """What people decided. That an issue is muted is known by `pipeline/mutes.py`, which keeps its events back."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(slots=True)
class Issue:
    """One error. `reference` is what people call it; times are seconds since the epoch.

    `by` and `since` tell who set the state, and when; `version` is the version of the bot that ran then. `held` counts what
    came after it was resolved, from versions that do not have the cure yet.
    """

    fingerprint: str
    reference: str
    title: str
    first: float
    last: float
    count: int = 0
    held: int = 0
    state: IssueState = IssueState.OPEN
    by: str = ""
    since: float = 0.0
    version: str = ""
    seen_in: str = ""
    # How many came in the current hour (the number of hours since the epoch), and how many in the one before.
    hour: int = 0
    in_hour: int = 0
    in_hour_before: int = 0

    def count_one(self, time: float) -> None:
        """Count an event."""
        self.count += 1
        self.last = max(self.last, time)
        hour = int(time // _HOUR)
        if hour > self.hour:
            self.in_hour_before = self.in_hour if hour == self.hour + 1 else 0
            self.hour, self.in_hour = hour, 0
        self.in_hour += 1

    def in_last_hour(self, now: float) -> float:
        """Return about how many came in the hour before `now`: those of two hours, by how much of each lies in it."""
        hour, part = divmod(now, _HOUR)
        if hour == self.hour:
            return self.in_hour + self.in_hour_before * (1 - part / _HOUR)
        return self.in_hour * (1 - part / _HOUR) if hour == self.hour + 1 else 0.0

    def decide(self, state: IssueState, by: str, now: float, version: str) -> None:
        """Note a decision."""
        self.state, self.by, self.since, self.version = state, by, now, version


def merged(stored: Issue, local: Issue, before: Issue | None) -> Issue:
    """Return a stored issue, which other processes may count too, with what was counted here since it was `before`."""
    count, held = (local.count, local.held) if before is None else (local.count - before.count, local.held - before.held)
    newer = local if local.hour >= stored.hour else stored
    in_hour = newer.in_hour
    if local.hour == stored.hour:
        in_hour = max(stored.in_hour + local.in_hour - (before.in_hour if before and before.hour == local.hour else 0), 0)
    return replace(
        stored,
        first=min(stored.first, local.first),
        last=max(stored.last, local.last),
        count=stored.count + max(count, 0),
        held=stored.held + max(held, 0),
        seen_in=local.seen_in or stored.seen_in,
        hour=newer.hour,
        in_hour=in_hour,
        in_hour_before=max(stored.in_hour_before, local.in_hour_before) if local.hour == stored.hour else newer.in_hour_before,
    )


def decided(issue: Issue, decision: Issue) -> Issue:
    """Return an issue with the state that was decided for another copy of it."""
    by, since, version = decision.by, decision.since, decision.version
    return replace(issue, state=decision.state, by=by, since=since, version=version, held=decision.held)


def title_of(message: str) -> str:
    """Return the first line of a text, as a title."""
    return message.partition("\n")[0][:_TITLE]


def to_state(issue: Issue) -> dict[str, Any]:
    """Return a JSON-able copy for the state store."""
    return {**asdict(issue), "state": issue.state.value}


def from_state(state: Mapping[str, Any]) -> Issue:
    """Return the issue of `to_state`; raises `KeyError`, `TypeError` or `ValueError` when it is none."""
    return Issue(
        str(state["fingerprint"]),
        str(state["reference"]),
        str(state["title"]),
        float(state["first"]),
        float(state["last"]),
        int(state["count"]),
        int(state["held"]),
        IssueState(state["state"]),
        str(state["by"]),
        float(state["since"]),
        str(state["version"]),
        str(state["seen_in"]),
        int(state.get("hour", 0)),
        int(state.get("in_hour", 0)),
        int(state.get("in_hour_before", 0)),
    )
