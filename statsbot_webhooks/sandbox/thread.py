"""The thread and the event loop that a sandbox runs on, and the way onto it from any other thread.

What is served there does not live here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from aiohttp import web

from .clock import SandboxClock

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ServerThread:
    """Serves on 127.0.0.1 from a thread of its own, so that a bot may block its loop without freezing it.

    `application` makes the application, on that thread; `on_start` is told the address, `on_stop` runs before the end.
    """

    def __init__(
        self, port: int, clock: SandboxClock, application: Callable[[], web.Application], on_start: Callable[[str], None],
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._port = port
        self._clock = clock
        self._application = application
        self._on_start = on_start
        self._on_stop = on_stop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Future[object]] = set()

    def start(self) -> None:
        """Return when the server answers; raises `OSError` when the port is taken."""
        if self._thread is not None:
            raise RuntimeError("this sandbox runs already")
        started = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._serve, args=(started,), name="sandbox", daemon=True)
        self._thread.start()
        started.wait()
        if self._failure is not None:
            self._thread.join()
            self._thread = None
            raise self._failure

    def stop(self) -> None:
        """Return when the server has ended."""
        loop, stopping, thread = self._loop, self._stopping, self._thread
        if loop is not None and stopping is not None and thread is not None:
            loop.call_soon_threadsafe(stopping.set)
            thread.join()
        self._thread = None

    async def stop_async(self) -> None:
        """End the server while the caller's loop goes on: bots on it answer the closing of their connections."""
        thread, loop = self._thread, asyncio.get_running_loop()
        if thread is None:
            return
        done = asyncio.Event()
        # Not on the executor: its threads outlive the call, and tests look for threads that were left behind.
        leaving = threading.Thread(target=self._leave, args=(loop, done), name="sandbox-stop", daemon=True)
        leaving.start()
        await done.wait()
        leaving.join()

    def _leave(self, loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
        self.stop()
        loop.call_soon_threadsafe(done.set)

    def _serve(self, started: threading.Event) -> None:
        try:
            asyncio.run(self._run(started))
        except OSError as failure:
            # The port is taken: `start` raises it.
            self._failure = failure
        finally:
            self._loop = None
            self._clock.clear()
            started.set()

    async def _run(self, started: threading.Event) -> None:
        self._stopping = asyncio.Event()
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._on_start(f"http://127.0.0.1:{runner.addresses[0][1]}")
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._stopping.wait()
            await self._on_stop()
        finally:
            await runner.cleanup()

    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a function on the server's thread and return its result; directly when the server does not run."""
        loop = self._loop
        if loop is None or threading.current_thread() is self._thread:
            return function(*args, **kwargs)

        async def call() -> _T:
            return function(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(call(), loop).result(10)

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the server's thread after some seconds of the sandbox's clock."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._clock.call_later, seconds, function, *args)

    def spawn(self, start: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run a coroutine on the server's thread without waiting for its end: it may need the caller's loop."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._keep, start)

    def _keep(self, start: Callable[[], Coroutine[Any, Any, object]]) -> None:
        # The loop itself holds tasks only weakly.
        task = asyncio.ensure_future(start())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
