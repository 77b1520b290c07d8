"""A plain `discord.Client`, which can load no extension: everything that is captured of it, from its `setup_hook` to its end.

What the extension does for a bot is in `cog.py`; the slash commands are for bots only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import discord

from .. import runtime
from ..config.model import WebhookConfig
from ..patching import add_listeners, patch_attribute, watch_calls
from ..runtime import setup_webhook_logging
from ..webhook_manager import WebhookManager
from .bot_capture import BotCapture


async def watch_client(client: discord.Client, config: WebhookConfig | None = None) -> WebhookManager:
    """Do for a client what the extension does for a bot, but for the slash commands; call it in `setup_hook`.

    Captures log records, errors of events, of the command tree if there is one, of views and tasks, members, performance and
    the client's life. It ends by itself when the client is closed. A second call for the same client does nothing. Without a
    config the manager of the process is used, or one is made of the environment and `.env`.
    """
    if not isinstance(client, discord.Client):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"watch_client: a discord.Client is wanted, this is {type(client).__name__}")
    manager = runtime.find_usable_manager() if config is None else None
    if runtime.is_held(client):
        return runtime.get_webhook_manager()
    manager = manager or setup_webhook_logging(config)
    await _WatchedClient(client, manager).start()
    return manager


class _WatchedClient:
    """The life of the hooks on a client."""

    def __init__(self, client: discord.Client, manager: WebhookManager) -> None:
        self.bot = client
        self.manager = manager
        self._hooks = BotCapture(client, manager)
        self._stack = ExitStack()
        self._has_ended = False

    async def start(self) -> None:
        """Start delivering and install the hooks."""
        await self._hooks.join()
        self._hooks.install()
        self._watch_close()
        add_listeners(self._stack, self.bot, {"on_ready": self._on_ready})
        if self.bot.is_ready():
            await self._on_ready()

    def _watch_close(self) -> None:
        # The exception that ends the client is known where `close` is called; what waits is delivered in the last part of it,
        # which runs as long as the client is closed. So no frame of ours stands in what the client's own `close` raises.
        watch_calls(self._stack, self.bot, "close", lambda *_: self._hooks.capture.report_exception(is_closed=True))
        end = self.end

        def make(original: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
            async def close() -> None:
                try:
                    await original()
                finally:
                    await end()

            return close

        patch_attribute(self._stack, self.bot.http, "close", make)

    async def end(self) -> None:
        """Deliver what waits, and undo everything in reverse."""
        if self._has_ended:
            return
        self._has_ended = True
        await self._hooks.drain()
        self._hooks.uninstall(is_closing=True)
        self._stack.close()
        await self._hooks.leave(is_closing=True)

    async def _on_ready(self) -> None:
        self._hooks.sign()
