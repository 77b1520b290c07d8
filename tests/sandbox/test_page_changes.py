"""The page of the local Discord keeps up with what changes, in a real browser."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from .browser import Tab, needs_browser, serve, tab_on
from .page_state import JSON, NOON, Memory, demo

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time


@needs_browser
async def test_changes_come_without_reloading(tab: Tab, state: Memory) -> None:
    await tab.open("/#channel=errors")
    await tab.js("window.mark = 'still the same page'")
    message = state.say("10", "brand **new**", minute=21)
    await tab.until("[...document.querySelectorAll('.text')].some((t) => t.textContent === 'brand new')")
    message |= {"content": "changed", "edited_timestamp": NOON.isoformat()}
    state.emit("message_update", message)
    await tab.until("[...document.querySelectorAll('.text')].some((t) => t.textContent === 'changed(edited)')")
    state.messages["10"].remove(message)
    state.emit("message_delete", {"id": message["id"], "channel_id": "10"})
    await tab.until("![...document.querySelectorAll('.text')].some((t) => t.textContent.startsWith('changed'))")
    state.emit("member_join", {"anything": True})
    state.say("11", "elsewhere", by="mia", minute=30)
    state.say("11", "elsewhere @everyone", by="mia", minute=31, mention_everyone=True)
    await tab.until("document.querySelector('.count.ping')?.textContent === '2'")
    state.channel("14", "later")
    await tab.until("document.querySelectorAll('.chan').length === 5")
    await tab.js("location.hash = 'channel=11'")
    await tab.until("document.querySelector('.top span').textContent === 'members'")
    assert await tab.texts(".count") == []
    assert await tab.js("window.mark") == "still the same page"


@needs_browser
async def test_deleting_the_first_of_a_group_leaves_the_name(tab: Tab, state: Memory) -> None:
    await tab.open("/#channel=members")
    first = state.messages["11"].pop(1)
    state.emit("message_delete", {"id": first["id"], "channel_id": "11"})
    await tab.until("document.querySelectorAll('.msg').length === 2")
    assert await tab.texts(".who") == ["Gatekeeper", "mia"]


@needs_browser
async def test_members_come_and_go(tab: Tab, state: Memory) -> None:
    olivia, bot = (
        {"id": number, "username": name, "bot": name == "demo-bot"} for number, name in (("31", "olivia"), ("32", "demo-bot"))
    )
    state.guilds[0] |= {"owner_id": "31", "roles": [], "members": [{"user": olivia, "roles": []}, {"user": bot, "roles": []}]}
    await tab.open("/#channel=errors")
    assert await tab.texts("#people .cat") == ["Admins — 1", "Bots — 1"]
    anna = {"id": "33", "username": "anna", "bot": False}
    state.emit("member", {"guild_id": "1", "user": anna, "joined": True, "roles": []})
    await tab.until("document.querySelectorAll('.person').length === 3")
    assert (await tab.texts("#people .cat"))[-1] == "Members — 1"
    state.emit("member", {"guild_id": "1", "user": anna, "joined": False})
    await tab.until("document.querySelectorAll('.person').length === 2")


def thread(thread_id: str, parent_id: str, name: str) -> JSON:
    return {"id": thread_id, "guild_id": "1", "parent_id": parent_id, "name": name, "type": 11, "thread_metadata": {}}


@needs_browser
async def test_forums_show_their_posts_and_threads_hang_below_their_channel(tab: Tab, state: Memory) -> None:
    forum: JSON = {"id": "20", "guild_id": "1", "name": "incidents", "topic": "", "type": 15, "parent_id": None}
    state.guilds[0]["channels"] += [forum, thread("21", "20", "An outage"), thread("22", "10", "About the song")]
    state.messages |= {"20": [], "21": [], "22": []}
    state.say("21", "Discord answers 500", by="Incidents")
    await tab.open("/#channel=incidents")
    assert await tab.texts(".post h3") == ["An outage"]
    assert await tab.texts(".post p") == ["Discord answers 500"]
    assert await tab.texts(".chan span") == ["errors", "About the song", "members", "logs", "empty", "incidents", "An outage"]
    state.say("21", "it is over", minute=1)
    await tab.until("document.querySelector('.post small').textContent === '1 reply'")
    await tab.js("document.querySelector('.post').click()")
    await tab.until("document.querySelector('.top .parent') !== null")
    assert [text.strip() for text in await tab.texts(".text")] == ["Discord answers 500", "it is over"]
    assert (await tab.texts(".top .parent"))[0].startswith("incidents")
    state.emit("channel_delete", forum)
    await tab.until("document.querySelectorAll('.chan').length === 5")


@needs_browser
async def test_comes_back_after_a_restart_of_the_server(browser: str) -> None:
    state = demo()
    async with serve(state) as base:
        port = int(base.rpartition(":")[2])
    async with tab_on(browser, base) as tab:
        async with serve(state, port):
            await tab.open("/#channel=errors")
        await tab.until("!document.querySelector('#me.live')")
        state.say("10", "said meanwhile", minute=21)
        async with serve(state, port):
            await tab.until("[...document.querySelectorAll('.text')].some((t) => t.textContent === 'said meanwhile')", 20)


async def test_stream_and_its_end() -> None:
    state = demo()
    async with aiohttp.ClientSession() as session, asyncio.timeout(None) as ending:
        async with serve(state) as base:
            async with session.get(f"{base}/page/state") as answer:
                assert (await answer.json())["guilds"][0]["name"] == "Test Server"
            stream = await session.get(f"{base}/page/events")
            assert stream.content_type == "text/event-stream"
            assert await stream.content.readuntil(b"\n\n") == b"retry: 1000\n\n"
            message = state.say("10", "one\nline")
            message["content"] = "edited before it was sent"
            lines = (await stream.content.readuntil(b"\n\n")).decode().splitlines()
            assert lines[0] == "event: message_create"
            assert json.loads(lines[1].removeprefix("data: "))["content"] == "one\nline"
            # The server would wait for a minute for an open stream.
            ending.reschedule(asyncio.get_running_loop().time() + 40)
        assert await stream.content.read() == b""
        stream.release()
    assert state.listeners == []


async def test_heartbeat_and_a_browser_that_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statsbot_webhooks.sandbox.page._HEARTBEAT_SECONDS", 0.02)
    state = demo()
    async with serve(state) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}/page/events") as stream:
            await stream.content.readuntil(b"\n\n")
            assert (await stream.content.readuntil(b"\n\n")).startswith(b":")
            stream.close()
        async with asyncio.timeout(60):
            while state.listeners:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
