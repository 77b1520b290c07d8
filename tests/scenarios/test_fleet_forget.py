"""A person who is forgotten in one process of a fleet is forgotten in all of them, also in one that was down."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.cli import main
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage import SqliteOutbox
from statsbot_webhooks.storage.erasure_requests import open_requests
from statsbot_webhooks.storage.fleet.own_file import file_of

from ..conftest import running_manager
from ..redis_server import RedisServer
from .test_fleet import shown, until

pytestmark = [pytest.mark.real_time, pytest.mark.slow]
ANNA, BOB = 111111111111111111, 222222222222222222


def settings(server: RedisServer, urls: dict[str, Any], number: int) -> WebhookConfig:
    return WebhookConfig(
        **urls, storage=server.url(), process_name=f"cluster-{number}", batch_timeout_seconds=0.1,
        card_edit_seconds=0.2, json_log=f"{number}.jsonl",
    )  # fmt: skip


def text_of(number: int) -> str:
    path = Path(f"{number}.jsonl")
    return path.read_text() if path.exists() else ""


def stored(server: RedisServer) -> str:
    """What Redis holds, except for the requests themselves."""
    client = server.client()
    hashes = {key: client.hgetall(key) for key in client.keys("*state:*") if not key.endswith(":forget")}
    streams = [client.xrange(key) for key in [*client.keys("*:in:*"), *client.keys("*:dead")]]
    return json.dumps([hashes, streams])


async def pair_of(
    stack: AsyncExitStack, server: RedisServer, urls: dict[str, Any]
) -> tuple[tuple[int, WebhookManager], tuple[int, WebhookManager]]:
    """Two processes: number and manager of the one that sends, and of the other."""
    managers = [await stack.enter_async_context(running_manager(settings(server, urls, number))) for number in range(2)]
    await until(lambda: all(manager._outbox.fleet.has_others for manager in managers))
    numbered = sorted(enumerate(managers), key=lambda pair: not pair[1]._outbox.fleet.may_send)
    return numbered[0], numbered[1]


@pytest.mark.parametrize("where", ["here", "in the other process", "on the command line"])
async def test_a_person_is_forgotten_in_the_memory_and_the_files_of_every_process(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any], where: str
) -> None:
    async with AsyncExitStack() as stack:
        (first, sender), (second, follower) = await pair_of(stack, redis_server, urls)
        for manager in (sender, follower):
            for who in (ANNA, BOB):
                await manager.send_log(LogLevel.ERROR, f"no stock for {who}")
        await until(lambda: all(shown(sandbox, "error").count(str(who)) for who in (ANNA, BOB)))
        await until(lambda: all(str(ANNA) in text_of(number) for number in (first, second)))
        posted = {message.id for message in sandbox.messages("error")}
        if where == "on the command line":
            assert await asyncio.to_thread(main, ["forget", str(ANNA), "--storage", redis_server.url()]) == 0
        else:
            assert await (sender if where == "here" else follower).forget(ANNA)
        await until(lambda: all(str(ANNA) not in text_of(number) and str(BOB) in text_of(number) for number in (first, second)))
        for manager in (sender, follower):
            await until(lambda manager=manager: str(ANNA) not in repr(manager.admin.overrides.recent_events.all()))
        # A card that the sender still had in memory would show the person with its next edit.
        for number in (7, 8):
            await follower.send_log(LogLevel.ERROR, f"no stock for {number}")
            await until(lambda number=number: f"no stock for {number}" in shown(sandbox, "error"))
        new = [message for message in sandbox.messages("error") if message.id not in posted]
        assert new
        assert str(ANNA) not in "".join(message.text + "".join(file.text for file in message.attachments) for message in new)
        assert str(ANNA) not in stored(redis_server)
        assert [(await manager.stats()).balanced for manager in (sender, follower)] == [True, True]


async def test_a_request_while_redis_is_away_is_followed_once_it_is_back(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    server = RedisServer().start()
    try:
        async with AsyncExitStack() as stack:
            (first, sender), (second, follower) = await pair_of(stack, server, urls)
            for manager in (sender, follower):
                await manager.send_log(LogLevel.ERROR, f"no stock for {ANNA}")
            await until(lambda: all(str(ANNA) in text_of(number) for number in (first, second)))
            await until(lambda: str(ANNA) in shown(sandbox, "error"))
            posted = {message.id for message in sandbox.messages("error")}
            server.hang()
            # The first is on its way to Redis, which takes it when it goes on; what comes later waits in the file.
            await follower.send_log(LogLevel.ERROR, f"{BOB} was late, and no one knew")
            await until(lambda: follower._outbox.is_displaced, 20)
            await follower.send_log(LogLevel.ERROR, f"{ANNA} was late")
            await follower.forget(ANNA)
            assert str(ANNA) not in text_of(second)
            server.go_on()
            await until(lambda: f"{BOB} was late" in shown(sandbox, "error"), 30)
            await until(lambda: str(ANNA) not in text_of(first), 30)
            await until(lambda: str(ANNA) not in stored(server), 30)
            new = [message for message in sandbox.messages("error") if message.id not in posted]
            assert str(ANNA) not in "".join(message.text for message in new)
            assert [(await manager.stats()).balanced for manager in (sender, follower)] == [True, True]
    finally:
        server.go_on()
        server.remove()


def bought(who: int, time: float) -> Event:
    return Event(EventKind.LOG, LogLevel.INFO, f"{who} bought a hat at {time:.0f}", time)


@pytest.mark.parametrize("is_its_own", [True, False])
async def test_a_process_that_was_down_forgets_when_it_starts(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any], is_its_own: bool
) -> None:
    """It shows no event of the person that waited in its file, or in that of a process that never starts again."""
    now = SystemClock().now()
    async with running_manager(settings(redis_server, urls, 0)) as first:
        # It has its storage open, and so has looked for files of ended processes.
        await first.flush(10)
        file = SqliteOutbox(file_of("cluster-1" if is_its_own else "cluster-7"), 100, lambda _: None)
        file.open()
        file.write_state({"fleet": "test"})
        file.put([("info", bought(who, now - 5)) for who in (ANNA, BOB)])
        # After the request the person came back.
        file.put([("info", bought(ANNA, now + 3600))])
        file.close()
        Path("1.jsonl").write_text(f'{{"message": "{ANNA}"}}\n{{"message": "{BOB}"}}\n')  # noqa: ASYNC240 - a test
        await first.forget(ANNA)
        async with running_manager(settings(redis_server, urls, 1)) as second:
            await until(lambda: f"{ANNA} bought a hat at {now + 3600:.0f}" in shown(sandbox))
            await until(lambda: str(ANNA) not in text_of(1))
            assert str(BOB) in text_of(1)
            assert str(BOB) in shown(sandbox)
            assert f"{ANNA} bought a hat at {now - 5:.0f}" not in shown(sandbox)
            assert (await second.stats()).balanced
            # Not again at the next start: what is known of the person since then stays.
            await until(lambda: "[]" not in str(redis_server.client().hvals("test:state:forget")))
        Path("1.jsonl").write_text(f'{{"message": "{ANNA}"}}\n')  # noqa: ASYNC240 - a test
        async with running_manager(settings(redis_server, urls, 1)) as second:
            await second.flush(10)
            assert not await second._intake.run(open_requests, second._outbox)
            assert str(ANNA) in text_of(1)
