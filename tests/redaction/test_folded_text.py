"""A name is found in every spelling, and nothing beside it goes: the way back from the folded text to the text is exact."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsbot_webhooks.events.event import Event, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.folded_text import Folded
from statsbot_webhooks.redaction.redactor import Redactor

from ..cpu_time import ratio

REDACTOR: Final = Redactor(mask_user_ids=True, mask_key=b"k")
ID: Final = 712345678901234567
SHOWN: Final = REDACTOR.pseudonym(ID)


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def units(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if ord(char) < 65536 else f"\\U{ord(char):08x}" for char in text)


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON with Unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "repr of repr": lambda text: repr(repr(text)[1:-1])[1:-1],
    "bytes": lambda text: repr(text.encode())[2:-1],
    "URL": lambda text: quote(text, safe=""),
    "url": lambda text: quote(text, safe="").lower(),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "each byte for a URL": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "each byte for Python": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "each character for JSON": units,
    "HTML": html.escape,
    "HTML in ASCII": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "each character for HTML": lambda text: "".join(f"&#x{ord(char):x};" for char in text),
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "compatible": lambda text: unicodedata.normalize("NFKD", text),
    "full width": full_width,
    "large": str.upper,
    "small": str.lower,
    "title": str.title,
    "folded": str.casefold,
    "split": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "Markdown": lambda text: "".join(f"\\{char}" if char in "\\*_~`|" else char for char in text),
    "file": lambda text: text.replace(" ", "_"),
    "slug": lambda text: text.replace(" ", "-"),
}
NAMES: Final = (
    *("anna", "Ren\u00e9 M\u00fcller", "\u00c5ngstr\u00f6m", "Stra\u00dfe", "\u0130pek", "\ufb01nn"),
    *("\uff21\uff4e\uff4e\uff41", "\u65e5\u672c\u592a\u90ce", "\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3"),
    *("\u0416\u0435\u043d\u044f", "\u05e9\u05dc\u05d5\u05dd", "\uae40\ucca0\uc218"),
    *("\u0939\u093f\u0928\u094d\u0926\u0940", "Nguy\u1ec5n", "\U0001f600joe", "joe\U0001f600"),
    *("\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001d4d0\U0001d4f7\U0001d4f7\U0001d4ea", "a_b_c", "_anna_"),
    *("**anna**", "O'Brien", 'a"b', "<b>joe</b>", "back\\slash", "[VIP] Joe", "joe | afk", "c++", "$joe", "anna.b_c"),
    *("7", "12345", "x", "None", "error", "joe\u200bsmith", "@everyone"),
)


def masked(text: str, *names: str) -> str:
    event = Event(EventKind.LOG, LogLevel.INFO, text, 0.0, persons=(Person(ID, names),))
    return REDACTOR.redact(event).message


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_name_is_found_in_each_spelling_and_nothing_beside_it(spelling: str) -> None:
    for name in NAMES:
        spelled = SPELLINGS[spelling](name)
        for before, behind in (
            ("hi ", " there"),
            ("\u00e9\u65e5 \u2026 ", ", \u00e9"),
            ("%20", "%20%C3%A9"),
            ("\\u65e5\\u0020", "\\n"),
            ('{"', '"}'),
        ):
            # What is not a letter stays or goes with the name: a sign of its own, such as an asterisk.
            shown = masked(f"{before}{spelled}{behind}", name)
            assert shown.startswith(before), (name, shown)
            assert shown.endswith(behind), (name, shown)
            assert shown[len(before) : len(shown) - len(behind)].strip("\\*_") == SHOWN, (name, shown)


@pytest.mark.parametrize("spelling", [name for name in SPELLINGS if name not in ("large", "small", "title", "folded")])
def test_an_id_is_found_in_each_spelling(spelling: str) -> None:
    spelled = SPELLINGS[spelling](str(ID))
    for before, behind in (
        ("banned ", " now"),
        ("avatar_", ".png"),
        ("\u00e9", "\u00e9"),
        ("1,", ",3"),
        ("\\u0020", "\\n"),
        ("%3D", "%26"),
        ("id=", "&"),
    ):
        for names in ((), ("q0q",)):
            event = Event(
                EventKind.LOG, LogLevel.INFO, f"{before}{spelled}{behind}", 0.0, persons=(Person(ID, names),) if names else ()
            )
            assert REDACTOR.redact(event).message == f"{before}{SHOWN}{behind}"


@pytest.mark.parametrize("mention", ["<@{}>", "<@!{}>", "&lt;@{}&gt;", "\\u003c@{}\\u003e", "%3C%40{}%3E", "\\<@{}>"])
def test_a_mention_goes_as_a_whole(mention: str) -> None:
    assert masked(f"hi {mention.format(ID)} there").replace("\\", "") == f"hi {SHOWN} there"


@pytest.mark.parametrize("before", ["\\n", "\\r\\n", "\\t", "\\\\n", "\\x1b[31m", "\\u001b[1m", "C:\\Users\\", "%0A", "&#10;"])
def test_a_name_begins_behind_each_escape(before: str) -> None:
    for name in ("anna", "tom", "nora", "\u00e9va"):
        assert masked(f"x{before}{name}!", name) == f"x{before}{SHOWN}!"


def test_a_name_that_is_a_sign_is_found_where_it_stands_alone() -> None:
    assert masked(". joined. Version 1.2", ".") == f"{SHOWN} joined. Version 1.2"
    assert masked("a - b-c", "-") == f"a {SHOWN} b-c"


def test_numbers_that_are_not_ids_stay() -> None:
    for text in (
        "0.12345678901234567",
        "ratio -3.812345678901234567 now",
        "1.12345678901234567e-05",
        "100,200,300,404,500,502",
        "9" * 30,
    ):
        assert masked(text) == text
    for text in (
        "1.2.712345678901234567",
        "file.1.712345678901234567.json",
        "7.123456789012345e+17",
        f"{ID:,}",
        f"{ID:_}",
        repr(float(ID)),
    ):
        assert SHOWN in masked(text) or "user-" in masked(text), text


@given(st.text("ab\u00e9\u0301\ufb01\u200b\u0130\U0001d4d0\\%&;#x4u1250CcAa_ ", max_size=30))
@example("\\x41\\u0062%63&#x64;")
@example("%C3%A9%E9%")
@example("\\ud83d\\ude00\\ud83d")
def test_each_part_of_a_folded_text_is_somewhere_in_the_text(text: str) -> None:
    folded = Folded(text)
    last = 0
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert last <= start < end <= len(text)
        last = start
    if folded.text:
        assert folded.span(0, len(folded.text))[1] <= len(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["\\", "%", "&", "&amp;", "%25", "\\u00e9", "\\_", "a\u00e9", "e\u0301", "bob\\", "1,", "712345678901234567,", "bob%20"],
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    def mask(length: int) -> None:
        masked(piece * (length // len(piece)), "bob", "_x", "\\y")

    assert ratio(lambda: mask(160_000), lambda: mask(10_000), 16, rounds=2) < 64
