"""Shared state of a fleet: choices, which every process may set, and state about channels, which only the sender may set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..base import LeaseLostError
from .keys import SENDER_STATE
from .leased_calls import LeasedCalls
from .redis_connection import RedisAwayError
from .streams import Streams


class SharedState:
    """Read and write state. While Redis is away choices wait in memory; `on_away` is called with the reason."""

    def __init__(self, streams: Streams, calls: LeasedCalls, on_away: Callable[[str], None]) -> None:
        self._streams, self._calls, self._on_away = streams, calls, on_away
        self._owed: dict[str, Any] = {}
        # Identifies the data in Redis, so that a Redis that lost it is noticed; empty before it is known.
        self.life = ""
        # The choices as last read or written, to restore them in a Redis that lost its data.
        self._known: dict[str, Any] = {}

    def restore(self, life: str) -> None:
        """Note the `life` of the data and, after a loss of data, write the known choices. Raises `RedisAwayError`."""
        if self.life:
            self._streams.add_state(self._known)
        self.life = life

    def _learn(self, values: Mapping[str, Any]) -> None:
        known = {**self._known, **values}
        self._known = {key: value for key, value in known.items() if value is not None and not key.startswith(SENDER_STATE)}

    def settle(self) -> None:
        """Write what waits in memory. Raises `RedisAwayError`."""
        if self._owed:
            self._streams.write_state(self._owed)
            self._owed = {}

    def read(self, prefix: str) -> dict[str, Any]:
        """Return every value whose key begins with `prefix`."""
        values: dict[str, Any] = {}
        try:
            values, life = self._streams.read_state(prefix)
            if life == self.life:
                self._learn({key: values.get(key) for key in self._known if key.startswith(prefix)} | values)
        except RedisAwayError as error:
            self._on_away(error.reason)
        owed = {key: value for key, value in self._owed.items() if key.startswith(prefix)}
        return {key: value for key, value in {**values, **owed}.items() if value is not None}

    def write(self, values: Mapping[str, Any], *, is_away: bool) -> None:
        """Set values. State about channels raises `LeaseLostError` in a process that is not the sender, unless it is deleted."""
        is_sender = self._calls.is_held
        of_sender = {
            key: value for key, value in values.items() if key.startswith(SENDER_STATE) and (is_sender or value is not None)
        }
        if of_sender and not self._calls.do(lambda lease: self._streams.write_sender_state(lease, of_sender)):
            raise LeaseLostError
        others = {key: value for key, value in values.items() if key not in of_sender}
        if not others:
            return
        self._owed |= others
        self._learn(others)
        if not is_away:
            try:
                self.settle()
            except RedisAwayError as error:
                self._on_away(error.reason)

    def update(self, changes: Mapping[str, Callable[[Any], Any]], *, is_away: bool, is_news: bool) -> dict[str, Any]:
        """Replace values by the results of functions; returns the new ones, none when Redis is away."""
        if is_away or not changes:
            return {}
        try:
            values = self._streams.update_state(changes, is_news=is_news)
            self._learn(values)
            return values
        except RedisAwayError as error:
            self._on_away(error.reason)
            return {}
