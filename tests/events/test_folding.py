"""Repeats as one entry: what is counted, what is kept of it, and that it does not matter in how many steps it was folded."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsbot_webhooks import LogLevel
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.events.folding import Fold, Group, fold_of, from_state, group_events, merge, paced, to_state


def event(time: float = 1.0, level: LogLevel = LogLevel.ERROR, process: str = "", **context: Any) -> Event:
    return Event(EventKind.LOG, level, "it failed", time, "shop", context, fingerprint="2-1", process=process)


def folded(events: list[Event]) -> Fold:
    [group] = group_events(events)
    return group.fold


_events = st.lists(
    st.builds(
        event,
        st.integers(0, 50).map(float),
        st.sampled_from([LogLevel.WARNING, LogLevel.ERROR]),
        st.sampled_from(["", "one", "two"]),
        guild=st.sampled_from([None, "Guild", "Other"]),
        command=st.sampled_from([None, "!buy"]),
    ),
    min_size=1,
    max_size=8,
)


@given(_events, _events)
def test_two_folds_are_one_of_all(earlier: list[Event], later: list[Event]) -> None:
    both, at_once = merge(folded(earlier), folded(later)), folded([*earlier, *later])
    assert (
        (both.count, both.first, both.last)
        == (at_once.count, at_once.first, at_once.last)
        == (
            len(earlier) + len(later),
            min(each.time for each in (*earlier, *later)),
            max(each.time for each in (*earlier, *later)),
        )
    )
    for key in ("guilds", "commands", "processes"):
        assert getattr(both, key) == getattr(at_once, key), key
    assert at_once.guilds == Counter(each.context["guild"] for each in (*earlier, *later) if each.context["guild"])
    assert sorted(both.times) == sorted(at_once.times)
    assert both.event.level == at_once.event.level == max((each.level for each in (*earlier, *later)), key=lambda x: x.number)
    assert from_state(to_state(both)) == both


def test_a_single_event_is_a_fold_of_one() -> None:
    one = event(5.0, process="one", guild="Guild", command="!buy")
    assert fold_of(one) == Fold(one, 1, 5.0, 5.0, (5.0,), {"Guild": 1}, {"!buy": 1}, {"one": 1})
    assert group_events([one]) == [Group(fold_of(one), [one], [0])]


def test_of_many_places_ten_are_named_and_the_rest_is_counted() -> None:
    fold = folded([event(number, guild=f"Guild {number % 15}") for number in range(30)])
    assert fold.guilds == {**{f"Guild {number}": 2 for number in range(10)}, "others": 10}
    again = merge(fold, folded([event(guild="Guild 3"), event(guild="Guild 14")]))
    assert (again.guilds["Guild 3"], again.guilds["others"]) == (3, 11)


def test_of_many_times_enough_are_kept_to_draw_them() -> None:
    fold = folded([event(float(number)) for number in range(1000)])
    assert (fold.count, len(fold.times), fold.times[0], fold.times[-1]) == (1000, 240, 0.0, 999.0)
    assert len(merge(fold, fold).times) == 240
    assert len(folded([event(float(number)) for number in range(240)]).times) == 240


def test_groups_stand_in_the_order_of_their_first() -> None:
    events = [event(1.0), Event(EventKind.LOG, LogLevel.INFO, "other", 2.0), event(3.0)]
    assert [(len(group.events), list(group.positions)) for group in group_events(events)] == [(2, [0, 2]), (1, [1])]
    assert [len(group.events) for group in group_events(events, ["a", "b", "b"])] == [1, 2]
    # Those that carry no fingerprint go by what they say.
    said = [Event(EventKind.LOG, LogLevel.INFO, text, 1.0) for text in ("one", "other", "one")]
    assert [list(group.positions) for group in group_events(said)] == [[0, 2], [1]]
    # Members are never repeats of each other, but the same one is.
    people = [Event(EventKind.MEMBER, LogLevel.INFO, name, 1.0, "join", fingerprint="2-2") for name in ("anna", "bob", "anna")]
    assert [len(group.events) for group in group_events(people)] == [2, 1]


def test_others_run_at_the_first_and_after_each_hundred() -> None:
    items = iter(range(250))
    pauses: list[int] = []
    assert list(paced(items, lambda: pauses.append(items.__length_hint__()))) == list(range(250))
    # Each before the item that was taken is handed on.
    assert pauses == [249, 149, 49]


@pytest.mark.parametrize(
    "state", [{}, {"event": 3, "times": []}, {"event": "[1]", "times": []}, {"event": "x", "times": [], "more": 1}]
)
def test_what_is_no_fold_is_told(state: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_state(state)
