"""What the parts that sit on a bot of the host ask and tell a manager (`manager.host`): hooks, commands, integrations.

What users call is in `webhook_manager.py`, and what admins may do in `admin.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import discord

from .config.network import BotClient, proxy_of_bot, proxy_secrets
from .config.version import PACKAGE_VERSION
from .delivery.channel_reader import ChannelReader
from .delivery.formatters import Formatters
from .delivery.worker_pool import WorkerPool
from .events.daily_counts import DailyCounts
from .events.event import Person
from .formatting.formatter import BotInfo
from .pipeline.assembly import Pipeline
from .pipeline.loop_calls import LoopCalls


class HostAccess:
    """A manager as the parts on its bots see it."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool, formatters: Formatters, loop: LoopCalls) -> None:
        self._pipeline = pipeline
        self._pool = pool
        self._formatters = formatters
        self._loop = loop

    @property
    def readers(self) -> list[ChannelReader]:
        """What reads channels as the bots of this process may; the first is used."""
        return self._pool.readers

    def use_bot_proxy(self, http: BotClient) -> None:
        """Send through the proxy of a bot (`bot.http`), unless the settings name another."""
        proxy = proxy_of_bot(http)
        if proxy is not None:
            self._pipeline.add_secrets(proxy_secrets(proxy))
        self._pool.use_bot_proxy(proxy)

    async def use_clients(self, clients: Sequence[discord.Client]) -> None:
        """Say which bots answer the buttons of cards: presses reach only the application that owns the webhook."""
        await self._pool.use_clients(clients)

    def describe_process(self, shards: str) -> None:
        """Say which shards this process has; the other processes of a fleet show it."""
        versions = {"bot": self._pipeline.config.bot_version, "statsbot_webhooks": PACKAGE_VERSION}
        parts = [f"{name} {version}" for name, version in versions.items() if version]
        self._pipeline.outbox.fleet.describe(", ".join(parts), shards)

    def set_bot_info(self, name: str | None, avatar_url: str | None) -> None:
        """Say whose events these are; shown when `include_bot_info` is on."""
        self._formatters.set_bot_info(BotInfo(name, avatar_url))

    def settle(self, seconds: float) -> bool:
        """Block until every accepted event is in the storage; False when `seconds` were not enough. For the process's end."""
        return self._pipeline.intake.settle_blocking(seconds)

    def take_unstored(self) -> Sequence[str]:
        """Return, encoded, what was accepted after `stop` and take it out: another manager is to accept it. From any thread."""
        return self._pipeline.intake.take_unstored()

    async def take_tally(self) -> DailyCounts:
        """Return how many events of which kind came in since the last call; for the daily summary."""
        return await self._pipeline.intake.take_tally()

    def find_delivery_problem(self) -> str:
        """Say what keeps events from arriving; nothing when all is well. A destination that was switched off is well."""
        if problem := self._pipeline.intake.find_problem():
            return problem
        if self._pool.workers:
            return ", ".join(self._pool.find_problems())
        return "no webhook is configured" if self._loop.is_on else "delivery has stopped"

    def name_of(self, user_id: int, name: str) -> str:
        """Return what a person may be called in what is shown: the name, or the pseudonym where names are hidden."""
        return self._pipeline.redactor.name_of(user_id, name)

    def clean_text(self, text: str, persons: Sequence[Person]) -> str:
        """Return what a person wrote as it may be kept: without secrets, and without `persons` where these are hidden."""
        return self._pipeline.redactor.clean_text(text, persons)

    def redact_text(self, text: str) -> str:
        """Return a text as it may be shown: without secrets."""
        return self._pipeline.redact_text(text)
