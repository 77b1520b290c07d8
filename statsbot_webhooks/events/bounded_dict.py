"""A dictionary of bounded size. Pure.

`cachetools.LRUCache` does nearly the same; ours returns what it pushes out, which callers have to finish, needs no dependency
for thirty lines, and counts an entry as used only when it is put, so that reading from another thread changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(MutableMapping[K, V]):
    """Keep at most `most` entries; the one that was put longest ago makes room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def put(self, key: K, value: V) -> V | None:
        """Set an entry as the newest; returns the value that had to go, if any."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        return self._entries.popitem(last=False)[1] if len(self._entries) > self._most else None

    def __setitem__(self, key: K, value: V) -> None:
        self.put(key, value)

    def __getitem__(self, key: K) -> V:
        return self._entries[key]

    def __delitem__(self, key: K) -> None:
        del self._entries[key]

    def __iter__(self) -> Iterator[K]:
        """Iterate over the keys, the one put longest ago first."""
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
