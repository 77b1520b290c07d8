"""What the buttons of a card offer, by its state. Pure; how they are signed and drawn is in `delivery/`."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

from .issue import Issue, IssueState

# A mute that ends when it is worse: more than ten times as many in an hour as in the last one, and at least so many.
_TIMES_WORSE: Final = 10
_LEAST_WORSE: Final = 10


class Verb(StrEnum):
    """What a button does. The values stand in the ids of buttons that are out: they do not change."""

    RESOLVE = "r"
    ACKNOWLEDGE = "a"
    REOPEN = "o"
    MUTE_HOUR = "m"
    MUTE_WORSE = "w"
    UNMUTE = "u"
    PAUSE_INVITES = "p"
    CHOOSE = "c"


LABELS: Final = {
    Verb.RESOLVE: "Resolve",
    Verb.ACKNOWLEDGE: "Acknowledge",
    Verb.REOPEN: "Reopen",
    Verb.MUTE_HOUR: "Mute 1 h",
    Verb.MUTE_WORSE: "Mute until it is worse",
    Verb.UNMUTE: "End the mute",
    Verb.PAUSE_INVITES: "Pause invites 1 h",
    Verb.CHOOSE: "Act on an issue …",
}
STATES: Final = {
    Verb.RESOLVE: IssueState.RESOLVED,
    Verb.ACKNOWLEDGE: IssueState.ACKNOWLEDGED,
    Verb.REOPEN: IssueState.OPEN,
}


def verbs_of(issue: Issue, *, is_muted: bool) -> tuple[Verb, ...]:
    """Return what can be done with an issue; nothing that is done already."""
    if issue.state == IssueState.RESOLVED:
        return (Verb.REOPEN,)
    acknowledge = (Verb.ACKNOWLEDGE,) if issue.state == IssueState.OPEN else ()
    return (Verb.RESOLVE, *acknowledge, *((Verb.UNMUTE,) if is_muted else (Verb.MUTE_HOUR, Verb.MUTE_WORSE)))


def worse_than(last_hour: float) -> int:
    """Return how many events in an hour are worse than those of the last hour."""
    return max(_TIMES_WORSE * math.ceil(last_hour), _LEAST_WORSE)
