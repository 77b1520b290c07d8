"""The second way out: one message when errors have waited five minutes for Discord, one when that is over; to a real server."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from statsbot_webhooks import WebhookConfig, WebhookManager, load_webhook_config
from statsbot_webhooks.config.network import Network
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.monitoring.fallback_alert import Address, FallbackAlert
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage.base import ErrorsWaiting

from ..clocks import SkippingClock
from ..scenarios.test_proxy import Proxy, serving

TOPIC = "x7Kq2Lm9Zt4Wv8Rn"
STEP = 20.0


@dataclass
class Receiver:
    """A topic of ntfy: keeps what is posted."""

    url: str = ""
    status: int = 200
    texts: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    asked: int = 0


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def post(request: web.Request) -> web.Response:
        receiver.asked += 1
        if receiver.status == 200:
            assert request.headers["Content-Type"] == "text/plain; charset=utf-8"
            receiver.texts.append(await request.text())
            receiver.titles.append(request.headers["Title"])
        return web.Response(status=receiver.status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post(f"/{TOPIC}", post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{TOPIC}"
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def running(config: WebhookConfig, clock: SkippingClock) -> AsyncGenerator[WebhookManager]:
    manager = WebhookManager(config, clock=clock)
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop(0.5)


def config(urls: dict[str, Any], receiver: Receiver, **more: Any) -> WebhookConfig:
    return WebhookConfig(**urls, **{"fallback_url": receiver.url, "batch_timeout_seconds": 0, "breaker_failures": 1, **more})


async def skip(clock: SkippingClock, seconds: float) -> None:
    """Let time pass in steps, so that every task sees it pass."""
    for _ in range(int(seconds / STEP)):
        clock.skip(STEP)
        await asyncio.sleep(0.01)


async def until(found: Callable[[], object], clock: SkippingClock) -> None:
    """Let time pass until something is there."""
    async with asyncio.timeout(20):
        while not found():
            await skip(clock, STEP)


def break_all(sandbox: Sandbox) -> None:
    for name in ("error", "info", "performance", "member_events"):
        sandbox.fault(name, "500")


def heal_all(sandbox: Sandbox) -> None:
    for name in ("error", "info", "performance", "member_events"):
        sandbox.heal(name)


async def test_one_message_when_it_begins_and_one_when_it_is_over(
    sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver
) -> None:
    clock = SkippingClock()
    async with running(config(urls, receiver), clock) as manager:
        manager.host.set_bot_info("ShopBot", None)
        await manager.send_log("INFO", "all is well")
        await sandbox.wait_until(lambda: sandbox.messages("info"))
        break_all(sandbox)
        await manager.send_log("CRITICAL", "the words of the error")
        await skip(clock, 280)
        assert receiver.texts == []
        await until(lambda: receiver.texts, clock)
        await skip(clock, 900)
        assert len(receiver.texts) == 1
        # Once for each destination that it waits for.
        assert re.match(r"ShopBot: nothing reaches Discord: 2 errors wait, the oldest for \d+ min", receiver.texts[0])
        assert "error is failing" in receiver.texts[0]
        assert "the words of the error" not in receiver.texts[0]
        heal_all(sandbox)
        await asyncio.gather(manager.admin.send_test("info"), until(lambda: len(receiver.texts) > 1, clock))
        await skip(clock, 300)
    assert receiver.texts[1].startswith("ShopBot: Discord is reached again after ")
    assert receiver.titles == ["Bot: nothing reaches Discord", "Bot: Discord is reached again"]
    assert len(receiver.texts) == 2


@dataclass
class Delivery:
    """What is known of a delivery, as a test says it."""

    clock: SkippingClock
    since: float | None = None
    last: float | None = None
    state: Any = None

    def last_delivery(self) -> float | None:
        return self.last

    def describe_problems(self) -> str:
        return ""

    def is_of_this_process(self) -> bool:
        return True

    async def errors_waiting(self) -> ErrorsWaiting:
        return ErrorsWaiting() if self.since is None else ErrorsWaiting(1, self.since)

    async def read_state(self) -> Any:
        return self.state

    async def write_state(self, value: float | None) -> None:
        self.state = value


@asynccontextmanager
async def watching(receiver: Receiver) -> AsyncGenerator[Delivery]:
    clock = SkippingClock()
    delivery = Delivery(clock)
    alert = FallbackAlert(lambda: Address(receiver.url, Network()), delivery, clock=clock, bot_name=lambda: "")
    task = asyncio.create_task(alert.watch())
    await asyncio.sleep(0.01)
    yield delivery
    task.cancel()
    await asyncio.wait([task])


async def test_silence_while_something_arrives_and_nothing_bad_waits(receiver: Receiver) -> None:
    async with watching(receiver) as delivery:
        clock = delivery.clock
        await skip(clock, 1200)
        # An error waits all the time, and something else arrives every four minutes.
        delivery.since = clock.now()
        for _ in range(4):
            await skip(clock, 240)
            delivery.last = clock.monotonic()
        assert receiver.texts == []
        # Then nothing does any more.
        await skip(clock, 280)
        assert receiver.texts == []
        await until(lambda: receiver.texts, clock)


async def test_an_old_error_that_is_sent_again_begins_to_wait_anew(receiver: Receiver) -> None:
    async with watching(receiver) as delivery:
        clock = delivery.clock
        await skip(clock, 1200)
        # A dead letter of last week is replayed.
        delivery.since = clock.now() - 7 * 86400
        await skip(clock, 280)
        assert receiver.texts == []
        await until(lambda: receiver.texts, clock)


async def test_errors_that_are_deleted_end_it_too(receiver: Receiver) -> None:
    async with watching(receiver) as delivery:
        clock = delivery.clock
        delivery.since = clock.now()
        await until(lambda: receiver.texts, clock)
        delivery.since = None
        await until(lambda: len(receiver.texts) > 1, clock)
        await skip(clock, 600)
    assert len(receiver.texts) == 2
    assert receiver.texts[1].startswith("Bot: no error waits for Discord any more")
    assert delivery.state is None


async def test_another_destination_that_works_shows_the_outage(
    sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver
) -> None:
    clock = SkippingClock()
    sandbox.fault("error", "500")
    async with running(config(urls, receiver), clock) as manager:
        await manager.send_log("ERROR", "waits")
        await sandbox.wait_until(lambda: any("WEBHOOK_ERROR_URL" in message.text for message in sandbox.messages("info")), 20)
        await skip(clock, 1200)
    assert receiver.texts == []


async def test_a_destination_that_was_switched_off_is_no_outage(
    sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver
) -> None:
    clock = SkippingClock()
    del urls["info_webhook_url"]
    async with running(config(urls, receiver), clock) as manager:
        await manager.admin.toggle("error", False)
        await manager.send_log("ERROR", "waits by choice")
        await skip(clock, 1200)
    assert receiver.texts == []


async def test_a_restart_tells_nothing_twice_and_forgets_no_end(
    sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver
) -> None:
    clock = SkippingClock()
    break_all(sandbox)
    async with running(config(urls, receiver), clock) as manager:
        await manager.send_log("ERROR", "one")
        await skip(clock, 200)
    assert receiver.texts == []
    # What waited before the restart counts: the second process tells it after a minute.
    clock.skip(150)
    async with running(config(urls, receiver), clock):
        await until(lambda: receiver.texts, clock)
    async with running(config(urls, receiver), clock) as manager:
        await skip(clock, 1200)
        assert len(receiver.texts) == 1
        heal_all(sandbox)
        await asyncio.gather(manager.admin.send_test("error"), until(lambda: len(receiver.texts) > 1, clock))
    assert "is reached again" in receiver.texts[1]


@pytest.mark.parametrize("status", [500, 302])
async def test_an_address_that_fails_is_said_once_and_tried_again(
    sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG, "statsbot_webhooks")
    clock = SkippingClock()
    receiver.status = status
    break_all(sandbox)
    async with running(config(urls, receiver), clock) as manager:
        await manager.send_log("ERROR", "one")
        await until(lambda: receiver.asked >= 3, clock)
        receiver.status = 200
        await until(lambda: receiver.texts, clock)
    assert caplog.text.count(f"WEBHOOK_FALLBACK_URL was answered with status {status}") == 1
    assert TOPIC not in caplog.text


async def test_it_goes_through_the_proxy(
    sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    proxy, clock = Proxy(), SkippingClock()
    break_all(sandbox)
    async with serving(proxy.handle) as port:
        settings = config(urls, receiver, proxy=f"http://user:geheim@127.0.0.1:{port}")
        async with running(settings, clock) as manager:
            await manager.send_log("ERROR", "one")
            await until(lambda: receiver.texts, clock)
    assert any(TOPIC in request for request in proxy.requests)
    assert TOPIC not in caplog.text


async def test_another_address_holds_at_once(sandbox: Sandbox, urls: dict[str, Any], receiver: Receiver) -> None:
    clock = SkippingClock()
    break_all(sandbox)
    async with running(WebhookConfig(**urls), clock) as manager:
        await manager.send_log("ERROR", "one")
        await skip(clock, 600)
        await manager.reconfigure(config(urls, receiver))
        await until(lambda: receiver.texts, clock)


def test_the_address_is_a_secret_and_no_destination() -> None:
    url = f"https://ntfy.example/{TOPIC}"
    found = load_webhook_config({"WEBHOOK_FALLBACK_URL": url, "WEBHOOK_FALLBACK_LEVEL": "INFO", "WEBHOOK_DESTINATIONS": ""})
    assert found.fallback_url is not None
    assert found.fallback_url.get_secret_value() == url
    assert found.destinations == ()
    assert TOPIC not in repr(found)
    with pytest.raises(ConfigError, match=r"WEBHOOK_FALLBACK_URL.*must be an address") as caught:
        load_webhook_config({"WEBHOOK_FALLBACK_URL": TOPIC})
    assert TOPIC not in str(caught.value)
    with pytest.raises(ConfigError, match="fallback"):
        load_webhook_config({"WEBHOOK_DESTINATIONS": "fallback"})


@pytest.mark.parametrize(
    "address", ["https://ntfy.example/shop-bot-alerts", f"https://me:{TOPIC}@ntfy.example/abc?auth={TOPIC}x"]
)
async def test_no_text_shows_the_address(sandbox: Sandbox, urls: dict[str, Any], address: str) -> None:
    manager = WebhookManager(WebhookConfig(**urls, fallback_url=address))
    shown = manager.host.redact_text(f"posted to {address} and {address.partition('://')[2]}")
    assert "shop-bot-alerts" not in shown
    assert TOPIC not in shown
    # A short, common word in it is no secret by itself.
    assert manager.host.redact_text("abc") == Redactor().redact_text("abc")
