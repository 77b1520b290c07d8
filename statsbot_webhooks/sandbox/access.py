"""Who may ask the sandbox: programs on this machine that call it by one of its own names, and its own page.

A web page from elsewhere, open in a browser on the same machine, could otherwise read the bot's token or act as a user.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


@web.middleware
async def own_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests to other host names, as after DNS rebinding, and those that another origin's page makes."""
    host = request.headers.get("Host", "").lower()
    name, _, port = host.rpartition(":")
    # A path alone: a whole address names a host too, and would win over the header (RFC 9112, 3.2.2).
    if name not in _NAMES or port != str(_port(request)) or not request.raw_path.startswith("/"):
        return web.Response(status=421)
    if any(origin.lower() != f"http://{host}" for origin in request.headers.getall("Origin", ())):
        return web.Response(status=403)
    # Pictures, scripts and frames of other sites come without an origin; a link that is followed is harmless.
    is_foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
    if is_foreign and (request.method != "GET" or request.path != "/" or request.headers.get("Sec-Fetch-Dest") != "document"):
        return web.Response(status=403)
    return await handler(request)


def _port(request: web.Request) -> int | None:
    transport = request.transport
    return None if transport is None else transport.get_extra_info("sockname")[1]
