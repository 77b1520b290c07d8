"""Rows: one line for each of many people, and the text file that lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ...events.time_text import date_text, format_duration
from .profiles import Who

NEW_ACCOUNT_SECONDS: Final = 7 * 86400
"""An account younger than this is marked."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person of many. `key` is unique; `what` is how the person came or left, `by` is who did it, `note` why."""

    key: str
    time: float
    who: Who
    what: str
    by: Who | None = None
    note: str = ""


def format_row(row: Row) -> str:
    """Return a person as a line of a file: time, id, age of the account, what, name."""
    time = date_text(row.time)
    age = format_duration(row.time - row.who.created)
    by = f"  by {row.by.name or row.by.id}" if row.by is not None else ""
    note = f": {' '.join(row.note.split())}" if row.note else ""
    return f"{time}  {row.who.id:<20}  {age:<21}  {row.what:<14}  {row.who.name or '?'}{by}{note}"


def list_lines(title: str, lines: Iterable[str]) -> str:
    """Return lines of `format_row` as a text file."""
    head = f"{'time (UTC)':<19}  {'id':<20}  {'account age':<21}  {'what':<14}  name"
    return "\n".join([title, "", head, *lines, ""])
