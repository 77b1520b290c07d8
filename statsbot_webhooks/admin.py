"""What admins may do while the manager runs (`manager.admin`): choices, tests, destinations, dead letters, forgetting a person.

Choices are kept in the storage, so that a restart changes nothing. Who may call what is checked in `commands/permissions.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from .config.destination import WebhookURL
from .delivery.forgetting import Forgetting
from .delivery.outcome import Outcome, Result
from .delivery.shown_cards import ShownCards
from .delivery.worker_pool import WorkerPool
from .events.colors import GREEN
from .events.event import Event, EventKind, LogLevel, Person, to_plain
from .events.factory import notice_event
from .issues.decisions import Decision
from .issues.issue import Issue, IssueState
from .pipeline.assembly import Pipeline
from .pipeline.listeners import Listeners
from .pipeline.mutes import Mute, MuteKind, format_summary
from .pipeline.overrides import Ended, Overrides
from .storage import DeadLetter, Member

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_DEAD_LETTERS = 1000

# What the built-in destinations show, for the message that says that they work.
_SHOWN: Final = {
    "error": "errors and warnings",
    "info": "INFO messages and the life of the bot",
    "performance": "performance alerts",
    "member_events": "members who join and leave",
}


class Admin:
    """Steer a running manager; each call is made on the thread that owns the storage, and applied before it returns."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool, listeners: Listeners) -> None:
        self._on_logger_levels = listeners.apply_choices
        self._pipeline = pipeline
        self._intake = pipeline.intake
        self._outbox = pipeline.outbox
        self._clock = pipeline.clock
        self._pool = pool
        self._tests = 0
        self.cards = ShownCards(pipeline, pool)
        self.forgetting = Forgetting(pipeline, pool, listeners.forget)
        self.overrides.on_ended = self._show_ended_mute

    @property
    def redacted(self) -> Mapping[str, int]:
        """How often each rule has redacted something in this process."""
        return dict(self._pipeline.redactor.counts)

    @property
    def overrides(self) -> Overrides:
        """What was chosen; to be looked at only."""
        return self._pipeline.overrides

    def look_again(self) -> None:
        """Look at what another process of the fleet may have changed: the ends of mutes, and persons to forget."""
        self.overrides.look_again()
        self.forgetting.look()

    # -- choices

    async def toggle(self, destination: str, is_on: bool) -> None:
        """Switch a destination on or off; its events wait meanwhile."""
        await self._apply(self.overrides.switch, destination, is_on)

    async def set_level(self, destination: str, level: LogLevel | None) -> None:
        """Set the lowest level of a destination; `None` goes back to the settings."""
        await self._apply(self.overrides.set_level, destination, level)

    async def set_logger_level(self, logger: str, level: LogLevel | None) -> None:
        """Capture a logger from another level; `None` goes back to the settings."""
        await self._apply(self.overrides.set_logger_level, logger, level)
        self._on_logger_levels()

    async def mute(self, mute: Mute) -> None:
        """Keep something back for a while; it is counted."""
        clean = self._pipeline.redactor.clean_text
        # The name of a logger is compared with what the logger is called, so that persons in it stay.
        target = mute.target if mute.kind == MuteKind.DESTINATION else self._pipeline.redact_text(mute.target)
        mute = replace(mute, target=target, reason=clean(mute.reason), by=clean(mute.by))
        await self._apply(self.overrides.mute, mute)
        await self._show_mute(mute)

    async def unmute(self, key: str) -> Ended | None:
        """End a mute before its time; returns what it kept back, or None when there is none of that key."""
        ended = await self._apply(self.overrides.unmute, key)
        if ended is not None:
            await self._show_mute(ended[0])
        return ended

    async def _show_mute(self, mute: Mute) -> None:
        if mute.kind == MuteKind.FINGERPRINT:
            await self._redraw(mute.target)

    async def _apply(self, function: Callable[..., _T], *args: object) -> _T:
        result = await self._intake.run(function, *args)
        self._pool.apply_switches()
        self.overrides.look_again()
        return result

    async def end_mutes(self) -> None:
        """End mutes when their time is over, and show what they kept back, until cancelled."""

        async def tell(ended: Ended) -> None:
            self._show_ended_mute(ended)
            await self._show_mute(ended[0])

        await self.overrides.keep(self._intake.run, tell)

    def _show_ended_mute(self, ended: Ended) -> None:
        """Show what a mute kept back, where it would have been shown."""
        mute, tally = ended
        now = self._clock.now()
        event = notice_event(format_summary(mute, tally, now), now=now, origin="webhooks")
        names = [mute.target] if mute.kind == MuteKind.DESTINATION else list(tally.destinations)
        known = [name for name in names if name in self._pool.workers]
        for name in known:
            self._intake.file(name, event)
        if not known:
            self._intake.submit(event)

    async def record(self, text: str, *, persons: Sequence[Person] = (), **context: object) -> None:
        """Show who did what. It goes where its level is routed, or else to the first destination there is."""
        text = self._pipeline.redactor.clean_text(text, persons)
        _log.info("%s", text)
        event = Event(
            EventKind.LOG, LogLevel.INFO, text, self._clock.now(), "webhooks", to_plain(context), persons=tuple(persons)
        )
        # Past the mutes: one who silences the log must not silence that.
        for name in self.routes(event) or tuple(self._pool.workers)[:1]:
            self._intake.file(name, event)

    # -- issues

    async def find_issue(self, text: str) -> Issue | None:
        """Return the issue of a reference such as E-7F3A, or of a fingerprint."""
        return await self._intake.run(lambda: self.overrides.known_issues().find(text))

    async def list_issues(self, state: IssueState | None = None) -> Sequence[Issue]:
        """Return the issues, those seen last first."""
        return await self._intake.run(lambda: self.overrides.known_issues().all(state))

    async def decide(self, fingerprint: str, state: IssueState, by: str) -> tuple[Issue, bool] | None:
        """Acknowledge, resolve or open an issue; its cards say so. Returns it, and whether that changed anything."""
        decided = await self._apply(self.overrides.decide, fingerprint, state, by)
        if decided is not None and decided[1]:
            await self._redraw(fingerprint)
        return decided

    async def _redraw(self, fingerprint: str) -> None:
        """Let the cards of an issue say what was decided."""
        for worker in list(self._pool.workers.values()):
            await worker.redraw(f"error-{fingerprint}")

    async def restore_issue(self, event: Event) -> None:
        """Know the issue of a card again."""
        await self._intake.run(self.overrides.issues.restore, event)

    async def decide_card(self, key: str, decision: Decision) -> tuple[Decision, bool]:
        """Note what was done about a card that is no issue's; its cards say so. Returns what holds, and whether it is new."""
        decided = await self._intake.run(self.overrides.decisions.decide, key, decision)
        for worker in list(self._pool.workers.values()):
            await worker.redraw(key)
        return decided

    # -- the fleet

    async def members(self) -> tuple[Sequence[Member], Mapping[str, int]]:
        """Return the processes that share the storage, and what waits in it by destination; none when there is no other."""
        fleet = self._outbox.fleet
        return await self._intake.run(lambda: (fleet.members(), fleet.backlog()))

    # -- destinations

    def routes(self, event: Event) -> tuple[str, ...]:
        """Return the destinations that an event would go to."""
        return self._intake.router.route(event)

    async def stored_destinations(self) -> Sequence[str]:
        """Return the names of the destinations in use whose URL `/webhooks setup` has stored."""
        stored = await self._intake.run(self.overrides.stored_urls)
        return [name for name in stored if name in self._pool.workers]

    async def add_destinations(self, urls: Mapping[str, WebhookURL]) -> None:
        """Take up destinations while running, and keep their URLs in the storage for the next start."""
        await self._intake.run(self.overrides.store_urls, urls)
        self._pool.add(self._pipeline.adopt(urls))

    async def send_test(self, destination: str, timeout: float = 30.0) -> Result:
        """Send a test message through the worker of a destination and return what Discord answered.

        Raises `KeyError` for an unknown destination and `TimeoutError` when no answer came in time.
        """
        worker = self._pool.workers[destination]
        self._tests += 1
        origin = f"test {self._tests}"
        text = f"Test message for {destination}: {_SHOWN.get(destination, 'its events')} will appear here."
        # ERROR, so that it does not wait for a batch to fill; what it says is good news.
        event = Event(EventKind.LOG, LogLevel.ERROR, text, self._clock.now(), origin, title="Webhook connected", color=GREEN)
        if self._outbox.fleet.term is None:
            # Discord's answer comes to another process.
            self._intake.file(destination, event)
            return Result(Outcome.RETRY, "another process of the fleet sends; the message appears in the channel within seconds")
        answer = worker.watch(origin)
        worker.revive()
        self._intake.file(destination, event)
        async with asyncio.timeout(timeout):
            return await answer

    # -- dead letters

    async def dead_letters(self, ids: Sequence[int] | None = None) -> Sequence[DeadLetter]:
        """Return the events that Discord refused, newest first, 1000 at most."""
        return await self._intake.run(self._outbox.dead_letters, _DEAD_LETTERS, ids)

    async def replay(self, ids: Sequence[int]) -> int:
        """Send dead letters again; returns how many there were."""
        return await self._intake.run(self._replay, ids)

    def _replay(self, ids: Sequence[int]) -> int:
        letters = self._outbox.replay(ids)
        for letter in letters:
            self._pipeline.counters.add(letter.destination, "accepted")
        self._intake.on_put({letter.destination for letter in letters})
        return len(letters)

    async def purge(self, ids: Sequence[int]) -> int:
        """Delete dead letters; returns how many there were."""
        return await self._intake.run(self._outbox.purge, ids)

    # -- persons

    async def forget(self, user_id: int, names: Sequence[str] = ()) -> int:
        """Delete what the storage, the expired files and the JSON log hold of a person; returns how many things went.

        The person is found by id, by pseudonym and by `names`. Events that wait are counted as lost; those being sent are
        waited for, a minute at most. What Discord shows already is not touched. Raises `OSError` for the files.

        In a fleet every other process then deletes what it holds itself, which is not counted here: within seconds, or when it
        starts. The number is complete for the shared storage and this process.
        """
        return await self.forgetting.forget(user_id, names)
