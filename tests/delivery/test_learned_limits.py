"""What one process learned of Discord's limits is known to the next one that sends, on Redis and by Redis' time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from statsbot_webhooks import WebhookManager
from statsbot_webhooks.delivery.callbacks import Pause
from statsbot_webhooks.delivery.invalid_requests import InvalidRequests
from statsbot_webhooks.delivery.rate_limiter import ChannelLimiter
from statsbot_webhooks.delivery.response_headers import WebhookResponse
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage.fleet import lua_scripts
from statsbot_webhooks.storage.fleet.redis_connection import RedisAwayError, RedisLink

from ..clocks import StillClock
from ..conftest import running_manager
from ..redis_server import RedisServer
from ..scenarios.test_fleet import settings, until
from ..scenarios.test_reload import is_on_its_way

# Redis has a time of its own, which passes as it does.
pytestmark = pytest.mark.real_time


def posts(sandbox: Sandbox, name: str) -> int:
    return sum(each.method == "POST" and each.webhook == name for each in sandbox.requests)


@asynccontextmanager
async def two_of(server: RedisServer, urls: dict[str, Any], **more: Any) -> AsyncGenerator[tuple[WebhookManager, WebhookManager]]:
    """Two processes, of which the first one sends."""
    async with running_manager(settings(server, urls, 0, **more)) as first:
        await until(lambda: first._outbox.fleet.may_send)
        async with running_manager(settings(server, urls, 1, **more)) as second:
            await until(lambda: first._outbox.fleet.has_others)
            yield first, second


async def hand_over(first: WebhookManager, second: WebhookManager) -> None:
    """Let the other one send."""
    await first.stop(0)
    await until(lambda: second._outbox.fleet.may_send)


@pytest.mark.parametrize(("fault", "delay"), [("429", 100.0), ("500", 0.0), ("429_no_via", 100.0)])
async def test_the_next_sender_waits_as_long_as_the_one_before(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any], fault: str, delay: float
) -> None:
    more = {"breaker_cooldown_seconds": 100.0}
    async with two_of(redis_server, urls, **more) as (first, second):
        sandbox.fault("info", fault, delay=delay, methods=("POST",))
        await first.send_log("INFO", "one")
        await until(lambda: (first.workers["info"].next_try_seconds or 0) > 60)
        # The next turn keeps it.
        client = redis_server.client()
        await until(lambda: client.exists("test:limits:info" if fault != "429_no_via" else "test:limits:"))
        before = posts(sandbox, "info")
        await hand_over(first, second)
        await until(lambda: (second.workers["info"].next_try_seconds or 0) > 60)
        assert posts(sandbox, "info") == before
        if fault == "500":
            sandbox.heal("info")
            card = await outage(sandbox)
            assert "works again" not in card
            assert not (await second.admin.send_test("info")).reason
            await until(lambda: "works again" in str(sandbox.messages("error")[0]))
            assert await outage(sandbox) != card


async def test_what_could_not_be_kept_is_kept_later(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async with running_manager(settings(redis_server, urls, 0)) as manager:
        await until(lambda: manager._outbox.fleet.may_send)
        link, run = manager._outbox.fleet._link, RedisLink.script  # type: ignore[attr-defined]

        def script(self: RedisLink, text: str, *args: Any) -> Any:
            nonlocal tries
            if self is link and text == lua_scripts.KEEP_LIMITS:
                tries += 1
                if tries <= 3:
                    raise RedisAwayError("does not answer")
            return run(self, text, *args)

        monkeypatch.setattr(RedisLink, "script", script)
        sandbox.fault("info", "429", delay=100.0, methods=("POST",))
        await manager.send_log("INFO", "one")
        await until(lambda: (manager.workers["info"].next_try_seconds or 0) > 60)
        client = redis_server.client()
        while not client.exists("test:limits:info"):
            # As after each news of Redis.
            manager.workers["info"].wake()
            await until(lambda before=tries: tries > before or client.exists("test:limits:info"))
        sandbox.heal("info")
        await manager.stop(0)


async def outage(sandbox: Sandbox) -> str:
    """Return the one card that tells it."""
    await until(lambda: sandbox.messages("error"))
    (message,) = sandbox.messages("error")
    return str(message)


@pytest.mark.slow
async def test_budget_and_refusals_of_before_count(redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]) -> None:
    more = {"max_invalid_requests": 3}
    async with two_of(redis_server, urls, **more) as (first, second):
        for number in range(2):
            sandbox.fault("info", "429", times=1, delay=0.05, methods=("POST",))
            await first.send_log("INFO", f"number {number}")
            await until(lambda number=number: f"number {number}" in str(sandbox.messages("info")))
        await hand_over(first, second)
        sandbox.fault("info", "429", times=1, delay=0.05, methods=("POST",))
        await second.send_log("INFO", "number 2")
        # The third within 10 minutes stops everything.
        await until(lambda: (second.workers["performance"].next_try_seconds or 0) > 500)


async def test_a_sender_that_waits_for_an_answer_ends_in_time_and_leaves_nothing(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]
) -> None:
    async with two_of(redis_server, urls) as (first, _):
        sandbox.fault("info", "no_answer", delay=60)
        await first.send_log("INFO", "one")
        await is_on_its_way(first, "info")
        shared: Any = first._pool._shared
        session, layout = shared.transport._session, shared.layout
        assert any(thread.is_alive() for thread in layout._threads)
        await first.stop(0)
        assert session.closed
        assert not any(thread.is_alive() for thread in layout._threads)


async def test_a_limiter_goes_on_with_what_another_learned() -> None:
    clock = StillClock()
    old, new = ChannelLimiter(27, clock), ChannelLimiter(27, clock)
    old.learn(WebhookResponse("info", "POST", 429))
    old.learn(WebhookResponse("info", "POST", 200, limit=3, remaining=3))
    assert new.marks != old.marks
    new.relearn(old.learned(), 0.4)
    assert new.learned()["ceiling"] == pytest.approx(27 * 0.7)
    assert new.learned()["burst"] == 2
    assert new.blocked_seconds(clock.monotonic()) == pytest.approx(0.6)
    # A minute after the last 429 one request comes back, in each process that learned of it.
    clock.shift = 59.7
    assert new.learned()["ceiling"] == pytest.approx(27 * 0.7 + 1)
    # What is no news changes nothing.
    fresh = ChannelLimiter(27, clock)
    fresh.relearn({}, 5.0)
    assert fresh.marks == ChannelLimiter(27, clock).marks


def test_refusals_are_known_to_ten_seconds() -> None:
    clock, pause = StillClock(), Pause()
    old, new = InvalidRequests(500, clock, Pause(), str), InvalidRequests(500, clock, pause, str)
    for _ in range(7):
        old.note(WebhookResponse("info", "POST", 403))
    clock.shift = 300
    old.note(WebhookResponse("info", "POST", 403))
    new.relearn({**old.learned(), "pause": 30.0, "²": 1.0}, 10.0)
    assert new.count == 8
    assert 19 < pause.until - clock.monotonic() <= 20
    clock.shift = 300 + 295
    assert new.count == 1
