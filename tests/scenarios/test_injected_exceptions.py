"""An exception at any call between the parts, at random moments: the process delivers on, and the counters balance."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiolimiter
import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage.fleet import sender_lease
from statsbot_webhooks.storage.fleet.redis_connection import RedisAwayError

from ..redis_server import RedisServer

INJECTIONS = 2000
MOST_WAITING = 2500
SEED = 13
# So much faster passes the time that pauses and budgets are measured by: two thousand failures take seconds.
HASTE = 200


class InjectedError(Exception):
    pass


class Injector:
    """Let calls of wrapped methods fail at random, while `is_on`."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.count = 0
        self.is_on = True
        self.seams: Counter[str] = Counter()

    def wrap(self, owner: Any, chance: float, *names: str) -> None:
        for name in names:
            setattr(owner, name, self._failing(getattr(owner, name), f"{type(owner).__name__}.{name}", chance))

    def _failing(self, call: Callable[..., Any], seam: str, chance: float) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(call):

            async def failing_coroutine(*args: Any, **kwargs: Any) -> Any:
                self._maybe(seam, chance)
                return await call(*args, **kwargs)

            return failing_coroutine

        def failing(*args: Any, **kwargs: Any) -> Any:
            self._maybe(seam, chance)
            return call(*args, **kwargs)

        return failing

    def _maybe(self, seam: str, chance: float) -> None:
        if self.is_on and self.count < INJECTIONS and self.random.random() < chance:
            self.count += 1
            self.seams[seam] += 1
            raise InjectedError


class HastyClock(SystemClock):
    """The wall clock is the machine's."""

    def monotonic(self) -> float:
        return super().monotonic() * HASTE

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 1.0) / HASTE)


class HastyBucket(aiolimiter.AsyncLimiter):
    """Reads the time of the loop, not of the clock."""

    def __init__(self, max_rate: float, time_period: float = 60) -> None:
        super().__init__(max_rate, time_period / HASTE)


@pytest.mark.real_time
@pytest.mark.slow
async def test_an_exception_at_any_seam_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiolimiter, "AsyncLimiter", HastyBucket)
    async with Sandbox(limits=False) as sandbox:
        with sandbox.redirect():
            await inject(sandbox, {f"{name}_webhook_url": sandbox.webhook_url(name) for name in ("error", "info")})


@pytest.mark.real_time
@pytest.mark.soak
async def test_nor_does_one_of_redis(monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer) -> None:
    monkeypatch.setattr(aiolimiter, "AsyncLimiter", HastyBucket)
    for name in ("_LEASE_SECONDS", "_RENEW_SECONDS", "_SILENCE_SECONDS", "_LOOK_SECONDS", "_STATE_SECONDS"):
        monkeypatch.setattr(sender_lease, name, getattr(sender_lease, name) * HASTE)
    async with Sandbox(limits=False) as sandbox:
        with sandbox.redirect():
            urls = {f"{name}_webhook_url": sandbox.webhook_url(name) for name in ("error", "info")}
            await inject(sandbox, urls, redis_server.url())


def fail_redis(outbox: Any, injector: Injector, chance: float) -> None:
    """Let Redis not answer at random, with what was asked done or not."""
    for link in (outbox._link, outbox.fleet.thread._link):

        def run(work: Callable[[Any], Any], ask: Callable[[Callable[[Any], Any]], Any] = link.run) -> Any:
            try:
                injector._maybe("RedisLink.run, not done", chance / 2)
                answer = ask(work)
                injector._maybe("RedisLink.run, done", chance / 2)
            except InjectedError:
                raise RedisAwayError("does not answer", may_be_done=True) from None
            return answer

        link.run = run


async def inject(sandbox: Sandbox, urls: dict[str, Any], storage: str = "") -> None:
    more = {"storage": storage} if storage else {}
    config = WebhookConfig(**urls, **more, batch_timeout_seconds=0, breaker_cooldown_seconds=0.01)  # type: ignore[arg-type]
    manager, injector = WebhookManager(config, clock=HastyClock()), Injector()
    await manager.start()
    await manager._intake.settle()
    pipeline, shared = manager._pipeline, manager._pool._shared
    if storage:
        fail_redis(pipeline.outbox, injector, 0.01)
    depth = pipeline.outbox.depth
    injector.wrap(pipeline.outbox, 0.1, "put", "claim", "seal", "ack", "release", "bury", "read_state", "write_state")
    injector.wrap(pipeline.outbox, 0.02 if storage else 0.1, "depth")
    injector.wrap(pipeline.outbox, 0.1, "note_send", "recent_sends", "expire", "move", "maintain", "unseal")
    injector.wrap(pipeline.redactor, 0.05, "redact")
    injector.wrap(pipeline.intake.router, 0.05, "route")
    injector.wrap(pipeline.clock, 0.02, "now")
    injector.wrap(shared.transport, 0.2, "send", "edit")  # type: ignore[union-attr]
    for worker in manager.workers.values():
        injector.wrap(worker._parts.batcher, 0.2, "build", "build_card")
    logging.disable(logging.CRITICAL)
    sent = 0
    try:
        async with asyncio.timeout(300):
            while injector.count < INJECTIONS:
                for _ in range(5):
                    level = LogLevel.INFO if sent % 3 else LogLevel.ERROR
                    try:
                        await manager.send_log(level, f"text of {'abcdefgh'[sent % 8]} {sent}")
                    except InjectedError:
                        # The clock failed before there was an event.
                        continue
                    sent += 1
                for worker in manager.workers.values():
                    worker.wake()
                await asyncio.sleep(0.002)
                # On a slow machine no more may pile up than the end of the test has time for.
                while injector.count < INJECTIONS and (await manager._intake.run(depth, "info")).entries > MOST_WAITING:
                    await asyncio.sleep(0.01)
        injector.is_on = False
        await manager.send_log(LogLevel.INFO, "the last one")
        async with asyncio.timeout(300):
            while (stats := await manager.stats()).pending:
                await manager.flush(5)
    finally:
        logging.disable(logging.NOTSET)
        await manager.stop(5)
    print(dict(injector.seams))
    assert injector.count == INJECTIONS
    assert len(injector.seams) >= 12, injector.seams
    assert stats.balanced, stats
    # Nothing but what the package tells of failed deliveries, and of a Redis that is back, is more than what was sent.
    failed = sum(count for seam, count in injector.seams.items() if seam.startswith(("WebhookTransport", "Batcher", "RedisLink")))
    assert sent < stats.accepted + stats.filtered < sent + failed, (stats, injector.seams)
    # A summary has some of the texts in its file only.
    files = [file.text for message in sandbox.messages("info") for file in message.attachments]
    assert "the last one" in "".join([*files, *(message.text for message in sandbox.messages("info"))])
