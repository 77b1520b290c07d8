"""Detour: store events in Redis, or in this process's file while Redis takes none; in order, and each once.

Nothing is claimed or sent here.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...clock import Clock
from ...events.accounting import LossReason
from ...events.event import Event, encode
from ..base import Entry, Loss
from ..erasure import REQUESTS
from ..erasure_requests import ErasureRequest, read_requests
from .keys import row_of
from .own_file import OwnFile
from .redis_connection import RedisAwayError, RefusedError
from .streams import Streams

_log = logging.getLogger(__name__)
_SETTING: Final = "WEBHOOK_STORAGE"
# The sender drops what exceeds the bounds; this much more may wait until it has done so, or while there is no sender.
_LEEWAY: Final = 1.25
_MORE_EVENTS: Final = 1000
_GROUPS_AT_ONCE: Final = 10
_FULL: Final = "holds more events than may wait (WEBHOOK_STORAGE_MAX_EVENTS, WEBHOOK_STORAGE_MAX_MB)"
Row = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Told:
    """Callbacks for losses, for entries that go to other processes (negative: come from them), and for texts for people."""

    on_loss: Callable[[Loss], None]
    on_moved: Callable[[str, int], None]
    on_notice: Callable[[str], object]


class Detour:
    """The way of this process's events. `where` names the server in texts."""

    def __init__(self, where: str, file: OwnFile, bounds: tuple[int, int], clock: Clock, told: Told) -> None:
        self._where, self._file, self._clock = where, file, clock
        self._most = int(bounds[0] * _LEEWAY) + _MORE_EVENTS, int(bounds[1] * _LEEWAY)
        self._told = told
        self._streams: Streams | None = None
        self._since = 0.0
        self._has_told = self._is_adopted = False
        self._group = 0
        # The group whose answer was lost: its number, its file, and the ids of its entries there.
        self._doubt: tuple[int, Path, frozenset[int]] | None = None
        # By file: the ids of entries that are in Redis although their answer was lost.
        self._arrived: dict[Path, frozenset[int]] = {}
        # Why Redis takes no events; empty when it does.
        self.problem = ""

    @property
    def is_long(self) -> bool:
        """Whether events go through the file; also while it is being emptied, to keep the order."""
        return bool(self.problem) or not self._file.is_empty

    def begin(self, streams: Streams) -> None:
        """Begin anew with `streams`, for which groups are numbered from 1."""
        self._streams = streams
        self._group, self._doubt, self._arrived, self.problem = 0, None, {}, ""
        self._has_told = self._is_adopted = False

    def leave(self, reason: str) -> None:
        """Note that Redis takes nothing; logged once until it takes everything again."""
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
                # The file holds nothing else, because events go through it only from now on.
                self._doubt = self._group, self._file.path, self._file.ids()
            return False
        for name, count in Counter(name for name, _ in items).items():
            self._told.on_moved(name, count)
        return True

    def come_back(self) -> bool:
        """Forward some of the events in the file; returns whether more wait. Raises `RedisAwayError`."""
        self._file.maintain()
        # Before any further group is stored: Redis knows the last number only.
        self._settle_doubt()
        if ids := self._arrived.pop(self._file.path, None):
            self._end(self._file.take_all(ids))
        self.problem = ""
        requests = [] if self._file.is_empty else self._requests()
        for _ in range(_GROUPS_AT_ONCE):
            entries = self._file.take()
            if not entries:
                break
            self._forward(entries, requests)
        if not self._file.is_empty:
            return True
        if self._has_told:
            self._has_told = False
            text = f"{self._where} takes events again after {self._clock.monotonic() - self._since:.0f} s"
            _log.warning("%s: %s; those that waited in %s have followed", _SETTING, text, self._file.path.name)
            self._told.on_notice(f"{text}; what was accepted meanwhile follows now")
        if not self._is_adopted:
            self._adopt_files()
            self._is_adopted = True
        return False

    def _settle_doubt(self) -> None:
        """Ask whether the group whose answer was lost was stored."""
        if self._doubt is None or self._streams is None:
            return
        number, path, ids = self._doubt
        if self._streams.is_put(number):
            self._arrived[path] = self._arrived.get(path, frozenset()) | ids
        self._doubt = None

    def _forward(self, entries: Sequence[Entry], requests: Sequence[ErasureRequest]) -> None:
        kept = _without_forgotten(entries, requests)
        forgotten = [entry for entry in entries if entry not in kept]
        self._file.end(forgotten)
        for entry in forgotten:
            self._told.on_loss(Loss(entry.destination, LossReason.FORGOTTEN, 1))
        try:
            self._store_from(self._file.path, kept)
        except RedisAwayError:
            self._file.give_back(kept)
            raise
        self._end(kept)

    def _end(self, entries: Sequence[Entry]) -> None:
        self._file.end(entries)
        for name, count in Counter(entry.destination for entry in entries).items():
            self._told.on_moved(name, count)

    def _adopt_files(self) -> None:
        """Forward the events of processes that have ended."""
        for path, other in self._file.left_by_others():
            requests, arrived = self._requests(), self._arrived.get(path, ())
            while entries := other.expire(math.inf):
                self._store_from(path, [each for each in _without_forgotten(entries, requests) if each.id not in arrived])
                other.ack(entries)
            self._arrived.pop(path, None)

    def _store_from(self, path: Path, entries: Sequence[Entry]) -> None:
        try:
            self._store([(entry.destination, row_of(entry.event)) for entry in entries])
        except RedisAwayError as error:
            if error.may_be_done:
                self._doubt = self._group, path, frozenset(entry.id for entry in entries)
            raise

    def _requests(self) -> list[ErasureRequest]:
        """Return the requests to forget persons, which may have come while Redis was away or the process down."""
        return [] if self._streams is None else read_requests(self._streams.read_state(REQUESTS)[0])

    def _store(self, items: Sequence[tuple[str, Row]]) -> None:
        """Store rows as the next group; raises `RedisAwayError`, also when too many events wait."""
        if not items:
            return
        if self._streams is None:
            raise RedisAwayError("is not open")
        self._group += 1
        try:
            self._streams.put(self._group, items, *self._most)
        except RefusedError:
            raise RedisAwayError(_FULL) from None


def _without_forgotten(entries: Sequence[Entry], requests: Sequence[ErasureRequest]) -> list[Entry]:
    return [entry for entry in entries if not any(request.trace.is_in(encode(entry.event)) for request in requests)]
