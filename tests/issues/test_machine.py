"""Issues, mutes, versions and restarts in any order: each event is either shown or counted as muted, and cards say what holds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from statsbot_webhooks import LogLevel
from statsbot_webhooks.delivery.card_states import CardStates
from statsbot_webhooks.events.accounting import Counters
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.issues.buttons import STATES, Verb, worse_than
from statsbot_webhooks.issues.fingerprint import with_fingerprint
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.pipeline.mutes import MAX_SECONDS, Mute, MuteKind
from statsbot_webhooks.pipeline.overrides import Overrides
from statsbot_webhooks.pipeline.router import Router

from ..clocks import WallClock
from .test_register import Store

NAMES = ("error", "info")
TEXTS = ("disk is full", "the till is stuck", "no such parcel")
texts = st.sampled_from(TEXTS)


def error(text: str, at: float) -> Event:
    return with_fingerprint(Event(EventKind.LOG, LogLevel.ERROR, text, at, f"shop.{text[:4]}"))


class Lives(RuleBasedStateMachine):
    """Three errors, two destinations, one bot after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.version = 1_000_000.0, 0
        self.store, self.clock, self.counters = Store(), WallClock(lambda: self.now), Counters()
        self.happened, self.shown, self.told = 0, 0, 0
        self.overrides = self.begin()
        self.states = CardStates(self.overrides, self.clock.now, lambda _: False)

    def begin(self) -> Overrides:
        overrides = Overrides(self.store, Router(()), self.counters, self.clock, f"1.{self.version}")
        overrides.load()
        overrides.on_ended = self.ended
        return overrides

    def ended(self, ended: Any) -> None:
        self.told += 1

    def mute_of(self, text: str) -> list[Mute]:
        event = error(text, self.now)
        return [mute for mute, _ in self.overrides.mutes if mute.until > self.now and mute.covers(event, "error")]

    @rule(text=texts)
    def happens(self, text: str) -> None:
        self.now += 1
        event = error(text, self.now)
        before, mutes = self.overrides.issues.find(event.fingerprint), self.mute_of(text)
        names = self.overrides.admit(event, NAMES, redacted=False)
        if names:
            event = self.overrides.identify(event)
            names = self.overrides.admit(event, names, redacted=True)
        self.happened += len(NAMES)
        self.shown += len(names)
        after = self.overrides.issues.find(event.fingerprint)
        if before is not None and before.state == IssueState.RESOLVED and after is not None and not mutes:
            # It comes back in a later version only.
            is_later = self.version > int(before.version.partition(".")[2])
            assert bool(names) is is_later
            assert (after.state == IssueState.OPEN) is is_later
            assert event.note.startswith("Regression") is is_later
        elif not mutes:
            assert "error" in names

    @rule(text=texts, verb=st.sampled_from(list(STATES)))
    def is_pressed(self, text: str, verb: Verb) -> None:
        fingerprint = error(text, 0).fingerprint
        before = self.overrides.issues.find(fingerprint)
        decided = self.overrides.decide(fingerprint, STATES[verb], "ann")
        assert (decided is None) == (before is None)
        if decided is not None and before is not None:
            assert decided[1] == (before.state != STATES[verb])
            assert verb not in self.states.of(f"error-{fingerprint}").verbs

    @rule(text=texts)
    def is_cured_and_comes_again(self, text: str) -> None:
        self.happens(text)
        self.is_pressed(text, Verb.RESOLVE)
        self.happens(text)

    @rule(text=texts, kind=st.sampled_from(list(MuteKind)), end=st.sampled_from(["hour", "worse", "version"]))
    def is_muted(self, text: str, kind: MuteKind, end: str) -> None:
        event = error(text, self.now)
        issue = self.overrides.issues.find(event.fingerprint)
        above = worse_than(issue.in_last_hour(self.now) if issue else 0) if end == "worse" else 0
        assert end != "worse" or above >= 10
        target = {"destination": "info", "fingerprint": event.fingerprint, "logger": event.origin}[kind.value]
        until = self.now + (3600 if end == "hour" else MAX_SECONDS)
        version = f"1.{self.version}" if end == "version" else ""
        self.overrides.mute(Mute(kind, target, until, self.now, "", "ann", above, version))

    @rule(text=texts)
    def is_unmuted(self, text: str) -> None:
        self.overrides.unmute(f"fingerprint/{error(text, 0).fingerprint}")

    @rule(seconds=st.sampled_from([60.0, 1800.0, 3600.0, 86400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.overrides.end_due()

    @rule(step=st.sampled_from([-1, 0, 1]))
    def restarts(self, step: int) -> None:
        self.version = max(self.version + step, 0)
        self.overrides.save_tallies()
        before = {issue.fingerprint: (issue.state, issue.count) for issue in self.overrides.issues.all()}
        self.overrides = self.begin()
        self.states = CardStates(self.overrides, self.clock.now, lambda _: False)
        assert {issue.fingerprint: (issue.state, issue.count) for issue in self.overrides.issues.all()} == before

    @invariant()
    def nothing_is_lost(self) -> None:
        stats = self.counters.snapshot(dict.fromkeys(NAMES, 0), 0)
        assert self.shown + stats.muted == self.happened
        assert stats.balanced

    @invariant()
    def cards_say_what_holds(self) -> None:
        for text in TEXTS:
            fingerprint = error(text, 0).fingerprint
            issue, state = self.overrides.issues.find(fingerprint), self.states.of(f"error-{fingerprint}")
            if issue is None:
                assert not state.verbs
                continue
            is_muted = any(mute.kind == MuteKind.FINGERPRINT for mute in self.mute_of(text))
            resolved = issue.state == IssueState.RESOLVED
            assert ("Resolved" in state.note) == resolved == (Verb.REOPEN in state.verbs)
            assert ("Muted" in state.note) == (is_muted and not resolved)
            assert (Verb.UNMUTE in state.verbs) == (is_muted and not resolved)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=25, stateful_step_count=30)
