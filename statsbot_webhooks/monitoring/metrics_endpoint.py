"""Metrics endpoint: HTTP for Prometheus, in threads of its own, so that it answers while the event loop is blocked."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from ..clock import Clock
from .stats_collector import StatsCollector, require_client

_log = logging.getLogger(__name__)
# While the port is in use, by the previous process, say, it is tried again this often.
_RETRY_SECONDS: Final = 30.0
# A client that sends or reads nothing for this long is disconnected.
_READER_SECONDS: Final = 10.0
# How long the server may take to notice its shutdown.
_POLL_SECONDS: Final = 0.1


class _Handler(WSGIRequestHandler):
    timeout = _READER_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Print nothing into the bot's console."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # On Windows this would let two programs share a port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer looks up the host's full name, which takes many seconds with a broken DNS.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client that disconnects early is no problem."""


class MetricsEndpoint:
    """Serve a collector, in a registry of its own. Run `serve` as a task; its failures affect the endpoint only."""

    def __init__(self, collector: StatsCollector, host: str, port: int, clock: Clock) -> None:
        client = require_client()
        registry = client.CollectorRegistry()
        registry.register(collector)
        self._app: Any = client.make_wsgi_app(registry)
        self._host, self._port = host, port
        self._clock = clock
        self._server: _Server | None = None

    async def serve(self) -> None:
        """Answer until cancelled."""
        server = self._server = await self._listen()
        server.set_app(self._app)
        thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_SECONDS,), name="statsbot_webhooks-metrics", daemon=True
        )
        thread.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Release the port; blocks for a moment."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    async def _listen(self) -> _Server:
        is_told = False
        while True:
            try:
                server = _Server(self._host, self._port)
            except OSError as error:
                if not is_told:
                    is_told = True
                    reason = error.strerror or error
                    _log.error("WEBHOOK_METRICS_PORT: port %d of %s cannot be used (%s)", self._port, self._host, reason)
                await self._clock.sleep(_RETRY_SECONDS)
                continue
            if is_told:
                _log.info("WEBHOOK_METRICS_PORT: port %d is served now", self._port)
            return server
