"""Joins: a raid is one card with the raiders and no others, and what is ordinary is shown by itself, at once."""

from __future__ import annotations

from typing import Any

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.capture.members.crowd_events import surge_event
from statsbot_webhooks.capture.members.member_events import joins_event
from statsbot_webhooks.capture.members.profiles import GuildProfile, Who
from statsbot_webhooks.capture.members.raids import Join, Raids
from statsbot_webhooks.capture.members.rows import Row
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.events.folding import fold_of
from statsbot_webhooks.formatting.presentation import present

NOW = 1_800_000_000.0
PLACE = GuildProfile(1000, "Guild", member_count=5000)
FORMATTER = MessageFormatter(WebhookConfig())


class Server:
    """Joins of one server, and what its channel would show: the newest state of each card."""

    def __init__(self, limit: int = 10, seconds: float = 10.0) -> None:
        self.raids = Raids(limit=limit, seconds=seconds)
        self.events: list[Event] = []
        self.now = NOW

    def join(self, name: str, age_days: float = 1.0) -> None:
        who = Who(10**17 + hash(name) % 10**15, name, created=self.now - age_days * 86400)
        join = Join(Row(name, self.now, who, "joined"), PLACE)
        self.events += [joins_event(card, self.now) for card in self.raids.add(join, self.now)]
        self.tick()

    def raid(self, count: int, seconds: float = 0.0, name: str = "raider") -> None:
        for number in range(count):
            self.join(f"{name}{number}")
            self.wait(seconds / count)

    def tick(self) -> None:
        self.events += [surge_event(surge, self.now) for surge in self.raids.tick(self.now)]

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.raids.next_due) is not None and due <= until:
            self.now = max(self.now, due)
            self.tick()
        self.now = until

    @property
    def cards(self) -> list[Event]:
        return list({event.card: event for event in self.events}.values())

    @property
    def raid_cards(self) -> list[Event]:
        return [event for event in self.cards if event.origin == "raid"]

    @property
    def ordinary(self) -> list[str]:
        """Those who are shown as ordinary joins in the end."""
        return [person.names[0] for event in self.cards if event.origin == "join" for person in event.persons]

    def raiders(self) -> list[str]:
        return [person.names[0] for event in self.raid_cards for person in event.persons]


def embeds(event: Event) -> list[dict[str, Any]]:
    return FORMATTER.format_fold(fold_of(event)).to_payload()["embeds"]


def test_one_join_is_shown_at_once() -> None:
    server = Server()
    server.join("anna")
    [event] = server.events
    assert event.is_urgent
    assert [embed["title"] for embed in embeds(event)] == ["Member joined · new account"]


def test_joins_that_come_close_together_share_a_message_with_a_card_for_each() -> None:
    server = Server()
    for name in ("anna", "berta", "carla"):
        server.join(name, age_days=900)
        server.wait(1.5)
    assert len(server.cards) == 1
    shown = embeds(server.events[-1])
    assert [embed["title"] for embed in shown] == ["Member joined"] * 3
    assert [embed["description"].split()[1] for embed in shown] == ["anna", "berta", "carla"]
    assert len({embed["timestamp"] for embed in shown}) == 3
    server.wait(60)
    server.join("dora")
    assert len(server.cards) == 2


def test_ordinary_joins_are_no_raid_and_few_messages() -> None:
    server = Server()
    for number in range(100):
        server.join(f"member{number}")
        server.wait(2.01)
    assert server.ordinary == [f"member{number}" for number in range(100)]
    assert not server.raid_cards
    assert len(server.cards) == 10


def test_a_crowd_that_is_no_raid_is_a_list() -> None:
    server = Server(limit=30)
    server.raid(15)
    assert len(server.cards) == 1
    [embed] = embeds(server.events[-1])
    assert embed["title"] == "15 members joined"
    assert all(f"raider{number} " in embed["description"] for number in range(15))


def test_a_raid_takes_over_the_message_of_its_first_join() -> None:
    server = Server()
    server.raid(3000, 20)
    server.wait(60)
    assert len(server.cards) == 1
    assert len(server.raiders()) == 3000
    assert not server.ordinary
    first = present(next(event for event in server.events if event.origin == "raid"))
    last = present(server.events[-1])
    assert "going on" in first.title
    assert (last.title, last.message) == ("Raid over", "3,000 accounts joined Guild within 19 seconds")
    assert last.context["rate"] == "9,003 joins/min"
    assert not [name for name in last.context if "peak" in name]
    assert last.context["new_accounts"] == "3,000 of 3,000 under 7 days old"
    assert len(last.persons) == 3000
    assert len(last.files[0].text) < 300_000


def test_ordinary_joins_just_before_and_during_a_raid_are_no_raiders() -> None:
    server = Server()
    server.join("before")
    server.wait(4)
    server.raid(30, 2)
    server.wait(5)
    server.join("during")
    server.wait(8)
    server.join("later")
    server.wait(300)
    server.join("after")
    assert server.ordinary == ["before", "during", "later", "after"]
    assert server.raiders() == [f"raider{number}" for number in range(30)]
    assert present(server.raid_cards[0]).title == "Raid over"


def test_a_few_who_came_together_before_a_raid_are_no_raiders() -> None:
    server = Server()
    for name in ("anna", "bob", "carl", "dora"):
        server.join(name, age_days=400)
    server.wait(6)
    server.raid(24, 1)
    server.wait(100)
    assert server.ordinary == ["anna", "bob", "carl", "dora"]
    assert len(server.raiders()) == 24
    # Two bursts are one raid when neither is most of it.
    other = Server()
    other.raid(6, 0.5)
    other.wait(4)
    other.raid(5, 0.5, "more")
    other.wait(100)
    assert len(other.raiders()) == 11


def test_a_raid_that_goes_on_after_a_lull_is_the_same_raid() -> None:
    server = Server()
    server.raid(30, 2)
    server.wait(8)
    server.raid(20, 1, "more")
    server.wait(100)
    assert len(server.raid_cards) == 1
    assert len(server.raiders()) == 50
    assert not server.ordinary
    # The message of those that looked ordinary for a moment says where they are.
    [moved] = [event for event in server.cards if event.origin == "join"]
    assert embeds(moved)[0]["title"] == "Part of a raid"


def test_nothing_is_said_of_a_raid_that_is_over() -> None:
    server = Server()
    server.raid(30, 2)
    server.wait(100)
    count = len(server.events)
    assert present(server.events[-1]).title == "Raid over"
    for number in range(5):
        server.join(f"member{number}")
        server.wait(3)
    server.wait(900)
    assert {event.origin for event in server.events[count:]} == {"join"}


def test_after_the_end_a_raid_is_another_one() -> None:
    server = Server(limit=2, seconds=1)
    for name in ("one", "two"):
        server.raid(5, name=name)
        server.wait(3.2)
    lists = [set(event.files[0].text.split()) for event in server.raid_cards]
    assert len(lists) == 2
    assert all(f"one{number}" in lists[0] and f"two{number}" in lists[1] for number in range(5))
    assert not {word for word in lists[0] & lists[1] if word.startswith(("one", "two"))}


def test_the_limits_are_settings() -> None:
    few, many = Server(limit=3, seconds=5), Server(limit=30, seconds=5)
    for server in (few, many):
        server.raid(5)
        server.wait(2)
    assert (len(few.raiders()), len(many.raiders())) == (5, 0)
    short, long = Server(limit=3, seconds=1), Server(limit=3, seconds=60)
    for server in (short, long):
        server.raid(5, 10)
    assert (len(short.raiders()), len(long.raiders())) == (0, 5)


def test_each_state_shows_all_joins_before_it() -> None:
    server = Server()
    server.raid(10, 3)
    assert len(server.events) == 10
    assert [len(event.persons) for event in server.events] == list(range(1, 11))
