"""Text as Discord shows it: escaped, cut without breaking what was escaped, and never with an open code block. Pure."""

from __future__ import annotations

import re
from typing import Final

from ..redaction.unicode_text import visible
from . import limits
from .own_markup import revealed

FENCE: Final = "```"
ZERO_WIDTH: Final = "\u200b"
_FENCES: Final = re.compile("`{3,}")
MORE: Final = "\n… see the attached file …\n"
# Of each end of a text. Messages show 6,000 characters at most, of which many may be left out as invisible.
_MOST_SHOWN: Final = 32_768
# A link ends where Discord's markdown could begin: a link with a backtick in it must not open a code block.
# An underscore within a word does nothing in Discord, and names such as memory_mb stay as they are. Of a masked link
# the parenthesis is escaped: within its brackets a backslash does not count. What begins a line may stand behind any blanks.
# An angle bracket makes of a user's text a mention, a time, a picture, a link to call or to write: only ours may do that.
_MARKDOWN: Final = re.compile(
    # A name before the host, or letters that look like others in it: the link would lead elsewhere than it seems.
    r"(?P<posing>(?i:https?)):(?=//[^\s/?#@]{0,1000}?(?:@|[^\x00-\x7f\s]))"
    r"|(?P<link>(?i:https?)://[^\s\\*`|<>\[\]]+)"
    r"|(?P<lead>^[^\S\n]*)(?P<start>[>#\uff03]|[-+](?=\s|#)|[0-9]{1,10}(?=\.\s)(?P<dot>\.))"
    r"|(?P<mark>[\\*~`|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=\])\(|<(?=\S))",
    re.MULTILINE,
)
# What must not come first when a cut puts the rest of a text at the beginning of a line.
_LINE_START: Final = re.compile(r"[^\S\n]*(?:[>#\uff03+-]|[0-9]{1,10}\.)")
# An id that stands alone or behind a name, as ids are shown to be copied; not one within a mention or a link.
_ID: Final = re.compile(r"(?m)^\d{17,20}$|(?<=\()\d{17,20}(?=\))")


def escape_markdown(text: str) -> str:
    """Return a text that Discord shows as it is, but for our own markup.

    Links stay links, unless their host is not what a reader takes it for. The middle of a text that no message has room for is
    left out.
    """
    if len(text) > 3 * _MOST_SHOWN:
        text = text[:_MOST_SHOWN] + MORE + text[-_MOST_SHOWN:]
    return revealed(_MARKDOWN.sub(_escape, visible(text)))


def _escape(match: re.Match[str]) -> str:
    if mark := match["mark"]:
        return "\\" + mark
    if match["dot"]:
        return f"{match['lead']}{match['start'][:-1]}\\."
    if match["start"]:
        return f"{match['lead']}\\{match['start']}"
    # An escaped colon is shown as a colon, and Discord makes no link of it.
    return match["link"] or f"{match['posing']}\\:"


def code_ids(escaped: str) -> str:
    """Return an escaped text whose ids are code: a click or a long press copies them."""
    return _ID.sub(r"`\g<0>`", escaped)


def break_fences(text: str) -> str:
    """Return a text that cannot close the code block around it."""
    return _FENCES.sub(lambda match: ZERO_WIDTH.join(match[0]), visible(text))


def code_block(text: str, language: str = "") -> str:
    """Return a text whose fences are broken as a code block; a backtick at its end stays inside."""
    end = ZERO_WIDTH if text.endswith("`") else ""
    return f"{FENCE}{language}\n{text}{end}\n{FENCE}"


def shorten(escaped: str, limit: int, *, more: str = MORE, first: float = 2 / 3) -> str:
    """Return beginning and end of an escaped text within `limit` units; `first` is the beginning's share.

    No escape is cut in two: half of one would show a backslash, or let through what was escaped.
    """
    if limits.length(escaped) <= limit:
        return escaped
    room = max(limit - limits.length(more), 0)
    head = limits.head(escaped, int(room * first))
    tail = limits.tail(escaped, room - limits.length(head))
    if _ends_in_escape(head):
        head = head[:-1]
    if tail and _ends_in_escape(escaped[: -len(tail)]):
        tail = tail[1:]
    if more.endswith("\n") and _LINE_START.match(tail):
        tail = "…" + tail[1:]
    return head + more + tail


def truncate(escaped: str, limit: int) -> str:
    """Return the beginning of an escaped text within `limit` units, with a mark when something is missing."""
    return shorten(escaped, limit, more="…", first=1)


def _ends_in_escape(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def safe_username(name: str) -> str:
    """Return a webhook username that Discord accepts: 1 to 80 units, without "discord" and "clyde" (W10)."""
    safe = re.sub(r"(?i)(dis)(cord)|(cly)(de)", lambda m: f"{m[1] or m[3]}-{m[2] or m[4]}", " ".join(visible(name).split()))
    return limits.truncate(safe, limits.USERNAME) or "bot"
