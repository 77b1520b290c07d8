"""The host's console at DEBUG shows no token of our webhooks, and of the host's own what it always shows."""

from __future__ import annotations

import io
import logging

import aiohttp
import discord
import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager


async def test_the_console_shows_no_token_of_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.StringIO()
    handler = logging.StreamHandler(console)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        url, own = sandbox.webhook_url("error"), sandbox.webhook_url("info")
        config = WebhookConfig(error_webhook_url=url, storage="memory://", batch_timeout_seconds=0.05)
        async with running_manager(config) as manager, aiohttp.ClientSession() as session:
            await manager.send_log(LogLevel.ERROR, "something")
            await manager.flush(5)
            await discord.Webhook.from_url(own, session=session).send("the host's own")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    printed = console.getvalue()
    token, own_token = url.rsplit("/", 1)[1], own.rsplit("/", 1)[1]
    assert "has returned status code" in printed
    assert token not in printed
    assert own_token in printed
