"""Which messages of Discord speak of one departure: every order and every delay, with times given, in no time."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from statsbot_webhooks.capture.members.crowd_events import prune_event
from statsbot_webhooks.capture.members.departures import Departure, Departures
from statsbot_webhooks.capture.members.member_events import departure_event
from statsbot_webhooks.capture.members.profiles import AuditEntry, GuildProfile, Who
from statsbot_webhooks.capture.members.prunes import Prune
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.formatting.own_markup import revealed
from statsbot_webhooks.formatting.presentation import present

DAY = 86400.0
NOW = 1_800_000_000.0
PLACE = GuildProfile(1000, "Guild", member_count=42)
MOD = Who(300, "mod", "Mod")
ANNA = Who(200, "anna", "Anna", created=NOW - 900 * DAY, roles=("Artist", "Regular"), joined=NOW - 30 * DAY)
# A ban speaks of a user: without roles, and without when they joined.
ANNA_USER = replace(ANNA, roles=None, joined=None)


def shown(event: Event) -> Event:
    """Return an event as a reader sees it."""
    event = present(event)
    context = {key: revealed(value) if isinstance(value, str) else value for key, value in event.context.items()}
    return replace(event, message=revealed(event.message), context=context)


class Channel:
    """What a channel would show: the newest event of each card, in the order of their first showing."""

    def __init__(self) -> None:
        self.cards: dict[str, Event] = {}
        self.posted = 0
        self.departures = Departures(self.show, self.show_prune)
        self.now = NOW

    def show(self, departure: Departure) -> None:
        departure.is_carded = True
        self._put(shown(departure_event(departure)))
        departure.is_shown = True

    def show_prune(self, prune: Prune) -> None:
        self._put(shown(prune_event(prune)))

    def _put(self, event: Event) -> None:
        self.posted += 1
        self.cards[event.card] = event

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.departures.next_due) is not None and due <= until:
            self.now = max(self.now, due)
            self.departures.tick(self.now)
        self.now = until
        self.departures.tick(until)

    @property
    def events(self) -> list[Event]:
        return list(self.cards.values())

    # -- what Discord says

    def leave(self, who: Who = ANNA) -> None:
        self.departures.leave(PLACE, who, self.now)

    def ban(self) -> None:
        self.departures.ban(PLACE, ANNA_USER, self.now)

    def unban(self) -> None:
        self.departures.unban(PLACE, ANNA_USER, self.now)

    def join(self, joined: float | None = None) -> None:
        self.departures.join(PLACE, replace(ANNA, joined=joined or self.now), self.now)

    def entry(self, action: str, created: float | None = None, number: int = 1) -> None:
        entry = AuditEntry(number, action, self.now if created is None else created, MOD, "spam")
        self.departures.explain(entry, PLACE, ANNA_USER, self.now)

    def prune(self, removed: int, days: int = 7) -> None:
        self.departures.explain_prune(AuditEntry(9, "prune", self.now, MOD, "", removed, days), PLACE, self.now)


@pytest.fixture
def channel() -> Channel:
    return Channel()


def act(channel: Channel, step: str) -> None:
    if step.startswith("entry"):
        channel.entry(step.removeprefix("entry_"))
    else:
        getattr(channel, step)()


@pytest.mark.parametrize("gap", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("order", list(itertools.permutations(["leave", "ban", "entry_ban"])), ids="-".join)
def test_a_ban_in_any_order_is_one_card(channel: Channel, order: tuple[str, ...], gap: float) -> None:
    for step in order:
        act(channel, step)
        channel.wait(gap)
    channel.wait(60)
    if gap == 4.0 and order[0] == "leave":
        # More than the wait later a member was banned who had left; both are true, and neither is taken back.
        assert [event.origin for event in channel.events] == ["leave", "ban"]
        return
    [event] = channel.events
    assert (event.origin, event.context["moderator"], event.context["reason"]) == ("ban", "<@300> mod (300)", "spam")
    assert event.context["roles"] == "Artist, Regular"
    assert event.context["stayed"] == "1 month"
    assert [person.id for person in event.persons] == [200, 300]


@pytest.mark.parametrize(
    ("first", "delay"),
    [("leave", 0.0), ("leave", 2.0), ("leave", 10.0), ("leave", 599.0), ("entry", 0.0), ("entry", 2.0), ("entry", 10.0)],
)
def test_a_kick_and_its_leave_are_one_card(channel: Channel, first: str, delay: float) -> None:
    act(channel, "leave" if first == "leave" else "entry_kick")
    channel.wait(delay)
    act(channel, "entry_kick" if first == "leave" else "leave")
    channel.wait(5)
    [event] = channel.events
    assert (event.origin, event.title, event.context["reason"]) == ("kick", "Member kicked", "spam")
    assert channel.posted == (1 if delay < 3 else 2)


def test_a_leave_that_nothing_explains_says_so(channel: Channel) -> None:
    channel.leave()
    channel.wait(2.9)
    assert not channel.events
    channel.wait(600)
    [event] = channel.events
    assert event.message == "<@200> anna left Guild"
    assert not {"audit_log", "moderator", "reason"} & set(event.context)


def test_a_leave_without_sight_of_the_audit_log_may_be_a_kick(channel: Channel) -> None:
    channel.departures.leave(replace(PLACE, sees_audit_log=False), ANNA, NOW)
    channel.departures.leave(replace(PLACE, sees_audit_log=False, sees_bans=False), MOD, NOW)
    channel.wait(4)
    one, other = channel.events
    assert (one.title, one.message) == ("Member left or was kicked", "<@200> anna left or was kicked from Guild")
    assert other.title == "Member left, was kicked or was banned"
    assert "View Audit Log" in one.context["audit_log"]


def test_a_correction_of_what_is_in_no_card_says_that_it_is_one() -> None:
    seen: list[Event] = []

    def show(departure: Departure) -> None:
        seen.append(shown(departure_event(departure)))
        departure.is_shown = True

    departures = Departures(show, lambda _: None)
    departures.leave(PLACE, ANNA, NOW)
    departures.tick(NOW + 3)
    departures.explain(AuditEntry(1, "kick", NOW, MOD, "spam"), PLACE, ANNA_USER, NOW + 9)
    assert [(event.origin, event.card, event.context.get("corrects")) for event in seen] == [
        ("leave", "", None),
        ("kick", "", "what was shown of this before"),
    ]


def test_a_late_entry_finds_the_stay_it_is_about(channel: Channel) -> None:
    channel.leave()
    channel.wait(4)
    channel.join()
    channel.wait(4)
    channel.leave(replace(ANNA, joined=NOW + 4))
    channel.wait(4)
    # The clock of the host is an hour off; Discord's own clock wrote both times that are compared.
    channel.entry("kick", created=NOW + 1)
    assert [event.origin for event in channel.events] == ["kick", "leave"]


def test_an_entry_that_comes_before_its_leave_does_not_rewrite_an_earlier_one(channel: Channel) -> None:
    channel.leave()
    channel.wait(10)
    channel.join()
    channel.wait(10)
    channel.entry("kick")
    channel.wait(1)
    channel.leave(replace(ANNA, joined=NOW + 10))
    channel.wait(10)
    assert [event.origin for event in channel.events] == ["leave", "kick"]


def test_a_member_who_comes_back_is_shown_leaving_first(channel: Channel) -> None:
    channel.leave()
    channel.wait(1)
    channel.join()
    assert [event.origin for event in channel.events] == ["leave"]


def test_a_ban_of_somebody_who_left_long_ago_is_a_card_of_its_own(channel: Channel) -> None:
    channel.leave()
    channel.wait(300)
    channel.ban()
    channel.entry("ban")
    channel.wait(10)
    left, banned = channel.events
    assert (left.origin, banned.origin) == ("leave", "ban")
    assert banned.context["was_a_member"] == "no leave was seen with the ban"


@pytest.mark.parametrize("audit", [-2.0, 0.0, 2.0, 10.0, None])
def test_a_softban_is_one_card(channel: Channel, audit: float | None) -> None:
    steps = [(0.0, "ban"), (0.1, "leave"), (0.5, "unban")]
    if audit is not None:
        steps += [(audit, "entry_ban"), (audit + 0.4, "entry_unban")]
    at = min(time for time, _ in steps)
    for number, (time, step) in enumerate(sorted(steps)):
        channel.wait(time - at)
        at = time
        if step.startswith("entry"):
            channel.entry(step.removeprefix("entry_"), number=number)
        else:
            act(channel, step)
    channel.wait(20)
    [event] = channel.events
    assert event.origin == "softban"
    assert "was banned from Guild and unbanned at once" in event.message
    known = "<@300> mod (300)" if audit is not None else None
    assert (event.context.get("moderator"), event.context.get("unban_moderator")) == (known, known)


def test_a_kick_does_not_explain_away_a_ban(channel: Channel) -> None:
    channel.ban()
    channel.leave()
    channel.entry("kick", number=1)
    channel.entry("ban", number=2)
    channel.wait(10)
    assert [event.origin for event in channel.events] == ["ban"]


def test_a_ban_that_is_lifted_much_later_is_two_cards(channel: Channel) -> None:
    channel.ban()
    channel.leave()
    channel.wait(120)
    channel.unban()
    channel.wait(2)
    channel.entry("unban", number=2)
    channel.wait(5)
    assert [event.origin for event in channel.events] == ["ban", "unban"]
    assert channel.events[1].context["moderator"] == "<@300> mod (300)"


def test_an_old_unban_does_not_swallow_a_new_one(channel: Channel) -> None:
    channel.entry("unban", number=1)
    channel.wait(70)
    channel.ban()
    channel.wait(70)
    channel.unban()
    channel.wait(5)
    assert [event.origin for event in channel.events] == ["unban", "ban", "unban"]


def members(count: int, **changes: object) -> list[Who]:
    return [replace(ANNA, id=5000 + n, name=f"member{n}", **changes) for n in range(count)]  # type: ignore[arg-type]


@pytest.mark.parametrize("audit", [-2.0, 1.0])
def test_a_prune_whose_entry_comes_in_time_is_one_card(channel: Channel, audit: float) -> None:
    if audit < 0:
        channel.prune(3)
        channel.wait(-audit)
    for who in members(3):
        channel.leave(who)
    if audit > 0:
        channel.wait(audit)
        channel.prune(3)
    channel.wait(20)
    [event] = channel.events
    assert event.message == "3 members pruned from Guild: inactive for 7 days"
    assert event.context["moderator"] == "<@300> mod (300)"
    assert event.context["leaves_seen"] == "3, all listed in the file"
    assert all(name in event.files[0].text for name in ("member0", "member1", "member2"))
    assert {person.id for person in event.persons} == {300, 5000, 5001, 5002}


def test_a_prune_whose_entry_comes_late_corrects_the_leaves(channel: Channel) -> None:
    for who in members(2):
        channel.leave(who)
    channel.wait(10)
    channel.prune(2)
    channel.wait(10)
    first, second, prune = channel.events
    assert prune.origin == "prune"
    for event in (first, second):
        assert event.title == "Member left or was pruned"
        assert event.context["audit_log"] == "a prune of 2 members at the same time"


def test_a_prune_without_an_entry_is_leaves(channel: Channel) -> None:
    for who in members(2):
        channel.leave(who)
    channel.wait(600)
    assert [event.title for event in channel.events] == ["Member left", "Member left"]


def test_a_prune_does_not_claim_whom_it_cannot_know(channel: Channel) -> None:
    young = replace(ANNA, id=7000, name="young", joined=NOW - 2 * DAY)
    for who in (*members(3), young):
        channel.leave(who)
    channel.wait(1)
    channel.prune(2)
    channel.departures.explain(AuditEntry(5, "kick", NOW, MOD, "rude"), PLACE, members(1)[0], channel.now)
    channel.wait(20)
    found = {event.origin: event for event in channel.events}
    # Two days a member, so not inactive for seven.
    assert found["leave"].message == "<@7000> young left Guild"
    assert found["kick"].message == "<@5000> member0 was kicked from Guild"
    assert found["prune"].context["leaves_seen"] == "2, all listed in the file"
    assert "member0" not in found["prune"].files[0].text


def test_a_prune_takes_nobody_from_another_server(channel: Channel) -> None:
    channel.leave()
    channel.departures.explain_prune(AuditEntry(9, "prune", NOW, MOD, "", 5, 7), replace(PLACE, id=2000), channel.now)
    channel.leave(replace(ANNA, id=201))
    channel.wait(20)
    assert sorted(event.origin for event in channel.events) == ["leave", "leave", "prune"]


def test_after_as_many_leaves_as_a_prune_took_a_leave_is_a_leave(channel: Channel) -> None:
    channel.prune(2)
    for who in members(3):
        channel.leave(who)
    channel.wait(20)
    found = {event.origin: event for event in channel.events}
    assert found["prune"].context["leaves_seen"] == "2, all listed in the file"
    assert found["leave"].message == "<@5002> member2 left Guild"


def test_more_leaves_than_a_prune_took_are_named_as_such(channel: Channel) -> None:
    for who in members(3):
        channel.leave(who)
    channel.prune(2)
    channel.wait(20)
    [event] = channel.events
    assert event.context["leaves_seen"].endswith("1 more than the prune took, so not all of them are its work")


def test_what_is_remembered_is_bounded(channel: Channel) -> None:
    for number in range(6000):
        channel.leave(replace(ANNA, id=number + 1))
    assert len(channel.events) == 1000
    channel.wait(700)
    assert len(channel.events) == 6000
    assert channel.departures.next_due is None
    assert not channel.departures._known
