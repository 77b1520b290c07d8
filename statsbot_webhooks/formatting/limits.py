"""Discord's numbers and how to stay within them. Lengths are UTF-16 units, the stricter of the ways to count."""

from __future__ import annotations

from typing import Final

# https://discord.com/developers/docs/resources/webhook#execute-webhook-jsonform-params
CONTENT: Final = 2000
USERNAME: Final = 80
EMBEDS: Final = 10
# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
TITLE: Final = 256
DESCRIPTION: Final = 4096
FIELDS: Final = 25
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1024
EMBED_TOTAL: Final = 6000
# https://discord.com/developers/docs/reference#uploading-files: 10 MiB. Whether for a file or for the whole request has
# been told both ways; kept for the whole request, less the room for its other parts, it is true in both.
FILE_BYTES: Final = 10 * 1024 * 1024 - 64 * 1024
FILES: Final = 10


def length(text: str) -> int:
    """Return the number of UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def truncate(text: str, limit: int, mark: str = "…") -> str:
    """Return the beginning of a text, within `limit` units, ending in `mark` when something is missing."""
    if length(text) <= limit:
        return text
    return head(text, limit - length(mark)) + mark


def head(text: str, limit: int) -> str:
    """Return the longest beginning of at most `limit` units; no character is cut in two."""
    part = text[: max(limit, 0)]
    while length(part) > limit:
        part = part[: -max(1, (length(part) - limit) // 2)]
    return part


def tail(text: str, limit: int) -> str:
    """Return the longest end of at most `limit` units."""
    return head(text[-max(limit, 1) :][::-1], limit)[::-1]
