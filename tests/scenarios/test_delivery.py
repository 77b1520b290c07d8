"""Delivery against the sandbox with its real limits: hostile text, bursts, faults, secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.sandbox import Sandbox

from .. import openapi
from ..conftest import running_manager

HOSTILE = [
    "@everyone <@&1> <@2>",
    "``` ```py\nx``` `",
    "x" * 50_000,
    "\U0001f389" * 3000,
    "\u202eright to left \u05d0",
    "",
    " ",
    "discord clyde",
    "\x00\ud800",
    "a\n" * 3000,
]


@pytest.mark.slow
@pytest.mark.parametrize("use_embeds", [True, False])
async def test_hostile_text_arrives_and_pings_nobody(sandbox: Sandbox, urls: dict[str, Any], use_embeds: bool) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0.1, use_embeds=use_embeds)
    async with running_manager(config) as manager:
        manager.host.set_bot_info("My Discord bot", None)
        for text in HOSTILE:
            await manager.send_log(LogLevel.INFO, text, **{text[:300] or "key": text, "nested": {"list": [text]}})
            await manager.send_error(RuntimeError(text), message=text, level=1)
        await manager.flush()
        stats = await manager.stats()
    # The errors have no frames that tell them apart, so they fold.
    assert stats.delivered + stats.folded == stats.accepted == 2 * len(HOSTILE)
    assert stats.dead == 0
    assert sandbox.count_status(400) == 0
    messages = sandbox.messages("info") + sandbox.messages("error")
    assert not any(message.pinged for message in messages)
    assert all("discord" not in message.username.lower() for message in messages)
    assert any("x" * 50_000 in file.text for message in messages for file in message.attachments)


async def test_300_events_in_a_second(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls)) as manager:
        for number in range(300):
            await manager.send_log(LogLevel.INFO, f"event number {number:03}.")
        await manager.flush(30)
        stats = await manager.stats()
    text = "".join(m.text + "".join(a.text for a in m.attachments) for m in sandbox.messages("info"))
    assert all(f"event number {number:03}." in text for number in range(300))
    assert sandbox.count_status(429) == 0
    assert stats.balanced
    assert (stats.delivered + stats.folded, stats.lost) == (300, 0)


async def test_secrets_show_up_nowhere(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    secrets = [sandbox.bot_token, urls["error_webhook_url"].rpartition("/")[2], "hunter2-secret"]
    async with running_manager(WebhookConfig(**urls)) as manager:
        for text in (f"login with {secrets[0]}", f"posted to {urls['error_webhook_url']}", f"password={secrets[2]}"):
            await manager.send_log(LogLevel.INFO, text, note=text, password=secrets[2], deep={"api_key": [secrets[2]]})
            await manager.send_error(ValueError(text), headers={"Authorization": f"Bearer {secrets[0]}"})
        await manager.flush()
    shown = json.dumps([m.raw for name in ("error", "info") for m in sandbox.messages(name)])
    shown += "".join(f.text for name in ("error", "info") for m in sandbox.messages(name) for f in m.attachments)
    assert "redacted" in shown
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["reset", "429_global", "slow", "500"])
async def test_a_passing_fault_loses_nothing(sandbox: Sandbox, urls: dict[str, Any], kind: str) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, breaker_cooldown_seconds=0.1)
    async with running_manager(config) as manager:
        sandbox.fault("info", kind, times=2, delay=0.2)
        for number in range(5):
            await manager.send_log(LogLevel.INFO, f"number {number}.")
        await manager.send_log(LogLevel.ERROR, "elsewhere")
        await sandbox.wait_until(lambda: sandbox.messages("error"))
        await manager.flush(20)
        stats = await manager.stats()
    assert stats.lost == stats.pending == 0
    text = "".join(message.text for message in sandbox.messages("info"))
    assert [text.count(f"number {number}.") for number in range(5)] == [1] * 5


async def test_payloads_fit_the_official_schema(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        for text in HOSTILE[:8]:
            await manager.send_log(LogLevel.INFO, text, key=text)
        for number in range(40):
            await manager.send_log(LogLevel.WARNING, f"{number}")
        await manager.flush()
    payloads = [request.payload for request in sandbox.requests if request.method == "POST"]
    assert payloads
    assert not [problem for payload in payloads for problem in openapi.execute_errors(payload)]
