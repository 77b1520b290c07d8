"""The life of an issue: references, decisions, regressions, versions, limits."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from statsbot_webhooks import LogLevel
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.issues import register as register_module
from statsbot_webhooks.issues.fingerprint import with_fingerprint
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.issues.register import IssueRegister
from statsbot_webhooks.issues.versions import is_later

from ..cpu_time import ratio
from .memory_state import Store


def error(text: str = "disk is full", at: float = 1.0, level: LogLevel = LogLevel.ERROR) -> Event:
    return with_fingerprint(Event(EventKind.LOG, level, text, at, "shop"))


def new(store: Store, version: str = "") -> IssueRegister:
    found = IssueRegister(store, version)
    found.load()
    return found


def test_an_error_gets_a_short_reference_that_stays() -> None:
    store = Store()
    first = new(store)
    event = first.note(error())
    assert event.issue == f"E-{event.fingerprint[2:6].upper()}"
    first.save(2.0)
    again = new(store)
    assert again.note(error()).issue == event.issue
    for text in (event.issue, event.issue.lower(), event.issue[2:], event.fingerprint):
        found = again.find(text)
        assert found is not None
        assert found.count == 2
    assert again.find("E-0") is None


def test_two_errors_never_share_a_reference() -> None:
    known = new(Store())
    one, other = (Event(EventKind.LOG, LogLevel.ERROR, "x", 1.0, fingerprint=f"2-abcd{n}00000000000") for n in (1, 2))
    assert [known.note(one).issue, known.note(other).issue, known.note(one).issue] == ["E-ABCD", "E-ABCD2", "E-ABCD"]


def test_only_errors_are_issues() -> None:
    known = new(Store())
    assert known.note(error(level=LogLevel.WARNING)).issue == ""
    assert known.note(Event(EventKind.LOG, LogLevel.ERROR, "x", 1.0, card="alert", fingerprint="2-1")).issue == ""
    assert known.all() == []


@pytest.mark.parametrize(
    ("resolved", "now", "held"),
    [
        ("1.1", "1.2", False),
        ("1.1", "1.1", True),
        ("1.1", "1.0", True),
        ("1.9", "1.10", False),
        ("", "", False),
        ("1.1", "", False),
    ],
)
def test_a_resolved_issue_comes_back_in_a_later_version_only(resolved: str, now: str, held: bool) -> None:
    store = Store()
    before = new(store, resolved)
    event = before.note(error())
    before.decide(event.fingerprint, IssueState.RESOLVED, "ann", 2.0)
    after = new(store, now)
    again = after.note(error(at=3.0))
    assert after.holds(again) is held
    assert ("Regression" in again.note) is not held
    if not held and resolved and now:
        assert again.note == f"Regression: resolved in {resolved} by ann, seen in {now}"
    issue = after.find(event.fingerprint)
    assert issue is not None
    assert (issue.state, issue.held) == ((IssueState.RESOLVED, 1) if held else (IssueState.OPEN, 0))
    # It is told once.
    assert after.note(error(at=4.0)).note == ""


def test_versions_that_are_no_numbers_go_by_their_first_appearance() -> None:
    store = Store()
    for version in ("blue", "red"):
        new(store, version)
    assert is_later("red", "blue", store.values["versions"])
    assert not is_later("blue", "red", store.values["versions"])
    assert not is_later("1.2", "1.2.0", [])
    assert is_later("2.0", "v1.9", [])
    assert not is_later("red", "blue", [])
    assert is_later("", "1.0", [])
    assert is_later("1.0", "", [])


def test_a_decision_is_made_once() -> None:
    known = new(Store())
    key = known.note(error()).fingerprint
    issue, changed = known.decide(key, IssueState.ACKNOWLEDGED, "ann", 2.0) or pytest.fail("unknown")
    assert changed
    issue, changed = known.decide(key, IssueState.ACKNOWLEDGED, "bob", 3.0) or pytest.fail("unknown")
    assert (issue.by, changed) == ("ann", False)
    assert known.decide("2-unknown", IssueState.OPEN, "bob", 3.0) is None


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register_module, "_MOST", 200)
    store = Store()
    known = new(store)
    for number in range(300):
        event = Event(EventKind.LOG, LogLevel.ERROR, "x", float(number), fingerprint=f"2-{number:016x}")
        known.note(event)
        if number == 250:
            known.decide(event.fingerprint, IssueState.RESOLVED, "ann", 250.0)
    known.save(300.0)
    assert len(known.all()) == len(store.read_state("issue/")) <= 200
    assert known.find(f"2-{299:016x}") is not None
    assert known.find(f"2-{0:016x}") is None
    known.save(250.0 + 91 * 86400)
    assert known.find(f"2-{250:016x}") is None
    assert f"issue/2-{250:016x}" not in store.values


@pytest.mark.slow
def test_ten_thousand_issues_are_noted_in_proportion() -> None:
    events = [Event(EventKind.LOG, LogLevel.ERROR, "x", 1.0, fingerprint=f"2-{n * 7919:016x}") for n in range(10_500)]

    def note(count: int) -> int:
        known = new(Store())
        for event in events[:count]:
            known.note(event)
        return len(known.all())

    assert note(10_500) <= 10_000
    # Each looking at all others would be 441 times.
    assert ratio(lambda: note(10_500), lambda: note(500), 120, rounds=1) < 120


def test_what_is_stored_and_cannot_be_read_is_dropped() -> None:
    store = Store()
    store.values = {"issue/2-1": {"fingerprint": 1}, "issue/2-2": [], "versions": "x"}
    known = new(store, "1.0")
    assert known.all() == []
    assert store.values == {"versions": ["1.0"]}


class Life(RuleBasedStateMachine):
    """Events, decisions, deploys and restarts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.known = new(self.store, "1.0")
        self.version, self.now, self.count = 0, 1.0, 0
        self.state, self.resolved_in = IssueState.OPEN, -1

    @rule()
    def happens(self) -> None:
        self.now += 1
        event = self.known.note(error(at=self.now))
        self.count += 1
        if self.state == IssueState.RESOLVED:
            assert self.known.holds(event) is (self.version <= self.resolved_in)
            if self.version > self.resolved_in:
                assert event.note.startswith("Regression: resolved in ")
                self.state = IssueState.OPEN
        else:
            assert not self.known.holds(event)
            assert event.note == ""

    @rule(state=st.sampled_from(list(IssueState)))
    def is_decided(self, state: IssueState) -> None:
        decided = self.known.decide(error().fingerprint, state, "ann", self.now)
        assert (decided is None) == (self.count == 0)
        if decided is not None:
            assert decided[1] == (state != self.state)
            if state != self.state and state == IssueState.RESOLVED:
                self.resolved_in = self.version
            self.state = state

    @rule(step=st.sampled_from([-1, 0, 1]))
    def restarts(self, step: int) -> None:
        self.version = max(self.version + step, 0)
        self.known.save(self.now)
        self.known = new(self.store, f"1.{self.version}")

    @invariant()
    def nothing_is_forgotten(self) -> None:
        found = self.known.find(error().fingerprint)
        assert (found.count if found else 0) == self.count
        assert found is None or found.state == self.state


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25)
