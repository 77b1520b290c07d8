"""Mass departures: when they begin and end, and that all of them are in the list."""

from __future__ import annotations

import pytest

from statsbot_webhooks.capture.members import surges as surge_module
from statsbot_webhooks.capture.members.crowd_events import surge_event
from statsbot_webhooks.capture.members.profiles import GuildProfile, Who
from statsbot_webhooks.capture.members.rows import Row
from statsbot_webhooks.capture.members.surges import Surges
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.formatting.presentation import present

NOW = 1_800_000_000.0
PLACE = GuildProfile(1000, "Guild", member_count=5000)


class Server:
    """Departures of one server, and what would be shown."""

    def __init__(self, limit: int = 10, seconds: float = 10.0, what: str = "departures") -> None:
        self.surges = Surges(what, limit=limit, seconds=seconds)
        self.singles: list[Row] = []
        self.events: list[Event] = []
        self.now = NOW

    def leave(self, number: int, age_days: float = 1.0) -> None:
        who = Who(10**17 + number, f"member{number}", created=self.now - age_days * 86400)
        row = Row(f"{number}", self.now, who, "left")
        if not self.surges.add(row, PLACE, self.now):
            self.singles.append(row)
        self.tick()

    def tick(self) -> None:
        self.events += [present(surge_event(surge, self.now)) for surge in self.surges.tick(self.now)]

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.surges.next_due) is not None and due <= until:
            self.now = max(self.now, due)
            self.tick()
        self.now = until

    @property
    def names(self) -> set[str]:
        """All who are in a list."""
        text = "\n".join({event.card: event.files[0].text for event in self.events}.values())
        return {word for word in text.split() if word.startswith("member") and word[-1].isdigit()}


def test_ordinary_departures_are_no_surge() -> None:
    server = Server()
    for number in range(100):
        server.leave(number)
        server.wait(1.01)
    assert len(server.singles) == 100
    assert not server.events


def test_after_the_end_departures_are_shown_one_by_one_again() -> None:
    server = Server(limit=2, seconds=1)
    for number in range(5):
        server.leave(number)
    server.wait(3.5)
    server.leave(99)
    assert [row.who.name for row in server.singles] == ["member0", "member1", "member99"]
    assert server.events[-1].title == "Mass departure over"


def test_a_trickle_does_not_keep_a_surge_open() -> None:
    server = Server(limit=10, seconds=10)
    for number in range(20):
        server.leave(number)
    for number in range(100, 110):
        server.wait(5)
        server.leave(number)
    assert server.singles[-1].who.name == "member109"


def test_a_list_that_is_full_goes_on_in_a_new_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surge_module, "_MAX_ROWS", 50)
    server = Server(limit=5)
    for number in range(120):
        server.leave(number)
    server.wait(60)
    assert len({event.card for event in server.events}) == 3
    assert server.names == {f"member{number}" for number in range(120)}
    assert "this list is full" in server.events[1].message
    assert server.events[-1].title == "Mass departure over · part 3"


def test_the_limits_are_settings() -> None:
    few, many = Server(limit=3, seconds=5), Server(limit=30, seconds=5)
    for server in (few, many):
        for number in range(5):
            server.leave(number)
    assert (len(few.singles), len(many.singles)) == (3, 5)
    short, long = Server(limit=3, seconds=1), Server(limit=3, seconds=60)
    for server in (short, long):
        for number in range(5):
            server.leave(number)
            server.wait(2)
    assert (len(short.singles), len(long.singles)) == (5, 3)


def test_a_row_can_be_corrected_while_it_lasts_and_afterwards() -> None:
    server = Server(limit=2, seconds=1, what="departures")
    who = Who(5, "anna")
    for key in ("1", "2", "3"):
        server.surges.add(Row(key, NOW, who, "left"), PLACE, NOW)
    assert server.surges.correct(Row("3", NOW, who, "kicked", Who(300, "mod"), "rude"), NOW)
    server.wait(10)
    assert server.surges.correct(Row("1", NOW, who, "banned"), server.now)
    server.wait(10)
    assert server.events[-1].context["how"] == "1 banned, 1 left, 1 kicked"
    assert server.events[-1].context["reasons"] == "1 × rude"
    assert "kicked          anna  by mod: rude" in server.events[-1].files[0].text
    assert not server.surges.correct(Row("77", NOW, who, "left"), server.now)


def test_what_is_long_over_is_forgotten_without_being_asked() -> None:
    server = Server(limit=2, seconds=1)
    for number in range(5):
        server.leave(number)
    server.wait(10)
    assert server.surges._over
    server.wait(700)
    assert not server.surges._over
    assert server.surges.next_due is None


def test_nobody_is_listed_in_two_surges() -> None:
    server = Server(limit=2, seconds=1)
    for first in (0, 100):
        for number in range(first, first + 5):
            server.leave(number)
        server.wait(3.2)
    lists = {event.card: set(event.files[0].text.split()) & server.names for event in server.events}
    first, second = lists.values()
    assert first
    assert second
    assert not first & second
