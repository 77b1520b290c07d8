"""Card states: decisions of people as a card shows them (the line above it, its colour, its buttons). Decides nothing.

They are looked up whenever a card is drawn, so that every card of an issue says the same, also one that is posted later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..events.colors import GREEN
from ..events.event import Event
from ..formatting.markdown import escape_markdown
from ..issues.buttons import Verb, verbs_of
from ..issues.issue import Issue, IssueState
from ..pipeline.mutes import Mute, MuteKind
from ..pipeline.overrides import Overrides
from .button_ids import card_target

_ERROR: Final = "error-"


@dataclass(frozen=True, slots=True)
class CardState:
    """The state of a card. `target` is what its buttons act on; `color` replaces the colour of the card."""

    note: str = ""
    verbs: tuple[Verb, ...] = ()
    target: str = ""
    color: int | None = None


class CardStates:
    """Look up the states of cards, from any thread. `may_pause(guild_id)` says whether the bot may pause invites there."""

    def __init__(self, overrides: Overrides, now: Callable[[], float], may_pause: Callable[[int], bool]) -> None:
        self._overrides = overrides
        self._now = now
        self._may_pause = may_pause

    def of(self, key: str, event: Event | None = None) -> CardState:
        """Return the state of a card; `event` is the newest one that it shows, if known."""
        if key.startswith(_ERROR):
            return self._of_issue(key.removeprefix(_ERROR))
        if event is None or event.ends_card:
            return CardState()
        match event.facts:
            case {"type": "alert"}:
                return self._of_alert(key)
            case {"type": "surge", "what": "raid", "is_over": False} if event.guild_id is not None:
                return self._of_raid(key, event.guild_id)
            case _:
                return CardState()

    def is_undecided(self, key: str, event: Event, destination: str) -> bool:
        """Whether a card is neither acknowledged nor resolved nor muted."""
        now = self._now()
        if any(mute.until > now and mute.covers(event, destination) for mute, _ in self._overrides.mutes):
            return False
        if event.card:
            return self._overrides.decisions.of(key) is None
        issue = self._overrides.issues.peek(key.removeprefix(_ERROR))
        return issue is not None and issue.state == IssueState.OPEN

    def issue_state(self, key: str) -> IssueState | None:
        """Return the state of a card's issue; None for a card that belongs to no issue."""
        issue = self._issue_of(key)
        return None if issue is None else issue.state

    def changed_at(self, key: str) -> float:
        """Return when a card's issue got its state (wall clock); 0 for one without a decision."""
        issue = self._issue_of(key)
        return 0.0 if issue is None else issue.since

    def _issue_of(self, key: str) -> Issue | None:
        return self._overrides.issues.peek(key.removeprefix(_ERROR)) if key.startswith(_ERROR) else None

    def _of_issue(self, fingerprint: str) -> CardState:
        issue = self._overrides.issues.peek(fingerprint)
        if issue is None:
            return CardState()
        mute = self._mute_of(fingerprint)
        text = describe_issue(issue)
        notes = [text[:1].upper() + text[1:]] if issue.by else []
        if mute is not None and issue.state != IssueState.RESOLVED:
            notes.append(f"Muted {describe_mute(mute)} by {escape_markdown(mute.by)}")
        color = GREEN if issue.state == IssueState.RESOLVED else None
        return CardState(" · ".join(notes), verbs_of(issue, is_muted=mute is not None), fingerprint, color)

    def _mute_of(self, fingerprint: str) -> Mute | None:
        now = self._now()
        found = (mute for mute, _ in self._overrides.mutes if mute.kind == MuteKind.FINGERPRINT and mute.target == fingerprint)
        return next((mute for mute in found if mute.until > now), None)

    def _of_alert(self, key: str) -> CardState:
        decision = self._overrides.decisions.of(key)
        if decision is None:
            return CardState(verbs=(Verb.ACKNOWLEDGE,), target=card_target(key))
        return CardState(f"Acknowledged by {escape_markdown(decision.by)}, <t:{int(decision.since)}:t>")

    def _of_raid(self, key: str, guild_id: int) -> CardState:
        decision = self._overrides.decisions.of(key)
        if decision is not None and decision.until > self._now():
            return CardState(f"Invites paused until <t:{int(decision.until)}:t> by {escape_markdown(decision.by)}")
        verbs = (Verb.PAUSE_INVITES,) if self._may_pause(guild_id) else ()
        return CardState(verbs=verbs, target=card_target(key))


def describe_issue(issue: Issue) -> str:
    """Return the state of an issue as text, with its time as a Discord timestamp."""
    since, by = f"<t:{int(issue.since)}:t>", escape_markdown(issue.by)
    if issue.state == IssueState.OPEN:
        return f"opened again by {by}, {since}" if issue.by else "open"
    version = f" in {escape_markdown(issue.version)}" if issue.version and issue.state == IssueState.RESOLVED else ""
    return f"{issue.state.value}{version} by {by}, {since}"


def describe_mute(mute: Mute) -> str:
    """Return until when something is muted."""
    if mute.above:
        return f"until more than {mute.above} come within an hour"
    if mute.version:
        return f"until another version than {escape_markdown(mute.version)[:60]} runs"
    return f"until <t:{int(mute.until)}:f>"
