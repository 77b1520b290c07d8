"""What keeps the books true beside delivery: losses are told, old events leave, the rest of a stop is accounted for.

Every method but `report_losses` runs on the intake's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from ..clock import Clock
from ..config.model import WebhookConfig
from ..events.accounting import Counters, LossReason
from . import Loss, Outbox, storage_path
from .erasure import forget_old
from .expired_file import write_expired
from .losses import LossReport

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 3600.0


class Upkeep:
    """Look after the outbox of one manager."""

    def __init__(self, config: WebhookConfig, counters: Counters, clock: Clock) -> None:
        self.config = config
        self._counters = counters
        self._clock = clock
        self._losses = LossReport()
        self._looked = -_LOOK_SECONDS

    def on_loss(self, loss: Loss) -> None:
        """Count entries that the outbox dropped."""
        self._counters.lose(loss.destination, loss.reason, loss.count)
        self._losses.add(loss)

    def report_losses(self, destination: str) -> str:
        """Return what to tell a destination about its losses; empty when there is nothing new. From any thread."""
        return self._losses.take(destination)

    def expire(self, outbox: Outbox) -> None:
        """Write events older than `max_age_hours` to a file beside the storage."""
        outbox.maintain()
        old = outbox.expire(self._clock.now() - self.config.max_age_hours * 3600)
        for entry in old:
            self._counters.lose(entry.destination, LossReason.EXPIRED)
        path = storage_path(self.config.storage)
        self._forget_old(outbox, path)
        if not old or path is None:
            return
        try:
            file = write_expired(path, old)
        except OSError as error:
            _log.error("%d events were older than WEBHOOK_MAX_AGE_HOURS and are lost: %s", len(old), error.strerror)
        else:
            _log.warning("%d events were older than WEBHOOK_MAX_AGE_HOURS; they are in %s", len(old), file.name)

    def _forget_old(self, outbox: Outbox, path: Path | None) -> None:
        now = self._clock.now()
        # Reading every card and file is not for each minute.
        if 0 <= now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            forget_old(outbox, path, now, self.config.max_age_hours * 3600)
        except OSError as error:
            _log.error("the expired files could not be rid of what is too old (WEBHOOK_MAX_AGE_HOURS): %s", error.strerror)

    def leave_rest(self, outbox: Outbox, destinations: Iterable[str]) -> str:
        """Say what becomes of the events that wait at a stop; those in memory are counted as lost."""
        outbox.maintain()
        waiting = {name: outbox.depth(name).entries for name in destinations}
        total = sum(waiting.values())
        if not total:
            return ""
        if outbox.is_durable:
            return f"{total} events wait in the storage for the next start"
        for name, count in waiting.items():
            self._counters.lose(name, LossReason.STOPPED, count)
        return f"{total} events were not delivered before the stop and are lost: the storage is memory"
