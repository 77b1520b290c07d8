"""The gateway: HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, dispatch by intents, zlib-stream compression."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, cast

from aiohttp import WSMsgType, web

from .permissions import BAN_MEMBERS, VIEW_AUDIT_LOG
from .state import JSON, Guild, State

_MEMBERS: Final = 1 << 1
_MODERATION: Final = 1 << 2
_WEBHOOKS: Final = 1 << 5
_MESSAGES: Final = 1 << 9
_CONTENT: Final = 1 << 15
_PRIVILEGED: Final = _MEMBERS | (1 << 8) | _CONTENT
# https://discord.com/developers/docs/events/gateway#list-of-intents
_NEEDS: Final = {
    "GUILD_CREATE": 1 << 0, "GUILD_DELETE": 1 << 0, "GUILD_ROLE_CREATE": 1 << 0, "GUILD_ROLE_UPDATE": 1 << 0,
    "CHANNEL_CREATE": 1 << 0, "CHANNEL_DELETE": 1 << 0, "THREAD_CREATE": 1 << 0, "WEBHOOKS_UPDATE": _WEBHOOKS,
    "GUILD_MEMBER_ADD": _MEMBERS, "GUILD_MEMBER_REMOVE": _MEMBERS, "GUILD_MEMBER_UPDATE": _MEMBERS,
    "GUILD_BAN_ADD": _MODERATION, "GUILD_BAN_REMOVE": _MODERATION, "GUILD_AUDIT_LOG_ENTRY_CREATE": _MODERATION,
    "MESSAGE_CREATE": _MESSAGES, "MESSAGE_UPDATE": _MESSAGES, "MESSAGE_DELETE": _MESSAGES,
}  # fmt: skip
_CHUNK: Final = 1000
_REPLAYED: Final = 1000
# Any one of these is enough. https://github.com/discord/discord-api-docs/pull/7948
_SEEN_WITH: Final = {
    "GUILD_AUDIT_LOG_ENTRY_CREATE": VIEW_AUDIT_LOG,
    "GUILD_BAN_ADD": VIEW_AUDIT_LOG | BAN_MEMBERS,
    "GUILD_BAN_REMOVE": VIEW_AUDIT_LOG | BAN_MEMBERS,
}


class _Closed(Exception):  # noqa: N818 - it is a close code, not an error of the server
    """Ends a connection with one of Discord's close codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class _Connection:
    """One websocket. What is sent is queued, so that a bot that does not read holds up nobody else."""

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
    connection: _Connection | None
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


class Gateway:
    """Every session of the bot. All calls on the server's thread."""

    def __init__(self, state: State, *, token: str, bot_user: JSON, privileged_intents: bool = True) -> None:
        self._state = state
        self._token = token
        self._bot_user = bot_user
        self._privileged = privileged_intents
        self.base_url = ""
        self.sessions: dict[str, Session] = {}
        self._refused_until = 0.0
        state.subscribe(self._on_change)

    @property
    def url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/gateway/"

    # -- one connection

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection."""
        if time.monotonic() < self._refused_until:
            raise web.HTTPServiceUnavailable
        # A bot whose loop is blocked cannot answer a close frame; do not wait for it longer than this.
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0)
        await socket.prepare(request)
        connection = _Connection(socket, compress=request.query.get("compress") == "zlib-stream")
        connection.send(10, {"heartbeat_interval": 41250})
        writer = asyncio.create_task(connection.write(), name="sandbox-gateway-writer")
        session: Session | None = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    raise _Closed(4002, "Decode error.")
                session = self._receive(connection, session, cast(str, message.data))
        except _Closed as closed:
            await connection.drop(closed.code, closed.reason)
        finally:
            writer.cancel()
            await asyncio.wait([writer])
            if session is not None and session.connection is connection:
                session.connection = None
                # A bot that says goodbye properly ends its session; any other close lets it resume.
                if socket.close_code in (1000, 1001) and not connection.is_dropped:
                    self.sessions.pop(session.id, None)
        return socket

    def _receive(self, connection: _Connection, session: Session | None, text: str) -> Session | None:
        try:
            payload = json.loads(text)
            op, data = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _Closed(4002, "Decode error.") from None
        match op:
            case 1:
                connection.send(11)
            case 2 if session is not None:
                raise _Closed(4005, "Already authenticated.")
            case 2:
                return self._identify(connection, data)
            case 6:
                return self._resume(connection, data)
            case 3 | 4:
                # Presence and voice: nobody here looks at them.
                pass
            case 8 if session is not None:
                self._send_members(session, data)
            case 8:
                raise _Closed(4003, "Not authenticated.")
            case _:
                raise _Closed(4001, "Unknown opcode.")
        return session

    def _identify(self, connection: _Connection, data: JSON) -> Session:
        self._authenticate(data)
        intents = data.get("intents")
        if not isinstance(intents, int) or intents < 0:
            raise _Closed(4013, "Invalid intent(s).")
        if intents & _PRIVILEGED and not self._privileged:
            raise _Closed(4014, "Disallowed intent(s).")
        number, count = data.get("shard") or (0, 1)
        if not 0 <= number < count:
            raise _Closed(4010, "Invalid shard.")
        session = Session(secrets.token_hex(16), intents, (number, count), connection)
        self.sessions[session.id] = session
        guilds = [guild for guild in self._state.guilds.values() if session.handles(guild.id)]
        ready = {
            "v": 10, "user": {**self._bot_user, "verified": True, "mfa_enabled": False, "flags": 0, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id, "resume_gateway_url": self.url, "shard": list(session.shard),
            "application": {"id": self._bot_user["id"], "flags": 0}, "private_channels": [], "relationships": [],
        }  # fmt: skip
        session.dispatch("READY", ready)
        for guild in (guild for guild in guilds if guild.is_available):
            session.dispatch("GUILD_CREATE", self._state.guild_object(guild, self._visible(session, guild)))
        return session

    def _authenticate(self, data: JSON) -> None:
        if str(data.get("token")).removeprefix("Bot ") != self._token:
            raise _Closed(4004, "Authentication failed.")

    def _visible(self, session: Session, guild: Guild) -> list[JSON]:
        if session.intents & _MEMBERS:
            return list(guild.members.values())
        return [member for member in guild.members.values() if member["user"]["id"] == self._bot_user["id"]]

    def _resume(self, connection: _Connection, data: JSON) -> Session | None:
        self._authenticate(data)
        session, since = self.sessions.get(data["session_id"]), data.get("seq") or 0
        if session is None or not session.can_replay(since):
            connection.send(9, False)
            return None
        if since > session.sequence:
            raise _Closed(4007, "Invalid seq.")
        session.connection = connection
        session.replay(since)
        session.dispatch("RESUMED", {})
        return session

    def _send_members(self, session: Session, data: JSON) -> None:
        guild = self._state.guilds.get(int(data["guild_id"]))
        if guild is None:
            return
        ids: Any = data.get("user_ids")
        query, limit = data.get("query"), data.get("limit") or 0
        if ids is None and not query and not limit and not session.intents & _MEMBERS:
            raise _Closed(4014, "Disallowed intent(s).")
        members, missing = list(guild.members.values()), list[str]()
        if ids is not None:
            wanted = [str(user) for user in cast(list[Any], ids if isinstance(ids, list) else [ids])]
            members = [member for member in members if member["user"]["id"] in wanted]
            missing = [user for user in wanted if int(user) not in guild.members]
        elif query:
            members = [member for member in members if member["user"]["username"].startswith(query)]
        members = members[: limit or None]
        chunks = [members[at : at + _CHUNK] for at in range(0, len(members), _CHUNK)] or [[]]
        for index, chunk in enumerate(chunks):
            body: JSON = {
                "guild_id": str(guild.id), "members": chunk, "chunk_index": index, "chunk_count": len(chunks),
                "not_found": missing, "nonce": data.get("nonce"), "presences": [],
            }  # fmt: skip
            session.dispatch("GUILD_MEMBERS_CHUNK", body)

    # -- events

    def dispatch(self, event: str, data: JSON, guild_id: int | None) -> None:
        """Send an event to every session that asked for it."""
        needed = _NEEDS.get(event, 0)
        for session in list(self.sessions.values()):
            if session.handles(guild_id) and (not needed or session.intents & needed) and self._may_see(event, guild_id):
                session.dispatch(event, self._seen_by(session, event, data))

    def _may_see(self, event: str, guild_id: int | None) -> bool:
        guild = self._state.guilds.get(guild_id) if guild_id is not None else None
        needed = _SEEN_WITH.get(event)
        if guild is None or needed is None:
            return True
        return bool(self._state.permissions(guild, int(self._bot_user["id"])) & needed)

    def add_guild(self, guild: Guild, *, known: bool = False) -> None:
        """Tell the bot that it has joined a server, or that one it is in is there again."""
        for session in self.sessions.values():
            if session.handles(guild.id):
                payload = self._state.guild_object(guild, self._visible(session, guild))
                if not known:
                    # discord.py (state.py, parse_guild_create) takes any `unavailable` for a server that it was in before.
                    del payload["unavailable"]
                session.dispatch("GUILD_CREATE", payload)

    def _seen_by(self, session: Session, event: str, data: JSON) -> JSON:
        is_message = event in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
        if not is_message or session.intents & _CONTENT or "guild_id" not in data:
            return data
        me = self._bot_user["id"]
        if data["author"]["id"] == me or any(user["id"] == me for user in data["mentions"]):
            return data
        return {**data, "content": "", "embeds": [], "attachments": [], "components": []}

    def _on_change(self, kind: str, data: JSON) -> None:
        if kind in ("message_create", "message_update", "message_delete"):
            self._on_message(kind.upper(), data)
        elif kind == "channel_create":
            event = "THREAD_CREATE" if "thread_metadata" in data else "CHANNEL_CREATE"
            self.dispatch(event, data, int(data["guild_id"]))
        elif kind == "channel_delete":
            self.dispatch("CHANNEL_DELETE", data, int(data["guild_id"]))
        elif kind == "webhooks_update":
            self.dispatch("WEBHOOKS_UPDATE", data, int(data["guild_id"]))

    def _on_message(self, event: str, data: JSON) -> None:
        guild = self._state.guild_of(int(data["channel_id"]))
        payload = {key: value for key, value in data.items() if key != "pinged"}
        if guild is None:
            # A direct message: another intent, and its content always shows.
            for session in self.sessions.values():
                if session.handles(None) and session.intents & (1 << 12):
                    session.dispatch(event, payload)
            return
        payload["guild_id"] = str(guild.id)
        member = guild.members.get(int(data["author"]["id"])) if "author" in data else None
        if member is not None:
            payload["member"] = {key: value for key, value in member.items() if key != "user"}
        self.dispatch(event, payload, guild.id)

    # -- ends

    async def disconnect(self, *, resumable: bool = True, shard: int | None = None, refuse_seconds: float = 0.0) -> None:
        """Drop every connection, or one shard's; the bots resume, or have to identify again."""
        self._refused_until = time.monotonic() + refuse_seconds
        dropped = [session for session in self.sessions.values() if shard is None or session.shard[0] == shard]
        connections = [session.connection for session in dropped if session.connection is not None]
        if not resumable:
            for session in dropped:
                del self.sessions[session.id]
        await asyncio.gather(*(connection.drop(4000, "Unknown error.") for connection in connections))

    def ask_to_reconnect(self) -> None:
        """Send op 7, as Discord does before it restarts a server of its own."""
        for session in self.sessions.values():
            if session.connection is not None:
                session.connection.send(7)
