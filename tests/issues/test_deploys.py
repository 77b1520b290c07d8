"""The first hour of a new version: what is new, what came back, what is gone; for each bot, and over a restart."""

from __future__ import annotations

import threading
from typing import Any

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.formatting.presentation import present
from statsbot_webhooks.issues.deploys import Deploys
from statsbot_webhooks.issues.fingerprint import with_fingerprint
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.issues.register import IssueRegister

from .memory_state import Store

NOW = 1_800_000_000.0


class Process:
    """A process of a version, as the intake's gate has it."""

    def __init__(self, store: Store, version: str, commits: int | None = None) -> None:
        self.version = version
        self.register = IssueRegister(store, version)  # type: ignore[arg-type]
        self.register.load()
        self.counted = threading.Event()
        self.deploys = Deploys(store, self.register, lambda _before, _after: commits)  # type: ignore[arg-type]
        self.deploys.on_news = self.counted.set

    def start(self, now: float, bot: str = "1", commit: str = "") -> Event:
        facts = {"type": "start", "is_bot_start": True, "servers": 1, "members": 2, "shards": None, "host": "h", "runs_on": "r"}
        facts |= {"uptime": 1.0, "version": self.version, "commit": commit or self.version, "bot": bot}
        event = Event(EventKind.LIFECYCLE, LogLevel.INFO, "online", now, "bot", card=f"start/{now}", facts=facts)
        return self.deploys.note_start(event)

    def fail(self, text: str, now: float) -> str:
        event = with_fingerprint(Event(EventKind.LOG, LogLevel.ERROR, text, now, "shop"))
        is_new = not self.register.knows(event.fingerprint)
        noted = self.register.note(event)
        self.deploys.note_error(noted, is_new=is_new)
        self.register.save(now)
        return noted.issue

    def news(self, now: float) -> list[dict[str, Any]]:
        return [dict(present(event).context) for event in self.deploys.take_news(now)]


def test_the_card_of_a_new_version_tells_of_its_first_hour() -> None:
    store = Store()
    old = Process(store, "1.0")
    assert "deploy" not in old.start(NOW).facts
    quiet, again, cured = (old.fail(text, NOW + 10) for text in ("the disk broke", "the shop failed", "the queue jammed"))
    old.register.decide(next(i.fingerprint for i in old.register.all() if i.reference == cured), IssueState.RESOLVED, "anna", NOW)
    new = Process(store, "1.1", commits=12)
    shown = present(new.start(NOW + 100))
    assert shown.context["version"] == "1.0 → 1.1"
    assert shown.context["New errors"] == "none so far"
    assert new.counted.wait(5)
    assert new.news(NOW + 101)[0]["version"] == "1.0 → 1.1 (12 commits)"
    assert new.news(NOW + 102) == []
    fresh = new.fail("the price is missing", NOW + 200)
    new.fail("the shop failed", NOW + 210)
    new.fail("the queue jammed", NOW + 220)
    [news] = new.news(NOW + 230)
    assert (news["New errors"], news["Came back"], news["Not seen since"]) == (fresh, cured, quiet)
    assert again not in str(news)
    assert new.news(NOW + 300) == []
    [last] = new.deploys.take_news(NOW + 3701)
    assert last.ends_card
    assert present(last).context["New errors"] == fresh
    new.fail("one more", NOW + 3800)
    assert new.news(NOW + 9000) == []


def test_a_restart_in_the_hour_goes_on_and_later_ones_say_nothing() -> None:
    store = Store()
    Process(store, "1.0").start(NOW)
    first = Process(store, "1.1")
    first.start(NOW + 100)
    reference = first.fail("the price is missing", NOW + 200)
    first.news(NOW + 210)
    second = Process(store, "1.1")
    shown = present(second.start(NOW + 300))
    assert shown.context["version"] == "1.0 → 1.1"
    assert shown.context["New errors"] == reference
    later = present(Process(store, "1.1").start(NOW + 8000))
    assert later.context["version"] == "1.1"
    assert "New errors" not in later.context


def test_another_bot_of_the_same_storage_is_no_earlier_version() -> None:
    store = Store()
    Process(store, "7.0").start(NOW, bot="2")
    Process(store, "1.0").start(NOW, bot="1")
    assert present(Process(store, "7.1").start(NOW + 10, bot="2")).context["version"] == "7.0 → 7.1"
    assert present(Process(store, "1.0").start(NOW + 10, bot="1")).context["version"] == "1.0"


def test_what_is_stored_wrongly_is_as_if_it_had_never_been() -> None:
    store = Store()
    for state in (None, 3, [], {}, {"version": "1.0"}, {"version": "1.0", "since": "x"}, {"version": "1", "since": 1, "new": 3}):
        store.values["deploy/1"] = state
        assert present(Process(store, "1.1").start(NOW)).context["version"] == "1.1"
