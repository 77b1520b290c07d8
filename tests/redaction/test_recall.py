"""Measured like a scanner: which made-up keys of published shapes are found, in what surroundings, and what else is touched."""

from __future__ import annotations

import pytest

from benchmarks.recall import EXCEPTIONS, harmless_lines, named_table, recall_table, touched


def test_random_values_are_found_under_a_name() -> None:
    table = named_table(rounds=2)
    assert {way: share for way, share in table.items() if share < 0.97} == {}


@pytest.mark.slow
def test_kinds_are_found_in_every_surrounding_as_promised() -> None:
    weak = {kind: row for kind, row in recall_table(rounds=20).items() if min(row.values()) < 0.95}
    assert set(weak) <= set(EXCEPTIONS)
    assert len(EXCEPTIONS) <= 12


@pytest.mark.slow
def test_harmless_lines_stay_as_promised() -> None:
    count, found = touched(harmless_lines())
    assert len(found) <= 0.0003 * count, found[:5]
