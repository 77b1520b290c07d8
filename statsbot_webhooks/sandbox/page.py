"""The page that shows the channels, and the stream that keeps it up to date."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final, Protocol

from aiohttp import web

from .state import JSON, State

_HEARTBEAT_SECONDS: Final = 15.0


_PARTS: Final = {
    "page.css": "text/css", "base.js": "text/javascript", "markdown.js": "text/javascript",
    "message.js": "text/javascript", "page.js": "text/javascript",
}  # fmt: skip


def _read(name: str) -> str:
    return files("statsbot_webhooks.sandbox").joinpath("web", name).read_text("utf-8")


class PageData:
    """What the page shows of the state, in the shape in which it reads it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.subscribe = state.subscribe

    def snapshot(self) -> JSON:
        """Return all that the page shows."""
        guilds = [
            {
                "id": str(guild.id), "name": guild.name, "members": list(guild.members.values()),
                "owner_id": str(guild.owner_id), "roles": list(guild.roles.values()),
                "channels": [*guild.channels.values(), *guild.threads.values()],
            }
            for guild in self._state.guilds.values()
        ]  # fmt: skip
        return {"guilds": guilds, "messages": {str(key): list(value) for key, value in self._state.messages.items()}}


class StateLike(Protocol):
    """What the page needs of the local Discord."""

    def snapshot(self) -> dict[str, Any]:
        """Return the guilds and the messages by channel id."""
        ...

    def subscribe(self, callback: Callable[[str, dict[str, Any]], None], /) -> Callable[[], None]:
        """Call back with kind and data of each change, on the server's loop; the result ends it."""
        ...


def add_routes(app: web.Application, state: StateLike) -> None:
    """Serve the page at /, its parts at /page/, its data at /page/state and its changes at /page/events (server-sent events)."""
    queues: set[asyncio.Queue[bytes | None]] = set()
    is_closing = False

    async def page(_request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        # Within a script element only "<" could end the data; the rest of the page is ours.
        data = json.dumps(state.snapshot()).replace("<", "\\u003c")
        text = _read("page.html")
        text = text.replace("{{nonce}}", nonce).replace("{{state}}", data)
        # Messages hold hostile text on purpose: the page never makes markup of it, and if it ever did, only the
        # script that carries the nonce may run.
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
            "img-src http: https: data:; base-uri 'none'; form-action 'none'"
        )
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def part(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _PARTS:
            raise web.HTTPNotFound
        return web.Response(text=_read(name), content_type=_PARTS[name], headers={"Cache-Control": "no-store"})

    async def snapshot(_request: web.Request) -> web.Response:
        return web.json_response(state.snapshot(), headers={"Cache-Control": "no-store"})

    async def events(request: web.Request) -> web.StreamResponse:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()

        def push(kind: str, data: dict[str, Any]) -> None:
            # Made into text at once: the state edits its messages in place.
            queue.put_nowait(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())

        # Before the headers go out: the page takes its snapshot when it has them, and may not miss what comes after.
        unsubscribe = state.subscribe(push)
        queues.add(queue)
        if is_closing:
            queue.put_nowait(None)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            while True:
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        item = await queue.get()
                except TimeoutError:
                    item = b": still here\n\n"
                if item is None:
                    break
                await response.write(item)
        except ConnectionError:
            pass  # The browser has gone.
        finally:
            queues.discard(queue)
            unsubscribe()
        return response

    async def close(_app: web.Application) -> None:
        nonlocal is_closing
        is_closing = True
        for queue in queues:
            queue.put_nowait(None)

    app.router.add_get("/", page)
    app.router.add_get("/page/state", snapshot)
    app.router.add_get("/page/events", events)
    app.router.add_get("/page/{name}", part)
    app.on_shutdown.append(close)
