"""Lifecycle hooks: listeners for online, gateway gaps, servers joined and left, stopped. The events are made in `events`."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import discord

from ...config.version import PACKAGE_VERSION, find_version
from ...events.event import Event, Person
from ...patching import add_listeners
from ..errors.extension_hooks import is_closing
from ..guard import Guard
from ..health.process_probe import process_uptime
from .events import gateway_event, guild_event, life_event
from .gateway_gaps import GatewayConnection

Submit = Callable[[Event], object]


class LifecycleHooks:
    """Listen to what happens to the bot as a whole. A gap of the gateway is shown from `gap_seconds` on."""

    def __init__(
        self, bot: discord.Client, submit: Submit, *, now: Callable[[], float], gap_seconds: float, version: str = ""
    ) -> None:
        self._bot = bot
        self._submit = submit
        self._now = now
        self._gap_seconds = gap_seconds
        self._version = version
        # By shard; a bot without shards has one connection, None.
        self._connections: dict[int | None, GatewayConnection] = {}
        self._timers: dict[int | None, asyncio.TimerHandle] = {}
        self._is_online = False
        self._gaps = 0
        self.guard = Guard("an event of the bot's life")

    @property
    def offline_shards(self) -> set[int | None]:
        """The shards that are disconnected; None stands for the one connection of a bot without shards."""
        return {shard for shard, connection in self._connections.items() if connection.is_down}

    def take_gaps(self) -> int:
        """Return how often a shard lost its connection since the last call."""
        gaps, self._gaps = self._gaps, 0
        return gaps

    def install(self, stack: ExitStack) -> None:
        """Add the listeners; the stack removes them, and submits that the bot has stopped."""
        # A bot that is ready now was ready before the extension was loaded.
        if self._bot.is_ready():
            self.guard.call(self._tell_start, is_bot_start=False)
        stack.callback(self.tell_stop)
        stack.callback(self._cancel_timers)
        listeners: list[Callable[..., Any]] = [self._on_ready, self._on_guild_join, self._on_guild_remove]
        if isinstance(self._bot, discord.AutoShardedClient):
            listeners += [self._on_shard_disconnect, self._on_shard_resumed, self._on_shard_ready]
        else:
            listeners += [self._on_disconnect, self._on_resumed]
        add_listeners(stack, self._bot, {listener.__name__.removeprefix("_"): listener for listener in listeners})

    # -- online and stopped

    async def _on_ready(self) -> None:
        self.guard.call(self._ready)

    def _ready(self) -> None:
        if not self._is_online:
            self._tell_start(is_bot_start=True)
        elif not isinstance(self._bot, discord.AutoShardedClient):
            self._up(None, is_resumed=False)

    def _tell_start(self, *, is_bot_start: bool) -> None:
        self._is_online = True
        bot = self._bot
        facts = {
            "type": "start",
            "is_bot_start": is_bot_start,
            "servers": len(bot.guilds),
            "members": sum(guild.member_count or 0 for guild in bot.guilds),
            "shards": len(bot.shards) if isinstance(bot, discord.AutoShardedClient) else None,
            "version": self._version,
            "commit": find_version().commit,
            "bot": str(bot.user.id) if bot.user else "",
            **_process_facts(self._now()),
        }
        text = f"{bot.user.name if bot.user else 'The bot'} is online." if is_bot_start else "The extension was loaded."
        self._submit(life_event(text, facts, now=self._now()))

    def tell_stop(self) -> None:
        """Submit once that the bot, or the extension, has stopped."""
        self.guard.call(self._tell_stop)

    def _tell_stop(self) -> None:
        if not self._is_online:
            return
        self._is_online = False
        # `cog_unload` is not told why it is called: a bot that is closed unloads its extensions too.
        closes = is_closing(self._bot)
        text = "The bot was closed." if closes else "The extension was unloaded; the bot goes on."
        self._submit(life_event(text, {"type": "stop", "is_bot_stop": closes, **_process_facts(self._now())}, now=self._now()))

    # -- the gateway

    async def _on_disconnect(self) -> None:
        self.guard.call(self._down, None)

    async def _on_shard_disconnect(self, shard: int) -> None:
        self.guard.call(self._down, shard)

    async def _on_resumed(self) -> None:
        self.guard.call(self._up, None, is_resumed=True)

    async def _on_shard_resumed(self, shard: int) -> None:
        self.guard.call(self._up, shard, is_resumed=True)

    async def _on_shard_ready(self, shard: int) -> None:
        self.guard.call(self._up, shard, is_resumed=False)

    def _down(self, shard: int | None) -> None:
        # Before the bot was online, a failing connection is an error of the host, which is logged.
        if not self._is_online:
            return
        connection = self._connections.setdefault(shard, GatewayConnection(self._gap_seconds))
        if connection.down(self._now()):
            self._gaps += 1
            self._cancel_timer(shard)
            loop = asyncio.get_running_loop()
            self._timers[shard] = loop.call_later(self._gap_seconds, self.guard.call, self._look, shard)

    def _look(self, shard: int | None) -> None:
        gaps = self._connections[shard].look(self._now())
        if gaps is not None:
            self._submit(gateway_event(shard, gaps, now=self._now()))

    def _up(self, shard: int | None, *, is_resumed: bool) -> None:
        self._cancel_timer(shard)
        connection = self._connections.get(shard)
        gaps = connection.up(self._now(), is_resumed=is_resumed) if connection is not None else None
        if gaps is not None:
            self._submit(gateway_event(shard, gaps, now=self._now()))

    def _cancel_timer(self, shard: int | None) -> None:
        timer = self._timers.pop(shard, None)
        if timer is not None:
            timer.cancel()

    def _cancel_timers(self) -> None:
        for shard in list(self._timers):
            self._cancel_timer(shard)

    # -- servers

    async def _on_guild_join(self, guild: discord.Guild) -> None:
        self.guard.call(self._tell_guild, "joined", guild)

    async def _on_guild_remove(self, guild: discord.Guild) -> None:
        self.guard.call(self._tell_guild, "left", guild)

    def _tell_guild(self, verb: str, guild: discord.Guild) -> None:
        owner = guild.owner
        names = tuple(dict.fromkeys((owner.name, owner.display_name))) if owner is not None else ()
        event = guild_event(
            verb,
            guild_id=guild.id,
            name=guild.name,
            members=guild.member_count,
            owner=Person(guild.owner_id or 0, names),
            icon_url=guild.icon.url if guild.icon is not None else "",
            guilds=len(self._bot.guilds),
            now=self._now(),
        )
        self._submit(event)


def _process_facts(now: float) -> dict[str, object]:
    return {"host": _host(), "runs_on": _versions(), "uptime": process_uptime(now)}


def _host() -> str:
    """Return the system and the name of the machine, without address, user and path."""
    return f"{platform.system()} · {platform.node() or 'unnamed'}"


def _versions() -> str:
    return f"Python {platform.python_version()} · discord.py {discord.__version__} · statsbot_webhooks {PACKAGE_VERSION}"
