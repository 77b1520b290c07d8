"""The pytest plugin: `discord_sandbox`, `bot_in_sandbox`, `captured_events` and what they stand on.

pytest loads it by its entry point; no fixture does anything before a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from statsbot_webhooks.sandbox import Sandbox

from .captured import CapturedEvents
from .running import BotRunner
from .skipping import SkippedTime

if TYPE_CHECKING:
    async_fixture = pytest.fixture
else:
    try:
        from pytest_asyncio import fixture as async_fixture
    except ImportError:  # Then tests with `async def` do not run either.
        async_fixture = pytest.fixture

_NAMES: Final = ("error", "info", "performance", "member_events")


@pytest.fixture
def discord_sandbox_options() -> dict[str, Any]:
    """Return the arguments of `Sandbox`: override it for a sandbox without rate limits, with shards, ..."""
    return {}


@pytest.fixture
def discord_sandbox(discord_sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A local Discord that discord.py of this process talks to, for one test."""
    with Sandbox(**discord_sandbox_options) as sandbox, sandbox.redirect():
        yield sandbox


@pytest.fixture
def webhook_settings(discord_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Settings of this package for a bot in the sandbox, instead of those of your environment and your `.env`.

    Four webhooks, the storage in memory, short waits, no events about the bot's own life. Returns the `monkeypatch`
    that set them, to set more.
    """
    for name in [name for name in os.environ if name.startswith("WEBHOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name in _NAMES:
        monkeypatch.setenv(f"WEBHOOK_{name.upper()}_URL", discord_sandbox.webhook_url(name))
    monkeypatch.setenv("WEBHOOK_STORAGE", "memory://")
    monkeypatch.setenv("WEBHOOK_BATCH_TIMEOUT", "0.1")
    monkeypatch.setenv("WEBHOOK_LIFECYCLE", "false")
    monkeypatch.setenv("WEBHOOK_ADMIN_GUILD_ID", str(discord_sandbox.guild_id))
    monkeypatch.setenv("DISCORD_TOKEN", discord_sandbox.bot_token)
    return monkeypatch


@async_fixture
async def bot_in_sandbox(
    discord_sandbox: Sandbox, webhook_settings: pytest.MonkeyPatch, captured_events: CapturedEvents
) -> AsyncIterator[BotRunner]:
    """Run bots in the sandbox: `bot = await bot_in_sandbox(MyBot())`; they are closed when the test ends.

    `captured_events` starts before any bot does, so it has every event, also when a test asks for it last.
    """
    skipped = SkippedTime(discord_sandbox)
    with skipped.active():
        runner = BotRunner(discord_sandbox, skipped)
        try:
            yield runner
        finally:
            await runner.close()


@pytest.fixture
def captured_events(discord_sandbox: Sandbox) -> Iterator[CapturedEvents]:
    """The events that this package captured of the bot, as soon as they are accepted."""
    with CapturedEvents(discord_sandbox).listening() as events:
        yield events
