"""The sign of life goes out while everything is healthy, and only then; against a real server."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from statsbot_webhooks import WebhookConfig, get_webhook_manager, load_webhook_config
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.sandbox import Sandbox

from ...clocks import SkippingClock
from ...conftest import running_bot

SECRET = "5eCrEt-check-id"


@dataclass
class Switch:
    """A dead man's switch: counts what it hears."""

    url: str = ""
    status: int = 200
    heard: list[str] = field(default_factory=list)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    switch = Switch()

    async def hear(request: web.Request) -> web.Response:
        switch.heard.append(request.path)
        return web.Response(status=switch.status)

    app = web.Application()
    app.router.add_get("/{check}", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    switch.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{SECRET}"
    yield switch
    await runner.cleanup()


@pytest.fixture
def beats(env: pytest.MonkeyPatch, switch: Switch) -> Switch:
    env.setenv("WEBHOOK_HEARTBEAT_URL", switch.url)
    env.setenv("WEBHOOK_HEARTBEAT_INTERVAL_SECONDS", "0.2")
    return switch


async def test_a_healthy_bot_is_heard_again_and_again(sandbox: Sandbox, beats: Switch) -> None:
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: len(beats.heard) >= 2, 20)
    heard = len(beats.heard)
    assert set(beats.heard) == {f"/{SECRET}"}
    await asyncio.sleep(0.5)
    assert len(beats.heard) == heard


async def test_silence_while_a_webhook_is_gone(sandbox: Sandbox, beats: Switch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "statsbot_webhooks")
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: beats.heard, 20)
        sandbox.fault("info", "404")
        await get_webhook_manager().admin.send_test("info")
        await sandbox.wait_until(lambda: "not sent: info is gone" in caplog.text, 20)
        heard = len(beats.heard)
        await asyncio.sleep(0.5)
        assert len(beats.heard) == heard
        sandbox.heal("info")
        await get_webhook_manager().admin.send_test("info")
        await sandbox.wait_until(lambda: len(beats.heard) > heard, 20)
        await sandbox.wait_until(lambda: "works again" in caplog.text, 20)
    assert caplog.text.count("not sent") == 1


async def test_a_bot_that_fails_when_it_is_asked_is_silent_until_it_answers(
    sandbox: Sandbox, beats: Switch, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "statsbot_webhooks")
    async with running_bot(sandbox) as bot:
        await sandbox.wait_until(lambda: beats.heard, 20)
        with monkeypatch.context() as patch:
            patch.setattr(bot, "is_ready", lambda: 1 / 0)
            await sandbox.wait_until(lambda: "cannot say how it is (ZeroDivisionError)" in caplog.text, 20)
            heard = len(beats.heard)
            await asyncio.sleep(0.5)
            assert len(beats.heard) == heard
        await sandbox.wait_until(lambda: len(beats.heard) > heard and "works again" in caplog.text, 20)


async def test_a_failing_switch_is_told_once_and_without_its_address(
    sandbox: Sandbox, beats: Switch, caplog: pytest.LogCaptureFixture
) -> None:
    beats.status = 500
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: len(beats.heard) >= 3, 20)
    assert caplog.text.count("answered with status 500") == 1
    assert SECRET not in caplog.text


async def test_an_address_nobody_listens_at(
    sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, unused_tcp_port: int
) -> None:
    env.setenv("WEBHOOK_HEARTBEAT_URL", f"http://127.0.0.1:{unused_tcp_port}/{SECRET}")
    env.setenv("WEBHOOK_HEARTBEAT_INTERVAL_SECONDS", "0.2")
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: "failed with ClientConnectorError" in caplog.text, 20)
    assert SECRET not in caplog.text


def test_the_address_is_a_secret_and_no_destination() -> None:
    config = load_webhook_config({"WEBHOOK_HEARTBEAT_URL": f"https://hc.example/{SECRET}"})
    assert SECRET not in repr(config)
    assert config.destinations == ()
    assert config.heartbeat_url is not None
    assert config.heartbeat_url.get_secret_value().endswith(SECRET)
    for wrong in (SECRET, f"ftp://x/{SECRET}"):
        with pytest.raises(ConfigError, match=r"WEBHOOK_HEARTBEAT_URL.*must be an address") as caught:
            load_webhook_config({"WEBHOOK_HEARTBEAT_URL": wrong})
        assert SECRET not in str(caught.value)
        with pytest.raises(ConfigError, match="WEBHOOK_HEARTBEAT_URL"):
            WebhookConfig(heartbeat_url=wrong)


async def test_silence_while_the_storage_hangs(sandbox: Sandbox, beats: Switch, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that does not finish one call is told after half a minute, and so is its end."""
    caplog.set_level(logging.INFO, "statsbot_webhooks")
    clock, goes_on = SkippingClock(), threading.Event()
    async with running_bot(sandbox):
        manager = get_webhook_manager()
        manager._intake._clock = clock  # type: ignore[attr-defined]
        await sandbox.wait_until(lambda: beats.heard, 20)
        manager._intake.post(goes_on.wait)  # type: ignore[attr-defined]
        await sandbox.wait_until(lambda: manager._intake._busy_since is not None, 20)  # type: ignore[attr-defined]
        clock.skip(29)
        assert manager.host.find_delivery_problem() == ""  # type: ignore[attr-defined]
        clock.skip(2)
        await sandbox.wait_until(lambda: "not sent: the storage does not answer" in caplog.text, 20)
        heard = len(beats.heard)
        await asyncio.sleep(0.5)
        assert len(beats.heard) == heard
        goes_on.set()
        await sandbox.wait_until(lambda: len(beats.heard) > heard, 20)
