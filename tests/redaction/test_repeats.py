"""A long text that says the same again and again is cleaned as it would be in full; one full of secrets ends in a note."""

from __future__ import annotations

import random
import re

import pytest

from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.repeats import clean_full, clean_repeated
from statsbot_webhooks.redaction.rules import REST, Counts, mark

HEAD, END = "it began so: a1\n", "\nand ended with b2"
PIECES = ("secret ", "a line\n", "a1 b22 c333 and more of it\n", "aaa", "no number " * 30, "é ", "x" * 3000 + "1")


def numbers_out(text: str, counts: Counts) -> str:
    clean, count = re.subn(r"\d+", "[number]", text)
    counts["number"] = counts.get("number", 0) + count
    return clean


@pytest.mark.parametrize("piece", PIECES)
def test_it_becomes_what_it_would_in_full(piece: str) -> None:
    text = HEAD + piece * (90_000 // len(piece)) + END
    read: list[int] = []

    def clean(text: str, counts: Counts) -> str:
        read.append(len(text))
        return numbers_out(text, counts)

    in_turns, counts, full, count = Counts(), Counts(), Counts(), text.count("1") + text.count("2")
    shown = clean_repeated(text, clean, in_turns)
    assert sum(read) < len(text) / 3
    if count < 1200:
        assert shown == numbers_out(text, full)
        assert in_turns == full
    else:
        assert shown is not None
        assert shown.endswith(mark(REST))
        assert re.search(r"\d", shown) is None
    assert counts == {}


def test_what_does_not_go_on_as_it_began_is_read_in_full() -> None:
    def clean(text: str, counts: Counts) -> str:
        return text[:700] + "." * (len(text) % 1000)

    assert clean_repeated("a line\n" * 20_000, clean, {}) is None
    assert clean_repeated("".join(random.Random(1).choices("abc ", k=50_000)), clean, {}) is None


def test_a_secret_between_the_same_lines_goes() -> None:
    text = "all is well\n" * 5000 + "password=Zx81-planted-Secret\n" + "all is well\n" * 7000
    redactor = Redactor()
    clean = redactor.redact_text(text)
    assert clean == text.replace("Zx81-planted-Secret", mark("password"))
    assert redactor.counts == {"password": 1}


def test_a_loop_with_a_secret_is_counted_and_shown_whole() -> None:
    line = "connecting with password=Zx81-planted-Secret, which takes a while, and then fails for a reason not known yet\n"
    redactor = Redactor()
    assert redactor.redact_text(line * 1000) == line.replace("Zx81-planted-Secret", mark("password")) * 1000
    assert redactor.counts == {"password": 1000}


@pytest.mark.parametrize("line", ["password={}", "https://bob:{}@host.example", "4111 1111 1111 1111 {0:.0}", "sms code {:.6}"])
def test_behind_hundreds_of_secrets_the_rest_of_a_text_goes_whole(line: str) -> None:
    secrets = [f"{number}aB3dE6gH9jK2mN5p" for number in range(100_000, 103_000)]
    text = "\n".join(line.format(secret) + f" of number {number}" for number, secret in enumerate(secrets))
    redactor = Redactor()
    clean = redactor.redact_text(text)
    assert [secret for secret in secrets if secret[:6] in clean] == []
    assert "of number 200\n" in clean
    assert clean.endswith("\n" + mark(REST))
    assert sum(redactor.counts.values()) < 1200


def test_of_a_long_dump_only_the_beginning_is_read() -> None:
    lines = [f"user {number} logs in with password={number}aB3dE6gH9jK2mN5p\n" for number in range(100_000, 120_000)]
    text, read = "".join(lines), list[int]()

    def clean(part: str, counts: Counts) -> str:
        read.append(len(part))
        return Redactor().redact_text(part[:20_000])

    def count(part: str, counts: Counts) -> str:
        counts["password"] = part.count("password")
        return clean(part, counts)

    counts = Counts()
    shown = clean_full(text, count, counts)
    assert shown is not None
    assert shown.endswith(mark(REST))
    assert len(read) == 1
    assert read[0] < len(text) // 20
    assert counts == {"password": text[: read[0]].count("password")}
    # One with few, and a short one, are read whole.
    assert clean_full("all is well\n" * 30_000, count, {}) is None
    assert clean_full(text[:100_000], count, {}) is None


def test_no_secret_is_cut_where_a_dump_is() -> None:
    # Of a key that is cut, what is left has no longer its shape.
    keys = [f"ghp_{number}aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0z" for number in range(10_000, 16_000)]
    text = "".join(f"say {key} and more, then the end\n" for key in keys)
    for shift in range(0, 80, 8):
        assert "ghp_" not in Redactor().redact_text("x" * shift + text)
