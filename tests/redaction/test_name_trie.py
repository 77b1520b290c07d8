"""Many names as one pattern: it finds what trying one name after the other finds, and does so for a whole raid."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.name_trie import GAP, any_of
from statsbot_webhooks.redaction.redactor import Redactor

from ..cpu_time import ratio

NAMES = st.lists(st.text("ab1_. \u65e5(", min_size=1, max_size=5), min_size=1, max_size=8)


def one_by_one(names: list[str]) -> str:
    """The longest first, each with the border of an ASCII word where it has an ASCII letter or digit; mere signs alone."""
    before = {name: r"(?<![a-z0-9])" if re.match("[a-z0-9]", name) else "" for name in names}
    after = {name: r"(?![a-z0-9])" if re.search("[a-z0-9]$", name) else "" for name in names}
    for name in names:
        if not re.search("[ab1 \u65e5]", name):
            before[name], after[name] = r"(?<!\S)", r"(?!\S)"
    forms = {
        name: "".join(GAP if char == " " else char if char.isalnum() else rf"\\*{re.escape(char)}" for char in name)
        for name in names
    }
    return "|".join(before[name] + forms[name] + after[name] for name in sorted(names, key=len, reverse=True))


@given(NAMES, st.text("ab1_. \u65e5(", max_size=40))
@example(["ann", "anna", "ann a"], "anna ann a ann anna1")
@example(["."], "a. . b .")
def test_it_finds_what_trying_each_name_finds(names: list[str], text: str) -> None:
    assert re.findall(any_of(names, escaped=False), text) == re.findall(one_by_one(names), text)


@pytest.mark.slow
def test_a_raid_is_masked_in_moderate_time() -> None:
    def masked(count: int) -> str:
        persons = tuple(Person(8 * 10**17 + n * 7919, (f"raider_{n:x}", f"Raider {n:x}")) for n in range(count))
        text = "\n".join(f"{person.id} {person.names[0]} {person.names[1]}" for person in persons)
        file = EventFile("joins.txt", text)
        event = Event(EventKind.MEMBER, LogLevel.WARNING, "a raid", 0.0, persons=persons, files=(file,))
        return Redactor(mask_user_ids=True).redact(event).files[0].text

    text = masked(3000)
    assert "aider" not in text
    assert len(set(text.split())) > 2990
    # One name after the other would be 400 times.
    assert ratio(lambda: masked(3000), lambda: masked(150), 100, rounds=1) < 100
