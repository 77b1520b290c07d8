"""Discord's markup that we put into a text which is escaped later: marked, so that no text of others is taken for it. Pure.

A mark holds a number that this process has drawn: who writes a name or a log text cannot know it. So everything that stands in
a text as Discord's markup and has no mark is a text of others, and is escaped. Marks are never stored.
"""

from __future__ import annotations

import secrets
from typing import Final

from ..events.time_text import discord_time

# Characters of the private use area, which no font shows alike.
_NUMBER: Final = secrets.token_hex(8)
_OPEN: Final = f"\ue0f0{_NUMBER}"
_CLOSE: Final = f"\ue0f1{_NUMBER}"


def own(markup: str) -> str:
    """Return markup such as `<@1>` as it may stand in a text that is escaped later."""
    return f"{_OPEN}{markup[1:-1]}{_CLOSE}"


def own_time(time: float, style: str) -> str:
    """Return a time that Discord shows in each reader's time zone, for a text that is escaped later."""
    return own(discord_time(time, style))


def revealed(text: str) -> str:
    """Return a text with its marks as Discord reads them: one that was escaped, or that stands in a file."""
    return text.replace(_OPEN, "<").replace(_CLOSE, ">") if _OPEN in text else text
