"""Every sort of event as it is shown, in each presentation, word by word: as `tests/data/shown.json` has it.

When what is shown changes on purpose, `python -m tests.formatting.test_shown` writes the file anew; read the difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig, WebhookMessage
from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person
from statsbot_webhooks.events.factory import Outage, departed_event, log_event, member_event, notice_event, outage_event
from statsbot_webhooks.events.factory import performance_event as alert_of_host
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.issues.fingerprint import fingerprints

from .test_facts import made
from .test_said_once import NOW, of_alerts, of_members

FILE: Final = Path(__file__).parents[1] / "data" / "shown.json"
TRACE: Final = (
    'Traceback (most recent call last):\n  File "/srv/bot/shop.py", line 12, in sell\n    stock.take(name)\n'
    "  File \"/usr/lib/python3.11/site-packages/lib/a.py\", line 3, in take\n    raise KeyError(name)\nKeyError: 'fish'\n"
)


def told(kind: str, text: str = "A text.", level: LogLevel = LogLevel.WARNING, origin: str = "told", **facts: Any) -> Event:
    return Event(EventKind.LIFECYCLE, level, text, NOW, origin, template=kind, facts={"type": kind, **facts})


def of_the_bot() -> Iterator[Event]:
    deploy = {"before": "1.0", "commits": 3, "is_over": False, "new": ["ab-1"], "back": [], "gone": []}
    start = {"version": "1.1", "servers": 3, "members": 1234, "shards": None, "host": "h", "runs_on": "Linux", "uptime": 5.0}
    yield told("start", is_bot_start=True, **start)
    yield told("start", is_bot_start=False, **{**start, "version": "", "shards": "0 to 3", "deploy": deploy})
    many = [f"cd-{number}" for number in range(14)]
    over = {**deploy, "commits": 0, "is_over": True, "new": [], "back": many, "gone": many[:12]}
    yield told("start", is_bot_start=True, **start, deploy=over)
    for is_bot_stop in (True, False):
        yield told("stop", is_bot_stop=is_bot_stop, uptime=90_000.0, host="h", runs_on="Linux")
    gap = {"shard": None, "began": NOW - 90, "count": 1, "longest": 0.0, "total": 0.0, "fresh_sessions": 0, "down_since": NOW}
    yield told("gateway", **gap)
    yield told("gateway", **{**gap, "shard": 2, "count": 3, "longest": 60.0, "total": 90.0})
    for fresh in (0, 1, 3):
        yield told("gateway", **{**gap, "count": 3, "longest": 60.0, "fresh_sessions": fresh, "down_since": None})
    outage = Outage("key", "error", problem="WEBHOOK_ERROR_URL: 500", seconds=90.0)
    yield outage_event("It fails.", outage, now=NOW)
    yield outage_event("It works.", Outage("key", "error", problem="WEBHOOK_ERROR_URL: 500", seconds=90.0, is_over=True), now=NOW)
    yield departed_event("two", "host", "0-3", 60.0, now=NOW)
    yield notice_event("A notice.", now=NOW)
    call = {"limit": 1.0, "where": "shop.py:12", "is_running": True, "count": 1, "worst": 3.0}
    yield told("slow call", origin="/sell", **call)
    yield told("slow call", origin="/sell", **{**call, "is_running": False, "count": 4})
    yield told("slow call", origin="/sell", **{**call, "where": ""})
    for places, looks, is_over in ((["a.py:1"], 1, False), (["a.py:1"], 5, True), ([f"{n}.py:1" for n in range(6)], 9, True)):
        yield told("blocked loop", f"It is blocked at {places[0]}.", is_over=is_over, seconds=2.5, places=places, looks=looks)
    day = {
        "date": "2027-01-15", "kinds": [{"name": "log", "count": 1200}, {"name": "error", "count": 2}],
        "errors": [{"name": "KeyError", "count": 2}, {"name": "ValueError", "count": 1}], "other_errors": 1500,
        "alerts": [{"name": "memory_mb", "count": 1}], "other_alerts": 0,
        "metrics": [{"name": "cpu_percent", "mean": 4.5, "peak": 71.0, "peak_time": NOW - 60, "course": [1.0, 2.0, 9.0]}],
        "changes": [{"name": "members", "first": 1000, "last": 1234}, {"name": "guilds", "first": 3, "last": 3}],
        "delivery": {"delivered": 1234, "requests": 1, "waiting": 2, "lost": 1000, "dead": 3, "rate_limited": 4},
    }  # fmt: skip
    yield told("summary", level=LogLevel.INFO, **day)
    calm: dict[str, Any] = {**day, **{key: [] for key in ("kinds", "errors", "alerts", "metrics", "changes")}, "other_errors": 0}
    calm["delivery"] = dict.fromkeys(("waiting", "lost", "dead", "rate_limited"), 0) | {"delivered": 0, "requests": 2}
    yield told("summary", level=LogLevel.INFO, **calm)
    dead = {"since": NOW - 60, "duration": 60.0, "problem": "KeyError: 'fish'"}
    for state in ("opened", "over", "stopped"):
        yield told("alert", "It ended.", origin="task_loop_stopped/tidy", state=state, **dead)
    server = {"verb": "joined", "name": "Guild", "id": 5, "members": 9, "owned_by": {"id": 7, "name": "anna"}, "servers": 2}
    yield told("server", **server)
    yield told("a sort of a newer version", "It says this.", what="a fact", count=3)


def of_the_host() -> Iterator[Event]:
    context = {"order": 42, "user_name": "anna_b"}
    for level in LogLevel:
        yield log_event(level, f"a *text* of {level}, see https://x.org/a_b", now=NOW, context=context)
    yield Event(EventKind.ERROR, LogLevel.ERROR, "no stock", NOW, "shop", {"order": 42}, TRACE, title="KeyError: 'fish'")
    yield Event(EventKind.LOG, LogLevel.CRITICAL, "", NOW, "shop.sell", {}, TRACE, note="New", guild_id=77, persons=(Person(5),))
    nested = {"list": [1, None, True], "map": {"a": {"b": 1.5}}, "text": "two\nlines", "empty": "", "long": "word " * 400}
    yield Event(EventKind.LOG, LogLevel.INFO, "# a heading\n> " + "many words " * 500, NOW, "x" * 90, nested)
    files = (EventFile("a.txt", "text"), EventFile("b.png", "", b"x"))
    yield Event(EventKind.LOG, LogLevel.INFO, "with files", NOW, "shop", files=files)
    tree = {"one": 1, "two": 2}
    yield Event(EventKind.LOG, LogLevel.INFO, "", NOW, "tree", tree, title="🎯 a section", facts={"in_order": True})
    for value, threshold in ((1600.0, 1024.0), ("high", None), (0.5, 0.25)):
        yield alert_of_host("memory_mb", value, threshold, now=NOW)
    for what in ("join", "leave", "ban", "boost"):
        yield member_event(what, 200_000_000_000_000_001, "anna", now=NOW, context={"reason": "spam"})


EVENTS: Final = [*made(), *of_members(), *of_alerts(), *of_the_bot(), *of_the_host()]
CARDS: Final = MessageFormatter(WebhookConfig())
PLAIN: Final = MessageFormatter(WebhookConfig(use_embeds=False))
BARE: Final = MessageFormatter(WebhookConfig(include_timestamps=False, include_bot_info=False, include_stack_traces=False))


def shown() -> dict[str, Any]:
    """Return what each event is shown as, and all of them together."""
    found: dict[str, Any] = {}
    for number, event in enumerate(EVENTS):
        name = f"{number} {event.facts.get('type', event.kind)} {event.origin[:20]}"
        found[name] = [_readable(CARDS.format_event(event)), PLAIN.format_event(event).content]
    found["from the arguments of a host"] = [
        _readable(BARE.format_log_message("INFO", "a text", order=42)),
        _readable(BARE.format_performance_alert("memory_mb", 1600.0, 1024.0, shard=3)),
        _readable(BARE.format_member_event("join", 200_000_000_000_000_001, "anna", reason="invited")),
    ]
    keys = fingerprints(EVENTS)
    groups = group_events([*EVENTS[::7], *EVENTS[::7]], [*keys[::7], *keys[::7]])
    for name, formatter in (("cards", CARDS), ("plain", PLAIN), ("bare", BARE)):
        for build in (formatter.format_groups, formatter.format_lines):
            message, count = build(groups)
            found[f"{name} {build.__name__}"] = [_readable(message), count]
        message, count = formatter.format_digest(EVENTS, keys)
        found[f"{name} digest"] = [_readable(message), count]
    return json.loads(json.dumps(found))


def _readable(message: WebhookMessage) -> Any:
    """Return a message without what is the same in each; long texts by their ends, which say where they were cut."""

    def part(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: part(each) for key, each in value.items()}
        if isinstance(value, list):
            return [part(each) for each in value]
        return f"{value[:400]} ({len(value)} in all) {value[-200:]}" if isinstance(value, str) and len(value) > 700 else value

    files = [[file.filename, file.data.decode("utf-8", "replace")] for file in message.files]
    kept = {"content": message.content, "embeds": list(message.embeds), "username": message.username, "files": files}
    return part({key: value for key, value in kept.items() if value})


def test_each_event_is_shown_word_by_word() -> None:
    found, expected = shown(), json.loads(FILE.read_text("utf-8"))
    assert found.keys() == expected.keys()
    for name in found:
        assert found[name] == expected[name], name


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.facts.get("type", event.kind)))
def test_each_event_is_valid_for_discord(event: Event) -> None:
    for formatter in (CARDS, PLAIN, BARE):
        formatter.format_event(event).validate()


if __name__ == "__main__":
    FILE.write_text(json.dumps(shown(), ensure_ascii=False, indent=0) + "\n", "utf-8")
