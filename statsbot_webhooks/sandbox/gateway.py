"""The gateway: HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, dispatch by intents, zlib-stream compression."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, Final, cast

from aiohttp import WSMsgType, web

from .messages import without_content
from .permissions import BAN_MEMBERS, VIEW_AUDIT_LOG
from .sessions import Closed, Connection, Session
from .state import JSON, Guild, State

_MEMBERS: Final = 1 << 1
_MODERATION: Final = 1 << 2
_WEBHOOKS: Final = 1 << 5
_MESSAGES: Final = 1 << 9
_CONTENT: Final = 1 << 15
_PRIVILEGED: Final = _MEMBERS | (1 << 8) | _CONTENT
# https://discord.com/developers/docs/events/gateway#list-of-intents
_GUILDS: Final = 1 << 0
_INVITES: Final = 1 << 6
_REACTIONS: Final = 1 << 10
_DIRECT_MESSAGES: Final = 1 << 12
_DIRECT_REACTIONS: Final = 1 << 13
_NEEDS: Final = {
    **dict.fromkeys(("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"), _GUILDS),
    **dict.fromkeys(("GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE", "CHANNEL_PINS_UPDATE"), _GUILDS),
    **dict.fromkeys(("CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"), _GUILDS),
    **dict.fromkeys(("THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE"), _GUILDS),
    **dict.fromkeys(("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_UPDATE"), _MEMBERS),
    **dict.fromkeys(("GUILD_BAN_ADD", "GUILD_BAN_REMOVE", "GUILD_AUDIT_LOG_ENTRY_CREATE"), _MODERATION),
    **dict.fromkeys(("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"), _MESSAGES),
    **dict.fromkeys(("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"), _REACTIONS),
    **dict.fromkeys(("MESSAGE_REACTION_REMOVE_ALL", "MESSAGE_REACTION_REMOVE_EMOJI"), _REACTIONS),
    **dict.fromkeys(("INVITE_CREATE", "INVITE_DELETE"), _INVITES),
    "WEBHOOKS_UPDATE": _WEBHOOKS,
}
# What belongs to no server is in a direct message.
_NEEDS_DIRECT: Final = {
    **{event: _DIRECT_MESSAGES for event, intent in _NEEDS.items() if intent == _MESSAGES},
    **{event: _DIRECT_REACTIONS for event, intent in _NEEDS.items() if intent == _REACTIONS},
}
_CHUNK: Final = 1000
# discord.py's thread for heartbeats (gateway.py, KeepAliveHandler.run) notes when it has sent one only after it was sent: an
# answer that comes before counts from the heartbeat before it, and `latency` is 41 s.
_ACK_SECONDS: Final = 0.1
# Any one of these is enough. https://github.com/discord/discord-api-docs/pull/7948
_SEEN_WITH: Final = {
    "GUILD_AUDIT_LOG_ENTRY_CREATE": VIEW_AUDIT_LOG,
    "GUILD_BAN_ADD": VIEW_AUDIT_LOG | BAN_MEMBERS,
    "GUILD_BAN_REMOVE": VIEW_AUDIT_LOG | BAN_MEMBERS,
}


class Gateway:
    """Every session of the bot. All calls on the server's thread."""

    def __init__(
        self, state: State, *, token: str, bot_user: JSON, privileged_intents: bool = True, heartbeat_seconds: float = 41.25
    ) -> None:
        self._state = state
        self._clock = state.clock
        self._token = token
        self._bot_user = bot_user
        self._privileged = privileged_intents
        self._heartbeat_ms = int(heartbeat_seconds * 1000)
        self.base_url = ""
        self.sessions: dict[str, Session] = {}
        # Whether heartbeats are answered; discord.py takes a connection for dead whose heartbeats are not.
        self.acknowledges = True
        self._refused_until = 0.0
        state.on_event(self.dispatch)

    @property
    def url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/gateway/"

    # -- one connection

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection."""
        if self._clock.monotonic() < self._refused_until:
            raise web.HTTPServiceUnavailable
        # A bot whose loop is blocked cannot answer a close frame; do not wait for it longer than this.
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0)
        await socket.prepare(request)
        connection = Connection(socket, compress=request.query.get("compress") == "zlib-stream")
        connection.send(10, {"heartbeat_interval": self._heartbeat_ms})
        writer = asyncio.create_task(connection.write(), name="sandbox-gateway-writer")
        session: Session | None = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    raise Closed(4002, "Decode error.")
                session = self._receive(connection, session, cast(str, message.data))
        except Closed as closed:
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

    def _receive(self, connection: Connection, session: Session | None, text: str) -> Session | None:
        try:
            payload = json.loads(text)
            op, data = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Closed(4002, "Decode error.") from None
        match op:
            case 1:
                if self.acknowledges:
                    self._clock.call_later(_ACK_SECONDS, connection.send, 11)
            case 2 if session is not None:
                raise Closed(4005, "Already authenticated.")
            case 2:
                return self._identify(connection, data)
            case 6:
                return self._resume(connection, data)
            case 3 | 4:
                # Presence and voice: nothing here shows them.
                pass
            case 8 if session is not None:
                self._send_members(session, data)
            case 8:
                raise Closed(4003, "Not authenticated.")
            case _:
                raise Closed(4001, "Unknown opcode.")
        return session

    def _identify(self, connection: Connection, data: JSON) -> Session:
        self._authenticate(data)
        intents = data.get("intents")
        if not isinstance(intents, int) or intents < 0:
            raise Closed(4013, "Invalid intent(s).")
        if intents & _PRIVILEGED and not self._privileged:
            raise Closed(4014, "Disallowed intent(s).")
        number, count = data.get("shard") or (0, 1)
        if not 0 <= number < count:
            raise Closed(4010, "Invalid shard.")
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
            raise Closed(4004, "Authentication failed.")

    def _visible(self, session: Session, guild: Guild) -> list[JSON]:
        if session.intents & _MEMBERS:
            return list(guild.members.values())
        return [member for member in guild.members.values() if member["user"]["id"] == self._bot_user["id"]]

    def _resume(self, connection: Connection, data: JSON) -> Session | None:
        self._authenticate(data)
        session, since = self.sessions.get(data["session_id"]), data.get("seq") or 0
        if session is None or not session.can_replay(since):
            connection.send(9, False)
            return None
        if since > session.sequence:
            raise Closed(4007, "Invalid seq.")
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
            raise Closed(4014, "Disallowed intent(s).")
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
        needed = (_NEEDS_DIRECT if guild_id is None else _NEEDS).get(event, 0)
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
        guild.is_announced = True
        for session in self.sessions.values():
            if session.handles(guild.id):
                payload = self._state.guild_object(guild, self._visible(session, guild))
                if not known:
                    # discord.py (state.py, parse_guild_create) takes any `unavailable` for a server that it was in before.
                    del payload["unavailable"]
                session.dispatch("GUILD_CREATE", payload)

    def _seen_by(self, session: Session, event: str, data: JSON) -> JSON:
        is_message = event in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
        # In a direct message the content always shows.
        if not is_message or session.intents & _CONTENT or "guild_id" not in data:
            return data
        return without_content(data, self._bot_user["id"])

    # -- ends

    async def disconnect(self, *, resumable: bool = True, shard: int | None = None, refuse_seconds: float = 0.0) -> None:
        """Drop every connection, or one shard's; the bots resume, or have to identify again."""
        self._refused_until = self._clock.monotonic() + refuse_seconds
        dropped = [session for session in self.sessions.values() if shard is None or session.shard[0] == shard]
        connections = [session.connection for session in dropped if session.connection is not None]
        if not resumable:
            for session in dropped:
                del self.sessions[session.id]
        await asyncio.gather(*(connection.drop(4000, "Unknown error.") for connection in connections))

    def tell_of_skipped_time(self) -> None:
        """Send an event that no bot knows: a bot whose own clock has skipped too long a silence takes the gateway for dead."""
        for session in self.sessions.values():
            session.dispatch("SANDBOX_TIME_SKIPPED", {})

    def ask_to_reconnect(self) -> None:
        """Send op 7, as Discord does before it restarts a server of its own."""
        for session in self.sessions.values():
            if session.connection is not None:
                session.connection.send(7)
