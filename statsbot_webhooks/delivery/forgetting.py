"""Forgetting: erase what this process holds of a person, and follow the requests of other processes of the fleet.

What is looked for is in `storage/erasure`; who may ask is checked in `commands/permissions.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ..capture.breadcrumbs import trail
from ..clock import wait_for_event
from ..pipeline.assembly import Pipeline
from ..storage.erasure import Trace, trace_of
from ..storage.erasure_requests import ask_others, note_done, open_requests
from ..storage.json_lines import JsonLines
from .worker_pool import WorkerPool

_log = logging.getLogger(__name__)
# How long events that are being sent are waited for.
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
# Pauses between tries, which grow: each try reads the storage and the JSON log, and begins lists of members anew.
_FIRST_PAUSE_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 300.0


class Forgetting:
    """Erase persons from storage, files and memory of one manager. `drop` makes the hooks on the bots submit what they hold."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool, drop: Callable[[], None]) -> None:
        self._pipeline, self._pool, self._drop = pipeline, pool, drop
        self._intake, self._outbox, self._clock = pipeline.intake, pipeline.outbox, pipeline.clock
        self._news: asyncio.Event | None = None
        self._has_said_failure = False
        # Keys of the requests that need no more work in this run.
        self._done: set[str] = set()
        # Persons of whom something was being sent, or in a storage that was away, when they were forgotten here.
        self._unfinished: list[Trace] = []

    async def forget(self, user_id: int, names: Sequence[str]) -> int:
        """See `Admin.forget`."""
        trace = trace_of(user_id, names, self._intake.redactor.mask_key)
        # First, so that the others do their part even when this process ends now.
        await self._intake.run(ask_others, self._outbox, trace, self._clock.now())
        self._drop()
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        total, is_done = await self._erase(trace)
        while not is_done and self._clock.monotonic() < until and not self._outbox.is_displaced:
            await self._clock.sleep(_POLL_SECONDS)
            more, is_done = await self._erase(trace)
            total += more
        if not is_done and not self._outbox.fleet.name:
            # In a fleet the request reminds this process too.
            self._unfinished.append(trace)
            self.look()
        return total + await self._erase_in_log(trace)

    def look(self) -> None:
        """Make `follow_requests` look for requests. Call it on the loop."""
        if self._news is not None:
            self._news.set()

    async def follow_requests(self) -> None:
        """Do what is left of this process's own work, and its part of every request in the shared storage, until cancelled.

        Of its own requests too: another process may have written something about the person since.
        """
        self._news, pause = asyncio.Event(), _FIRST_PAUSE_SECONDS
        while True:
            self._news.clear()
            is_all_done = not self._outbox.is_displaced and await self._follow_all()
            await wait_for_event(self._clock, self._news, None if is_all_done else pause)
            pause = _FIRST_PAUSE_SECONDS if is_all_done else min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _follow_all(self) -> bool:
        self._unfinished = [trace for trace in self._unfinished if not await self._follow(trace)]
        requests = await self._intake.run(open_requests, self._outbox)
        for request in requests:
            if request.key not in self._done and await self._follow(request.trace):
                self._done.add(request.key)
                await self._intake.run(note_done, self._outbox, request)
        return not self._unfinished and all(request.key in self._done for request in requests)

    async def _follow(self, trace: Trace) -> bool:
        self._drop()
        try:
            _, is_done = await self._erase(trace)
            await self._erase_in_log(trace)
        except OSError as error:
            if not self._has_said_failure:
                self._has_said_failure = True
                reason = error.strerror or error
                _log.error("a person cannot be forgotten in all files yet (%s); it is tried again until that works", reason)
            return False
        self._has_said_failure = False
        return is_done

    async def _erase(self, trace: Trace) -> tuple[int, bool]:
        """Delete what names a person; returns how many things went, and whether nothing is left. Raises `OSError`."""
        await self._intake.settle()
        trail.forget(trace.is_in)
        # First, because a card that is being sent or edited is stored again after it.
        asked = [worker.forget(trace.is_in) for worker in self._pool.workers.values()]
        answered, waiting = await asyncio.wait(asked, timeout=_PATIENCE_SECONDS) if asked else ((), ())
        gone, busy = await self._intake.run(self._erase_stored, trace)
        total = gone + sum(each.result() for each in answered)
        # In a fleet the process that sends waits for what is being sent; it may be another one.
        is_idle = not (busy or waiting) or self._outbox.fleet.term is None
        return total, is_idle and not self._outbox.is_displaced

    async def _erase_in_log(self, trace: Trace) -> int:
        log, path = self._pipeline.json_log, self._pipeline.config.json_log
        if log is not None and log.is_alive:
            return await asyncio.wrap_future(log.forget(trace.is_in))
        if path is None:
            return 0
        # Nothing is written now, but an earlier run may have left lines.
        lines = JsonLines(Path(path), 0)
        return await asyncio.to_thread(lambda: lines.filter(lambda line: not trace.is_in(line)))

    def _erase_stored(self, trace: Trace) -> tuple[int, int]:
        self._pipeline.overrides.forget(trace.is_in)
        return self._pipeline.upkeep.forget(self._outbox, trace)
