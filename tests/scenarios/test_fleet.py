"""Several processes of one bot on one Redis: one of them sends, and all of it arrives once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from time import time
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.accounting import Stats
from statsbot_webhooks.issues.issue import IssueState
from statsbot_webhooks.pipeline.mutes import Mute, MuteKind
from statsbot_webhooks.sandbox import Sandbox

from ..clocks import SkippingClock
from ..conftest import running_manager
from ..redis_server import RedisServer

# Redis has a time of its own, which passes as it does.
pytestmark = pytest.mark.real_time


def settings(server: RedisServer, urls: dict[str, Any], number: int, **more: Any) -> WebhookConfig:
    return WebhookConfig(**urls, storage=server.url(), process_name=f"cluster-{number}", batch_timeout_seconds=0.1, **more)


def shown(sandbox: Sandbox, name: str = "info") -> str:
    return "\n".join(str(message) for message in sandbox.messages(name))


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def stats_when(managers: list[WebhookManager], condition: Callable[[list[Stats]], bool]) -> list[Stats]:
    async with asyncio.timeout(60):
        while not condition(stats := [await manager.stats() for manager in managers]):
            await asyncio.sleep(0.02)
    return stats


async def test_what_every_process_accepts_arrives_once(redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        managers = [await stack.enter_async_context(running_manager(settings(redis_server, urls, n))) for n in range(3)]
        for number, manager in enumerate(managers):
            await manager.send_log(LogLevel.INFO, f"from {number}.")
        await until(lambda: all(f"from {number}." in shown(sandbox) for number in range(3)))
        text = shown(sandbox)
        assert [text.count(f"from {number}.") for number in range(3)] == [1, 1, 1]
        stats = await stats_when(managers, lambda stats: sum(each.delivered + each.folded for each in stats) == 3)
        assert all(each.balanced for each in stats)
        assert sum(each.forwarded for each in stats) == 0


async def crash(manager: WebhookManager) -> None:
    try:
        raise RuntimeError("the shop is closed")
    except RuntimeError as error:
        await manager.send_error(error)


async def test_an_error_of_all_processes_is_one_card_that_says_which(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        managers = [
            await stack.enter_async_context(running_manager(settings(redis_server, urls, n, card_edit_seconds=0.2)))
            for n in range(3)
        ]
        await until(lambda: all(manager._outbox.fleet.has_others for manager in managers))
        for number, manager in enumerate(managers):
            for _ in range(number + 1):
                await crash(manager)
        # In any order: each process stores its own.
        await until(lambda: all(f"cluster-{n} on" in shown(sandbox, "error") for n in range(3)))
        await until(lambda: all(f"×{n}" in shown(sandbox, "error") for n in (1, 2, 3)))
        (message,) = sandbox.messages("error")
        fields = {field["name"]: field["value"] for field in message.embeds[0]["fields"]}
        assert sorted(part.split(" ")[0] + part[-3:] for part in fields["Processes"].split(", ")) == [
            "cluster-0 ×1", "cluster-1 ×2", "cluster-2 ×3",
        ]  # fmt: skip


@pytest.mark.slow
async def test_choices_and_decisions_hold_for_all_processes(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(running_manager(settings(redis_server, urls, n, card_edit_seconds=0.2)))
            for n in range(2)
        ]
        await until(lambda: first._outbox.fleet.has_others and second._outbox.fleet.has_others)
        follower, sender = (second, first) if second._outbox.fleet.term is None else (first, second)
        await follower.admin.set_level("info", LogLevel.ERROR)
        await follower.admin.toggle("performance", is_on=False)
        await follower.admin.mute(Mute(MuteKind.DESTINATION, "member_events", time() + 1.5, time(), "quiet", "anna"))
        chosen = sender.admin.overrides
        # Others read choices again at most once a second.
        await until(
            lambda: (chosen.levels, chosen.switched_off, len(chosen.mutes)) == ({"info": LogLevel.ERROR}, {"performance"}, 1)
        )
        for manager in (first, second):
            await manager.send_member_event("join", 5, "mia")
        await crash(sender)
        await crash(follower)
        await until(lambda: len(sandbox.messages("error")) == 1)
        (issue,) = await follower.admin.list_issues()
        await follower.admin.decide(issue.fingerprint, IssueState.ACKNOWLEDGED, "anna")
        await until(lambda: "Acknowledged" in str(sandbox.messages("error")[0]))
        assert (await sender.admin.find_issue(issue.reference)).state == IssueState.ACKNOWLEDGED  # type: ignore[union-attr]
        await until(lambda: "2 events were muted" in shown(sandbox, "member_events"))
        assert len(sandbox.messages("member_events")) == 1


async def test_the_status_names_the_processes_and_a_crash_is_told(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        clock = SkippingClock()
        first = WebhookManager(settings(redis_server, urls, 0), clock=clock)
        await first.start()
        stack.push_async_callback(first.stop, 5)
        await until(lambda: first._outbox.fleet.may_send)
        second = await stack.enter_async_context(running_manager(settings(redis_server, urls, 1)))
        second.host.describe_process("4-7")
        async with asyncio.timeout(60):
            while {m.name: m.shards for m in (await first.admin.members())[0]} != {"cluster-0": "", "cluster-1": "4-7"}:
                await asyncio.sleep(0.05)
        client = redis_server.client()
        client.hset("test:processes", "gone", '{"name": "cluster-9", "host": "far", "pid": 1, "shards": "8-11"}')
        clock.skip(21)
        await until(lambda: "cluster-9 on far" in shown(sandbox, "error") + shown(sandbox, "info"))
        assert not client.hexists("test:processes", "gone")
