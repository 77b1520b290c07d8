"""A bounded dictionary forgets the entry that was put longest ago, and hands it out."""

from __future__ import annotations

from statsbot_webhooks.events.bounded_dict import BoundedDict


def test_the_entry_put_longest_ago_makes_room() -> None:
    kept: BoundedDict[str, int] = BoundedDict(2)
    assert kept.put("a", 1) is None
    assert kept.put("b", 2) is None
    assert kept["a"] == 1
    # Reading is no use, putting again is.
    assert kept.put("c", 3) == 1
    assert kept.put("b", 4) is None
    assert kept.put("d", 5) == 3
    assert list(kept.items()) == [("b", 4), ("d", 5)]
    del kept["b"]
    assert list(kept) == ["d"]
    assert len(kept) == 1
