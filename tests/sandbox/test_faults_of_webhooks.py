"""Every scripted fault, as a sender without a library meets it: status, body, headers, and whether the message is there."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.rest.faults import KINDS

from .test_rules import client_of

VIA = "1.1 google"
# Status, code in the body or the beginning of a text, Via, and whether the message was posted.
ANSWERS: dict[str, tuple[int, int | str, str | None, bool]] = {
    "400": (400, 50035, VIA, False),
    "413": (413, 40005, VIA, False),
    "500": (500, 0, VIA, False),
    "502": (502, "<html>", VIA, False),
    "404": (404, 10015, VIA, False),
    "401": (401, 50027, VIA, False),
    "403": (403, 50013, VIA, False),
    "429_no_via": (429, "<title>Access denied</title>error code: 1015", None, False),
    "html_200": (200, "<html>", VIA, False),
    "saved_html": (200, "<html>", VIA, True),
}
BROKEN = {"reset": False, "no_answer": False, "saved_reset": True}


async def ask(session: aiohttp.ClientSession, url: str) -> tuple[int, str, Any]:
    async with session.post(url + "?wait=true", json={"content": "x"}) as answer:
        return answer.status, await answer.text(), answer


def local(sandbox: Sandbox) -> str:
    return sandbox.webhook_url("error").replace("https://discord.com", sandbox.base_url)


@pytest.mark.parametrize("kind", ANSWERS)
async def test_faults_that_answer(sandbox: Sandbox, kind: str) -> None:
    status, said, via, posted = ANSWERS[kind]
    sandbox.fault("error", kind, times=1)
    async with aiohttp.ClientSession() as session:
        got, text, answer = await ask(session, local(sandbox))
        assert got == status
        assert answer.headers.get("Via") == via
        if isinstance(said, int):
            assert (await answer.json())["code"] == said
            assert answer.headers["Content-Type"] == "application/json"
        else:
            assert text.startswith(said)
            assert answer.content_type == "text/html"
        assert len(sandbox.messages("error")) == posted
        assert (await ask(session, local(sandbox)))[0] == 200, "it was for one request"


@pytest.mark.parametrize("kind", BROKEN)
async def test_faults_that_break_the_connection(sandbox: Sandbox, kind: str) -> None:
    sandbox.fault("error", kind, times=1, delay=0.05)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(session, local(sandbox))
        assert len(sandbox.messages("error")) == BROKEN[kind]
        assert (await ask(session, local(sandbox)))[0] == 200


async def test_no_answer_is_no_answer(sandbox: Sandbox) -> None:
    sandbox.fault("error", "no_answer", times=1)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(session, local(sandbox))


async def test_a_global_limit_and_a_slow_answer(sandbox: Sandbox) -> None:
    sandbox.fault("error", "429_global", times=1, delay=0.25)
    async with aiohttp.ClientSession() as session:
        got, _, answer = await ask(session, local(sandbox))
        body = await answer.json()
        assert (got, body["retry_after"], body["global"]) == (429, 0.25, True)
        assert (answer.headers["X-RateLimit-Global"], answer.headers["X-RateLimit-Scope"]) == ("true", "global")
        assert answer.headers["Retry-After"] == "0.25"
        assert sandbox.invalid_requests == 1
        sandbox.fault("error", "slow", times=1, delay=0.3)
        begun = asyncio.get_running_loop().time()
        assert (await ask(session, local(sandbox)))[0] == 200
        assert asyncio.get_running_loop().time() - begun >= 0.3


async def test_how_long_and_whom_a_fault_befalls(sandbox: Sandbox) -> None:
    sandbox.fault("error", "500", match="poison")
    sandbox.fault("info", "500", seconds=0.2)
    async with aiohttp.ClientSession() as session:
        assert (await ask(session, local(sandbox)))[0] == 200
        url = local(sandbox) + "?wait=true"
        async with session.post(url, json={"content": "a poison"}) as answer:
            assert answer.status == 500
        sandbox.heal("error")
        async with session.post(url, json={"content": "a poison"}) as answer:
            assert answer.status == 200
        info = client_of(session, sandbox, sandbox.webhook_url("info"))
        assert (await info.post({"content": "x"}))[0] == 500
        async with asyncio.timeout(10):
            while (await info.post({"content": "x"}))[0] == 500:
                await asyncio.sleep(0.05)
    with pytest.raises(ValueError, match="not one of"):
        sandbox.fault("error", "503")


def test_no_fault_is_forgotten_here() -> None:
    assert set(KINDS) == {*ANSWERS, *BROKEN, "429_global", "slow"}
