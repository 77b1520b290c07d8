"""The state of a fleet: choices, which every process may set, and what belongs to sending, which only the sender may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..base import LeaseLostError
from .keys import SENDER_STATE
from .leased_calls import LeasedCalls
from .redis_connection import RedisAwayError
from .streams import Streams


class SharedState:
    """Read and write state. While Redis is away choices are kept in memory, and follow; `on_away` is told why it is."""

    def __init__(self, streams: Streams, calls: LeasedCalls, on_away: Callable[[str], None]) -> None:
        self._streams, self._calls, self._on_away = streams, calls, on_away
        self._owed: dict[str, Any] = {}
        # What tells the data in Redis from that of a Redis that began anew; empty before it is known.
        self.life = ""
        # What every process may set, as it was last read or written: a Redis that lost its data gets it again.
        self._known: dict[str, Any] = {}

    def restore(self, life: str) -> None:
        """Give a Redis that lost its data what is known of the choices. Raises `RedisAwayError`."""
        if self.life:
            self._streams.add_state(self._known)
        self.life = life

    def _learn(self, values: Mapping[str, Any]) -> None:
        known = {**self._known, **values}
        self._known = {key: value for key, value in known.items() if value is not None and not key.startswith(SENDER_STATE)}

    def settle(self) -> None:
        """Write what is owed. Raises `RedisAwayError`."""
        if self._owed:
            self._streams.write_state(self._owed)
            self._owed = {}

    def read(self, prefix: str) -> dict[str, Any]:
        """Return every value whose key begins with a prefix."""
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
        """Set values. What belongs to sending raises `LeaseLostError` in a process that does not send; deleting it does not."""
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
        """Replace values by what functions make of them; returns the new ones, none when Redis is away."""
        if is_away or not changes:
            return {}
        try:
            values = self._streams.update_state(changes, is_news=is_news)
            self._learn(values)
            return values
        except RedisAwayError as error:
            self._on_away(error.reason)
            return {}
