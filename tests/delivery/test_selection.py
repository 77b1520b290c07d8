"""Which entries leave together: a flood has a message of its own, also when the budget is low."""

from __future__ import annotations

import pytest

from statsbot_webhooks.delivery.card import error_key
from statsbot_webhooks.delivery.selection import next_unit
from statsbot_webhooks.storage import Entry

from ..scenarios.test_error_cards import error


def entries(kinds: int, each: int) -> list[Entry]:
    """Errors of some kinds, in turn."""
    return [Entry(n, "error", error(f"order {n}", line=n % kinds)) for n in range(kinds * each)]


@pytest.mark.parametrize("budget_left", [0, 30])
@pytest.mark.parametrize(("kinds", "each", "is_alone"), [(4, 2, False), (4, 60, True), (11, 60, False)])
def test_what_comes_often_leaves_alone(kinds: int, each: int, is_alone: bool, budget_left: int) -> None:
    found = entries(kinds, each)
    unit = next_unit(found, budget_left)
    assert (len(unit.entries), len(unit.rest)) == ((each, each * (kinds - 1)) if is_alone else (each * kinds, 0))
    assert bool(unit.key) is is_alone


def test_what_can_be_added_to_a_message_leaves_alone() -> None:
    found = entries(4, 2)
    grows = error_key(found[1].event)
    unit = next_unit(found, 0, can_grow=lambda key: key == grows)
    # The others are older.
    assert (len(unit.entries), unit.key) == (6, "")
    assert [entry.id for entry in unit.rest] == [1, 5]
    assert next_unit(unit.rest, 0, can_grow=lambda key: key == grows).key == grows


def test_after_a_restart_all_is_read_in_its_order() -> None:
    found = [Entry(entry.id, "error", entry.event, is_recovered=True) for entry in entries(4, 60)]
    assert len(next_unit(found, 30).entries) == 240
