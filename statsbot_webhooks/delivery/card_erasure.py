"""Card erasure: forget cards that name a person, between two requests, because one under way would store its card again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .worker_context import WorkerContext


class CardErasure:
    """Erase cards of one destination. While `is_running` its worker calls `act` before each request."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self._asked: list[tuple[Callable[[str], bool], asyncio.Future[int]]] = []
        self.is_running = False

    def ask(self, is_meant: Callable[[str], bool]) -> asyncio.Future[int]:
        """Forget the cards whose key or text is meant; the future has how many were deleted from the storage for it."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append((is_meant, done))
        if not self.is_running:
            self.end()
        return done

    async def act(self) -> None:
        """Do what was asked."""
        while self._asked:
            is_meant, done = self._asked[0]
            events, state = self._parts.cards.forget(is_meant)
            if state:
                await self._parts.outbox.put_back(events, state)
            self._asked.remove((is_meant, done))
            if not done.done():
                done.set_result(len(state))

    def end(self) -> None:
        """Note that the worker has ended: what it has stored is deleted by others."""
        self.is_running = False
        while self._asked:
            is_meant, done = self._asked.pop()
            self._parts.cards.forget(is_meant)
            if not done.done():
                done.set_result(0)
