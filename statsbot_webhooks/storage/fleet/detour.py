"""The way of events into Redis: straight, or by the file of this process while Redis takes none, in order and each once.

Nothing is claimed or sent here.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from ...clock import Clock
from ...events.event import Event
from ..base import Entry
from .keys import row_of
from .own_file import OwnFile
from .redis_connection import RedisAwayError, RefusedError
from .streams import Streams

_log = logging.getLogger(__name__)
_SETTING: Final = "WEBHOOK_STORAGE"
# The sender drops what is too much; so much more may wait until it has done so, or while there is none.
_LEEWAY: Final = 1.25
_MORE_EVENTS: Final = 1000
_GROUPS_AT_ONCE: Final = 10
_FULL: Final = "holds more events than may wait (WEBHOOK_STORAGE_MAX_EVENTS, WEBHOOK_STORAGE_MAX_MB)"
Row = tuple[str, int, str]


class Detour:
    """What this process stores. `where` names the server for people; `on_moved` and `on_notice` are those of `Told`."""

    def __init__(
        self,
        where: str,
        file: OwnFile,
        bounds: tuple[int, int],
        clock: Clock,
        on_moved: Callable[[str, int], None],
        on_notice: Callable[[str], object],
    ) -> None:
        self._where, self._file, self._clock = where, file, clock
        self._most = int(bounds[0] * _LEEWAY) + _MORE_EVENTS, int(bounds[1] * _LEEWAY)
        self._on_moved, self._on_notice = on_moved, on_notice
        self._streams: Streams | None = None
        self._since = 0.0
        self._has_told = self._is_adopted = False
        self._group = 0
        # The group whose answer did not come, and which entries of the file it is.
        self._doubted: tuple[int, frozenset[int]] | None = None
        # Why Redis takes no events; empty when it does.
        self.problem = ""

    @property
    def is_long(self) -> bool:
        """Whether events go by the file, also those that Redis would take: the order stays."""
        return bool(self.problem or self._file.counts())

    def begin(self, streams: Streams) -> None:
        """Begin a life; groups are counted anew under the name of `streams`."""
        self._streams = streams
        self._group, self._doubted, self.problem = 0, None, ""
        self._has_told = self._is_adopted = False

    def leave(self, reason: str) -> None:
        """Note that Redis takes nothing; told once until all is well again."""
        if self.problem:
            return
        self.problem, self._since = reason, self._clock.monotonic()
        if not self._has_told:
            self._has_told = True
            _log.error(
                "%s: %s %s. Events wait in %s until it takes them; nothing is sent meanwhile",
                _SETTING, self._where, reason, self._file.path.name,
            )  # fmt: skip

    def put(self, items: Sequence[tuple[str, Event]], rows: Sequence[tuple[str, Row]]) -> bool:
        """Store events; returns whether they are in Redis."""
        if self.is_long:
            self._file.put(items)
            return False
        try:
            self._store(rows)
        except RedisAwayError as error:
            self.leave(error.reason)
            self._file.put(items)
            if error.may_be_done:
                # Nothing else is in the file: events go by it only from now on.
                self._doubted = self._group, self._file.ids()
            return False
        for name, count in Counter(name for name, _ in items).items():
            self._on_moved(name, count)
        return True

    def come_back(self) -> bool:
        """Let some of what waits in the file follow; returns whether more does. Raises `RedisAwayError`."""
        self._file.maintain()
        self._settle_doubt()
        self.problem = ""
        for _ in range(_GROUPS_AT_ONCE):
            entries = self._file.take()
            if not entries:
                break
            self._forward(entries)
        if self._file.counts():
            return True
        if self._has_told:
            self._has_told = False
            text = f"{self._where} takes events again after {self._clock.monotonic() - self._since:.0f} s"
            _log.warning("%s: %s; those that waited in %s have followed", _SETTING, text, self._file.path.name)
            self._on_notice(f"{text}; what was accepted meanwhile follows now")
        if not self._is_adopted:
            self._is_adopted = True
            self._adopt_files()
        return False

    def _settle_doubt(self) -> None:
        """Find out whether the group was stored whose answer did not come; if so, it leaves the file."""
        if self._doubted is None or self._streams is None:
            return
        number, ids = self._doubted
        if self._streams.is_put(number):
            self._end(self._file.take_all(ids))
        self._doubted = None

    def _forward(self, entries: Sequence[Entry]) -> None:
        try:
            self._store([(entry.destination, row_of(entry.event)) for entry in entries])
        except RedisAwayError as error:
            self._file.give_back(entries)
            if error.may_be_done:
                self._doubted = self._group, frozenset(entry.id for entry in entries)
            raise
        self._end(entries)

    def _end(self, entries: Sequence[Entry]) -> None:
        self._file.end(entries)
        for name, count in Counter(entry.destination for entry in entries).items():
            self._on_moved(name, count)

    def _adopt_files(self) -> None:
        """Let follow what processes left that are not there any more."""
        for other in self._file.left_by_others():
            while entries := other.expire(math.inf):
                self._store([(entry.destination, row_of(entry.event)) for entry in entries])
                other.ack(entries)

    def _store(self, items: Sequence[tuple[str, Row]]) -> None:
        """Store rows as the next group; raises `RedisAwayError`, also when too much waits."""
        if self._streams is None:
            raise RedisAwayError("is not open")
        self._group += 1
        try:
            self._streams.put(self._group, items, *self._most)
        except RefusedError:
            raise RedisAwayError(_FULL) from None
