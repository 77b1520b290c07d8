"""The connections of earlier settings end with their last request, and not only with the bot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks.config.network import Network
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..scenarios.test_faults import config, looked_up


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[aiohttp.ClientSession]:
    opened: list[aiohttp.ClientSession] = []
    open_session = Network.open_session

    def note(network: Network, **options: Any) -> aiohttp.ClientSession:
        opened.append(open_session(network, **options))
        return opened[-1]

    monkeypatch.setattr(Network, "open_session", note)
    return opened


async def test_a_session_without_a_request_is_closed_at_once(
    sandbox: Sandbox, urls: dict[str, Any], sessions: list[aiohttp.ClientSession]
) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        for seconds in (7.0, 8.0, 9.0):
            await manager.reconfigure(replace(manager.config, send_timeout_seconds=seconds))
        await sandbox.wait_until(lambda: [session.closed for session in sessions] == [True, True, True, False])
        await manager.send_log("ERROR", "through the new one")
        await sandbox.wait_for_message("error", "through the new one")
    assert all(session.closed for session in sessions)


async def test_a_session_with_a_request_is_closed_after_it(
    sandbox: Sandbox, urls: dict[str, Any], sessions: list[aiohttp.ClientSession]
) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("error", "slow", times=1, delay=2.0)
        await manager.send_log("ERROR", "under way")
        await sandbox.wait_until(lambda: sandbox._faults.by_name["error"].times == 0)
        await manager.reconfigure(replace(manager.config, send_timeout_seconds=7.0))
        assert [session.closed for session in sessions] == [False, False]
        await sandbox.wait_for_message("error", "under way")
        await sandbox.wait_until(lambda: [session.closed for session in sessions] == [True, False])
        stats = await manager.stats()
        assert (len(sandbox.messages("error")), stats.delivered, manager.workers["error"].last_error) == (1, 1, "")


async def test_a_stop_closes_all(sandbox: Sandbox, urls: dict[str, Any], sessions: list[aiohttp.ClientSession]) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("error", "no_answer", times=1)
        await manager.send_log("ERROR", "under way")
        await sandbox.wait_until(lambda: sandbox._faults.by_name["error"].times == 0)
        await manager.reconfigure(replace(manager.config, send_timeout_seconds=7.0))
        await manager.stop(0.5)
        assert [session.closed for session in sessions] == [True, True]
