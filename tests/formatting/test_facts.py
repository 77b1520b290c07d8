"""Events carry facts; what a reader sees of them is made when they are shown. What version 0.1 stored is shown as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alert, AlertState, Threshold
from statsbot_webhooks.capture.members.departures import Departure, Type
from statsbot_webhooks.capture.members.member_events import departure_event, hidden_audit_log_event, join_event
from statsbot_webhooks.capture.members.profiles import AuditEntry, GuildProfile, Who
from statsbot_webhooks.commands.drill import drill_events
from statsbot_webhooks.events.colors import AMBER, GREEN
from statsbot_webhooks.events.event import Event, EventKind, LogLevel, decode, encode
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.formatting.presentation import present
from statsbot_webhooks.redaction.masking import MaskLevel
from statsbot_webhooks.redaction.redactor import Redactor

NOW = 1_800_000_000.0
ANNA = Who(200_000_000_000_000_001, "anna", "Anna", created=NOW - 900 * 86400)
MOD = Who(300_000_000_000_000_001, "mod", "Mod", created=NOW - 900 * 86400)
PLACE = GuildProfile(100_000_000_000_000_001, "Guild", 1234)
FORMATTER = MessageFormatter(WebhookConfig())


def made() -> Iterator[Event]:
    yield join_event(ANNA, PLACE, NOW, rejoined=False, gone=None)
    entry = AuditEntry(1, "ban", NOW, MOD, "spam")
    yield departure_event(Departure(Type.BAN, PLACE, ANNA, NOW, None, entry=entry, has_left=True))
    yield hidden_audit_log_event(PLACE, NOW, has_intent=True)
    limits = Threshold(512, 1024)
    alert = Alert("memory_mb", AlertState.OPENED, LogLevel.WARNING, LogLevel.WARNING, 600, 610, NOW, NOW, NOW, limits)
    yield alert_event(alert, {"cpu_percent": 4.0})


@pytest.mark.parametrize("event", list(made()), ids=lambda event: event.origin)
def test_an_event_carries_facts_and_no_look(event: Event) -> None:
    assert (event.title, event.color) == ("", None)
    for markup in ("<t:", "<@", "**", "`"):
        assert markup not in event.message
        assert markup not in json.dumps(event.facts)
    shown = present(event)
    assert shown.title
    assert not shown.facts
    # What is shown does not change when it is asked for again, nor by a way through the storage.
    assert present(shown) == shown
    assert present(decode(encode(event))) == shown


def test_a_join_is_shown_from_its_facts() -> None:
    [embed] = FORMATTER.format_event(next(made())).embeds
    assert (embed["title"], embed["color"]) == ("Member joined", GREEN)
    # The server is a field.
    assert embed["description"] == f"<@{ANNA.id}> anna joined"
    fields = {item["name"]: item["value"] for item in embed["fields"]}
    assert (fields["Server"], fields["Member count"]) == ("Guild", "1,234")


def test_lines_and_digests_show_the_same_words() -> None:
    groups = group_events(list(made()))
    line = FORMATTER.format_lines(groups)[0].embeds[0]["description"]
    assert f"<@{ANNA.id}> anna was banned from Guild" in line
    [file] = FORMATTER.format_digest(list(made()))[0].files
    assert "Memory is high: 600 MB" in file.data.decode()


def test_what_version_0_1_stored_is_shown_as_it_was() -> None:
    context = {"moderator": "<@300> mod (300)", "reason": "spam"}
    stored = [2, "member", "WARNING", NOW, "ban", "<@200> anna was banned from Guild", "", context, None, 1, [[200, "anna"]]]
    event = decode(json.dumps([*stored, {"title": "Member banned", "color": AMBER}]))
    [embed] = FORMATTER.format_event(event).embeds
    assert (embed["title"], embed["color"]) == ("Member banned", AMBER)
    # Who wrote its mentions is not known any more: they are shown as text.
    assert embed["description"] == r"\<@200> anna was banned from Guild"
    assert [item["value"] for item in embed["fields"]] == [r"\<@300> mod (300)", "spam"]


def test_facts_of_another_version_are_shown_as_they_are() -> None:
    for facts in ({"type": "join", "who": "anna"}, {"type": "of tomorrow", "what": "anna"}, {"type": "alert", "since": "soon"}):
        event = Event(EventKind.MEMBER, LogLevel.INFO, "something", NOW, "join", facts=facts)
        [embed] = FORMATTER.format_event(event).embeds
        assert embed["description"] == "something"
        assert facts.keys() == {item["name"].lower() for item in embed["fields"]}


@pytest.mark.parametrize("level", [MaskLevel.IDS, MaskLevel.FULL])
def test_masking_hides_persons_in_facts(level: MaskLevel) -> None:
    redactor = Redactor(mask_level=level)
    for event in made():
        shown = present(redactor.redact(event))
        text = json.dumps([shown.title, shown.message, shown.context])
        assert str(ANNA.id) not in text
        assert str(MOD.id) not in text
        assert ("anna" in text) == (level == MaskLevel.IDS and bool(event.persons))


def test_a_drill_shows_its_mark_above_every_card() -> None:
    for event in drill_events(NOW, MOD, PLACE, by="mod"):
        assert "DRILL" in present(event).message
        assert replace(event, card="") == event
