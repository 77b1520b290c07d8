"""`/webhooks` and buttons in a fleet, where the interaction comes to a process that does not send."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from discord.ext import commands

from statsbot_webhooks import host_access, load_webhook_config
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES, running_manager
from ..redis_server import RedisServer
from .test_button_presses import card, posted, press
from .test_commands import call, steered_bot

_log = logging.getLogger("shop")


@pytest.fixture
def owned(sandbox: Sandbox, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks of the bot's own, and a Redis. It comes before `env`."""
    monkeypatch.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.1")
    monkeypatch.setenv("WEBHOOK_STORAGE", redis_server.url())
    for name in NAMES:
        sandbox.webhook_url(name, owned=True)


class Cluster(commands.AutoShardedBot):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, shard_ids=[0, 1], shard_count=2)


@pytest.mark.real_time
@pytest.mark.slow
async def test_a_press_and_the_status_in_a_process_that_does_not_send(
    owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    env.setenv("WEBHOOK_PROCESS_NAME", "cluster-1")
    env.setattr(host_access, "PACKAGE_VERSION", "10.20.30")
    # It ends after the bot, so that what that one says last is sent.
    async with running_manager(load_webhook_config()) as other:
        await sandbox.wait_until(lambda: other._outbox.fleet.may_send)
        env.setenv("WEBHOOK_PROCESS_NAME", "cluster-0")
        env.setenv("WEBHOOK_BOT_VERSION", "2026.11.26-release.12345")
        async with steered_bot(sandbox, Cluster) as bot:
            await other.host.use_clients([bot])
            _log.error("order %d failed", 1)
            shown = await posted(sandbox)
            assert "is acknowledged by olivia" in (await press(sandbox, shown, "Acknowledge")).text
            await sandbox.wait_until(lambda: "Acknowledged by olivia" in card(sandbox).content)
            text = await call(sandbox, "status")
            versions = "bot 2026.11.26-release.12345, statsbot_webhooks 10.20.30"
            assert re.search(rf"cluster-0 on \S+ · shards 0-1 · {re.escape(versions)} · seen \d+ s ago\n", text)
            assert re.search(r"cluster-1 on \S+ · .*seen \d+ s ago · \*\*sends for all\*\*", text)
            assert re.search(r"events? of all processes waits?; the counts above are of this process", text)
            # More than a field holds are counted, each of the others is a whole line.
            facts = {"host": "far", "pid": 1, "version": versions, "shards": "2-3"}
            for number in range(10, 40):
                text = json.dumps({**facts, "name": f"cluster-{number}"})
                redis_server.client().hset("test:processes", str(number), text)
                redis_server.client().set(f"test:process:{number}", text, ex=60)
            text = await call(sandbox, "status")
            lines = re.findall(r"cluster-\d+ on .*seen \d+ s ago", text)
            assert 5 < len(lines) < 9
            assert f"… and {32 - len(lines)} more" in text
