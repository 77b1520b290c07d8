"""An issue: one error, however often it comes, and what people decided about it. Pure; where issues are kept is in `register`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

_TITLE: Final = 200


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

    def decide(self, state: IssueState, by: str, now: float, version: str) -> None:
        """Note a decision."""
        self.state, self.by, self.since, self.version = state, by, now, version

    def describe(self) -> str:
        """Return the state as a reader's words, with Discord's time mark."""
        if self.state == IssueState.OPEN:
            return "open"
        version = f" in {self.version}" if self.version and self.state == IssueState.RESOLVED else ""
        return f"{self.state.value}{version} by {self.by}, <t:{int(self.since)}:t>"


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
    )
