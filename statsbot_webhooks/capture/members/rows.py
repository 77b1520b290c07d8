"""Words for times, ages and lists of people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from .profiles import Who

NEW_ACCOUNT_SECONDS: Final = 7 * 86400
"""An account younger than this is marked."""
_UNITS: Final = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Row:
    """One of many. `key` tells it from the others; `what` is how it came or went, `by` is who did it, `note` why."""

    key: str
    time: float
    who: Who
    what: str
    by: Who | None = None
    note: str = ""


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: "2 years 3 months", "4 hours", "12 seconds"."""
    left, parts = max(int(seconds), 0), list[str]()
    for size, name in _UNITS:
        count, rest = divmod(left, size)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
            left = rest
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 seconds"


def format_moment(time: float) -> str:
    """Return a time that Discord shows to each reader in the reader's own time zone, and how long ago it is."""
    return f"<t:{int(time)}:f> (<t:{int(time)}:R>)"


def format_age(created: float, now: float) -> str:
    """Return the age of an account, marked when it is new."""
    age = now - created
    return f"\u26a0\ufe0f {format_duration(age)}, new account" if age < NEW_ACCOUNT_SECONDS else format_duration(age)


def format_count(count: int, noun: str) -> str:
    """Return "1 member", "3,000 members"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_row(row: Row) -> str:
    """Return somebody as a line of a file: time, id, age of the account, what, name."""
    time = datetime.fromtimestamp(row.time, UTC).isoformat(" ", "seconds")[:19]
    age = format_duration(row.time - row.who.created)
    by = f"  by {row.by.name or row.by.id}" if row.by is not None else ""
    note = f": {' '.join(row.note.split())}" if row.note else ""
    return f"{time}  {row.who.id:<20}  {age:<21}  {row.what:<14}  {row.who.name or '?'}{by}{note}"


def list_lines(title: str, lines: Iterable[str]) -> str:
    """Return lines of `format_row` as a text file."""
    head = f"{'time (UTC)':<19}  {'id':<20}  {'account age':<21}  {'what':<14}  name"
    return "\n".join([title, "", head, *lines, ""])
