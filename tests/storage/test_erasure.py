"""A person is found in stored texts, however the text around the name is escaped."""

from __future__ import annotations

import json

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel, encode
from statsbot_webhooks.storage.erasure import trace_of

ANNA = 471100000000000000


def stored(message: str) -> str:
    return encode(Event(EventKind.LOG, LogLevel.ERROR, message, 1_800_000_000.0))


@pytest.mark.parametrize("before", ["", " ", "\n", "\t", "\r", "é", "🎉", '"', "\\"])
@pytest.mark.parametrize("word", [str(ANNA), "anna", "José", 'an"na', "Ann\\a"])
def test_a_person_is_found_behind_any_escape(before: str, word: str) -> None:
    trace, text = trace_of(ANNA, [word], b"key"), stored(f"left:{before}{word} and others")
    assert trace.is_in(text)
    # As the state of a card holds it.
    assert trace.is_in(json.dumps({"texts": [text]}))


@pytest.mark.parametrize("message", ["hannah left", f"{ANNA}1", f"1{ANNA}", "annabel"])
def test_a_part_of_another_word_is_not_the_person(message: str) -> None:
    assert not trace_of(ANNA, ["anna"], b"key").is_in(stored(message))
