"""The gateway: RESUME with replay, close codes, compression, shards, lost connections, servers that come and go."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import plain_bot

JSON = dict[str, Any]
ALL = discord.Intents.all().value


class Raw:
    """A connection without a library."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, compressed: bool) -> None:
        self.socket = socket
        self._inflator = zlib.decompressobj() if compressed else None

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> JSON:
        message = await self.socket.receive(10)
        if message.type is aiohttp.WSMsgType.BINARY:
            assert self._inflator is not None
            assert message.data.endswith(b"\x00\x00\xff\xff"), "each message is flushed"
            return json.loads(self._inflator.decompress(message.data))
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def until(self, event: str) -> JSON:
        while (payload := await self.receive())["t"] != event:
            pass
        return payload

    async def closed(self) -> int | None:
        while not self.socket.closed:
            await self.socket.receive(10)
        return self.socket.close_code


@asynccontextmanager
async def connect(sandbox: Sandbox, *, compressed: bool = False) -> AsyncGenerator[Raw]:
    query = "?v=10&encoding=json" + ("&compress=zlib-stream" if compressed else "")
    address = sandbox.base_url.replace("http", "ws", 1) + "/gateway/" + query
    async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
        raw = Raw(socket, compressed=compressed)
        hello = await raw.receive()
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, 41250)
        yield raw


def identify(sandbox: Sandbox, **more: Any) -> JSON:
    return {"token": sandbox.bot_token, "intents": ALL, "properties": {}, **more}


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_whole_conversation(sandbox: Sandbox, compressed: bool) -> None:
    async with connect(sandbox, compressed=compressed) as raw:
        await raw.send(1, None)
        assert (await raw.receive())["op"] == 11
        await raw.send(2, identify(sandbox))
        ready = await raw.receive()
        assert (ready["t"], ready["s"], ready["d"]["v"]) == ("READY", 1, 10)
        assert ready["d"]["guilds"] == [{"id": str(sandbox.guild_id), "unavailable": True}]
        guild = await raw.receive()
        assert (guild["t"], guild["s"]) == ("GUILD_CREATE", 2)
        assert {member["user"]["username"] for member in guild["d"]["members"]} == {"olivia", "demo-bot", "adam", "mia"}
        assert [role["name"] for role in guild["d"]["roles"]] == ["@everyone", "Admins", "bot"]
        sandbox.join("anna")
        assert (await raw.receive())["d"]["user"]["username"] == "anna"


async def test_what_was_missed_is_sent_again_after_a_resume(sandbox: Sandbox) -> None:
    async with connect(sandbox) as raw:
        await raw.send(2, identify(sandbox))
        ready = await raw.receive()
        seen = (await raw.until("GUILD_CREATE"))["s"]
        sandbox.disconnect()
        assert await raw.closed() == 4000
    sandbox.join("anna")
    sandbox.say("hello")
    async with connect(sandbox) as raw:
        await raw.send(6, {"token": sandbox.bot_token, "session_id": ready["d"]["session_id"], "seq": seen})
        events = [await raw.receive() for _ in range(3)]
        assert [event["t"] for event in events] == ["GUILD_MEMBER_ADD", "MESSAGE_CREATE", "RESUMED"]
        assert [event["s"] for event in events] == [seen + 1, seen + 2, seen + 3]


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "wrong", "intents": 1}, 4004),
        (2, {"intents": -1}, 4013),
        (2, {"intents": 1, "shard": [2, 2]}, 4010),
        (8, {"guild_id": "1"}, 4003),
        (99, None, 4001),
        (None, None, 4002),
    ],
)
async def test_close_codes(sandbox: Sandbox, op: int | None, data: JSON | None, code: int) -> None:
    async with connect(sandbox) as raw:
        if op is None:
            await raw.socket.send_str("no JSON")
        else:
            await raw.send(op, {"token": sandbox.bot_token, **data} if op == 2 and data is not None else data)
        assert await raw.closed() == code


async def test_sessions_that_cannot_be_resumed(sandbox: Sandbox) -> None:
    async with connect(sandbox) as raw:
        await raw.send(6, {"token": sandbox.bot_token, "session_id": "unknown", "seq": 1})
        assert await raw.receive() == {"op": 9, "d": False, "s": None, "t": None}
        await raw.send(2, identify(sandbox))
        session = (await raw.receive())["d"]["session_id"]
        await raw.send(2, identify(sandbox))
        assert await raw.closed() == 4005, "a session identifies once"
    async with connect(sandbox) as raw:
        await raw.send(6, {"token": sandbox.bot_token, "session_id": session, "seq": 1000})
        assert await raw.closed() == 4007


async def test_privileged_intents_can_be_refused() -> None:
    async with Sandbox(privileged_intents=False) as sandbox:
        with sandbox.redirect():
            with pytest.raises(discord.PrivilegedIntentsRequired):
                async with plain_bot(sandbox):
                    pass
            async with plain_bot(sandbox, intents=discord.Intents.default()) as bot:
                assert bot.guilds[0].me is not None
                assert bot.guilds[0].get_member(sandbox.member_id) is None


async def test_a_real_bot_resumes_and_misses_nothing(sandbox: Sandbox) -> None:
    said: list[str] = []
    resumed = asyncio.Event()
    async with plain_bot(sandbox) as bot:

        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            said.append(message.content)

        @bot.listen()
        async def on_resumed() -> None:
            resumed.set()

        sandbox.say("before")
        await sandbox.wait_until(lambda: said)
        sandbox.disconnect()
        sandbox.say("meanwhile")
        await sandbox.wait_until(resumed.is_set, 30)
        sandbox.say("after")
        await sandbox.wait_until(lambda: len(said) == 3)
        assert said == ["before", "meanwhile", "after"]


async def test_a_lost_session_and_a_gateway_that_refuses(sandbox: Sandbox) -> None:
    ready = 0
    async with plain_bot(sandbox) as bot:

        @bot.listen()
        async def on_ready() -> None:
            nonlocal ready
            ready += 1

        sandbox.disconnect(resumable=False, refuse_seconds=0.2)
        await sandbox.wait_until(lambda: sandbox.connections == 0)
        await sandbox.wait_until(lambda: ready == 1, 60)
        assert sandbox.connections == 1


async def test_one_shard_of_two_is_dropped() -> None:
    async with Sandbox(shards=2) as sandbox:
        with sandbox.redirect():
            gone: list[int] = []
            async with plain_bot(sandbox, commands.AutoShardedBot) as bot:
                await sandbox.wait_until(lambda: sandbox.connections == 2)

                @bot.listen()
                async def on_shard_disconnect(shard: int) -> None:
                    gone.append(shard)

                sandbox.disconnect(shard=1)
                await sandbox.wait_until(lambda: gone)
                await sandbox.wait_until(lambda: sandbox.connections == 2, 30)
                assert gone == [1]


async def test_servers_come_fail_and_go(sandbox: Sandbox) -> None:
    events: list[str] = []
    async with plain_bot(sandbox) as bot:
        for name in ("join", "remove", "available", "unavailable"):

            async def note(guild: discord.Guild, name: str = name) -> None:
                events.append(f"{name} {guild.name}")

            bot.add_listener(note, f"on_guild_{name}")
        other = sandbox.add_guild("Elsewhere")
        await sandbox.wait_until(lambda: events == ["join Elsewhere"])
        sandbox.set_available(False, guild_id=other)
        await sandbox.wait_until(lambda: events[1:] == ["unavailable Elsewhere"])
        sandbox.set_available(True, guild_id=other)
        await sandbox.wait_until(lambda: events[2:] == ["available Elsewhere"])
        sandbox.remove_guild(other)
        await sandbox.wait_until(lambda: events[3:] == ["remove Elsewhere"])
        assert [guild.id for guild in bot.guilds] == [sandbox.guild_id]
