"""The search for the one event that Discord refuses, by halves. Pure.

It holds the halves that are still to be tried, leased, and says which of them goes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..storage import Entry


@dataclass(frozen=True, slots=True)
class _Half:
    """Entries that go together. One of those that were refused with its other half is bad if that half is not."""

    entries: tuple[Entry, ...]
    is_bad_if_first_passes: bool = False


class RefusalSearch:
    """Halves of refused messages, the next one first."""

    def __init__(self) -> None:
        self._groups: list[_Half] = []

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def entries(self) -> list[Entry]:
        """All that is held."""
        return [entry for group in reversed(self._groups) for entry in group.entries]

    def next(self) -> tuple[Entry, ...]:
        """Return the entries that are to be tried next."""
        return self._groups[-1].entries

    def refused(self, entries: Sequence[Entry]) -> Entry | None:
        """Note that a message of entries was refused; returns the one that is to blame when it is found."""
        rest = self._take(entries)
        if len(entries) == 1:
            # There may be others, but most likely there are none: what is left goes in one message.
            left = sorted([*rest, *self.entries], key=lambda entry: entry.id)
            self._groups = [_Half(tuple(left))] if left else []
            return entries[0]
        if rest:
            self._groups.append(_Half(rest))
        if self._groups:
            # This half is to blame, so nothing is known of the other one any more.
            self._groups[-1] = _Half(self._groups[-1].entries)
        self._halve(tuple(entries))
        return None

    def passed(self, entries: Sequence[Entry]) -> None:
        """Note that a message of entries was taken."""
        is_whole = bool(self._groups) and len(self._groups[-1].entries) == len(entries)
        rest = self._take(entries)
        if rest:
            self._groups.append(_Half(rest))
        elif is_whole and self._groups and self._groups[-1].is_bad_if_first_passes:
            # What was refused is in here: to send the whole of it would be one request for nothing.
            last = self._groups.pop().entries
            if len(last) > 1:
                self._halve(last)
            else:
                self._groups.append(_Half(last))

    def clear(self) -> None:
        """Hold nothing any more."""
        self._groups.clear()

    def _halve(self, entries: tuple[Entry, ...]) -> None:
        middle = (len(entries) + 1) // 2
        self._groups.append(_Half(entries[middle:], is_bad_if_first_passes=True))
        self._groups.append(_Half(entries[:middle]))

    def _take(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Take the group that entries are of, and return what is left of it."""
        ids = {entry.id for entry in entries}
        if not self._groups or not any(entry.id in ids for entry in self._groups[-1].entries):
            return ()
        return tuple(entry for entry in self._groups.pop().entries if entry.id not in ids)
