"""Known values of which a text has, or seems to have, very much: rows of the same letters, and the beginnings of values."""

from __future__ import annotations

import time

import pytest

from statsbot_webhooks.redaction.value_index import KnownValues

from ..encodings import ENCODINGS, core

REPEATING = (
    "q" * 68,
    "ab" * 20,
    "xyz" * 9,
    "x" * 30 + "Zq81mWb4Kd" + "x" * 30,
    "x" * 40 + "Planted-Secret-81",
    "Planted-Secret-81" + "0" * 40,
)
MARK = b"[#]"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", REPEATING)
def test_a_value_of_repeating_letters_is_found_in_every_encoding(value: str, encoding: str) -> None:
    text = f"before it {ENCODINGS[encoding](value)} after it"
    clean, count = KnownValues([value]).redact(text.encode(), MARK)
    assert count
    assert core(encoding, value).encode() not in clean
    assert clean.startswith(b"before it ")
    assert clean.endswith(b" after it")


@pytest.mark.parametrize("value", ["q" * 68, "ab" * 20, "xyz" * 9, "x" * 30 + "Zq81mWb4Kd"])
def test_a_row_of_the_same_letters_is_no_part_of_a_value(value: str) -> None:
    text = f"a line: {value[:24]}".encode()
    assert KnownValues([value]).redact(text, MARK) == (text, 0)


@pytest.mark.parametrize("gap", range(8))
def test_parts_are_found_wherever_they_stand(gap: int) -> None:
    # The text is read in two rows; a part of the one must not hide an earlier part of the other.
    value = "Zq81mWb4KdPl7TrVnE35sY"
    text = "a" * gap + f", {value[:14]}, {'b' * gap}, {value[:13]}, " + "c" * 13 + f", {value[-14:]} end"
    clean, count = KnownValues([value]).redact(text.encode(), MARK)
    assert count == 3
    assert clean.decode() == "a" * gap + f", [#], {'b' * gap}, [#], " + "c" * 13 + ", [#] end"


def spent(values: KnownValues, text: bytes) -> float:
    started = time.thread_time()
    values.redact(text, MARK)
    return time.thread_time() - started


FLOODS = ("q" * 50 + " ", "q", "cXFx", "71", "q" * 67 + "r")


@pytest.mark.parametrize("piece", FLOODS)
def test_what_resembles_values_costs_little(piece: str) -> None:
    values = KnownValues(["q" * 68])
    text = (piece * 200_000)[:128_000].encode()
    assert min(spent(values, text) for _ in range(2)) < 0.5
    # The event of every day.
    line = (piece * 120)[:120].encode()
    assert min(sum(spent(values, line) for _ in range(50)) for _ in range(3)) / 50 < 0.0005


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("shared", [12, 60])
def test_values_that_begin_alike_cost_no_more_than_one(count: int, shared: int) -> None:
    letters = "Zq81mWb4KdPl7TrVnE35sYx2" * 3
    secrets = [f"{letters[:shared]}{number:04}{letters[-number % 9 :][:30]}" for number in range(count)]
    values = KnownValues(secrets)
    for piece in (letters[:shared], letters[:13] + " ", secrets[-1][: shared + 8] + "|", secrets[0] + " "):
        text = (piece * 128_000)[:128_000].encode()
        assert min(spent(values, text) for _ in range(3)) < 0.3
        assert letters[:12].encode() not in values.redact(text, MARK)[0]


def test_a_flood_of_different_parts_is_found_whole() -> None:
    value = "Zq81mWb4KdPl7TrVnE35sYx2Gh"
    parts = [value[:size] + ", " for size in range(12, 27)] * 200
    assert KnownValues([value]).redact("".join(parts).encode(), MARK)[0] == b"[#], " * 3000
