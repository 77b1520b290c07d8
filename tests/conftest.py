"""The sandbox, a running bot, and the check that a test leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands
from hypothesis import HealthCheck, Phase, settings

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.capture.breadcrumbs import trail
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.users.waiting import Waiting

from . import openapi, quick_time
from .redis_server import PROGRAM, RedisServer

# The gate tries the same examples each time; `make fuzz` tries others, and `make mutate` only wants to know whether one fails.
settings.register_profile("gate", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
settings.register_profile("mutate", settings.get_profile("gate"), phases=[Phase.explicit, Phase.generate])
settings.register_profile("fuzz", deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# How long what is to happen may take: a limit for what hangs, not for a slow machine.
Waiting.wait_until.__defaults__, Waiting.wait_for_message.__defaults__ = (30.0,), ("", 30.0)

NAMES = ("error", "info", "performance", "member_events")


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """A server for all tests that only need one that works."""
    if PROGRAM is None:
        pytest.skip("there is no redis-server on this machine: apt-get install redis-server")
    server = RedisServer().start()
    yield server
    server.remove()


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """An empty server."""
    shared_redis.client().flushall()
    return shared_redis


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        with sandbox.redirect():
            yield sandbox


@pytest.fixture(autouse=True)
def no_breadcrumbs() -> None:
    """What another test has logged is not what came before an error of this one."""
    trail.clear()


@pytest.fixture(autouse=True)
def passing_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes faster while everything waits, unless a test is marked `real_time`."""
    if request.node.get_closest_marker("real_time") is None:
        quick_time.install(monkeypatch)


@pytest.fixture(scope="session")
def folders() -> list[Path]:
    return []


@pytest.fixture(autouse=True)
def own_folder(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, folders: list[Path]
) -> None:
    """The storage file of each test is its own. A folder in which a test left nothing is the next one's, too."""
    if "tmp_path" in request.fixturenames:
        folders.append(request.getfixturevalue("tmp_path"))
    elif not folders or any(folders[-1].iterdir()):
        folders.append(tmp_path_factory.mktemp("test"))
    monkeypatch.chdir(folders[-1])


@pytest.fixture
def urls(sandbox: Sandbox) -> dict[str, Any]:
    return {f"{name}_webhook_url": sandbox.webhook_url(name) for name in NAMES}


@pytest.fixture
def env(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Four URLs in the environment, as a user has them, and a short batch timeout."""
    for name in NAMES:
        monkeypatch.setenv(f"WEBHOOK_{name.upper()}_URL", sandbox.webhook_url(name))
    monkeypatch.setenv("WEBHOOK_BATCH_TIMEOUT", "0.2")
    monkeypatch.setenv("WEBHOOK_ADMIN_GUILD_ID", str(sandbox.guild_id))
    # Tests count messages; those about the bot's own life switch it on, as it is by default.
    monkeypatch.setenv("WEBHOOK_LIFECYCLE", "false")
    return monkeypatch


def everything_stored() -> str:
    """Every storage file of the test's folder, as a text."""
    return b"".join(path.read_bytes() for path in Path.cwd().glob("*.sqlite3*")).decode("utf-8", "replace")


@asynccontextmanager
async def running_manager(config: WebhookConfig, **options: Any) -> AsyncGenerator[WebhookManager]:
    manager = WebhookManager(config, **options)
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop(5)


@asynccontextmanager
async def plain_bot(sandbox: Sandbox, kind: type[commands.Bot] = commands.Bot, **options: Any) -> AsyncGenerator[commands.Bot]:
    """A real bot without the extension, ready; `options` are the bot's own."""
    async with new_bot(kind, **options) as bot, online(bot, sandbox):
        yield bot


@asynccontextmanager
async def running_bot(
    sandbox: Sandbox, kind: type[commands.Bot] = commands.Bot, extension: str = "statsbot_webhooks"
) -> AsyncGenerator[commands.Bot]:
    """A real bot with the extension loaded before login, ready."""
    async with new_bot(kind) as bot:
        await bot.load_extension(extension)
        async with online(bot, sandbox):
            yield bot


def new_bot(kind: type[commands.Bot], **options: Any) -> commands.Bot:
    # discord.py waits so long for more servers after the last one; by default it is two seconds, in every test.
    return kind("!", **{"intents": discord.Intents.all(), "guild_ready_timeout": 0.2, **options})


@asynccontextmanager
async def online(bot: commands.Bot, sandbox: Sandbox) -> AsyncGenerator[None]:
    """Log in, and be ready and know every server, until the end, when the bot is closed."""
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    bot.add_listener(on_ready)
    running = asyncio.create_task(bot.start(sandbox.bot_token))
    try:
        async with asyncio.timeout(30):
            await asyncio.wait([ready, running], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            while any(guild.unavailable for guild in bot.guilds):
                await asyncio.sleep(0.01)
        yield
    finally:
        await bot.close()
        await asyncio.wait([running])


@pytest.fixture(autouse=True)
def same_modules() -> Iterator[None]:
    """A reload of the extension makes new modules (L2), unloading takes them away; the next test gets those that it imported."""
    # What a package loads later is bound to its name too, and must be there before.
    import_module("statsbot_webhooks.cog")
    before = sys.modules.copy()
    yield
    if all(sys.modules.get(name) is module for name, module in before.items()):
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == "statsbot_webhooks"]:
        del sys.modules[name]
    sys.modules.update({name: module for name, module in before.items() if name.partition(".")[0] == "statsbot_webhooks"})


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    threads, handlers = set(threading.enumerate()), list(logging.getLogger().handlers)
    yield
    # The executor of an event loop ends with the loop, which may outlive the test.
    new = [thread for thread in set(threading.enumerate()) - threads if not thread.name.startswith("asyncio_")]
    for thread in new:
        # discord.py tells its heartbeat to end and does not wait for it; asyncio's watcher of a process ends after telling.
        if thread.name.startswith(("keep-alive-handler", "asyncio-waitpid", "waitpid-")):
            thread.join(10)
    assert not [thread.name for thread in new if thread.is_alive()]
    assert "filter" not in vars(logging.Logger)
    ours = [h for h in logging.getLogger().handlers if h not in handlers and type(h).__module__.startswith("statsbot")]
    assert not ours


@pytest.fixture(autouse=True)
def as_discord_describes_it(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every payload that a test sends to a sandbox fits Discord's own description of its API."""
    sandboxes: list[Sandbox] = []
    make = Sandbox.__init__

    def init(self: Sandbox, **options: Any) -> None:
        sandboxes.append(self)
        make(self, **options)

    monkeypatch.setattr(Sandbox, "__init__", init)
    yield
    assert not [problem for sandbox in sandboxes for problem in openapi.problems(sandbox.requests)]


@pytest.fixture(autouse=True, scope="module")
def frozen() -> None:
    """Tests and modules are no garbage: the collector, and what asks it for all objects, looks at them no more."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """Let the bots that tests start end at a signal, also where the runner ignores it, as a shell's background jobs do.

    An ignored signal stays ignored in a child process; one with a handler of Python's is back at its default there.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
