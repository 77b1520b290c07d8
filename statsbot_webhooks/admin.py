"""The part of the manager that admins steer: choices, new destinations, and the change to other settings while running."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from .clock import Clock
from .config.destination import Destination, WebhookURL
from .config.model import WebhookConfig
from .delivery.worker import DestinationWorker
from .events.accounting import Counters
from .events.event import Event, EventKind, LogLevel, Person, to_plain
from .events.folding import from_state
from .formatting.formatter import MessageFormatter
from .handover import Rest, put_rest, take_rest
from .pipeline.intake import Intake
from .pipeline.mutes import MuteKind, format_summary
from .pipeline.overrides import Control, Ended
from .pipeline.router import Router, fallbacks
from .redaction.redactor import Redactor
from .storage import Outbox

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Steering(ABC):
    """What `WebhookManager` can be told while it runs; the manager makes the parts and owns the tasks."""

    config: WebhookConfig
    settings: WebhookConfig
    control: Control
    workers: dict[str, DestinationWorker]
    _clock: Clock
    _counters: Counters
    _formatter: MessageFormatter
    _intake: Intake
    _outbox: Outbox
    _redactor: Redactor
    _router: Router
    _predecessor: Steering | None
    _successor: Steering | None

    @property
    @abstractmethod
    def is_running(self) -> bool: ...

    @property
    @abstractmethod
    def is_durable(self) -> bool: ...

    @property
    @abstractmethod
    def destinations(self) -> tuple[str, ...]: ...

    @abstractmethod
    def submit(self, event: Event) -> bool: ...

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self, timeout: float = 10.0) -> None: ...

    @abstractmethod
    async def flush(self, timeout: float | None = None) -> None: ...

    @abstractmethod
    def _add_workers(self, destinations: Sequence[Destination]) -> None: ...

    @abstractmethod
    def _wake(self, names: set[str]) -> None: ...

    @abstractmethod
    def _notice(self, text: str) -> Event: ...

    async def steer(self, function: Callable[..., _T], *args: object) -> _T:
        """Call a method of `control` on the thread where it belongs, and apply what it changed."""
        result = await self._intake.run(function, *args)
        for name, worker in self.workers.items():
            worker.is_enabled = name not in self.control.switched_off
            worker.wake()
        self.control.look_again()
        return result

    async def record(self, text: str, *, person: Person | None = None, **context: object) -> None:
        """Show who steered what. It goes where its level is routed, or else to the first destination there is."""
        _log.info("%s", text)
        persons = () if person is None else (person,)
        event = Event(EventKind.LOG, LogLevel.INFO, text, self._clock.now(), "webhooks", to_plain(context), persons=persons)
        # Past the mutes: whoever silences the log must not silence that.
        for name in self._router.route(event) or self.destinations[:1]:
            self._intake.file(name, event)

    def routes(self, event: Event) -> tuple[str, ...]:
        """Return the destinations that an event would go to."""
        return self._router.route(event)

    async def find_card(self, message_id: int) -> Event | None:
        """Return the newest event of the card that a message shows; None when the message is no card."""
        stored = await self._intake.run(self._outbox.read_state, "card/")
        for state in stored.values():
            if isinstance(state, dict) and state.get("message_id") == message_id:  # pyright: ignore[reportUnknownMemberType]
                try:
                    return from_state(state["fold"]).event  # pyright: ignore[reportUnknownArgumentType]
                except (KeyError, TypeError, ValueError):
                    return None
        return None

    async def add_destinations(self, urls: Mapping[str, WebhookURL]) -> None:
        """Take up destinations while running, and keep their URLs in the storage for the next start."""
        await self._intake.run(self.control.store_urls, urls)
        self._add_workers(await self._intake.run(self._adopt, urls))

    async def take_over(self, timeout: float = 5.0) -> None:
        """Stop the predecessor and start in its place. What was submitted meanwhile, to either, is delivered.

        The predecessor has `timeout` seconds to deliver; the rest is taken over with the storage.
        """
        old = self._predecessor
        if old is not None and old.is_running:
            old._successor = self
            self._formatter.bot_info = old._formatter.bot_info
            await old.flush(timeout)
            # Storage in memory ends with its owner; a file is opened again.
            await old._intake.run(old.control.save_tallies)
            rest = None if old.is_durable else await old._intake.run(take_rest, old._outbox)
            await old.stop(0)
            await self.start()
            if rest is not None:
                # The switches first: what is put in must not leave through a destination that is off.
                await self.steer(self.control.restore, rest.state)
                await self._intake.run(self._put_rest, rest)
            await self._intake.run(self._move_removed, set(old.destinations) - set(self.destinations))
        else:
            await self.start()
        self._predecessor = None

    def _move_removed(self, names: set[str]) -> None:
        """Show elsewhere what waits for destinations that the settings do not have any more."""
        for name in names:
            target = next((other for other in fallbacks(name) if other in self.workers), None)
            count = self._outbox.move(name, target) if target is not None else 0
            if target is not None and count:
                self._counters.add(name, "accepted", -count)
                self._counters.add(target, "accepted", count)
                self._wake({target})

    def _put_rest(self, rest: Rest) -> None:
        put_rest(self._outbox, rest)
        for entry in rest.entries:
            self._counters.add(entry.destination, "accepted")
        self._wake({entry.destination for entry in rest.entries})

    def _adopt(self, urls: Mapping[str, WebhookURL]) -> list[Destination]:
        """Put destinations of stored URLs among those of the settings."""
        options = self.config.destination_options
        added = [Destination(name, url, **options.get(name, {})) for name, url in urls.items()]
        kept = [destination for destination in self.config.destinations if destination.name not in urls]
        self.config = replace(self.config, destinations=(*kept, *added))
        self._router.add(added)
        self._redactor.add_secrets(destination.url.token for destination in added)
        return added

    def _tell_ended(self, ended: Ended) -> None:
        """Show what a mute kept back, where it would have been shown."""
        mute, tally = ended
        event = replace(self._notice(format_summary(mute, tally, self._clock.now())), origin="webhooks")
        names = [mute.target] if mute.kind == MuteKind.DESTINATION else list(tally.destinations)
        known = [name for name in names if name in self.workers]
        for name in known:
            self._intake.file(name, event)
        if not known:
            self.submit(event)
