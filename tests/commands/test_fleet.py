"""`/webhooks` and buttons in a fleet, where the interaction comes to a process that does not send."""

from __future__ import annotations

import logging
import re
from contextlib import AsyncExitStack

import pytest

from statsbot_webhooks import load_webhook_config
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


@pytest.mark.real_time
@pytest.mark.slow
async def test_a_press_and_the_status_in_a_process_that_does_not_send(
    owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch
) -> None:
    env.setenv("WEBHOOK_PROCESS_NAME", "cluster-0")
    async with AsyncExitStack() as later, steered_bot(sandbox) as bot:
        _log.error("order %d failed", 1)
        shown = await posted(sandbox)
        fleet = bot.cogs["Webhooks"].manager._outbox.fleet
        env.setenv("WEBHOOK_PROCESS_NAME", "cluster-1")
        # It is there until the bot has ended, so that what that one says last is sent.
        other = await later.enter_async_context(running_manager(load_webhook_config()))
        await sandbox.wait_until(lambda: fleet.has_others)
        fleet.resign()
        await sandbox.wait_until(lambda: other._outbox.fleet.may_send)
        assert not fleet.may_send
        assert "is acknowledged by olivia" in (await press(sandbox, shown, "Acknowledge")).text
        await sandbox.wait_until(lambda: "Acknowledged by olivia" in card(sandbox).content)
        text = await call(sandbox, "status")
        assert re.search(r"cluster-0 on \S+ · .*seen \d+ s ago\n", text)
        assert re.search(r"cluster-1 on \S+ · .*seen \d+ s ago · \*\*sends for all\*\*", text)
        assert re.search(r"events? of all processes waits?; the counts above are of this process", text)
