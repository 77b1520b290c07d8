"""The page that shows the channels, and the stream that keeps it up to date."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from typing import Any

from aiohttp import web

from .state import State

_KEEP_ALIVE_SECONDS = 15


def add_routes(app: web.Application, state: State) -> None:
    """Serve the page at /, its data at /page/state and its changes at /page/events (server-sent events)."""
    queues: set[asyncio.Queue[tuple[str, dict[str, Any]] | None]] = set()

    async def page(_request: web.Request) -> web.Response:
        text = files(__package__).joinpath("page.html").read_text("utf-8")
        # Messages hold hostile text on purpose: nothing but the page's own script may run.
        policy = "default-src 'self' 'unsafe-inline'; img-src 'self' https: data:"
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def snapshot(_request: web.Request) -> web.Response:
        return web.json_response(state.snapshot())

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        queue: asyncio.Queue[tuple[str, dict[str, Any]] | None] = asyncio.Queue()
        queues.add(queue)
        unsubscribe = state.subscribe(lambda kind, data: queue.put_nowait((kind, data)))
        try:
            while True:
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                        item = await queue.get()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                if item is None:
                    break
                await response.write(f"event: {item[0]}\ndata: {json.dumps(item[1])}\n\n".encode())
        except ConnectionError:
            pass
        finally:
            unsubscribe()
            queues.discard(queue)
        return response

    async def close(_app: web.Application) -> None:
        for queue in queues:
            queue.put_nowait(None)

    app.router.add_get("/", page)
    app.router.add_get("/page/state", snapshot)
    app.router.add_get("/page/events", events)
    app.on_shutdown.append(close)
