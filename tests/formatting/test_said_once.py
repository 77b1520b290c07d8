"""A card says a thing once: the server and what was measured are either in the text or in a field; a line has only its text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alert, AlertState, Threshold
from statsbot_webhooks.capture.lifecycle.events import guild_event
from statsbot_webhooks.capture.members.crowd_events import prune_event, surge_event
from statsbot_webhooks.capture.members.departures import Departure, Type
from statsbot_webhooks.capture.members.member_events import departure_event, hidden_audit_log_event, join_event, joins_event
from statsbot_webhooks.capture.members.profiles import AuditEntry, GuildProfile, Who
from statsbot_webhooks.capture.members.prunes import Prune
from statsbot_webhooks.capture.members.raids import Join, JoinCard
from statsbot_webhooks.capture.members.rows import Row
from statsbot_webhooks.capture.members.surges import Surge
from statsbot_webhooks.events.event import Event, LogLevel, Person
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.formatting.templates import Look, Templates, Text

NOW = 1_800_000_000.0
ANNA = Who(200_000_000_000_000_001, "anna", "Anna", created=NOW - 900 * 86400)
BEN = Who(200_000_000_000_000_002, "ben", "Ben", created=NOW - 2 * 86400)
PLACE = GuildProfile(100_000_000_000_000_001, "Greenhouse", 1234)


def row(who: Who) -> Row:
    return Row(str(who.id), NOW, who, "joined")


def of_members() -> Iterator[Event]:
    yield join_event(ANNA, PLACE, NOW, rejoined=False, gone=None)
    yield join_event(BEN, PLACE, NOW, rejoined=True, gone=None)
    for how in Type:
        departure = Departure(how, PLACE, ANNA, NOW, None, has_left=True, unbanned=NOW + 5)
        yield departure_event(departure)
    yield departure_event(Departure(Type.LEAVE, GuildProfile(1, "Greenhouse", 5, sees_audit_log=False), ANNA, NOW, None))
    yield joins_event(JoinCard(PLACE, NOW, NOW, {who.name: Join(row(who), PLACE) for who in (ANNA, BEN)}), NOW)
    yield joins_event(JoinCard(PLACE, NOW, NOW, moved=3), NOW)
    for what in ("raid", "departures", "unbans"):
        for over in (False, True):
            surge = Surge(PLACE, what, 60, NOW, 1, "", last=NOW + 5, over=over, goes_on=over)
            surge.put(row(BEN), NOW)
            yield surge_event(surge, NOW)
    entry = AuditEntry(1, "prune", NOW, ANNA, "", 12, 7)
    yield prune_event(Prune(entry, PLACE, NOW, None))
    yield hidden_audit_log_event(PLACE, NOW, has_intent=True)
    for verb in ("joined", "left"):
        yield guild_event(verb, guild_id=1, name="Greenhouse", members=2, owner=Person(5), icon_url="", guilds=1, now=NOW)


def of_alerts() -> Iterator[Event]:
    limits = Threshold(512.0, 1024.0)
    for state in AlertState:
        worst = (LogLevel.CRITICAL, LogLevel.WARNING)
        yield alert_event(Alert("memory_mb", state, *worst, 1600.0, 1668.0, NOW - 5, NOW - 60, NOW, limits), {})
        yield alert_event(Alert("task_loop_seconds/x", state, *worst, 77.0, 88.0, NOW - 5, NOW - 60, NOW, Threshold(6, 7)), {})


@pytest.mark.parametrize("use_embeds", [True, False])
@pytest.mark.parametrize("event", list(of_members()), ids=lambda event: f"{event.origin}: {event.message}")
def test_the_server_is_said_once(event: Event, *, use_embeds: bool) -> None:
    formatter = MessageFormatter(WebhookConfig(use_embeds=use_embeds))
    message = formatter.format_fold(group_events([event])[0].fold)
    cards = [json.dumps(embed) for embed in message.embeds] if use_embeds else re.split(r"\n(?=`\d\d:)", message.content or "")
    for card in cards:
        assert card.count("Greenhouse") == 1, card
        assert "Server" in card


@pytest.mark.parametrize("event", list(of_members()), ids=lambda event: f"{event.origin}: {event.message}")
def test_a_line_and_a_digest_name_the_server(event: Event) -> None:
    groups = group_events([event])
    formatter = MessageFormatter(WebhookConfig())
    assert "Greenhouse" in str(formatter.format_lines(groups)[0].embeds)
    digest, _ = formatter.format_digest([event, *of_alerts()])
    assert "Greenhouse" in str(digest.embeds)


@pytest.mark.parametrize("event", list(of_alerts()), ids=lambda event: event.message)
def test_what_was_measured_is_said_once(event: Event) -> None:
    [embed] = MessageFormatter(WebhookConfig()).format_event(event).embeds
    text = json.dumps(embed)
    for shown in ("1,600 MB", "1,668 MB", "1,024 MB", "77.0 s", "88.0 s", "7.0 s"):
        assert text.count(f"{shown}") - text.count(f"7{shown}") <= 1, (shown, text)


@pytest.mark.parametrize(("value", "threshold"), [(30, 10), (2.5, 1), (1_234_567, 10**9), (-1, 0), (True, False), ("many", None)])
def test_the_alert_of_a_host_says_its_values_once(value: float, threshold: float) -> None:
    [embed] = MessageFormatter(WebhookConfig()).format_performance_alert("queue", value, threshold, shard=1).embeds
    assert f"queue is {value if isinstance(value, str) else f'{value:.15g}'}, the threshold is" in embed["description"].replace(
        "\\", ""
    )
    assert {field["name"] for field in embed["fields"]} <= {"Ratio", "Shard"}


def test_a_text_of_the_user_that_names_no_value_leaves_it_in_a_field() -> None:
    templates = Templates({"performance": Look(text=Text("too much"))})
    [embed] = MessageFormatter(WebhookConfig(), templates=templates).format_performance_alert("queue", 30, 10).embeds
    assert embed["description"] == "too much"
    assert {"Value", "Threshold"} <= {field["name"] for field in embed["fields"]}
