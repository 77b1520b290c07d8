"""The page that shows the channels, and the stream that keeps it up to date."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final, Protocol

from aiohttp import web

from .messages import public
from .page_acts import PageActs
from .state import JSON, State

_HEARTBEAT_SECONDS: Final = 15.0


_SCRIPTS: Final = ("base", "markdown", "message", "list", "acts", "menus", "composer", "page")
_PARTS: Final = {"page.css": "text/css", "acts.css": "text/css", **{f"{name}.js": "text/javascript" for name in _SCRIPTS}}


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
        messages = {str(key): [public(message) for message in value] for key, value in self._state.messages.items()}
        return {"guilds": guilds, "messages": messages}


class StateLike(Protocol):
    """What the page needs of the local Discord."""

    def snapshot(self) -> dict[str, Any]:
        """Return the guilds and the messages by channel id."""
        ...

    def subscribe(self, callback: Callable[[str, dict[str, Any]], None], /) -> Callable[[], None]:
        """Call back with kind and data of each change, on the server's loop; the result ends it."""
        ...


def add_routes(app: web.Application, state: StateLike, acts: PageActs | None = None) -> None:
    """Serve the page at /, its parts at /page/, its data at /page/state and its changes at /page/events (server-sent events).

    With `acts` it takes what users do at /page/act; without, the page only shows.
    """
    queues: set[asyncio.Queue[bytes | None]] = set()
    is_closing = False

    async def page(_request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        # Within a script element only "<" could end the data; the rest of the page is ours.
        data = json.dumps({**state.snapshot(), "about": about()}).replace("<", "\\u003c")
        scripts = "\n".join(f'<script nonce="{nonce}" src="/page/{name}.js"></script>' for name in _SCRIPTS)
        text = _read("page.html").replace("{{scripts}}", scripts).replace("{{state}}", data)
        # Messages hold hostile text on purpose: the page never makes markup of it, and if it ever did, only the
        # script that carries the nonce may run.
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
            "img-src http: https: data:; base-uri 'none'; form-action 'none'"
        )
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    def about() -> JSON | None:
        return None if acts is None else acts.about()

    async def show_about(_request: web.Request) -> web.Response:
        return web.json_response(about(), headers={"Cache-Control": "no-store"})

    async def commands(request: web.Request) -> web.Response:
        guild = request.query.get("guild", "")
        known = [] if acts is None else acts.commands(int(guild) if guild.isdigit() else None)
        return web.json_response(known, headers={"Cache-Control": "no-store"})

    async def act(request: web.Request) -> web.Response:
        if acts is None or request.content_type != "application/json":
            raise web.HTTPNotFound
        try:
            return web.json_response(await acts.act(await request.json()))
        except (LookupError, ValueError, TypeError) as error:
            # A `KeyError` shows its text as a repr.
            text = f"there is no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            return web.json_response({"error": text}, status=400)

    async def part(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _PARTS:
            raise web.HTTPNotFound
        return web.Response(text=_read(name), content_type=_PARTS[name], headers={"Cache-Control": "no-store"})

    async def snapshot(_request: web.Request) -> web.Response:
        return web.json_response({**state.snapshot(), "about": about()}, headers={"Cache-Control": "no-store"})

    async def events(request: web.Request) -> web.StreamResponse:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()

        def push(kind: str, data: dict[str, Any]) -> None:
            # Made into text at once: the state edits its messages in place.
            queue.put_nowait(f"event: {kind}\ndata: {json.dumps(public(data))}\n\n".encode())

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
    app.router.add_get("/page/about", show_about)
    app.router.add_get("/page/commands", commands)
    app.router.add_post("/page/act", act)
    app.router.add_get("/page/{name}", part)
    app.on_shutdown.append(close)
