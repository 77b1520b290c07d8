"""Layout threads: a pool for the layout of long messages. Nothing else runs there.

The event loop's default executor belongs to the host, which may keep all of its threads busy.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from ..clock import Clock

P = ParamSpec("P")
T = TypeVar("T")
_THREADS: Final = 4
_POLL_SECONDS: Final = 0.005


class LayoutThreads:
    """Compute in threads, which are started on demand. `close` ends them."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._executor = ThreadPoolExecutor(_THREADS, "statsbot_webhooks-layout", self._note_thread)

    def _note_thread(self) -> None:
        self._threads.append(threading.current_thread())

    async def compute(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of a function called in a thread, in a copy of the caller's context."""
        context = contextvars.copy_context()
        call = functools.partial(context.run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def shut(self) -> None:
        """Let the threads end after their current call; calls that wait are cancelled."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def close(self, clock: Clock) -> None:
        """Let the threads end, and wait until they have; cancel it to stop waiting."""
        self.shut()
        while any(thread.is_alive() for thread in self._threads):
            await clock.sleep(_POLL_SECONDS)
