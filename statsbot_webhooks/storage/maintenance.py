"""Outbox maintenance: hand events over, report losses, expire old events, count what is left at a stop. Delivers nothing.

Everything but `report_losses` runs on the intake's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..clock import Clock
from ..config.model import WebhookConfig
from ..events.accounting import Counters, LossReason
from ..events.event import Event
from ..events.time_text import format_count
from . import Entry, Loss, Outbox, storage_path
from .erasure import Trace, forget, forget_old
from .expired_file import write_expired
from .losses import LossReport

_log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 3600.0


def hand_over(outbox: Outbox, counters: Counters, source: str, target: str) -> int:
    """Move some of the ready entries of a destination to another one; returns how many left. Call it until it returns 0.

    An event that was also filed for the other destination is not shown there twice.
    """
    there = 0

    def is_there(event: Event) -> bool:
        nonlocal there
        there += target in event.routes
        return target in event.routes

    count = outbox.move(source, target, is_there)
    # `accepted` moves along, so that the counters of each destination balance.
    counters.add(source, "accepted", -count)
    counters.add(target, "accepted", count)
    # The message of the other destination stands for these.
    counters.add(source, "folded", there)
    return count + there


class Upkeep:
    """Maintain the outbox of one manager."""

    def __init__(self, config: WebhookConfig, counters: Counters, clock: Clock) -> None:
        self.config = config
        self._counters = counters
        self._clock = clock
        self._losses = LossReport()
        # Added to the monotonic clock: what the wall clock would show if it had not been set since.
        self._unset_offset = clock.now() - clock.monotonic()
        self._looked: float | None = None
        self._has_said_failure = False

    def on_loss(self, loss: Loss) -> None:
        """Count entries that the outbox dropped."""
        self._counters.lose(loss.destination, loss.reason, loss.count)
        if loss.reason != LossReason.FORGOTTEN:
            self._losses.add(loss)

    def forget(self, outbox: Outbox, trace: Trace) -> tuple[int, int]:
        """Delete what names a person; returns how many things went, and how many are being sent. Raises `OSError`."""
        forgotten = forget(outbox, self._path(outbox), trace)
        for name, count in forgotten.entries.items():
            self._counters.lose(name, LossReason.FORGOTTEN, count)
        return forgotten.total, forgotten.busy

    def report_losses(self, destination: str) -> str:
        """Return the text about a destination's losses; empty when there is nothing new. From any thread."""
        return self._losses.take(destination)

    def expire(self, outbox: Outbox) -> None:
        """Write all events older than `max_age_hours` to a file beside the storage, and delete other old data."""
        outbox.maintain()
        self.forget_old(outbox)
        while self.expire_some(outbox):
            pass

    def expire_some(self, outbox: Outbox) -> bool:
        """Write some of the events older than `max_age_hours` to a file beside the storage; False when none are left."""
        age = self.config.max_age_hours * 3600
        now = self._clock.now()
        # Events of this process have times of a clock that may have been set since, which must not make them old.
        unset = min(now, self._clock.monotonic() + self._unset_offset)
        old = outbox.expire(now - age, only_recovered=True) or outbox.expire(unset - age)
        if not old or not self._write(old, self._path(outbox)):
            # They stay in the storage and are tried again; when it is full, `put` makes room as always.
            outbox.release(old)
            return False
        outbox.ack(old)
        for entry in old:
            self._counters.lose(entry.destination, LossReason.EXPIRED)
        return True

    def _path(self, outbox: Outbox) -> Path | None:
        # Of two processes of the same name in one folder, the second has another file.
        return storage_path(self.config.storage, outbox.fleet.name or self.config.process_name)

    def _write(self, old: Sequence[Entry], path: Path | None) -> bool:
        """Write events to the expired file before they leave the storage; False when that failed."""
        events = format_count(len(old), "event was", "events were")
        if path is None:
            _log.warning("%s older than WEBHOOK_MAX_AGE_HOURS and dropped", events)
            return True
        try:
            file = write_expired(path, old)
        except OSError as error:
            if not self._has_said_failure:
                self._has_said_failure = True
                _log.error("events older than WEBHOOK_MAX_AGE_HOURS cannot be written to a file: %s", error.strerror or error)
            return False
        self._has_said_failure = False
        _log.warning("%s older than WEBHOOK_MAX_AGE_HOURS and moved to %s", events, file.name)
        return True

    def forget_old(self, outbox: Outbox) -> None:
        """Delete cards and expired lines that are too old; once an hour, because it reads all of them."""
        now = self._clock.monotonic()
        if (self._looked is not None and now - self._looked < _LOOK_SECONDS) or outbox.fleet.term is None:
            return
        self._looked = now
        try:
            forget_old(outbox, self._path(outbox), self._clock.now(), self.config.max_age_hours * 3600)
        except OSError as error:
            reason = error.strerror or error
            _log.error("what is older than WEBHOOK_MAX_AGE_HOURS cannot be deleted from the expired files: %s", reason)

    def leave_rest(self, outbox: Outbox) -> str:
        """Return what becomes of the events that wait at a stop, empty without any; those in memory are counted as lost."""
        waiting = {name: depth.entries for name, depth in outbox.depths().items()}
        total = sum(waiting.values())
        if not total:
            return ""
        if outbox.is_durable:
            return f"{format_count(total, 'event waits', 'events wait')} in the storage for the next start"
        for name, count in waiting.items():
            self._counters.lose(name, LossReason.STOPPED, count)
        lost = format_count(total, "event is", "events are")
        return f"{lost} lost: not delivered before the stop, and the storage is memory"
