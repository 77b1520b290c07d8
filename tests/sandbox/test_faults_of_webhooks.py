"""Every scripted fault, as a sender without a library meets it: status, body, headers, and whether the message is there."""

from __future__ import annotations

import asyncio
import json
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
    "saved_500": (500, 0, VIA, True),
    "saved_502": (502, "<html>", VIA, True),
    "503": (503, "<html>", VIA, False),
    "504": (504, "<html>", VIA, False),
    "403_html": (403, "<html>", None, False),
    "404_html": (404, "<html>", VIA, False),
    "401_bare": (401, 0, VIA, False),
    "403_bare": (403, 0, VIA, False),
    "404_bare": (404, 0, VIA, False),
    "404_channel": (404, 10003, VIA, False),
}
BROKEN = {"reset": False, "no_answer": False, "saved_reset": True, "saved_no_answer": True}
# Faults of a place or a field: the request that each befalls, and what is answered. All others go through.
OF_SOME: dict[str, tuple[str, dict[str, str], dict[str, Any], int, int]] = {
    "thread_archived": ("POST", {"thread_id": "1"}, {}, 400, 50083),
    "thread_locked": ("POST", {"thread_id": "1"}, {}, 400, 160005),
    "tags_required": ("POST", {}, {"thread_name": "a"}, 400, 40067),
    "too_many_threads": ("POST", {}, {"thread_name": "a"}, 400, 160006),
    "username_refused": ("POST", {}, {"username": "anywhere"}, 400, 50035),
    "announcement_edits": ("PATCH", {}, {}, 429, 20022),
    "old_edits": ("PATCH", {}, {}, 429, 30046),
}


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


@pytest.mark.parametrize("kind", OF_SOME)
async def test_faults_of_a_place_or_a_field(sandbox: Sandbox, kind: str) -> None:
    method, query, payload, status, code = OF_SOME[kind]
    async with aiohttp.ClientSession() as session:
        _, said, _ = await ask(session, local(sandbox))
        sandbox.fault("error", kind)
        assert (await ask(session, local(sandbox)))[0] == 200, "a request that it is not about"
        url = local(sandbox) + (f"/messages/{json.loads(said)['id']}" if method == "PATCH" else "")
        async with session.request(method, url, params=query, json={"content": "y", **payload}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)
            assert ("username" in (await answer.json()).get("errors", {})) is (kind == "username_refused")
            assert ("Retry-After" in answer.headers) is (status == 429)


@pytest.mark.parametrize(("kind", "scope", "counted"), [("429", "user", 1), ("429_shared", "shared", 0)])
async def test_limits_of_one_webhook(sandbox: Sandbox, kind: str, scope: str, counted: int) -> None:
    sandbox.fault("error", kind, times=1, delay=40)
    async with aiohttp.ClientSession() as session:
        got, text, answer = await ask(session, local(sandbox))
        said = json.loads(text)
        assert (got, said["retry_after"], said["global"], answer.headers["Via"]) == (429, 40, False, VIA)
        assert answer.headers["X-RateLimit-Scope"] == scope
        assert sandbox.invalid_requests == counted


async def test_an_answer_that_is_lost_can_be_looked_for(sandbox: Sandbox) -> None:
    sandbox.fault("error", "saved_reset")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(session, local(sandbox))
        (message,) = sandbox.messages("error")
        async with session.get(f"{local(sandbox)}/messages/{message.id}") as answer:
            assert (await answer.json())["content"] == "x"


async def test_a_fault_of_some_methods(sandbox: Sandbox) -> None:
    sandbox.fault("error", "500", methods=("GET",))
    async with aiohttp.ClientSession() as session:
        assert (await ask(session, local(sandbox)))[0] == 200
        async with session.get(local(sandbox)) as answer:
            assert answer.status == 500


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
    async with aiohttp.ClientSession() as session:
        assert (await ask(session, local(sandbox)))[0] == 200
        url = local(sandbox) + "?wait=true"
        async with session.post(url, json={"content": "a poison"}) as answer:
            assert answer.status == 500
        sandbox.heal("error")
        async with session.post(url, json={"content": "a poison"}) as answer:
            assert answer.status == 200
        info = client_of(session, sandbox, sandbox.webhook_url("info"))
        sandbox.fault("info", "500", seconds=20)
        assert (await info.post({"content": "x"}))[0] == 500
        async with asyncio.timeout(60):
            while (await info.post({"content": "x"}))[0] == 500:
                await asyncio.sleep(5)
    with pytest.raises(ValueError, match="not one of"):
        sandbox.fault("error", "teapot")


def test_no_fault_is_forgotten_here() -> None:
    assert set(KINDS) == {*ANSWERS, *BROKEN, *OF_SOME, "429", "429_shared", "429_global", "slow"}
