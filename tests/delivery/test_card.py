"""What live cards take in, show, and give up. No Discord."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks.delivery import card
from statsbot_webhooks.delivery.card import Card, card_key, from_stored, to_stored
from statsbot_webhooks.delivery.live_cards import Cards
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.events.folding import Fold, merge
from statsbot_webhooks.issues.fingerprint import fingerprint
from statsbot_webhooks.storage import Entry

NOW = 1_800_000_000.0
TRACE = 'Traceback (most recent call last):\n  File "bot.py", line 7, in play\n    go()\n'
_DATA = Path(__file__).parents[1] / "data/storage-0.1.0.sqlite3"


def error(text: str, at: float = NOW, level: LogLevel = LogLevel.ERROR, message: str = "") -> Event:
    return Event(EventKind.ERROR, level, message or text, at, "play", traceback=f"{TRACE}ValueError: {text}\n")


def entries(events: list[Event]) -> list[Entry]:
    return [Entry(number, "error", event) for number, event in enumerate(events, 1)]


def posted(events: list[Event], now: float = NOW, **options: Any) -> tuple[Cards, str]:
    """Cards of which one shows the events."""
    cards = Cards("error", 10.0, **options)
    key = card_key(events[0])
    cards.posted(key, cards.preview(entries(events)), 1, None, now)
    return cards, key


def card_of(cards: Cards, key: str) -> Card:
    card = cards.get(key)
    assert card is not None
    return card


def test_each_different_exception_of_one_text_is_kept_with_its_own_traceback() -> None:
    cards, key = posted([error("number 0", message="lookup failed")])
    cards.absorb(entries([error(f"number {n % 4}", NOW + n, message="lookup failed") for n in range(1, 20)]), NOW)
    card = card_of(cards, key)
    assert card.whole.count == 20
    assert [(event.traceback or "").splitlines()[-1] for event in card.events] == [
        *("ValueError: number 0", "ValueError: number 1", "ValueError: number 2", "ValueError: number 3")
    ]


def test_a_state_that_was_not_shown_is_given_back_whole() -> None:
    cards, key = posted([error("first")])
    taken = [error("second", NOW + 1), error("second", NOW + 2), error("first", NOW + 3), error("third", NOW + 4)]
    assert len(cards.absorb(entries(taken), NOW).entries) == 4
    events, state = cards.give_back()
    assert sorted(event.message for event in events).count("third") >= 1
    assert len(events) == 4
    assert {event.message for event in events} >= {"second", "third"}
    assert card_of(cards, key).whole.count == 1
    assert not cards.are_stale
    assert set(state) == {f"card/error/{key}"}
    # Nothing is given back twice.
    assert cards.give_back()[0] == []


def test_repeats_that_nothing_tells_apart_are_given_back_by_number() -> None:
    cards, _ = posted([error("same")])
    cards.absorb(entries([error("same", NOW + n) for n in range(1, 301)]), NOW)
    assert len(cards.give_back()[0]) == 300


def test_what_a_card_counts_is_put_together_once_for_all_that_it_takes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    cards, key = posted([error("same")])
    cards.absorb(entries([error("same", NOW + 1)]), NOW)
    merged: list[Fold] = []

    def counted(earlier: Fold, later: Fold) -> Fold:
        merged.append(later)
        return merge(earlier, later)

    monkeypatch.setattr(card, "merge", counted)
    cards.absorb(entries([error("same", NOW + n) for n in range(2, 301)]), NOW)
    assert card_of(cards, key).whole.count == 301
    assert len(merged) < 5


def test_what_discord_refused_in_an_edit_is_not_taken_in_again() -> None:
    cards, key = posted([error("first")])
    cards.absorb(entries([error("second", NOW + 1)]), NOW)
    events, _ = cards.refused(key)
    assert [event.message for event in events] == ["second"]
    again = cards.absorb(entries([*events, error("first", NOW + 2)]), NOW)
    assert [entry.event.message for entry in again.rest] == ["second"]
    cards.buried(events[0])
    assert not cards.absorb(entries([error("second", NOW + 1)]), NOW).rest


def test_what_does_not_fit_into_one_message_is_left_to_another() -> None:
    cards, key = posted([error("text 0")])
    absorbed = cards.absorb(entries([error(f"text {n}", NOW + n) for n in range(1, 80)]), NOW)
    assert (len(absorbed.entries), len(absorbed.rest)) == (49, 30)
    # A repeat of a text that is there needs no room.
    assert not cards.absorb(entries([error("text 3", NOW + 100)]), NOW).rest
    card = cards.preview(absorbed.rest)
    # What no message shows yet is shown in the new one, and what is above it is counted.
    assert card.whole.count == 81
    assert len(card.texts) == 79
    assert card.dropped == 1
    cards.posted(key, card, 2, None, NOW)
    assert "80 older texts of this error: see the messages before" in cards.preview(entries([error("text 99")])).remark


def test_the_count_of_older_texts_survives_a_move_to_a_new_message() -> None:
    cards, key = posted([error(f"text {n}") for n in range(50)])
    cards.posted(key, cards.preview(entries([error("text 50")])), 2, None, NOW)
    assert card_of(cards, key).dropped == 50
    moved = cards.preview(entries([error("text 51", NOW + 3000)]))
    assert (moved.dropped, moved.whole.count) == (50, 52)
    # And it grows when another message is full.
    full = cards.preview(entries([error(f"more {n}", NOW + 1) for n in range(50)]))
    assert (full.dropped, full.whole.count) == (51, 101)
    stored = from_stored(json.loads(json.dumps(to_stored(card_of(cards, key)))))
    assert stored == card_of(cards, key)


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_card_is_gone_from_memory_and_storage_after_seven_days(is_stale: bool) -> None:
    cards, key = posted([error("old")])
    if is_stale:
        cards.absorb(entries([error("old", NOW + 1)]), NOW)
    other = Event(EventKind.ERROR, LogLevel.ERROR, "other", NOW, "other", traceback="Traceback\nKeyError: 1")
    early = cards.posted(card_key(other), cards.preview(entries([other])), 2, None, NOW + 7 * 86400 - 10)
    assert cards.get(key) is not None
    assert f"card/error/{key}" not in early or early[f"card/error/{key}"] is not None
    late = cards.posted(card_key(other), cards.preview(entries([other])), 2, None, NOW + 7 * 86400 + 10)
    # What it has not shown yet is not thrown away.
    assert (cards.get(key) is None) is not is_stale
    assert (late.get(f"card/error/{key}", 1) is None) is not is_stale


def test_texts_are_forgotten_when_the_next_repeat_begins_anew_anyway() -> None:
    cards, key = posted([error(f"text {n}") for n in range(10)])
    other = Event(EventKind.ERROR, LogLevel.ERROR, "other", NOW, "other", traceback="Traceback\nKeyError: 1")
    cards.posted(card_key(other), cards.preview(entries([other])), 2, None, NOW + 3700)
    card = card_of(cards, key)
    assert (len(card.texts), card.whole.count) == (0, 10)


def test_a_worse_report_is_posted_and_a_lesser_one_does_not_hide_it() -> None:
    cards, key = posted([error("text")])
    worse = error("text", NOW + 1, LogLevel.CRITICAL)
    assert fingerprint(worse) == fingerprint(error("text"))
    assert len(cards.absorb(entries([worse]), NOW).rest) == 1
    cards.posted(key, cards.preview(entries([worse])), 2, None, NOW)
    cards.absorb(entries([error("text", NOW + 2)]), NOW)
    assert card_of(cards, key).whole.event.level == LogLevel.CRITICAL
    assert card_of(cards, key).whole.count == 3


def test_a_clock_that_goes_back_makes_no_card_wait_longer_than_its_pace() -> None:
    """A wait that is as long at each later look never ends."""
    cards, key = posted([error("text")])
    cards.absorb(entries([error("text")]), NOW)
    waits = [cards.next_edit(NOW - 600 + seconds) for seconds in (0, 10)]
    assert [edit and edit[1] for edit in waits] == [0.0, 0.0]
    cards.edited(key, card_of(cards, key), NOW - 600)
    cards.absorb(entries([error("text")]), NOW - 600)
    assert cards.next_edit(NOW - 600) == (key, 10.0)


def test_an_error_of_many_messages_goes_on_counting() -> None:
    cards, key = posted([error("text")])
    cards.absorb(entries([error("text", NOW + 1)]), NOW)
    # Shown in a message of many while its own card still has an edit before it.
    cards.counted(entries([error("other text", NOW + 2)]), NOW)
    card = card_of(cards, key)
    assert (card.whole.count, card.is_stale, card.message_id) == (3, True, 1)
    cards.edited(key, card, NOW)
    cards.counted(entries([error("text", NOW + 3)]), NOW)
    assert (card_of(cards, key).whole.count, card_of(cards, key).message_id) == (4, None)


def test_cards_that_version_0_1_stored_go_on() -> None:
    with closing(sqlite3.connect(f"file:{_DATA}?mode=ro&immutable=1", uri=True)) as db, db:
        stored = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM state WHERE key LIKE 'card/%'")}
    assert stored
    for destination in {key.split("/")[1] for key in stored}:
        cards = Cards(destination, 10.0)
        mine = {key: state for key, state in stored.items() if key.startswith(cards.prefix)}
        cards.load(mine)
        for state in mine.values():
            events = [card for name in list(cards._cards) if (card := cards.get(name))]  # noqa: SLF001  # pyright: ignore
            assert any(card.message_id == state["message_id"] and card.whole.count == state["fold"]["count"] for card in events)


@pytest.mark.parametrize("seed", range(8))
def test_no_text_that_a_message_showed_ever_goes(seed: int) -> None:
    """However the clock goes, over restarts and decisions: an edit replaces all that a message showed before."""
    rng = random.Random(seed)
    cards, now, passed, state, logged = Cards("error", 10.0), NOW, 0.0, dict[str, Any](), 0
    messages: dict[int, set[str]] = {}

    def post(card: Card) -> int:
        messages[len(messages) + 1] = {event.message for event in card.events}
        return len(messages)

    def edit() -> None:
        edit = cards.next_edit(now)
        card = cards.get(edit[0]) if edit is not None else None
        if edit is None or card is None:
            return
        if card.can_be_edited(now):
            messages[card.message_id or 0] = {event.message for event in card.events}
            state.update(cards.edited(edit[0], card, now))
        elif card.waiting is None:
            state.update(cards.lost(edit[0], is_deleted=False))
        else:
            state.update(cards.posted(edit[0], card, post(card), None, now))

    for _ in range(300):
        match rng.choice(
            ("log", "log", "log", "edit", "edit", "clock", "clock", "clock", "redraw" if rng.random() < 0.5 else "restart")
        ):
            case "log":
                texts = range(logged, logged := logged + rng.randrange(1, 12))
                level = LogLevel.INFO if rng.random() < 0.3 else LogLevel.ERROR
                events = [Event(EventKind.LOG, level, f"number {each}.", now, template="number %d.") for each in texts]
                absorbed = cards.absorb(entries(events), now)
                state |= absorbed.state
                if absorbed.rest and (level == LogLevel.INFO or rng.random() < 0.3):
                    messages[len(messages) + 1] = {entry.event.message for entry in absorbed.rest}
                    state |= cards.counted(absorbed.rest, now)
                elif absorbed.rest:
                    card = cards.preview(absorbed.rest)
                    state |= cards.posted(card_key(absorbed.rest[0].event), card, post(card), None, now)
            case "edit":
                edit()
            case "clock":
                passed += 20.0
                now = NOW + passed + rng.choice((0.0, 0.0, 3600.0, -3600.0, 86400.0, -172800.0))
            case "restart":
                cards = Cards("error", 10.0)
                cards.load({key: json.loads(json.dumps(value)) for key, value in state.items() if value is not None})
            case _:
                for key, _ in list(cards.items()):
                    state |= cards.redraw(key, now)
    while cards.are_stale:
        edit()
    assert {f"number {number}." for number in range(logged)} - set[str]().union(*messages.values()) == set()


def test_what_a_text_did_not_show_is_shown_with_the_next_version() -> None:
    first, second, third = (
        Event(EventKind.LOG, LogLevel.WARNING, "slow", NOW + number, context={"took": number}) for number in range(3)
    )
    cards, key = posted([first], version="1")
    cards.absorb(entries([second]), NOW)
    cards.configure(10.0, "2")
    assert [event.context["took"] for event in cards.preview(entries([third])).events] == [1, 2]
    assert card_of(cards, key).is_stale
