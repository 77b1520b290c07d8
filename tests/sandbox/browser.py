"""A real browser for tests of the page: Chromium, a tab of it, and the page served without a bot."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from statsbot_webhooks.sandbox.page import add_routes

from .page_state import JSON, LOG, Memory

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
has_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: the page is tested with a real browser")


def needs_browser(test: Any) -> Any:
    """Mark a test that drives a browser, which takes seconds."""
    return has_browser(pytest.mark.slow(test))


FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1400,1000",
)  # fmt: skip


@dataclass
class Tab:
    """A tab of the browser, driven by the DevTools protocol."""

    socket: aiohttp.ClientWebSocketResponse
    base: str
    _calls: int = 0

    async def call(self, method: str, **params: Any) -> JSON:
        self._calls += 1
        await self.socket.send_json({"id": self._calls, "method": method, "params": params})
        async with asyncio.timeout(20):
            while True:
                answer = await self.socket.receive_json()
                if answer.get("id") == self._calls:
                    assert "error" not in answer, answer
                    return answer["result"]

    async def js(self, expression: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = 10) -> Any:
        end = time.monotonic() + seconds
        while not (value := await self.js(expression)):
            assert time.monotonic() < end, f"never true: {expression}\n{await self.js('document.body.innerText')}"
            await asyncio.sleep(0.02)
        return value

    async def open(self, path: str) -> None:
        # Through a blank page: a change of the hash alone would not load anything.
        await self.call("Page.navigate", url="about:blank")
        await self.until("location.href === 'about:blank'")
        await self.call("Page.navigate", url=self.base + path)
        await self.until("document.querySelector('#me.live') !== null && document.querySelector('.list') !== null")

    async def texts(self, selector: str) -> list[str]:
        return await self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((node) => node.textContent)")

    async def style(self, selector: str, name: str) -> str:
        return await self.js(f"getComputedStyle(document.querySelector({json.dumps(selector)})).{name}")


@asynccontextmanager
async def serve(state: Memory, port: int = 0) -> AsyncGenerator[str]:
    """Run the page on a port of its own; yields its address."""

    async def send(request: web.Request) -> web.Response:
        return web.Response(text=LOG, content_type="text/plain")

    app = web.Application()
    add_routes(app, state)
    app.router.add_get("/files/{name}", send)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def tab_on(browser: str, base: str) -> AsyncGenerator[Tab]:
    async with aiohttp.ClientSession() as session:
        async with session.put(f"{browser}/json/new?about:blank") as answer:
            target = await answer.json(content_type=None)
        try:
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket, base)
                await tab.call("Emulation.setTimezoneOverride", timezoneId="UTC")
                await tab.call("Emulation.setLocaleOverride", locale="en-US")
                yield tab
        finally:
            async with session.get(f"{browser}/json/close/{target['id']}"):
                pass
