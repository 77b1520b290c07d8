"""Overrides: what admins chose at run time (switches, levels, mutes), stored so that a restart keeps it.

Methods that change something, and `admit`, run on the intake's thread (`Admin` calls them there); others may be called from
anywhere. It applies nothing to the host's loggers or to Discord.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from ..clock import Clock
from ..config.destination import WebhookURL
from ..events.accounting import Counters
from ..events.event import Event, LogLevel
from ..issues.decisions import Decisions
from ..issues.deploys import Deploys
from ..issues.issue import Issue, IssueState
from ..issues.register import IssueRegister
from ..storage import Alone, Fleet, StateStore
from .mute_tallies import MuteTallies
from .mutes import Mute, MuteCount, Mutes, mute_from_state, mute_to_state
from .recent_events import RecentEvents
from .router import Router

_log = logging.getLogger(__name__)
Ended = tuple[Mute, MuteCount]


class Overrides:
    """The switches, levels and mutes of one manager."""

    def __init__(
        self,
        store: StateStore,
        router: Router,
        counters: Counters,
        clock: Clock,
        version: str = "",
        fleet: Fleet | None = None,
    ) -> None:
        self._store = store
        self._fleet = fleet or Alone()
        self._tallies = MuteTallies(store, clock, self._fleet)
        self._router = router
        self._counters = counters
        self._clock = clock
        self._changed: asyncio.Event | None = None
        self.mutes = Mutes()
        # Called with each mute that an event ends, on the intake's thread.
        self.on_ended: Callable[[Ended], None] = lambda _: None
        self.issues = IssueRegister(store, version)
        self.decisions = Decisions(store)
        self.deploys = Deploys(store, self.issues)
        self.recent_events = RecentEvents()
        self.switched_off: frozenset[str] = frozenset()
        self.levels: dict[str, LogLevel] = {}
        self.logger_levels: dict[str, LogLevel] = {}

    def load(self) -> None:
        """Read the stored choices. What cannot be read is logged and skipped."""
        switches = self._store.read_state("switch/")
        self.switched_off = frozenset(key.removeprefix("switch/") for key, is_on in switches.items() if is_on is False)
        self.levels, self.logger_levels = {}, {}
        for key, level in self._store.read_state("level/").items():
            _, _, rest = key.partition("/")
            sort, _, name = rest.partition("/")
            try:
                (self.levels if sort == "destination" else self.logger_levels)[name] = LogLevel(level)
            except (TypeError, ValueError):
                _log.warning("a stored level cannot be read and is left out")
        self._router.set_levels(self.levels)
        self.issues.load(is_shared=bool(self._fleet.name))
        self.decisions.load()
        running = {mute.key for mute, _ in self.mutes}
        stored = self._store.read_state("mute/")
        self._tallies.follow(self.mutes, stored)
        for key, state in stored.items():
            if key.removeprefix("mute/") in running:
                # Its count in memory is newer than the stored one.
                continue
            try:
                mute, tally = mute_from_state(state)
                if mute.version and mute.version != self.issues.version:
                    # Another version runs now, so it ends; `keep` reports it.
                    mute = replace(mute, until=min(mute.until, self._clock.now()))
                self.mutes.add(mute, tally)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                _log.warning("a stored mute cannot be read and is dropped: %s", key)
                self._store.write_state({key: None})

    def use_router(self, router: Router) -> None:
        """Use another router, and apply the chosen levels to it."""
        self._router = router
        router.set_levels(self.levels)

    # -- the gate of the intake

    def identify(self, event: Event) -> Event:
        """Count the event for its issue and return it with the reference; a start event also describes the previous version."""
        is_new = not self.issues.knows(event.fingerprint)
        noted = self.issues.note(event)
        if noted.issue:
            self.deploys.note_error(noted, is_new=is_new)
        return self.deploys.note_start(noted)

    def admit(self, event: Event, names: tuple[str, ...], *, redacted: bool) -> tuple[str, ...]:
        """Return the destinations that may get the event; for the others it is counted as muted.

        Called before the event is redacted and, with `redacted`, after; then it is also added to the recent events.
        """
        if len(self.mutes):
            now = self._clock.now()
            admitted = self.mutes.admit(event, names, now, redacted=redacted)
            if admitted and any(mute.above and mute.until <= now for mute, _ in self.mutes):
                for ended in self.end_due():
                    self.on_ended(ended)
            for name in names:
                if name not in admitted:
                    self._counters.add(name, "muted")
            names = admitted
        if redacted and names and self.issues.holds(event):
            for name in names:
                self._counters.add(name, "muted")
            names = ()
        if redacted:
            self.recent_events.add(event, names)
        return names

    # -- choices

    def switch(self, destination: str, is_on: bool) -> None:
        """Switch a destination on or off."""
        self._store.write_state({f"switch/{destination}": None if is_on else False})
        others = self.switched_off - {destination}
        self.switched_off = others if is_on else others | {destination}

    def set_level(self, destination: str, level: LogLevel | None) -> None:
        """Set the lowest level of a destination; `None` goes back to the settings."""
        self._store.write_state({f"level/destination/{destination}": None if level is None else level.value})
        self.levels = _with(self.levels, destination, level)
        self._router.set_levels(self.levels)

    def set_logger_level(self, logger: str, level: LogLevel | None) -> None:
        """Store the level from which a logger is captured; `None` goes back to the settings. Capture applies it."""
        self._store.write_state({f"level/logger/{logger}": None if level is None else level.value})
        self.logger_levels = _with(self.logger_levels, logger, level)

    def mute(self, mute: Mute) -> None:
        """Begin a mute."""
        self.mutes.add(mute)
        self._tallies.begin(self.mutes, mute)

    def unmute(self, key: str) -> Ended | None:
        """End a mute before its time; None when there is none of that key."""
        ended = self.mutes.end(key)
        return None if ended is None else next(iter(self._tallies.end([ended], is_early=True)), ended)

    def end_due(self) -> list[Ended]:
        """End the mutes whose time is over; returns those that this process must report."""
        return self._tallies.end(self.mutes.end_due(self._clock.now() - self._tallies.grace_seconds))

    def save_tallies(self) -> None:
        """Store what mutes and issues have counted so far."""
        self.issues.save(self._clock.now())
        self._tallies.save(self.mutes)

    def known_issues(self) -> IssueRegister:
        """Return the issues, with the counts and decisions of other processes until now."""
        if self._fleet.has_others:
            self.issues.load(is_shared=True)
        return self.issues

    def decide(self, fingerprint: str, state: IssueState, by: str) -> tuple[Issue, bool] | None:
        """Set the state of an issue; returns it, and whether that changed anything. None for an unknown issue."""
        return self.known_issues().decide(fingerprint, state, by, self._clock.now())

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Drop from memory what names a person; the storage is cleared elsewhere."""
        self.issues.forget(is_meant)
        self.recent_events.forget(is_meant)
        self.decisions.forget(is_meant)
        for mute, tally in self.mutes:
            if is_meant(json.dumps(mute_to_state(mute, tally))):
                # Otherwise it would be stored again with its next count.
                self.mutes.end(mute.key)

    # -- destinations that `setup` made

    def stored_urls(self) -> dict[str, WebhookURL]:
        """Return the stored webhook URLs by destination."""
        urls: dict[str, WebhookURL] = {}
        for key, text in self._store.read_state("url/").items():
            try:
                urls[key.removeprefix("url/")] = WebhookURL(text)
            except (TypeError, ValueError, AttributeError):
                _log.warning("the stored URL of webhook %s cannot be read; run /webhooks setup", key.removeprefix("url/"))
        return urls

    def store_urls(self, urls: Mapping[str, WebhookURL]) -> None:
        """Store webhook URLs for the next start."""
        self._store.write_state({f"url/{name}": url.reveal() for name, url in urls.items()})

    # -- the end of mutes, on the loop

    def look_again(self) -> None:
        """Make `keep` look at a mute that began or ended. Call it on the loop."""
        if self._changed is not None:
            self._changed.set()

    async def keep(
        self, run: Callable[[Callable[[], list[Ended]]], Awaitable[list[Ended]]], tell: Callable[[Ended], Awaitable[None]]
    ) -> None:
        """End mutes when their time is over and `tell` each, until cancelled. `run` calls on the intake's thread."""
        self._changed = asyncio.Event()
        while True:
            self._changed.clear()
            for ended in await run(self.end_due):
                await tell(ended)
            end = self.mutes.next_end()
            wait = None if end is None else max(end + self._tallies.grace_seconds - self._clock.now(), 0.01)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()


def _with(levels: dict[str, LogLevel], name: str, level: LogLevel | None) -> dict[str, LogLevel]:
    rest = {key: value for key, value in levels.items() if key != name}
    return rest if level is None else {**rest, name: level}
