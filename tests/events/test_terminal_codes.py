"""Colours of terminals are taken out of texts; everything else stays."""

from __future__ import annotations

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.events.terminal_codes import strip_terminal_codes
from statsbot_webhooks.redaction.redactor import Redactor


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mFailed to open thread\x1b[0m", "Failed to open thread"),
        ("\x1b[38;5;196mred\x1b[m \x1b[1;4mbold", "red bold"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text\x1b(B\x1b=", "text"),
        ("[31m is no code, nor is 50% [0m", "[31m is no code, nor is 50% [0m"),
        ("two\nlines\t\x1b[2K", "two\nlines\t"),
    ],
)
def test_codes_are_taken_out(text: str, plain: str) -> None:
    assert strip_terminal_codes(text) == plain
    event = Event(EventKind.LOG, LogLevel.INFO, text, 1.0, context={"detail": text}, traceback=text, title=text)
    clean = Redactor().redact(event)
    assert {clean.message, clean.context["detail"], clean.traceback, clean.title} == {plain}
