"""One set of what is invisible: what the presenter leaves out, the redactor looks through, for every code point there is."""

from __future__ import annotations

import sys

import pytest

from statsbot_webhooks.formatting.markdown import escape_markdown
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.unicode_text import visible, without_invisible

KEY = "gh" + "p_4Fz8q1LmX0pR7sT2vB9nK3cW6yJ5dH8gA1eQ"
VALUE = "Zx81plantedSecretKey9aQ7mN2pL4v"
CODES = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


def shown(text: str) -> str:
    """Return a text as a reader sees it, without the escapes that Discord's markup needs."""
    return escape_markdown(visible(text)).replace("\\", "").replace("\u200b", "")


@pytest.mark.slow
def test_what_the_presenter_leaves_out_is_invisible() -> None:
    # Between two letters of the Latin script, where no joiner has a meaning.
    wrong = [code for code in CODES if visible(f"a{chr(code)}b") == "ab" and without_invisible(f"a{chr(code)}b") != "ab"]
    assert not wrong, [hex(code) for code in wrong[:9]]


@pytest.mark.slow
def test_no_code_point_puts_a_split_secret_together() -> None:
    redactor = Redactor(secrets=[VALUE])
    for code in CODES:
        char = chr(code)
        if visible(f"a{char}b") != "ab":
            # A reader sees it, and the secret with it in the middle is none.
            continue
        for text, secret in (
            (f"it is {KEY[:20]}{char}{KEY[20:]} now", KEY),
            (f"it is {VALUE[:9]}{char}{VALUE[9:]} now", VALUE),
            (f"pass{char}word=hunter2{char}hunter", "hunter2hunter"),
            (f"{char}{KEY}{char}", KEY),
        ):
            assert secret not in shown(redactor.redact_text(text)), hex(code)


def test_an_invisible_character_is_a_boundary_too() -> None:
    for char in ("\u200b", "\u2060", "\ufeff", "\u00ad", "\u200e"):
        assert KEY not in Redactor().redact_text(f"word{char}{KEY}{char}word")


def test_control_characters_are_shown_and_line_ends_are_one_sign() -> None:
    assert visible("a\r\nb\x07c\td") == "a\nb\u2407c\td"
    assert visible("é\r\nb\x07c") == "é\nb\u2407c"
    assert visible("plain\ttext\n") == "plain\ttext\n"
