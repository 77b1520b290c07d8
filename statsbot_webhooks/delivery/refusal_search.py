"""Refusal search: find the one event that Discord refuses, by halves. Pure.

It holds the halves that are still to be tried (their entries stay leased), and says which one is next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..storage import Entry


@dataclass(frozen=True, slots=True)
class _Half:
    """Entries that are sent together. `is_bad_if_first_passes`: refused together with the half before it in the queue."""

    entries: tuple[Entry, ...]
    is_bad_if_first_passes: bool = False


class RefusalSearch:
    """The halves of refused messages that are still to be tried."""

    def __init__(self) -> None:
        self._groups: list[_Half] = []

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def entries(self) -> list[Entry]:
        """All entries that are held."""
        return [entry for group in reversed(self._groups) for entry in group.entries]

    def next(self) -> tuple[Entry, ...]:
        """Return the entries that are to be tried next."""
        return self._groups[-1].entries

    def refused(self, entries: Sequence[Entry]) -> Entry | None:
        """Note that a message of entries was refused; returns the entry to blame once it is found."""
        rest = self._take(entries)
        if len(entries) == 1:
            # Most likely it was the only one: what is left goes in one message.
            left = sorted([*rest, *self.entries], key=lambda entry: entry.id)
            self._groups = [_Half(tuple(left))] if left else []
            return entries[0]
        if rest:
            self._groups.append(_Half(rest))
        if self._groups:
            # This half is to blame, so the other half may be good or bad.
            self._groups[-1] = _Half(self._groups[-1].entries)
        self._halve(tuple(entries))
        return None

    def passed(self, entries: Sequence[Entry]) -> None:
        """Note that a message of entries was accepted."""
        is_whole = bool(self._groups) and len(self._groups[-1].entries) == len(entries)
        rest = self._take(entries)
        if rest:
            self._groups.append(_Half(rest))
        elif is_whole and self._groups and self._groups[-1].is_bad_if_first_passes:
            # The refused event is in here: sending the whole half would waste a request.
            last = self._groups.pop().entries
            if len(last) > 1:
                self._halve(last)
            else:
                self._groups.append(_Half(last))

    def clear(self) -> None:
        """Drop everything that is held."""
        self._groups.clear()

    def _halve(self, entries: tuple[Entry, ...]) -> None:
        middle = (len(entries) + 1) // 2
        self._groups.append(_Half(entries[middle:], is_bad_if_first_passes=True))
        self._groups.append(_Half(entries[:middle]))

    def _take(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Remove the group of the entries, and return what is left of it."""
        ids = {entry.id for entry in entries}
        if not self._groups or not any(entry.id in ids for entry in self._groups[-1].entries):
            return ()
        return tuple(entry for entry in self._groups.pop().entries if entry.id not in ids)
