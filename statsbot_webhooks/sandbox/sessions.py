"""A bot's gateway session and its connection: sequence numbers, replay after a resume, compression.

What is sent to whom is decided in `gateway`.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from .state import JSON

_REPLAYED: Final = 1000


class Closed(Exception):  # noqa: N818 - it is a close code, not an error of the server
    """Ends a connection with one of Discord's close codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Connection:
    """One websocket. What is sent is queued, so that a bot that does not read holds up no other connection."""

    def __init__(self, socket: web.WebSocketResponse, *, compress: bool) -> None:
        self.socket = socket
        self.is_dropped = False
        self._compressor = zlib.compressobj() if compress else None
        self._queue: asyncio.Queue[JSON] = asyncio.Queue()

    def send(self, op: int, data: Any = None, *, event: str | None = None, sequence: int | None = None) -> None:
        self._queue.put_nowait({"op": op, "d": data, "s": sequence, "t": event})

    async def drop(self, code: int, reason: str) -> None:
        """Close from this side; the bot answers with a code of its own, which says nothing of its session."""
        self.is_dropped = True
        await self.socket.close(code=code, message=reason.encode())

    async def write(self) -> None:
        """Send what is queued, for as long as the bot is there; what it misses is replayed when it resumes."""
        while not self.socket.closed:
            data = json.dumps(await self._queue.get())
            try:
                if self._compressor is None:
                    await self.socket.send_str(data)
                else:
                    packed = self._compressor.compress(data.encode()) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(packed)
            except ConnectionError:
                return


@dataclass(slots=True)
class Session:
    """A bot's session; it outlives its connection, so that the bot can resume."""

    id: str
    intents: int
    shard: tuple[int, int]
    connection: Connection | None
    sequence: int = 0
    sent: deque[tuple[int, str, Any]] = field(default_factory=lambda: deque[tuple[int, str, Any]](maxlen=_REPLAYED))

    def handles(self, guild_id: int | None) -> bool:
        # What belongs to no guild goes to the first shard.
        return self.shard[0] == 0 if guild_id is None else (guild_id >> 22) % self.shard[1] == self.shard[0]

    def dispatch(self, event: str, data: Any) -> None:
        self.sequence += 1
        self.sent.append((self.sequence, event, data))
        if self.connection is not None:
            self.connection.send(0, data, event=event, sequence=self.sequence)

    def replay(self, since: int) -> None:
        for sequence, event, data in self.sent:
            if self.connection is not None and sequence > since:
                self.connection.send(0, data, event=event, sequence=sequence)

    def can_replay(self, since: int) -> bool:
        return since == self.sequence or bool(self.sent and self.sent[0][0] <= since + 1)
