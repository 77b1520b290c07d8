"""Redis outbox, which several processes share. The contract is in `storage.base`.

While Redis takes nothing, events of this process wait in its own file and follow in order. Nothing is sent meanwhile, because
without Redis no process can know that it is the only sender.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ...clock import Clock
from ...config.redis_address import RedisAddress
from ...events.accounting import LossReason
from ...events.event import Event
from ...events.time_text import format_count
from ..base import DeadLetter, Depth, Entry, ErrorsWaiting, Fleet, Forgotten, LeaseLostError, Loss
from ..rows import read_letter, stored_bytes
from .detour import Detour, Row, Told
from .keys import read_seal, row_of
from .leased_calls import LeasedCalls
from .own_file import OwnFile
from .presence import Presence
from .processes import RedisFleet
from .redis_connection import RedisAwayError, RedisLink, RefusedError
from .sender import Sender
from .sender_lease import FleetThread
from .shared_state import SharedState
from .streams import Streams

_log = logging.getLogger(__name__)
_SETTING: Final = "WEBHOOK_STORAGE"
_MEGABYTE: Final = 1024 * 1024
_DEFAULT_MB: Final = 256
_LARGEST_PART: Final = 2


class RedisOutbox:
    """One process's view of a fleet's outbox, in which at most `max_events` entries of `max_mb` MiB wait, of all processes."""

    def __init__(
        self, address: RedisAddress, name: str, max_events: int, told: Told, clock: Clock, max_mb: float | None = None
    ) -> None:
        self._address, self._clock, self._told = address, clock, told
        self._bounds = max_events, int((max_mb or _DEFAULT_MB) * _MEGABYTE)
        self._link = RedisLink(address, clock)
        self._file = OwnFile(name, address.prefix, max_events, told.on_loss, max_mb)
        self._detour = Detour(str(address), self._file, self._bounds, clock, told)
        self._fleet = RedisFleet(name, self._link)
        self.fleet: Fleet = self._fleet
        self._is_open = self._is_observer = False
        self._begin("")

    def _begin(self, instance: str) -> None:
        self._streams = Streams(self._link, instance)
        self._calls = LeasedCalls(self._lose_lease)
        self._sender = Sender(self._streams, self._calls, self._bounds, self._told.on_loss, self._told.on_moved, self._clock)
        self._state = SharedState(self._streams, self._calls, self._go_away)
        self._detour.begin(self._streams)
        self._has_begun = self._is_state_new = False

    @property
    def is_durable(self) -> bool:
        return not self._detour.problem or self._file.is_durable

    @property
    def problem(self) -> str:
        """Why Redis takes nothing; empty when it does."""
        return self._detour.problem

    @property
    def is_displaced(self) -> bool:
        return self._is_open and self._detour.is_long

    # -- its life

    def open(self) -> None:
        if self._is_open:
            return
        self._is_open = True
        self._file.open()
        thread = FleetThread(self._address, self._clock, Presence(self._address.prefix, self._file.name), self._fleet.ring)
        self._fleet.name = self._file.name
        self._fleet.use(thread)
        self._begin(thread.instance)
        try:
            if warning := self._link.check_server():
                _log.warning("%s: %s %s", _SETTING, self._address, warning)
        except RedisAwayError as error:
            self._go_away(error.reason)
        thread.start()
        self._look()
        for name, count in self._file.counts().items():
            if count:
                waiting = format_count(count, f"event for {name} waits", f"events for {name} wait")
                _log.warning("%s in %s since an earlier run", waiting, self._file.path.name)

    def open_to_look(self) -> None:
        """Open it for reads and changes without joining the fleet: no lease, file or presence. Raises `RedisAwayError`."""
        self._link.check_server()
        self._is_observer = self._is_open = True

    def close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        if self._fleet.thread is not None:
            self._fleet.thread.stop()
        self._end_term()
        self._fleet.use(None)
        self._link.close()
        self._file.close()

    def after_fork(self) -> None:
        self._link.after_fork()
        self._file.after_fork()
        self._fleet.thread, self._fleet.term = None, None
        self._is_open = False
        self._begin("")

    def maintain(self) -> bool:
        if not self._is_open:
            return False
        return self._look()

    def _look(self) -> bool:
        """React to what other processes did; returns whether state or term changed."""
        thread = self._fleet.thread
        if thread is None:
            return False
        news = thread.take_news()
        self._fleet.is_unfinished = False
        thread.presence.waiting = sum(self._file.counts().values())
        if "forget" in news:
            self._sender.forget_texts()
        self._is_state_new |= "state" in news
        try:
            is_changed = (not self._state.life or self._is_state_new or "lease" in news) and self._follow_life()
            is_changed |= self._follow_lease()
            if thread.problem and self._detour.problem:
                return is_changed
            is_changed |= bool(self._detour.problem)
            self._state.settle()
            self._fleet.is_unfinished = self._detour.come_back()
            names, has_more = self._sender.read()
            self._fleet.arrivals |= names
            self._fleet.is_unfinished |= has_more
        except RedisAwayError as error:
            self._go_away(error.reason)
            return False
        is_changed, self._is_state_new = is_changed or self._is_state_new, False
        return is_changed

    def _follow_life(self) -> bool:
        """When Redis lost its data, restore choices and count entries as lost; returns whether this process was the sender."""
        life, known = self._streams.life(), self._state.life
        if life == known:
            return False
        had_term = self._end_term(is_lost=bool(known))
        self._state.restore(life)
        if known:
            _log.error("%s: %s has lost its data; known choices and issues are stored again", _SETTING, self._address)
        return had_term

    def _go_away(self, reason: str) -> None:
        self._detour.leave(reason)
        if self._fleet.thread is not None:
            self._fleet.thread.problem = reason
            self._fleet.thread.hurry()

    # -- the lease

    def _follow_lease(self) -> bool:
        lease = self._fleet.thread.lease if self._fleet.thread is not None else None
        if lease is not None and self._calls.renew(lease):
            return False
        had_term = self._end_term()
        if lease is None:
            return had_term
        is_restart = not self._has_begun and len(self._fleet.members()) <= 1
        try:
            self._sender.begin(lease, is_restart=is_restart)
        except RefusedError:
            self._lose_lease()
            return had_term
        self._has_begun = True
        self._sender.make_room()
        self._fleet.term = lease.token
        return True

    def _end_term(self, *, is_lost: bool = False) -> bool:
        had_term = self._fleet.term is not None
        self._fleet.term = None
        self._sender.end(is_lost=is_lost)
        return had_term

    def _lose_lease(self) -> None:
        """Note that Redis says that another process is the sender; the next `_look` drops the entries."""
        if self._fleet.thread is not None:
            self._fleet.thread.lose()

    # -- entries

    def put(self, items: Iterable[tuple[str, Event]]) -> None:
        fitting: list[tuple[str, Event]] = []
        rows: list[tuple[str, Row]] = []
        for name, event in items:
            row = row_of(event)
            if row[1] > self._bounds[1] // _LARGEST_PART:
                self._told.on_loss(Loss(name, LossReason.STORAGE_FULL, 1, event.level))
                continue
            fitting.append((name, event))
            rows.append((name, row))
        if not fitting:
            return
        if self._detour.put(fitting, rows):
            self._read_quietly()
        elif self._detour.problem:
            self._go_away(self._detour.problem)

    def claim(self, destination: str, limit: int) -> Sequence[Entry]:
        return self._sender.claim(destination, limit) if self._fleet.may_send else []

    def seal(self, entries: Sequence[Entry], batch: str, now: float) -> None:
        self._check_lease()
        if len(self._sender.held(entries)) < len(entries):
            raise LeaseLostError
        self._sender.note_send(entries[0].destination, batch, entries)

    def note_send(self, destination: str, now: float) -> None:
        self._check_lease()
        self._sender.note_send(destination)

    def _check_lease(self) -> None:
        if not self._fleet.may_send:
            raise LeaseLostError

    def recent_sends(self, destination: str, since: float) -> Sequence[float]:
        now = self._clock.now()
        try:
            times = [now - age for age in self._streams.ages_of_sends(destination)]
        except RedisAwayError as error:
            # Nothing may leave before it is known what has left.
            raise LeaseLostError from error
        return sorted(time for time in times if time >= since)

    def ack(self, entries: Sequence[Entry], state: Mapping[str, Any] | None = None) -> bool:
        return self._sender.end_entries(entries, state or {})

    def bury(self, entries: Sequence[Entry], reason: str, now: float) -> bool:
        return self._sender.end_entries(entries, {}, (reason, now))

    def release(self, entries: Sequence[Entry], *, unseal: bool = False) -> None:
        self._sender.release(entries, unseal=unseal)

    def release_all(self, destination: str) -> None:
        self._sender.release_all(destination)

    def unseal(self, entries: Sequence[Entry]) -> None:
        self._sender.unseal(entries)

    def move(self, source: str, target: str, is_there: Callable[[Event], bool] | None = None) -> int:
        count = self._sender.move(source, target, is_there)
        self._read_quietly()
        return count

    def _read_quietly(self) -> None:
        try:
            self._sender.read()
        except RedisAwayError as error:
            self._go_away(error.reason)

    def expire(self, before: float, *, only_recovered: bool = False) -> Sequence[Entry]:
        if self._fleet.may_send:
            self._try(lambda: self._streams.expire_letters(before), None)
        return self._sender.expire(before, only_recovered=only_recovered)

    def depth(self, destination: str) -> Depth:
        depth, own = self._sender.backlog.depth(destination), self._file.counts().get(destination, 0)
        if not own:
            return depth
        kept = {name: getattr(depth, name) for name in Depth.__slots__ if name != "entries"}
        return Depth(depth.entries + own, **kept)

    def depths(self) -> dict[str, Depth]:
        if self._is_observer:
            return self._try(lambda: dict(self._streams.depths()), {})
        return {name: self.depth(name) for name in dict.fromkeys([*self._sender.backlog.names(), *self._file.counts()])}

    def errors_waiting(self, destinations: Collection[str]) -> ErrorsWaiting:
        parts = [self._sender.backlog.errors_waiting(destinations), self._file.errors_waiting(destinations)]
        times = [part.since for part in parts if part.since is not None]
        return ErrorsWaiting(sum(part.count for part in parts), min(times, default=None))

    # -- dead letters

    def _try(self, work: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return work()
        except RedisAwayError as error:
            self._go_away(error.reason)
            return otherwise

    def dead_letters(self, limit: int, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        rows = self._try(lambda: self._streams.letters(limit, ids), [])
        letters = [(number, row.get("d"), row.get("e"), row.get("r"), _time(row.get("t"))) for number, row in rows]
        return [letter for row in letters if (letter := read_letter(row)) is not None]

    def replay(self, ids: Sequence[int]) -> Sequence[DeadLetter]:
        letters = [letter for letter in self.dead_letters(len(ids), ids) if letter.is_readable][::-1]
        if not letters or self.is_displaced:
            return []
        rows = [(letter.id, letter.destination, row_of(letter.event)) for letter in letters]
        found = self._try(lambda: self._streams.replay(rows), ())
        letters = [letter for letter in letters if letter.id in found]
        for name, count in Counter(letter.destination for letter in letters).items():
            self._told.on_moved(name, count)
        self._read_quietly()
        return letters

    def purge(self, ids: Sequence[int]) -> int:
        return self._try(lambda: self._streams.purge(ids), 0)

    def forget(self, words: Sequence[str], is_meant: Callable[[str], bool]) -> Forgotten:
        own = self._file.forget(words, is_meant)
        # Counted one by one, because Redis may fail in the middle.
        counts = Counter(own.entries)
        dead, busy = self._try(lambda: self._forget(words, is_meant, counts), (0, 0))
        return Forgotten(+counts, own.dead + dead, own.busy + busy)

    def _forget(self, words: Sequence[str], is_meant: Callable[[str], bool], counts: Counter[str]) -> tuple[int, int]:
        """Delete what is shared, and add the entries to `counts`; returns how many dead letters went, and entries stayed."""

        def is_found(text: str) -> bool:
            return any(word in text for word in words) and is_meant(text)

        seals = {number for text in self._streams.seals().values() for number in read_seal(text)[1]}
        busy = 0
        for name in self._streams.destinations():
            found = {number: text for number, _, text in self._streams.scan(name) if is_found(text)}
            kept = found.keys() & (self._sender.busy | seals)
            free = {number: stored_bytes(len(text)) for number, text in found.items() if number not in kept}
            busy += len(kept)
            gone = self._streams.drop(name, free)
            counts[name] += gone
            if moved := self._sender.forget(name, free) - gone:
                # Less than 0: another process accepted them, and their end is counted here; more: it is counted there.
                self._told.on_moved(name, moved)
        letters = [number for number, row in self._streams.letters(2**31) if is_found(f"{row.get('e')} {row.get('r')}")]
        self._streams.purge(letters)
        self._streams.tell("forget")
        return len(letters), busy

    # -- state

    def read_state(self, prefix: str) -> dict[str, Any]:
        return self._state.read(prefix)

    def write_state(self, values: Mapping[str, Any]) -> None:
        self._state.write(values, is_away=bool(self._detour.problem))

    def update_state(self, changes: Mapping[str, Callable[[Any], Any]], *, is_news: bool = True) -> dict[str, Any]:
        return self._state.update(changes, is_away=bool(self._detour.problem), is_news=is_news)


def _time(text: object) -> float:
    try:
        return float(text) if isinstance(text, str) else 0.0
    except ValueError:
        return 0.0
