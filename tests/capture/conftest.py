"""A bot and what was captured of it, for tests of single hooks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.events.event import Event


@pytest.fixture
async def bot() -> AsyncIterator[commands.Bot]:
    """A real bot that never logs in."""
    async with commands.Bot("!", intents=discord.Intents.all()) as bot:
        yield bot


@pytest.fixture
def events() -> list[Event]:
    """Where a test lets its hooks put what they capture."""
    return []
