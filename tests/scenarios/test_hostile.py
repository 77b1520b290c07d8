"""Hostile text is shown harmlessly, and what is not hostile is left alone."""

from __future__ import annotations

import asyncio
import logging
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.formatting.full_text import format_text
from statsbot_webhooks.formatting.markdown import break_fences, escape_markdown, safe_username
from statsbot_webhooks.formatting.message import free_name
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.unicode_text import visible
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.rest.rules import check_message

from ..conftest import running_manager
from ..hostile_events import events

SAMPLES = (
    "Tiếng Việt, Tie\u0302\u0301ng Vie\u0323\u0302t, cafe\u0301",
    "שָׁלוֹם \u200fLatin, בְּרֵאשִׁ֖ית",
    "العَرَبِيَّة، می\u200cخواهم",
    "हिन्दी क्\u200dष, กำลังเดินที่น้ำ, ภาษาไทย",
    "日本語 한국어 中文 がぎ\u3099",
    "👩‍👩‍👧 🏳️‍🌈 1️⃣ ❤️ 👍🏽 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🇩🇪",
    "tab\there\nand a new line",
)
ANY = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize("text", SAMPLES)
def test_real_languages_stay(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photo\u202egnp.exe", "photo‹U+202E›gnp.exe"),
        ("a\u2067b\u2069", "a‹U+2067›b‹U+2069›"),
        ("ad\u200bm\u2060i\u00adn", "admin"),
        ("abc\u200f", "abc"),
        ("\u3164\u3164", "‹U+3164›‹U+3164›"),
        ("\u200b", "‹U+200B›"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x9b31m", "‹U+009B›31m"),
        ("one\u2028two\r\nthree\x85four", "one\ntwo\nthree\nfour"),
        ("Z" + "\u0335\u0321\u0313" * 9, "Z\u0335\u0321\u0313"),
        ("ก" + "\u0e47" * 20, "ก" + "\u0e47" * 4),
        ("x\U000e0061\U000e0062y", "xy"),
        ("a\ud800b", "a‹U+D800›b"),
        ("   ", "   "),
    ],
)
def test_what_deceives_is_shown_or_gone(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY)
@example("\u200e\ufeff")
def test_nothing_unseen_remains(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    for char in shown:
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") or char in "\t\n"
        assert char not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff"
    assert shown.strip() or not text.strip()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("[Discord](https://evil.example)", r"[Discord]\(https://evil.example)"),
        ("[https://discord.com](https://evil.example)", r"[https://discord.com]\(https://evil.example)"),
        ("https://discord.com@evil.example/x", r"https\://discord.com@evil.example/x"),
        ("https://dіscord.com/login", r"https\://dіscord.com/login"),
        ("https://en.wikipedia.org/wiki/A_(b)?c=d", "https://en.wikipedia.org/wiki/A_(b)?c=d"),
        ("  > quoted", r"  \> quoted"),
        ("   # heading", r"   \# heading"),
        ("-# small", r"\-# small"),
        ("||hidden||", r"\|\|hidden\|\|"),
        ("run </ban:1>", r"run \</ban:1>"),
        ("memory_mb [x] (y)", "memory_mb [x] (y)"),
    ],
)
def test_markdown_does_nothing(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


@given(st.lists(st.sampled_from(["https://", "a.org", "@", "é", "[", "](", ")", "`", "x", "/", "\\"]), max_size=12).map("".join))
def test_no_masked_link_and_no_code_remains(text: str) -> None:
    escaped = escape_markdown(text)
    assert "](" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*`", escaped)
    assert "```" not in break_fences(text)


def test_names_of_files_and_of_the_bot() -> None:
    assert free_name("SPOILER_x\u202egnp.exe", ()) == "x_gnp.exe"
    assert free_name("../../etc/passwd", ()) == ".._.._etc_passwd"
    assert safe_username("dis\u200bcord bot") == "dis-cord bot"


def test_a_line_separator_does_not_forge_an_event_in_the_file() -> None:
    text = format_text(Event(EventKind.LOG, LogLevel.INFO, "a\u20282026-01-01 00:00:00.000 CRITICAL: forged", 0.0))
    assert len([line for line in re.split("[\n\u2028\u2029\x85\r]", text) if not line.startswith("    ")]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("use_embeds", [True, False])
def test_every_presentation_of_hostile_events_is_accepted(use_embeds: bool) -> None:
    formatter = MessageFormatter(WebhookConfig(use_embeds=use_embeds))
    redactor = Redactor(mask_user_ids=use_embeds)
    waiting = [redactor.redact(event) for event in events(1, 1500)]
    step = 1
    while waiting:
        groups = group_events(waiting[: step % 7 + 1])
        message, taken = (formatter.format_lines if step % 3 == 0 else formatter.format_groups)(groups)
        assert taken
        check_message(message.to_payload(), [len(file.data) for file in message.files])
        shown = repr(message)
        assert "hunter2" not in shown
        assert "\\u202e" not in shown.replace("\\\\u202e", "")
        waiting = waiting[sum(len(group.events) for group in groups[:taken]) :]
        step += 1


async def _through_the_pipeline(sandbox: Sandbox, config: WebhookConfig, count: int, seed: int) -> None:
    pinged = rejected = 0
    async with running_manager(config) as manager:
        refused = 0
        for number, event in enumerate(events(seed, count)):
            refused += not manager.submit(event)
            if number % 500 == 0:
                await asyncio.sleep(0)
            while number % 5000 == 0 and (await manager.stats()).incoming > 5000:
                await asyncio.sleep(0.05)
        await manager.flush(1800)
        stats = await manager.stats()
    for name in sandbox.channels():
        pinged += sum(bool(message.pinged) for message in sandbox.messages(name))
    rejected = sum(request.status >= 400 and request.status != 429 for request in sandbox.requests)
    books = stats.destinations.values()
    assert (pinged, rejected, refused, stats.refused) == (0, 0, 0, 0)
    assert sum(each.dead for each in books) == stats.lost == 0
    assert sum(each.delivered + each.folded for each in books) == stats.accepted >= count
    assert stats.balanced


@pytest.mark.slow
async def test_thousands_of_hostile_events_arrive(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    await _through_the_pipeline(sandbox, WebhookConfig(**urls, batch_timeout_seconds=0.2, card_edit_seconds=1), 3000, 2)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.soak
@pytest.mark.parametrize(("use_embeds", "mask"), [(True, True), (False, False)])
async def test_200000_hostile_events_arrive(urls: dict[str, Any], sandbox: Sandbox, use_embeds: bool, mask: bool) -> None:
    config = WebhookConfig(**urls, use_embeds=use_embeds, mask_user_ids=mask, storage_max_events=300_000)
    await _through_the_pipeline(sandbox, config, 100_000, 3 + use_embeds)
