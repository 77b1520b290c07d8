"""Cards, lines and digests: what is chosen, what is folded, and that no text of any event is lost in any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsbot_webhooks import MessageFormatter, WebhookConfig, WebhookManager, WebhookMessage
from statsbot_webhooks.delivery.batch import Batcher, Presentation, choose
from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, to_plain
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.rest.rules import check_message
from statsbot_webhooks.storage import Entry

from .. import openapi

_NUMBER = re.compile("‹U\\+[0-9A-F]{4,6}›")
CARDS, LINES, DIGEST = Presentation
NASTY = (
    *("```", "`", "``", "\\", "\\`", "http://x```y", "@everyone", "<@1>", "\n", "\r", "> ", "||", "~~~", "# ", "-# ", "\x00\x1b"),
    *("[a](http://b)", "\u202e", "\ud800", "\U0001f389" * 70, "a" * 900, "_" * 50, "\\" * 301, "`" * 40, " ", "\u2028"),
)
texts = st.one_of(st.text(st.characters(), max_size=30), st.lists(st.sampled_from(NASTY), max_size=8).map("".join))
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=5,
)
files = st.builds(EventFile, st.sampled_from(("a.txt", "chart.png", "Ä ö/..", "", "a.txt")), texts, st.binary(max_size=30))
events = st.builds(
    Event,
    st.sampled_from(EventKind),
    st.sampled_from(LogLevel),
    texts,
    st.floats(1_700_000_000, 1_800_000_000),
    origin=texts,
    context=st.dictionaries(texts, plain, max_size=4).map(to_plain),
    traceback=st.one_of(
        st.none(), texts, texts.map('Traceback (most recent call last):\n  File "x.py", line 1\nError: {}'.format)
    ),
    template=st.sampled_from(("", "a", "b")),
    title=st.one_of(st.just(""), texts),
    color=st.one_of(st.none(), st.integers(0, 0xFFFFFF)),
    files=st.lists(files, max_size=3).map(tuple),
)


def letters(text: str) -> str:
    """What a reader reads: though parts are escaped, indented or broken for safety, letters and digits stay in their order."""
    # Four letters of Hangul are blank; what turns the reading order is shown by its number.
    return "".join(char for char in _NUMBER.sub("", text) if char.isalnum() and char not in "\u115f\u1160\u3164\uffa0").casefold()


def in_open_block(text: str) -> bool:
    """Say whether a code block is open at the end, read as Discord does: escapes count outside of blocks only."""
    is_open, index = False, 0
    while index < len(text):
        if text[index] == "\\" and not is_open:
            index += 2
        elif text.startswith("```", index):
            is_open = not is_open
            index += 3
        else:
            index += 1
    return is_open


def parts_of(message: WebhookMessage) -> list[str]:
    parts = [message.content or ""]
    for embed in message.embeds:
        # A footer is plain text in Discord.
        parts += [embed.get("title", ""), embed.get("description", "")]
        parts += [text for field in embed.get("fields", ()) for text in (field["name"], field["value"])]
    return parts


def check(message: WebhookMessage) -> None:
    check_message(message.to_payload(), [len(file.data) for file in message.files])
    names = [file.filename for file in message.files]
    assert len(set(names)) == len(names)
    assert not [part for part in parts_of(message) if in_open_block(part)]


def read(messages: Sequence[WebhookMessage]) -> str:
    parts = [part for message in messages for part in parts_of(message)]
    parts += [file.data.decode(errors="replace") for message in messages for file in message.files]
    return "|".join(map(letters, parts))


def texts_of(event: Event) -> list[str]:
    values = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in event.context.values()]
    return [
        event.message,
        event.title,
        event.traceback or "",
        *event.context,
        *values,
        *(f.text for f in event.files if not f.data),
    ]


def shown(batcher: Batcher, entries: Sequence[Entry], current: Presentation) -> list[WebhookMessage]:
    """All messages that some entries need."""
    messages: list[WebhookMessage] = []
    while entries:
        batch = batcher.build(entries, note="a note", batch_id="ff", current=current, budget_left=5)
        assert len(batch.entries) + len(batch.rest) == len(entries)
        assert 0 <= batch.folded < len(batch.entries)
        messages.append(batch.message)
        entries = batch.rest
    return messages


@pytest.mark.slow
@pytest.mark.parametrize("current", Presentation)
@pytest.mark.parametrize("use_embeds", [True, False])
@settings(max_examples=40)
@given(st.lists(events, min_size=1, max_size=7), st.sampled_from((100, 2000)))
def test_any_events_fit_and_can_be_read_in_full(current: Presentation, use_embeds: bool, found: list[Event], most: int) -> None:
    formatter = MessageFormatter(WebhookConfig(use_embeds=use_embeds, max_message_length=most))
    batcher = Batcher(formatter, batch_size=5, batch_timeout_seconds=1)
    messages = shown(batcher, [Entry(number, "info", event) for number, event in enumerate(found)], current)
    messages += [formatter.format_fold(group.fold, group.events) for group in group_events(found)]
    for message in messages:
        check(message)
    text = read(messages)
    assert not [lost for event in found for lost in texts_of(event) if letters(lost) not in text]


@settings(max_examples=25)
@given(st.lists(events, min_size=1, max_size=10), st.sampled_from(Presentation))
def test_any_message_fits_the_official_schema(found: list[Event], current: Presentation) -> None:
    batcher = Batcher(MessageFormatter(WebhookConfig()), batch_size=5, batch_timeout_seconds=1)
    for message in shown(batcher, [Entry(number, "info", event) for number, event in enumerate(found)], current):
        assert not openapi.execute_errors(message.to_payload())


def test_more_waits_tighter_shown_and_it_comes_back_later() -> None:
    assert [choose(backlog, 30, 0, CARDS) for backlog in (1, 10, 11, 50, 51, 50_000)] == [
        CARDS,
        CARDS,
        LINES,
        LINES,
        DIGEST,
        DIGEST,
    ]
    # What would be cards is still lines just after lines, and cards again at half of that.
    assert [choose(backlog, 30, 0, LINES) for backlog in (8, 5, 51)] == [LINES, CARDS, DIGEST]
    assert [choose(backlog, 30, 0, DIGEST) for backlog in (26, 25, 6, 5)] == [DIGEST, LINES, LINES, CARDS]
    # With little budget left, or far behind, one message must do.
    assert choose(8, 4, 0, CARDS) == LINES
    assert choose(8, 30, 60, CARDS) == LINES
    assert choose(8, 0, 60, CARDS) == LINES
    order = [choose(backlog, 30, 0, CARDS) for backlog in range(200)]
    assert order == sorted(order)


def log(text: str, time: float = 0.0, **parts: object) -> Event:
    return Event(EventKind.LOG, LogLevel.WARNING, text, 1_760_000_000 + time, "app", **parts)  # type: ignore[arg-type]


def test_interleaved_repeats_fold_and_say_when() -> None:
    found = [log(f"cache miss {n}", n, template="cache miss %d") if n % 2 else log("slow", n) for n in range(34)]
    batch = Batcher(MessageFormatter(WebhookConfig()), batch_size=5, batch_timeout_seconds=1).build(
        [Entry(number, "info", event) for number, event in enumerate(found)]
    )
    slow, miss = batch.message.embeds
    assert (len(batch.entries), batch.folded, batch.rest) == (34, 32, [])
    for embed, first, last in ((slow, 0, 32), (miss, 1, 33)):
        assert f"`×17` first <t:{1_760_000_000 + first}:T>, last <t:{1_760_000_000 + last}:T>" in embed["description"]
    # The newest of the different texts are on the card, all of them in the file.
    assert "cache miss 33" in miss["description"]
    assert [f"cache miss {n}\n" in batch.message.files[0].data.decode() for n in range(1, 34, 2)] == [True] * 17


def test_a_picture_is_shown_and_a_text_is_attached() -> None:
    event = log("look", files=(EventFile("chart.png", data=b"\x89PNG"), EventFile("notes.txt", "in full")))
    message = MessageFormatter(WebhookConfig()).format_event(event)
    assert message.embeds[0]["image"] == {"url": "attachment://chart.png"}
    assert [(file.filename, file.data) for file in message.files] == [("chart.png", b"\x89PNG"), ("notes.txt", b"in full")]
    two = MessageFormatter(WebhookConfig()).format_groups(group_events([event, log("other", files=event.files)]))[0]
    assert [embed["image"]["url"] for embed in two.embeds] == ["attachment://chart.png", "attachment://chart-2.png"]


def test_no_message_can_look_like_an_event_of_its_own_in_the_file() -> None:
    forged = "2026-11-24 10:00:00.000 CRITICAL bank: all gone"
    message = MessageFormatter(WebhookConfig()).format_digest([log(f"hello\n{forged}\r{forged}")])[0]
    assert [line[:4] for line in message.files[0].data.decode().splitlines()[1:]] == ["    "] * 2


def test_the_end_of_a_long_traceback_is_what_is_shown() -> None:
    trace = (
        "Traceback (most recent call last):\n" + "".join(f'> File "a.py", line {n}, in f\n' for n in range(900)) + "KeyError: 'x'"
    )
    event = Event(EventKind.ERROR, LogLevel.ERROR, "KeyError: 'x'", 0.0, "cmd", traceback=trace)
    message = MessageFormatter(WebhookConfig()).format_event(event)
    text = message.embeds[0]["description"]
    assert text.endswith("KeyError: 'x'\n```")
    assert text.count("in f") > 20
    assert all(f"line {n}," in message.files[0].data.decode() for n in range(900))


@pytest.mark.slow
async def test_a_raid_is_a_handful_of_messages_and_everybody_is_listed(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    manager = WebhookManager(WebhookConfig(**urls, batch_timeout_seconds=0.5))  # type: ignore[arg-type]
    for number in range(3000):
        await manager.send_member_event("join", 204255221017214977 + number, f"raider-{number:04}")
    await manager.start()
    await manager.flush(30)
    stats = await manager.stats()
    await manager.stop()
    messages = sandbox.messages("member_events")
    assert len(messages) <= 5
    assert max(messages, key=lambda message: len(message.text)).text.count("raider-") >= 8
    assert "Member joined ×" in messages[-1].text
    listed = "".join(file.text for message in messages for file in message.attachments)
    # One line each.
    assert [f"raider-{number:04}" for number in range(3000)] == re.findall(r"INFO join: (raider-\d+) .*\n", listed)
    assert stats.balanced
    assert (stats.pending, sandbox.count_status(429)) == (0, 0)


@pytest.mark.slow
async def test_2000_mixed_events_are_shown_in_full_in_ten_requests(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    manager = WebhookManager(WebhookConfig(info_webhook_url=urls["info_webhook_url"], batch_timeout_seconds=0.5))
    await manager.start()
    for number in range(2000):
        level = (LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR)[number % 3]
        await manager.send_log(level, f"event {number:04}.", part=number % 7)
    await manager.flush(60)
    stats = await manager.stats()
    await manager.stop()
    text = "".join(m.text + m.content + "".join(file.text for file in m.attachments) for m in sandbox.messages("info"))
    assert not [number for number in range(2000) if f"event {number:04}." not in text]
    assert sum(request.method == "POST" for request in sandbox.requests) <= 10
    assert stats.balanced
    assert (stats.delivered + stats.folded, sandbox.count_status(429)) == (2000, 0)


def test_a_line_counts_only_repeats_of_its_own_text() -> None:
    batcher = Batcher(MessageFormatter(WebhookConfig()), batch_size=5, batch_timeout_seconds=10)
    words = ("stock", "price", "cart", "login", "mail", "search")
    texts = [f"{word} of order {number} failed" for word in words for number in (1, 2, 2)]
    events = [Event(EventKind.LOG, LogLevel.INFO, text, 1000.0 + number, "shop") for number, text in enumerate(texts)]
    batch = batcher.build([Entry(n, "info", event) for n, event in enumerate(events, 1)], budget_left=1, now=1010.0)
    assert batch.presentation == Presentation.LINES
    lines = batch.message.embeds[0]["description"].splitlines()
    assert [("order 2" in line, "`×2`" in line) for line in lines] == [(False, False), (True, True)] * len(words)
