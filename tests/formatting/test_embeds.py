"""Repeats whose details differ only in what Python calls equal: each text is in the message or in its file."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.events.folding import group_events


class Text(str):
    """A text that is equal to another and is shown as itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return "shown"


VALUES = [(0, "0"), (False, "false"), (0.0, "0.0"), (-0.0, "-0.0"), (1, "1"), (True, "true"), (1.0, "1.0")]


def shown(first: Any, second: Any) -> str:
    found = [
        Event(EventKind.LOG, LogLevel.INFO, "text", time, context={"a": value}) for time, value in enumerate((first, second))
    ]
    formatter = MessageFormatter(WebhookConfig(include_timestamps=False))
    message, count = formatter.format_groups(group_events(found))
    assert count == 1
    return str(message.embeds) + "".join(file.data.decode() for file in message.files)


@pytest.mark.parametrize(("one", "other"), list(combinations(VALUES, 2)), ids=str)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"b": {"c": value}}])
def test_values_that_are_equal_and_look_different_are_both_shown(one: Any, other: Any, wrap: Any) -> None:
    (first, first_text), (second, second_text) = one, other
    for text in (shown(wrap(first), wrap(second)), shown(wrap(second), wrap(first))):
        for value, shown_text in ((first, first_text), (second, second_text)):
            whole = {"x": shown_text, "y": f"[{shown_text}]", "z": f'{{"b": {{"c": {shown_text}}}}}'}
            marks = [f"a: {each}" for each in whole.values()] + [f"'value': '{each}'" for each in whole.values()]
            assert any(mark in text for mark in marks), (value, text)


def test_a_text_that_is_equal_to_another_is_shown_too() -> None:
    text = shown("hidden", Text("hidden"))
    assert "hidden" in text
    assert "shown" in text


def test_texts_that_differ_are_a_list_with_one_counter() -> None:
    texts = ["apple is missing", "pear is missing", "apple is missing"]
    found = [
        Event(EventKind.LOG, LogLevel.ERROR, text, time, "shop", {"guild": "Garden"}, template="%s is missing")
        for time, text in enumerate(texts)
    ]
    message, _ = MessageFormatter(WebhookConfig()).format_groups(group_events(found))
    (embed,) = message.embeds
    assert embed["description"].startswith("apple is missing\npear is missing\n`×3` first <t:0:T>, last <t:2:T>")
    assert embed["description"].endswith(", all texts together"), "three are too few for a course"
    assert str(embed).count("×") == 1
    alike, _ = MessageFormatter(WebhookConfig()).format_groups(group_events(found[:1] * 2))
    assert "together" not in str(alike.embeds)


def test_files_and_plain_texts_name_details_as_cards_do() -> None:
    context = {"guild": "Garden", "options": {"first": 1, "second": 0}, "member_id": "5"}
    event = Event(EventKind.ERROR, LogLevel.ERROR, "division by zero", 0, "command /divide", context, "Traceback\n  x" * 2)
    plain, _ = MessageFormatter(WebhookConfig(use_embeds=False)).format_groups(group_events([event]))
    assert "- Server: Garden\n- Options: first: 1, second: 0\n- Member ID: 5" in str(plain.content)
    (file,) = plain.files
    assert "server: Garden · options: first: 1, second: 0 · member_id: 5" in file.data.decode()
