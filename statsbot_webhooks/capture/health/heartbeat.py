"""Heartbeat: request the URL of a dead man's switch (Healthchecks, Uptime Kuma) while all is healthy. It judges nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import aiohttp

from ...clock import Clock
from ...config.network import Network

_log = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_GRACE_SECONDS: Final = 60


class Heartbeat:
    """Request a URL every `interval_seconds` while `find_problem` returns nothing.

    The URL is a secret, because it suffices to keep the switch quiet, and is never logged. A failure is logged once, and so is
    its end.
    """

    def __init__(
        self,
        url: str,
        *,
        interval_seconds: float,
        find_problem: Callable[[], str],
        clock: Clock,
        network: Network | None = None,
    ) -> None:
        self._network = network or Network()
        self._url = url
        self._interval = interval_seconds
        self._find_problem = find_problem
        self._clock = clock
        self._state = ""
        self._task: asyncio.Task[None] | None = None

    def install(self, stack: ExitStack) -> None:
        """Start; the stack ends it. Needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="statsbot_webhooks-heartbeat")
        stack.callback(self._task.cancel)

    async def _run(self) -> None:
        # A bot that has just started is not healthy yet, which is not worth a warning.
        for _ in range(_GRACE_SECONDS):
            if not self._problem():
                break
            await self._clock.sleep(1)
        while True:
            problem = self._problem()
            self._note(f"not sent: {problem}" if problem else await self._send())
            await self._clock.sleep(self._interval)

    def _problem(self) -> str:
        try:
            return self._find_problem()
        except Exception as error:  # noqa: BLE001 - a guard: it asks the bot, whose class may be the host's
            return f"the bot cannot say how it is ({type(error).__name__})"

    async def _send(self) -> str:
        """Request the URL; returns the problem, empty for none."""
        try:
            # A session for each request, because one request a minute does not justify an open connection.
            async with (
                self._network.open_session(timeout=_TIMEOUT) as session,
                session.get(self._url, proxy=self._network.find_proxy(self._url)) as response,
            ):
                return "" if response.status < 400 else f"answered with status {response.status}"
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            # Only the type: the texts of these exceptions hold the URL.
            return f"failed with {type(error).__name__}"

    def _note(self, state: str) -> None:
        if state == self._state:
            return
        if state:
            _log.warning("the heartbeat to WEBHOOK_HEARTBEAT_URL %s", state)
        else:
            _log.info("the heartbeat to WEBHOOK_HEARTBEAT_URL works again")
        self._state = state
