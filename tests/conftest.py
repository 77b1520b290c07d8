"""The sandbox, a running bot, and the check that a test leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.sandbox import Sandbox

NAMES = ("error", "info", "performance", "member_events")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        with sandbox.redirect():
            yield sandbox


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """The storage file of each test is its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def urls(sandbox: Sandbox) -> dict[str, str]:
    return {f"{name}_webhook_url": sandbox.webhook_url(name) for name in NAMES}


@pytest.fixture
def env(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Four URLs in the environment, as a user has them, and a short batch timeout."""
    for name in NAMES:
        monkeypatch.setenv(f"WEBHOOK_{name.upper()}_URL", sandbox.webhook_url(name))
    monkeypatch.setenv("WEBHOOK_BATCH_TIMEOUT", "0.2")
    monkeypatch.setenv("WEBHOOK_ADMIN_GUILD_ID", str(sandbox.guild_id))
    return monkeypatch


@asynccontextmanager
async def running_manager(config: WebhookConfig) -> AsyncIterator[WebhookManager]:
    manager = WebhookManager(config)
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop(5)


@asynccontextmanager
async def running_bot(
    sandbox: Sandbox, kind: type[commands.Bot] = commands.Bot, extension: str = "statsbot_webhooks"
) -> AsyncIterator[commands.Bot]:
    """A real bot with the extension loaded before login, ready."""
    bot = kind("!", intents=discord.Intents.all())
    ready = asyncio.Event()

    async def on_ready() -> None:
        ready.set()

    bot.add_listener(on_ready)
    async with bot:
        await bot.load_extension(extension)
        running = asyncio.create_task(bot.start(sandbox.bot_token))
        try:
            async with asyncio.timeout(15):
                await ready.wait()
            yield bot
        finally:
            await bot.close()
            await asyncio.wait([running])


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    threads, handlers = set(threading.enumerate()), list(logging.getLogger().handlers)
    yield
    left = [
        thread.name
        for thread in set(threading.enumerate()) - threads
        # The executor of an event loop ends with the loop, which may outlive the test.
        if not thread.name.startswith("asyncio_")
    ]
    assert not left
    ours = [h for h in logging.getLogger().handlers if h not in handlers and type(h).__module__.startswith("statsbot")]
    assert not ours
