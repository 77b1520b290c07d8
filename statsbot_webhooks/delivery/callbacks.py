"""Callbacks of the workers into the rest of the package, and the callers that wait for an answer. No delivery logic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..events.event import Event
from ..events.factory import Outage
from ..storage import Entry
from .channel_reader import ChannelReader
from .outcome import Result


@dataclass(slots=True)
class Pause:
    """Until when nothing may be sent to any webhook, because Cloudflare blocks addresses. Monotonic seconds."""

    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What a worker calls outside of its own destination.

    `tell(about, text, where, outage)` shows a text in `where`, or in a working destination other than `about`, and returns the
    destination; the texts of one outage share a card. `fallback(name)` returns where the events of a gone destination go.
    `wake(name)` wakes its worker, from any thread. `on_delivered(name)` is called after each delivery, and
    `on_message(message_id, events)` with what a new message shows. `reader()` returns the bot's channel reader, if any.
    """

    tell: Callable[[str, str, str, Outage | None], str]
    fallback: Callable[[str], str | None]
    wake: Callable[[str], None]
    on_delivered: Callable[[str], None]
    on_message: Callable[[int, Iterable[Event]], None]
    reader: Callable[[], ChannelReader | None] = lambda: None


@dataclass(slots=True)
class Watch:
    """A caller that waits for Discord's answer to one event, which is recognised by its origin."""

    origin: str
    answer: asyncio.Future[Result] = field(repr=False)


class Watches:
    """The callers that wait for the answer to an event of one destination."""

    def __init__(self) -> None:
        self._open: list[Watch] = []

    def add(self, origin: str) -> asyncio.Future[Result]:
        """Return a future for Discord's answer to the message that shows the event of that origin."""
        watch = Watch(origin, asyncio.get_running_loop().create_future())
        self._open.append(watch)
        return watch.answer

    def among(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries whose answer a caller waits for."""
        origins = {watch.origin for watch in self._open}
        return [entry for entry in entries if entry.event.origin in origins] if origins else []

    def answer_all(self, result: Result) -> None:
        """Give every caller the same answer, when none of its own will come."""
        waiting, self._open = self._open, []
        for watch in waiting:
            if not watch.answer.done():
                watch.answer.set_result(result)

    def answer(self, entries: Sequence[Entry], result: Result) -> None:
        """Answer the callers that wait for one of the entries."""
        for watch in [w for w in self._open if any(entry.event.origin == w.origin for entry in entries)]:
            self._open.remove(watch)
            if not watch.answer.done():
                watch.answer.set_result(result)
