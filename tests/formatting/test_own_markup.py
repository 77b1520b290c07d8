"""Of what others write nothing is Discord's markup, in any presentation; our own markup is what Discord reads."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsbot_webhooks import MessageFormatter, WebhookConfig, WebhookMessage
from statsbot_webhooks.commands.base import plain
from statsbot_webhooks.commands.drill import drill_events
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.events.factory import Outage, member_event, outage_event
from statsbot_webhooks.events.folding import group_events
from statsbot_webhooks.formatting.markdown import escape_markdown
from statsbot_webhooks.formatting.own_markup import own, own_time

from .test_facts import MOD, NOW, PLACE, made

# What a text of others begins with is told by "zq" or by a number that nothing of ours has.
NUMBER: Final = "424242424242424242"
MARKUP: Final = (
    *("<t:4242424242:R>", "<t:4242424242>", "<t:4242424242:f>", f"<@{NUMBER}>", f"<@!{NUMBER}>", f"<@&{NUMBER}>", f"<#{NUMBER}>"),
    *(f"<:zq:{NUMBER}>", f"<a:zq:{NUMBER}>", "<id:customize>", "<id:guide>", "<id:browse>", "<id:home>", "<id:linked-roles>"),
    *(f"</ban:{NUMBER}>", f"</ban user:{NUMBER}>", "<mailto:zq@evil.example>", "<tel:+424242>", "<sms:+424242>", "<sip:zq@x>"),
    *("<https://evil.example/zq>", "[zq](https://evil.example)", "[zq](<https://evil.example>)", "[https://discord.com](//zq)"),
    *("# zq", "## zq", "### zq", "-# zq", "> zq", ">>> zq", "- zq", "* zq", "+ zq", "1. zq", "12. zq"),
    *("\t# zq", "\u3000# zq", "\u2003## zq", " \t> zq", "\u00a0- zq", "\u3000-# zq", "\uff03 zq", " \uff03\uff03 zq"),
    *("**zq**", "__zq__", "_zq_", "*zq*", "~~zq~~", "||zq||", "`zq`", "``zq``", "```\nzq\n```", "```ansi\nzq"),
    *("HTTPS://discord.com@evil.example/zq", "https://d\u0456scord.com/zq"),
)
CONFIG: Final = WebhookConfig()
FORMATTERS: Final = {"cards": MessageFormatter(CONFIG), "plain": MessageFormatter(replace(CONFIG, use_embeds=False))}

ANGLES: Final = re.compile(r"<(?:@[!&]?|#|t:|a?:|/|id:|[a-z]{3,6}:)[^>\n]*>", re.I)
LINE: Final = re.compile(r"^[^\S\n]*(?:[#\uff03]{1,3}|-#|>{1,3}|[-*+]|\d+\.)\s+zq", re.M)
WRAPPED: Final = re.compile(r"(?:```ansi|\*\*|__|~~|\|\||[*_`])\s*zq")
LINK: Final = re.compile(r"\[[^\]\n]*\]\([^)\n]*\)")
POSING: Final = re.compile(r"https?://[^\s/()<>]*(?:@|[^\x00-\x7f\s…])", re.I)


def active(text: str) -> list[str]:
    """Return what Discord makes of a text's markup that no one but the writer of a planted text has put there."""
    # A traceback is code of ours, in which nothing is markup; a backslash takes what follows it out of play.
    text = re.sub(r"```py\n.*?\n```", " ", text, flags=re.S)
    text = re.sub(r"\\([^A-Za-z0-9\s])", "\x00", text)
    found = [each for each in ANGLES.findall(text) if NUMBER in each or "4242" in each or "zq" in each or each.startswith("<id:")]
    found += [*LINE.findall(text), *WRAPPED.findall(text), *POSING.findall(text)]
    return found + [each for each in LINK.findall(text) if "zq" in each or "evil" in each]


def texts_of(message: WebhookMessage) -> Iterator[str]:
    """Yield what Discord reads as Markdown."""
    payload: Mapping[str, Any] = message.to_payload()
    yield payload.get("content") or ""
    for embed in payload.get("embeds") or ():
        yield embed.get("title", "")
        yield embed.get("description", "")
        for field in embed.get("fields", ()):
            yield field["name"]
            yield field["value"]


def planted(value: Any, text: str, key: str = "") -> Any:
    """Return facts in which each text that another person may have chosen is another text."""
    if isinstance(value, Mapping):
        return {name: planted(inner, text, str(name)) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return [planted(inner, text, key) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    fixed = {"type", "what", "verb", "state", "how", "date", "action", "target", "noun"}
    return text if isinstance(value, str) and key not in fixed else value


def hostile(text: str) -> Iterator[Event]:
    """Yield an event of every kind in which a text stands wherever others may write."""
    details = {"guild": text, "user": text, "channel": text, "reason": text, text: text, "command": text, "options": {"a": text}}
    trace = f'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: {text}'
    yield Event(EventKind.LOG, LogLevel.INFO, text, NOW, text, details)
    yield Event(EventKind.LOG, LogLevel.INFO, f"before {text}\n{text}", NOW, "shop", {"a": [text], "b": {"c": text}})
    yield Event(EventKind.ERROR, LogLevel.ERROR, f"ValueError: {text}", NOW, text, details, trace, template="ValueError")
    yield Event(EventKind.ERROR, LogLevel.ERROR, text, NOW, text, details, title=text)
    yield Event(EventKind.PERFORMANCE, LogLevel.WARNING, text, NOW, text, {"value": 1, text: 2})
    for name in ("join", "ban", text):
        yield member_event(name, 200, text, now=NOW, context={"guild_name": text, "reason": text})
        yield member_event(name, None, text, now=NOW)
    yield outage_event(text, Outage("k", "info", text, 5), now=NOW)
    for event in (*made(), *drill_events(NOW, MOD, PLACE, by="mod")):
        message = event.message.replace("anna", text).replace("Guild", text).replace("mod", text)
        yield replace(event, message=message, facts=planted(event.facts, text), noted=None, context={"reason": text})


def messages(events: list[Event]) -> Iterator[WebhookMessage]:
    for formatter in FORMATTERS.values():
        yield from (formatter.format_event(event) for event in events)
        waiting = group_events(events)
        while waiting:
            message, taken = formatter.format_lines(waiting)
            yield message
            waiting = waiting[taken:]
        yield formatter.format_digest(events)[0]
        yield formatter.format_digest(events[:1] * 3)[0]
        yield formatter.format_groups(group_events([events[0], replace(events[0], message=events[0].message + " 2")] * 2))[0]


@pytest.mark.slow
@pytest.mark.parametrize("text", MARKUP)
def test_markup_of_others_is_shown_as_it_is_written(text: str) -> None:
    assert active(text)
    found = [each for message in messages(list(hostile(text))) for shown in texts_of(message) for each in active(shown)]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("text", MARKUP)
def test_markup_of_others_stays_a_text_wherever_it_is_cut(text: str) -> None:
    for between in (" ", "\n"):
        long = (text + between) * (4600 // len(text + between)) + "y" * (len(text) % 7)
        trace = f'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: {long}'
        events = [
            Event(EventKind.LOG, LogLevel.INFO, long, NOW, "shop", {"a": long, long[:50]: "x"}),
            Event(EventKind.ERROR, LogLevel.ERROR, f"ValueError: {long}", NOW, "o", {"reason": long}, trace, title=long),
            Event(EventKind.ERROR, LogLevel.ERROR, "ValueError", NOW, "o", {}, trace),
        ]
        found = [each for message in messages(events) for shown in texts_of(message) for each in active(shown)]
        assert found == [], between


@pytest.mark.hypothesis
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([*MARKUP, *MARKUP, " ", "\n", "\\", "a", "\u200b", "<", ">", "[", "](", "\ue0f0", "\ue0f1"])).map(
        "".join
    )
)
def test_no_mixture_of_markup_is_active(text: str) -> None:
    for shown in (escape_markdown(text), plain(text, 2000), escape_markdown(f"{own_time(NOW, 'R')} {text}")):
        assert active(shown) == []


def test_our_own_markup_is_what_discord_reads() -> None:
    who = own("<@200>")
    assert escape_markdown(f"{who} *anna*, {own_time(NOW, 'R')}") == rf"<@200> \*anna\*, <t:{int(NOW)}:R>"
    shown = "\n".join(text for event in made() for text in texts_of(FORMATTERS["cards"].format_event(event)))
    for markup in ("<@200000000000000001> anna joined", "<@300000000000000001> mod (", f"<t:{int(NOW)}:t>", ":R>"):
        assert markup in shown
    assert "<@200>" in "".join(texts_of(FORMATTERS["cards"].format_event(member_event("join", 200, "anna", now=NOW))))
    # The number of a mark is in no message and in no file.
    events = list(hostile("anna"))
    random.Random(1).shuffle(events)
    assert "\ue0f0" not in "".join(repr(message) + "".join(map(str, message.files)) for message in messages(events))
