"""The gateway: HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, dispatch by intents, zlib-stream compression."""

from __future__ import annotations

import itertools
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSMsgType, web

from .state import JSON, Guild, State

_MEMBERS: Final = 1 << 1
_MODERATION: Final = 1 << 2
_CONTENT: Final = 1 << 15
_PRIVILEGED: Final = _MEMBERS | (1 << 8) | _CONTENT
_NEEDS: Final = {
    "GUILD_MEMBER_ADD": _MEMBERS, "GUILD_MEMBER_REMOVE": _MEMBERS, "GUILD_MEMBER_UPDATE": _MEMBERS,
    "GUILD_BAN_ADD": _MODERATION, "GUILD_BAN_REMOVE": _MODERATION, "GUILD_AUDIT_LOG_ENTRY_CREATE": _MODERATION,
    "MESSAGE_CREATE": (1 << 9) | (1 << 12), "MESSAGE_UPDATE": (1 << 9) | (1 << 12), "MESSAGE_DELETE": (1 << 9) | (1 << 12),
}  # fmt: skip


@dataclass(slots=True)
class Session:
    """A bot's session; it outlives its connection, so that the bot can resume."""

    id: str
    intents: int
    shard: tuple[int, int]
    socket: web.WebSocketResponse | None = None
    compressor: Any = None
    sequence: int = 0
    sent: deque[tuple[int, JSON]] = field(default_factory=lambda: deque[tuple[int, JSON]](maxlen=1000))

    def handles(self, guild_id: int | None) -> bool:
        return guild_id is None or (guild_id >> 22) % self.shard[1] == self.shard[0]

    async def transmit(self, payload: JSON) -> None:
        await _transmit(self.socket, self.compressor, payload)


async def _transmit(socket: web.WebSocketResponse | None, compressor: Any, payload: JSON) -> None:
    if socket is None or socket.closed:
        return
    data = json.dumps(payload).encode()
    try:
        if compressor is None:
            await socket.send_str(data.decode())
        else:
            await socket.send_bytes(compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))
    except ConnectionError:
        # The bot went away meanwhile; what it missed is replayed when it resumes.
        return


class Gateway:
    """Every session of the bot."""

    def __init__(self, state: State, *, token: str, bot_user: JSON, privileged_intents: bool = True) -> None:
        self._state = state
        self._token = token
        self._bot_user = bot_user
        self._privileged = privileged_intents
        self.base_url = ""
        self.sessions: dict[str, Session] = {}
        self._ids = itertools.count(1)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection."""
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        compressor = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        await _transmit(socket, compressor, {"op": 10, "d": {"heartbeat_interval": 41250}, "s": None, "t": None})
        session: Session | None = None
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            payload = json.loads(message.data)
            data = payload.get("d")
            if payload["op"] == 1:
                await _transmit(socket, compressor, {"op": 11, "d": None, "s": None, "t": None})
            elif payload["op"] == 2:
                session = await self._identify(socket, compressor, data)
            elif payload["op"] == 6:
                session = await self._resume(socket, compressor, data)
            elif payload["op"] == 8 and session is not None:
                await self._send_members(session, data)
        if session is not None and session.socket is socket:
            session.socket = None
        return socket

    async def _identify(self, socket: web.WebSocketResponse, compressor: Any, data: JSON) -> Session | None:
        if data["token"].removeprefix("Bot ") != self._token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return None
        if data["intents"] & _PRIVILEGED and not self._privileged:
            await socket.close(code=4014, message=b"Disallowed intent(s).")
            return None
        shard = tuple(data.get("shard") or (0, 1))
        session = Session(secrets.token_hex(16), data["intents"], (shard[0], shard[1]), socket, compressor)
        self.sessions[session.id] = session
        guilds = [guild for guild in self._state.guilds.values() if session.handles(guild.id)]
        ready = {
            "v": 10, "user": {**self._bot_user, "verified": True, "mfa_enabled": False, "flags": 0, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id, "resume_gateway_url": self.base_url.replace("http", "ws", 1) + "/gateway/",
            "application": {"id": self._bot_user["id"], "flags": 0}, "shard": list(session.shard),
            "private_channels": [], "relationships": [],
        }  # fmt: skip
        await self._dispatch_to(session, "READY", ready)
        for guild in guilds:
            await self._dispatch_to(session, "GUILD_CREATE", self._state.guild_object(guild, self._visible(session, guild)))
        return session

    def _visible(self, session: Session, guild: Guild) -> list[JSON]:
        if session.intents & _MEMBERS:
            return list(guild.members.values())
        return [member for member in guild.members.values() if member["user"]["id"] == self._bot_user["id"]]

    async def _resume(self, socket: web.WebSocketResponse, compressor: Any, data: JSON) -> Session | None:
        session = self.sessions.get(data["session_id"])
        if session is None or data["token"].removeprefix("Bot ") != self._token:
            await _transmit(socket, compressor, {"op": 9, "d": False, "s": None, "t": None})
            return None
        session.socket, session.compressor = socket, compressor
        for sequence, payload in list(session.sent):
            if sequence > data["seq"]:
                await session.transmit(payload)
        await self._dispatch_to(session, "RESUMED", {})
        return session

    async def _send_members(self, session: Session, data: JSON) -> None:
        guild = self._state.guilds.get(int(data["guild_id"]))
        if guild is None:
            return
        wanted = {int(user) for user in data.get("user_ids") or []}
        members = [member for user, member in guild.members.items() if not wanted or user in wanted]
        chunk = {
            "guild_id": str(guild.id), "members": members, "chunk_index": 0, "chunk_count": 1,
            "not_found": [], "nonce": data.get("nonce"), "presences": [],
        }  # fmt: skip
        await self._dispatch_to(session, "GUILD_MEMBERS_CHUNK", chunk)

    async def dispatch(self, event: str, data: JSON, guild_id: int | None) -> None:
        """Send an event to every session that asked for it."""
        needed = _NEEDS.get(event, 0)
        for session in self.sessions.values():
            if not session.handles(guild_id) or (needed and not session.intents & needed):
                continue
            if event == "MESSAGE_CREATE" and not session.intents & _CONTENT and data["author"]["id"] != self._bot_user["id"]:
                data = {**data, "content": "", "embeds": [], "attachments": []}
            await self._dispatch_to(session, event, data)

    async def _dispatch_to(self, session: Session, event: str, data: JSON) -> None:
        session.sequence += 1
        payload = {"op": 0, "t": event, "s": session.sequence, "d": data}
        session.sent.append((session.sequence, payload))
        await session.transmit(payload)

    async def disconnect(self) -> None:
        """Drop every connection in a way that lets the bots resume."""
        for session in self.sessions.values():
            if session.socket is not None:
                await session.socket.close(code=4000, message=b"Unknown error")
