"""Supervisor: owns named tasks, and starts one that ends again. It knows nothing of what the tasks do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

_log = logging.getLogger(__name__)
# Longer than the end of a loop takes, because `asyncio.run` cancels every task before it closes the loop.
_RESTART_SECONDS: Final = 1.0
Work = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """Own named tasks. Every method is called on the loop."""

    def __init__(self) -> None:
        self._work: dict[str, Work] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def run(self, name: str, work: Work) -> None:
        """Run `work()` as a task until `release`, `end` or `stop`; it is started again when it ends for another reason."""
        self._work[name] = work
        self._begin(name)

    def ensure(self, name: str) -> None:
        """Start a task that has ended at once, instead of after the pause."""
        if name in self._work and self._tasks[name].done():
            self._begin(name)

    def release(self, name: str) -> asyncio.Task[None] | None:
        """Return a task, None when unknown, and stop owning it: it goes on, and is not started again."""
        self._work.pop(name, None)
        return self._tasks.pop(name, None)

    async def end(self, name: str) -> None:
        """Cancel a task and wait for its end; does nothing for an unknown name."""
        task = self.release(name)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def find_ended(self) -> list[str]:
        """Return the names of tasks that have ended and wait for their restart."""
        return [name for name, task in self._tasks.items() if task.done()]

    async def stop(self) -> None:
        """Cancel all tasks and wait for their ends."""
        tasks, self._tasks, self._work = list(self._tasks.values()), {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def abandon(self) -> None:
        """Drop tasks whose loop has ended."""
        self._tasks, self._work = {}, {}

    def _begin(self, name: str) -> None:
        task = asyncio.create_task(self._work[name](), name=f"statsbot_webhooks-{name}")
        self._tasks[name] = task
        task.add_done_callback(lambda ended: self._on_end(name, ended))

    def _on_end(self, name: str, ended: asyncio.Task[None]) -> None:
        error = None if ended.cancelled() else ended.exception()
        if self._tasks.get(name) is ended:
            reason = "it was cancelled" if ended.cancelled() else type(error).__name__ if error else "it returned"
            ended.get_loop().call_later(_RESTART_SECONDS, self._restart, name, reason)

    def _restart(self, name: str, reason: str) -> None:
        if name in self._work and self._tasks[name].done():
            _log.warning("the task %s had ended (%s) and is started again", name, reason)
            self._begin(name)
