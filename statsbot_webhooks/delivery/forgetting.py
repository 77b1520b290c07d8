"""Forgetting: erase what this process holds of a person, and follow the requests of other processes of the fleet.

What is looked for is in `storage/erasure`; who may ask is checked in `commands/permissions.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..clock import wait_for_event
from ..pipeline.assembly import Pipeline
from ..storage.erasure import Trace, trace_of
from ..storage.erasure_requests import ErasureRequest, ask_others, note_done, open_requests
from ..storage.json_lines import JsonLines
from .worker_pool import WorkerPool

_log = logging.getLogger(__name__)
# How long events that are being sent are waited for.
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 2.0


class Forgetting:
    """Erase persons from storage, files and memory of one manager."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool) -> None:
        self._pipeline, self._pool = pipeline, pool
        self._intake, self._outbox, self._clock = pipeline.intake, pipeline.outbox, pipeline.clock
        self._news: asyncio.Event | None = None
        # Keys of the requests that need no more work in this run.
        self._done: set[str] = set()

    async def forget(self, user_id: int, names: Sequence[str]) -> int:
        """See `Admin.forget`."""
        trace = trace_of(user_id, names, self._intake.redactor.mask_key)
        # First, so that the others do their part even when this process ends now.
        await self._intake.run(ask_others, self._outbox, trace, self._clock.now())
        return await self._erase(trace)

    def look(self) -> None:
        """Make `follow_requests` look for requests. Call it on the loop."""
        if self._news is not None:
            self._news.set()

    async def follow_requests(self) -> None:
        """Do this process's part of every request in the shared storage, until cancelled.

        Of its own too: another process may have written something about the person since, or Redis may have been away.
        """
        self._news = asyncio.Event()
        while True:
            self._news.clear()
            for request in await self._intake.run(open_requests, self._outbox):
                # Later while Redis is away, because not everything can be deleted meanwhile.
                if request.key not in self._done and not self._outbox.is_displaced:
                    await self._follow(request)
            await wait_for_event(self._clock, self._news, _RETRY_SECONDS if self._outbox.is_displaced else None)

    async def _follow(self, request: ErasureRequest) -> None:
        try:
            await self._erase(request.trace)
        except OSError as error:
            _log.error("a person could not be forgotten in all files (%s); the next start tries again", error.strerror or error)
        else:
            if self._outbox.is_displaced:
                return
            await self._intake.run(note_done, self._outbox, request)
        self._done.add(request.key)

    async def _erase(self, trace: Trace) -> int:
        """Delete what names a person; returns how many things went. Raises `OSError` for the files."""
        await self._intake.settle()
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        total = 0
        while True:
            # First, because a card that is being sent or edited is stored again after it.
            asked = [worker.forget(trace.is_in) for worker in self._pool.workers.values()]
            answered, _ = await asyncio.wait(asked, timeout=_PATIENCE_SECONDS) if asked else ((), ())
            gone, busy = await self._intake.run(self._erase_stored, trace)
            total += gone + sum(each.result() for each in answered)
            # In a fleet the process that sends waits for what is being sent; it may be another one.
            if not busy or self._outbox.fleet.term is None or self._clock.monotonic() > until:
                return total + await self._erase_in_log(trace)
            await self._clock.sleep(_POLL_SECONDS)

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
