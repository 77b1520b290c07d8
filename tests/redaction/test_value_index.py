"""Known values of which a text has, or seems to have, very much: rows of the same letters, and the beginnings of values."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from statsbot_webhooks.redaction.value_index import KnownValues

from ..cpu_time import ratio
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


@pytest.mark.parametrize("value", REPEATING)
def test_a_value_of_repeating_letters_is_found_in_every_encoding(value: str) -> None:
    known = KnownValues([value])
    for encoding, encode in ENCODINGS.items():
        clean, count = known.redact(f"before it {encode(value)} after it".encode(), MARK)
        assert count, encoding
        assert core(encoding, value).encode() not in clean
        assert clean.startswith(b"before it "), encoding
        assert clean.endswith(b" after it"), encoding


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


FLOODS = ("q" * 50 + " ", "q", "cXFx", "71", "q" * 67 + "r")


@pytest.mark.parametrize("piece", FLOODS)
def test_what_resembles_values_costs_little(piece: str) -> None:
    values, text = KnownValues(["q" * 68]), (piece * 200_000)[:128_000].encode()
    plain = (b"request 17 of user 5 took 3.1 ms and ended well; " * 3000)[:128_000]

    def read(text: bytes, times: int = 1) -> None:
        for _ in range(times):
            values.redact(text, MARK)

    # Beside what resembles nothing, in a flood and in an event of every day; seen: 150 and 17.
    assert ratio(lambda: read(text), lambda: read(plain, 10), 100, rounds=2) < 100
    assert ratio(lambda: read(text[:120], 500), lambda: read(plain[:120], 500), 80) < 80


@pytest.mark.slow
@pytest.mark.parametrize("shared", [12, 60])
def test_values_that_begin_alike_cost_no_more_than_one(shared: int) -> None:
    letters = "Zq81mWb4KdPl7TrVnE35sYx2" * 3
    secrets = [f"{letters[:shared]}{number:04}{letters[-number % 9 :][:30]}" for number in range(200)]
    values, one = KnownValues(secrets), KnownValues(secrets[:1])
    for piece in (letters[:shared], letters[:13] + " ", secrets[-1][: shared + 8] + "|", secrets[0] + " "):
        text = (piece * 128_000)[:128_000].encode()
        assert ratio(lambda text=text: values.redact(text, MARK), lambda text=text: one.redact(text, MARK), 10) < 10
        assert letters[:12].encode() not in values.redact(text, MARK)[0]
        assert letters[:12].encode() not in one.redact(text, MARK)[0]


def test_a_flood_of_different_parts_is_found_whole() -> None:
    value = "Zq81mWb4KdPl7TrVnE35sYx2Gh"
    parts = [value[:size] + ", " for size in range(12, 27)] * 200
    assert KnownValues([value]).redact("".join(parts).encode(), MARK)[0] == b"[#], " * 3000


@pytest.mark.parametrize(
    "value", ["Tr0ub4dor&3-correct-horse!", "$ecret/Value+with=signs9", "ab cd ef gh 12 34", "-leading-dash-9kQ2"]
)
def test_a_beginning_and_an_end_of_twelve_characters_are_found_as_they_are_spelled(value: str) -> None:
    known = KnownValues([value])
    for part in (value[:12].strip(), value[-12:].strip()):
        assert known.redact(f"it said {part} and".encode(), MARK)[0] == b"it said [#] and"
        letters = "".join(filter(str.isalnum, part))
        if len(letters) < 11:
            assert known.redact(f"it said {letters} and".encode(), MARK)[1] == 0


def test_a_value_is_found_composed_and_decomposed() -> None:
    value = "pässwörd-ÄÖ-x"
    for form in ("NFC", "NFD"):
        text = f"/srv/{normalize(form, value)}/x".encode()
        assert KnownValues([value]).redact(text, MARK)[1] == 1
