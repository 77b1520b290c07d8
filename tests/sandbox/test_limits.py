"""Rate limits of the sandbox: over HTTP with their headers and bodies, and by a clock that the test turns."""

from __future__ import annotations

import aiohttp
import pytest

from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.clock import SandboxClock
from statsbot_webhooks.sandbox.rest.errors import Refusal
from statsbot_webhooks.sandbox.rest.rules import OldEdits, RateLimits

from .test_rules import client_of


def test_five_in_any_two_seconds_for_each_webhook() -> None:
    now = 100.0
    limits = RateLimits(lambda: now)
    for left in (4, 3, 2, 1, 0):
        verdict = limits.check(1, 10)
        assert (verdict.retry_after, verdict.remaining, verdict.scope) == (None, left, "user")
        now += 0.25
    refused = limits.check(1, 10)
    assert refused.retry_after == pytest.approx(0.75)
    assert limits.check(2, 10).retry_after is None, "each webhook has its own"
    now += 0.75
    assert limits.check(1, 10).retry_after is None, "as soon as the oldest is two seconds old"
    assert limits.check(1, 10).retry_after == pytest.approx(0.25)


def test_thirty_in_any_sixty_seconds_for_each_channel_over_all_its_webhooks() -> None:
    now = 0.0
    limits = RateLimits(lambda: now)
    for number in range(30):
        assert limits.check(number % 3, 10).retry_after is None
        now += 1.5
    refused = limits.check(0, 10)
    assert refused.retry_after == pytest.approx(15)
    assert refused.scope == "shared"
    assert refused.remaining > 0, "the headers go on telling of the webhook's own limit only"
    assert limits.check(0, 11).retry_after is None, "another channel"
    now += 15
    assert limits.check(0, 10).retry_after is None
    assert limits.check(0, 10).retry_after == pytest.approx(1.5), "what was refused did not count"


def test_a_message_older_than_an_hour_takes_few_edits() -> None:
    edits = OldEdits(SandboxClock(), on=True)
    old, young = {"id": "1", "timestamp": "2026-01-01T00:00:00+00:00"}, {"id": "2", "timestamp": "2999-01-01T00:00:00+00:00"}
    for _ in range(3):
        edits.check(old)
    with pytest.raises(Refusal) as refused:
        edits.check(old)
    body = refused.value.body()
    assert (refused.value.status, body["code"], body["global"]) == (429, 30046, False)
    assert 3590 < body["retry_after"] <= 3601
    for _ in range(10):
        edits.check(young)


async def test_headers_and_bodies(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, sandbox.webhook_url("error"))
        for left in (4, 3, 2, 1, 0):
            status, _, headers = await client.post({"content": "x"})
            assert (status, headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == (200, "5", str(left))
            assert 0 < float(headers["X-RateLimit-Reset-After"]) <= 2
            assert headers["X-RateLimit-Bucket"]
        status, body, headers = await client.post({"content": "x"})
        assert status == 429
        assert body == {"message": "You are being rate limited.", "retry_after": body["retry_after"], "global": False}
        assert 0 < body["retry_after"] <= 2.001
        assert headers["Retry-After"] == str(body["retry_after"])
        assert headers["X-RateLimit-Scope"] == "user"
        assert headers["Via"] == "1.1 google"
        assert headers["Content-Type"] == "application/json"
        assert sandbox.invalid_requests == 1, "it counts towards the ban of the address"
        # Edits share the budget, looking at the webhook does not need any.
        [message, *_] = sandbox.messages("error")
        assert (await client.send("PATCH", f"{client.url}/messages/{message.id}", {"content": "y"}))[0] == 429
        assert (await client.send("GET", client.url))[0] == 200


async def test_the_channels_limit_is_shared_and_shown_nowhere(sandbox: Sandbox) -> None:
    urls = [sandbox.webhook_url(f"w{number}", "shared") for number in range(7)]
    async with aiohttp.ClientSession() as session:
        clients = [client_of(session, sandbox, url) for url in urls]
        for number in range(30):
            assert (await clients[number % 7].post({"content": "x"}))[0] == 200
        status, body, headers = await clients[6].post({"content": "x"})
        assert status == 429
        assert body["retry_after"] > 20
        assert headers["X-RateLimit-Scope"] == "shared"
        assert int(headers["X-RateLimit-Remaining"]) > 0
        assert sandbox.invalid_requests == 0, "a shared limit is not this bot's fault"


async def test_old_messages(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, sandbox.webhook_url("error"))
        await client.post({"content": "x"})
        [message] = sandbox.messages("error")
        url = f"{client.url}/messages/{message.id}"
        sandbox.age(message, 3700)
        statuses = [(await client.send("PATCH", url, {"content": f"{number}"}))[0] for number in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert sandbox.requests[-1].response["code"] == 30046
        assert sandbox.messages("error")[0].content == "2"
