"""Assembly of the pipeline: intake, router, redactor, admins' choices, storage and its upkeep.

It knows no worker and no Discord: `on_put` is called with the destinations that have something to deliver.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..clock import Clock, loop_time
from ..config.destination import Destination, WebhookURL
from ..config.model import WebhookConfig
from ..config.network import proxy_secrets
from ..config.redis_address import is_redis_url, parse_redis_url
from ..config.renewal import Renews, parts_to_renew
from ..config.sources import read_values
from ..errors import NotRunningError
from ..events.accounting import Counters, Stats
from ..events.factory import departed_event, notice_event
from ..issues.source_links import SourceLinks
from ..redaction.known_values import address_secrets, secret_values
from ..redaction.redactor import Redactor
from ..storage import DEFAULT_FILE_MB, DEFAULT_MEMORY_MB, make_outbox, storage_path
from ..storage.button_key import ButtonKeys
from ..storage.maintenance import Upkeep, hand_over
from ..storage.mask_key import keep_mask_key
from .intake import Intake
from .json_log import JsonLog
from .overrides import Overrides
from .router import Router, fallbacks
from .supervisor import Supervisor, Work

_log = logging.getLogger(__name__)
_EXPIRE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 1.0
_DEPARTED_SECONDS: Final = 20.0
# The JSON log gets at least this long for its last lines, even after the deadline.
_LEAST_SECONDS: Final = 0.5
# Key of the state which says that waiting events were accepted under other rules of redaction.
_AGAIN: Final = "redaction/again"
# At a stop: how long an unavailable storage file is waited for, how often it is tried, and how long closing takes.
_DISPLACED_SECONDS: Final = 3.0
_RETRY_SECONDS: Final = 0.1
_CLOSE_SECONDS: Final = 0.3


class Pipeline:
    """Everything that accepts and stores events.

    On the intake's thread, `on_open` is called with the destinations whose URLs the storage holds, and `on_put` with the names
    of destinations that got events.
    """

    def __init__(
        self,
        config: WebhookConfig,
        *,
        clock: Clock,
        on_open: Callable[[Sequence[Destination]], None],
        on_put: Callable[[set[str]], None],
    ) -> None:
        self.config = config
        self.clock = clock
        self.counters = Counters()
        self.button_keys = ButtonKeys()
        self.storage = storage_path(config.storage, config.process_name)
        self.upkeep = Upkeep(config, self.counters, clock)
        self.outbox = make_outbox(
            config.storage,
            config.storage_max_events,
            self.upkeep.on_loss,
            config.storage_max_mb,
            process_name=config.process_name,
            clock=clock,
            on_moved=lambda name, count: self.counters.add(name, "forwarded", count),
            on_notice=lambda text: self.intake.submit(notice_event(text, now=clock.now())),
        )
        # Kept over changes of the settings: an old token is still a secret.
        self._secrets: set[str] = set()
        router = Router(config.destinations)
        self.overrides = Overrides(self.outbox, router, self.counters, clock, config.bot_version, self.outbox.fleet)
        self.intake = Intake(
            self.outbox,
            self._make_redactor(config),
            router,
            self.counters,
            max_events=config.storage_max_events,
            on_open=self._open,
            on_put=on_put,
            gate=self.overrides,
            clock=clock,
            max_mb=config.storage_max_mb or (DEFAULT_MEMORY_MB if self.storage is None else DEFAULT_FILE_MB),
        )
        self.json_log: JsonLog | None = None
        self._started = clock.now()
        self.intake.links = SourceLinks(config.source_url, started=self._started)
        self.overrides.deploys.on_news = lambda: self.intake.post(self._show_deploys)
        self._chores = Supervisor()
        self._on_open = on_open

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of all destinations in use: those of the settings, and those of `/webhooks setup`."""
        return self.intake.router.names

    @property
    def all_destinations(self) -> tuple[Destination, ...]:
        """All destinations in use."""
        return self.intake.router.destinations

    @property
    def redactor(self) -> Redactor:
        """The redactor of the current settings."""
        return self.intake.redactor

    def snapshot(self) -> Stats:
        """Return the counters; call it on the intake's thread while that runs."""
        # Destinations that are no longer in the settings still count.
        return self.intake.snapshot(dict.fromkeys([*self.destinations, *self.counters.destinations]))

    def peek(self) -> Stats:
        """Return the counters without asking the storage, so that it never blocks; from any thread."""
        incoming, refused = self.intake.peek()
        names = dict.fromkeys([*self.destinations, *self.counters.destinations], 0)
        stats = self.counters.snapshot(names, incoming)
        known = {name: replace(each, pending=max(each.waiting, 0)) for name, each in stats.destinations.items()}
        return replace(stats, destinations=known, refused=refused)

    def adopt(self, urls: Mapping[str, WebhookURL]) -> list[Destination]:
        """Add destinations of stored URLs to those of the settings, and return them. From any thread."""
        options = self.config.destination_options
        added = [Destination(name, url, **options.get(name, {})) for name, url in urls.items()]
        self.add_secrets(destination.url.token for destination in added)
        self.intake.router.add(added)
        return added

    def add_secrets(self, values: Iterable[str]) -> None:
        """Redact these values too, in every encoding."""
        values = set(values)
        self._secrets |= values
        self.redactor.add_secrets(values)

    async def reconfigure(self, config: WebhookConfig) -> list[Destination]:
        """Replace redactor and router between two events; returns all destinations in use, those of the storage too.

        Raises when the settings cannot be used; then nothing has changed.
        """
        redactor, router = self._make_redactor(config), Router(config.destinations)
        if not self.intake.is_alive:
            # Before the storage is open, its URLs are not known.
            return self._exchange(config, redactor, router, {})
        # Steps that may fail come first. Then earlier events are filed, whose destinations may be removed below.
        stored = await self.intake.run(self._stored_urls, config)
        await self.intake.settle()
        return await self.intake.run(self._exchange, config, redactor, router, stored)

    def report_losses(self, destination: str) -> None:
        """Tell a destination, to which messages get through again, which events were lost."""
        text = self.upkeep.report_losses(destination)
        if text:
            self.intake.file(destination, notice_event(text, now=self.clock.now()))

    def redact_text(self, text: str) -> str:
        """Return a text without secrets."""
        return self.redactor.redact_text(text)

    def start(self, *chores: Work) -> None:
        """Open the storage and maintain it; `chores` run as tasks beside it. A second call starts what has ended."""
        self._chores.abandon()
        self._use_json_log(self.config, self.config)
        self.intake.start()
        for work in (self._keep_house, self._watch_intake, self._watch_fleet, *chores):
            self._chores.run(work.__name__.strip("_").replace("_", " "), work)

    async def stop(self, deadline: float) -> None:
        """Log what becomes of waiting events, close the storage and end the thread, by `deadline` (loop time)."""
        await self._chores.stop()
        if self.outbox.is_displaced:
            # Waiting events are in memory only: a file that is locked for a moment is worth waiting for.
            deadline = max(deadline, loop_time() + _DISPLACED_SECONDS)
        with contextlib.suppress(TimeoutError, NotRunningError):
            async with asyncio.timeout_at(deadline):
                await self.intake.settle()
                await self._return_to_file(deadline)
                if left := await self.intake.run(self._leave_rest):
                    _log.warning("%s", left)
        if not await self.intake.stop(deadline):
            _log.error("the storage did not answer before the stop; it is closed once it answers")
        if self.json_log is not None:
            log, self.json_log, self.intake.mirror = self.json_log, None, None
            left = max(deadline - loop_time(), _LEAST_SECONDS)
            if not await asyncio.to_thread(log.stop, left):
                _log.error("WEBHOOK_JSON_LOG: the disk did not answer before the stop; the rest is written once it answers")

    async def _return_to_file(self, deadline: float) -> None:
        """Wait for an unavailable file while events would be lost without it; leaves time to close it."""
        until = min(deadline, loop_time() + _DISPLACED_SECONDS) - _CLOSE_SECONDS
        while self.outbox.is_displaced and loop_time() < until and await self.intake.run(self.outbox.depths):
            await self.intake.run(self.intake.care.look)
            await self.clock.sleep(_RETRY_SECONDS)

    def _use_json_log(self, config: WebhookConfig, before: WebhookConfig) -> None:
        """Open the JSON log that the settings ask for; none while a privacy setting is invalid."""
        names = ("json_log", "json_log_max_mb", "hold_reason")
        old = self.json_log
        if old is not None and old.is_alive and all(getattr(config, name) == getattr(before, name) for name in names):
            return
        if old is not None:
            old.end()
        self.json_log = None
        if config.json_log is not None and config.hold_reason:
            _log.error("WEBHOOK_JSON_LOG: nothing is written while %s", config.hold_reason)
        elif config.json_log is not None:
            self.json_log = JsonLog(config.json_log, config.json_log_max_mb, self._tell_of_json_log, after=old)
        self.intake.mirror = self.json_log

    def _tell_of_json_log(self, text: str) -> None:
        self.intake.submit(notice_event(text, now=self.clock.now()))

    async def _keep_house(self) -> None:
        """Expire old events and store the counts of mutes, every minute, until cancelled."""
        while True:
            await self.clock.sleep(_EXPIRE_SECONDS)
            await self.intake.run(self._begin_house_keeping)
            # In parts, so that the intake does other work in between.
            while await self.intake.run(self.upkeep.expire_some, self.outbox):
                pass
            for name in self.destinations:
                # Not only after a delivery: the next one may come late or never.
                self.report_losses(name)

    async def _watch_intake(self) -> None:
        """Start the thread again when it has ended, until cancelled."""
        while True:
            await self.clock.sleep(_LOOK_SECONDS)
            if not self.intake.is_alive:
                _log.error("the thread that owns the storage had ended and is started again")
                self.intake.start()

    async def _watch_fleet(self) -> None:
        """Report processes of the fleet that ended without saying so, until cancelled."""
        while True:
            await self.clock.sleep(_DEPARTED_SECONDS)
            for member in await self.intake.run(self.outbox.fleet.take_departed):
                self.intake.submit(departed_event(member.name, member.host, member.shards, member.seen, now=self.clock.now()))

    # -- on the intake's thread

    def _open(self) -> None:
        """Load choices, and count what an earlier process left as accepted, unless this manager has counted it before."""
        # First, because the mask key is needed to redact the first event.
        keep_mask_key(self.outbox, self.redactor)
        self.button_keys.load(self.outbox)
        self.intake.redacts_again |= bool(self.outbox.read_state(_AGAIN))
        if self.config.hold_reason or self.intake.redacts_again:
            self._redact_again()
        self.overrides.load()
        stored = self.adopt(self._stored_urls(self.config))
        waiting = {name: depth.entries for name, depth in self.outbox.depths().items()}
        known = self.counters.snapshot(dict.fromkeys({*self.destinations, *waiting}, 0), 0).destinations
        for name, stats in known.items():
            self.counters.add(name, "accepted", waiting.get(name, 0) - stats.waiting)
        self.move_unconfigured()
        self._on_open(stored)

    def _exchange(
        self, config: WebhookConfig, redactor: Redactor, router: Router, stored: Mapping[str, WebhookURL]
    ) -> list[Destination]:
        redactor.continue_from(self.redactor)
        # Some may have been added since it was made.
        redactor.add_secrets(self._secrets)
        if config.hold_reason or Renews.REDACTOR in parts_to_renew(self.config, config):
            self._redact_again()
        before, self.config, self.upkeep.config = self.config, config, config
        self.intake.redactor, self.intake.router = redactor, router
        self.intake.links = SourceLinks(config.source_url, started=self._started)
        self.adopt(stored)
        if self.json_log is not None or self.intake.is_alive:
            self._use_json_log(config, before)
        self.overrides.use_router(router)
        if self.intake.is_alive:
            self.overrides.issues.use_version(config.bot_version)
        else:
            self.overrides.issues.version = config.bot_version
        return list(router.destinations)

    def move_unconfigured(self) -> None:
        """Move events of destinations that are no longer in the settings to others. On the intake's thread."""
        for name in set(self.outbox.depths()) - set(self.destinations):
            target = next((other for other in fallbacks(name) if other in self.destinations), None)
            if target is not None and hand_over(self.outbox, self.counters, name, target):
                self.intake.on_put({target})
                # The rest later, after the calls that wait for this thread.
                self.intake.post(self.move_unconfigured)

    def _stored_urls(self, config: WebhookConfig) -> dict[str, WebhookURL]:
        """Return the URLs that `/webhooks setup` stored, except for names that have one in the settings."""
        configured = {destination.name for destination in config.destinations}
        return {name: url for name, url in self.overrides.stored_urls().items() if name not in configured}

    def _redact_again(self) -> None:
        """Redact waiting events again when they are sent, also after a restart, because the rules changed or will change."""
        self.intake.redacts_again = True
        # Before the start there is no storage; `_open` calls this again.
        if self.intake.is_alive:
            self.outbox.write_state({_AGAIN: True})

    def _begin_house_keeping(self) -> None:
        # `move_unconfigured` again: an event for a removed destination may have been filed since the settings changed.
        parts = (self.intake.care.look, self.overrides.save_tallies, self._show_deploys, self.move_unconfigured)
        for part in (self._redact_no_more, *parts, lambda: self.upkeep.forget_old(self.outbox)):
            # Guarded one by one: one that fails, over an unreadable row, say, must not stop the others.
            self.intake.guard(part)

    def _redact_no_more(self) -> None:
        """Note that no event redacted under earlier rules waits any more."""
        is_sender = self.outbox.fleet.term is not None
        if is_sender and self.intake.redacts_again and not self.config.hold_reason and not self.outbox.depths():
            self.intake.redacts_again = False
            self.outbox.write_state({_AGAIN: None})

    def _show_deploys(self) -> None:
        """Update the events of versions that were deployed a while ago."""
        for event in self.overrides.deploys.take_news(self.clock.now()):
            self.intake.submit(event)

    def _leave_rest(self) -> str:
        self.overrides.save_tallies()
        self.intake.care.look()
        return self.upkeep.leave_rest(self.outbox)

    def _make_redactor(self, config: WebhookConfig) -> Redactor:
        """Return the redactor of a configuration, with the secrets of the environment, of `.env` and of the settings."""
        self._secrets.update(destination.url.token for destination in config.destinations)
        if config.proxy is not None:
            self._secrets.update(proxy_secrets(config.proxy))
        if is_redis_url(config.storage):
            self._secrets.update(parse_redis_url(config.storage).secrets)
        for address in (config.fallback_url, config.heartbeat_url):
            if address is not None:
                self._secrets |= address_secrets(address.get_secret_value())
        return Redactor(
            mask_user_ids=config.mask_user_ids,
            mask_level=config.mask_level,
            include_stack_traces=config.include_stack_traces,
            secrets=secret_values(read_values()) | self._secrets,
            patterns=config.redact_patterns,
        )
