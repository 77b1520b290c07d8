"""A local Discord for trying and testing: REST and gateway for an unmodified bot, as strict as the real one."""

from __future__ import annotations

import asyncio
import base64
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web

from .faults import KINDS, Fault
from .gateway import Gateway
from .page import add_routes
from .redirect import redirect
from .rest import Request, Rest
from .state import JSON, Guild, State, Webhook

__all__ = ["Attachment", "InteractionResult", "Message", "Request", "Sandbox", "redirect"]
_T = TypeVar("_T")
_CHANNELS: Final = {"error": "errors", "member_events": "members"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message."""

    filename: str
    content_type: str
    url: str
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a channel shows it. `pinged` says who was really notified."""

    raw: JSON
    attachments: tuple[Attachment, ...]

    @property
    def content(self) -> str:
        return self.raw["content"]

    @property
    def username(self) -> str:
        return self.raw["author"]["username"]

    @property
    def embeds(self) -> list[JSON]:
        return self.raw["embeds"]

    @property
    def pinged(self) -> list[str]:
        return self.raw["pinged"]

    @property
    def text(self) -> str:
        """Everything readable outside of files, joined."""
        return "\n".join([self.content, *embed_texts(self.embeds)])


def embed_texts(embeds: list[JSON]) -> Iterator[str]:
    """Yield every text of embeds."""
    for embed in embeds:
        yield embed.get("title") or ""
        yield embed.get("description") or ""
        for item in embed.get("fields") or []:
            yield f"{item['name']}\n{item['value']}"
        yield (embed.get("footer") or {}).get("text") or ""


@dataclass(frozen=True, slots=True)
class InteractionResult:
    """What a bot answered to a slash command."""

    acknowledged: bool
    deferred: bool
    ephemeral: bool
    content: str
    embeds: list[JSON]
    choices: list[JSON]

    @property
    def text(self) -> str:
        return "\n".join([self.content, *embed_texts(self.embeds)])


class Sandbox:
    """Runs on a thread of its own. Use it with `with` or `async with`; every method may be called from any thread."""

    def __init__(self, *, port: int = 0, limits: bool = True, privileged_intents: bool = True) -> None:
        self._port = port
        self.state = State()
        self._owner = self.state.user("olivia", age_days=2000)
        self._bot = self.state.user("demo-bot", bot=True, age_days=300)
        encoded = base64.urlsafe_b64encode(self._bot["id"].encode()).decode().rstrip("=")
        self.bot_token = f"{encoded}.{secrets.token_urlsafe(4)[:6]}.{secrets.token_urlsafe(29)[:38]}"
        self.bot_id, self.owner_id = int(self._bot["id"]), int(self._owner["id"])
        self._guild = self._make_guild("Sandbox")
        self.guild_id = self._guild.id
        self.admin_id = int(self.state.add_member(self._guild, self.state.user("adam"), admin=True)["user"]["id"])
        self.member_id = int(self.state.add_member(self._guild, self.state.user("mia"))["user"]["id"])
        self._gateway = Gateway(self.state, token=self.bot_token, bot_user=self._bot, privileged_intents=privileged_intents)
        self._rest = Rest(
            self.state, token=self.bot_token, bot_user=self._bot, owner=self._owner, limits=limits,
            dispatch=self._gateway.dispatch,
        )  # fmt: skip
        self.base_url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def _make_guild(self, name: str) -> Guild:
        guild = self.state.add_guild(name, self.owner_id)
        self.state.add_member(guild, self._owner)
        self.state.add_member(guild, self._bot)
        return guild

    # -- life of the server

    def __enter__(self) -> Sandbox:
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="sandbox", daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(self._stopped.set)
            thread.join()

    async def __aenter__(self) -> Sandbox:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)

    def _serve(self, started: threading.Event) -> None:
        asyncio.run(self._run(started))

    async def _run(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/gateway/", self._gateway.handle)
        self._rest.add_routes(app)
        add_routes(app, self.state)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        port = runner.addresses[0][1]
        self.base_url = self._rest.base_url = self._gateway.base_url = f"http://127.0.0.1:{port}"
        started.set()
        await self._stopped.wait()
        await self._gateway.disconnect()
        await runner.cleanup()

    def _call(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        async def call() -> _T:
            return function(*args, **kwargs)

        assert self._loop is not None, "start the sandbox first"
        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def _dispatch(self, event: str, data: JSON, guild_id: int | None) -> None:
        assert self._loop is not None, "start the sandbox first"
        asyncio.run_coroutine_threadsafe(self._gateway.dispatch(event, data, guild_id), self._loop).result(10)

    def redirect(self) -> AbstractContextManager[None]:
        """Point discord.py of this process here while the context lasts."""
        return redirect(self.base_url)

    # -- channels and webhooks

    def webhook_url(self, name: str, channel: str | None = None) -> str:
        """Return the URL of a webhook, made with its channel on first use."""
        webhook = self._call(self._find_webhook, name, channel)
        return f"https://discord.com/api/webhooks/{webhook.id}/{webhook.token}"

    def _find_webhook(self, name: str, channel: str | None) -> Webhook:
        for webhook in self.state.webhooks.values():
            if webhook.name == name:
                return webhook
        wanted = channel or _CHANNELS.get(name, name)
        channel_id = self._channel_id(wanted)
        if channel_id is None:
            channel_id = self.state.add_channel(self._guild, wanted, f"What the bot sends to {name}")
        return self.state.add_webhook(self._guild, name, channel_id)

    def _channel_id(self, name: str) -> int | None:
        channels = self._guild.channels.items()
        return next((channel_id for channel_id, channel in channels if channel["name"] == name), None)

    def messages(self, name: str) -> list[Message]:
        """Return the messages of a channel, named as itself or as its webhook, oldest first."""
        return self._call(self._messages, _CHANNELS.get(name, name))

    def _messages(self, channel: str) -> list[Message]:
        channel_id = self._channel_id(channel)
        if channel_id is None:
            return []
        result: list[Message] = []
        for raw in self.state.messages[channel_id]:
            files = [
                Attachment(a["filename"], a["content_type"], a["url"], self._file(channel_id, a)) for a in raw["attachments"]
            ]
            result.append(Message(dict(raw), tuple(files)))
        return result

    def _file(self, channel_id: int, attachment: JSON) -> bytes:
        return self.state.files[channel_id, int(attachment["id"]), attachment["filename"]][1]

    @property
    def requests(self) -> list[Request]:
        """Every request to the REST API so far."""
        return list(self._rest.requests)

    def count_status(self, status: int) -> int:
        """Return how many requests were answered with a status."""
        return sum(request.status == status for request in self.requests)

    def fault(self, name: str, kind: str, *, times: int | None = None, seconds: float | None = None, delay: float = 0.0) -> None:
        """Let a webhook fail in one of the ways of `faults.KINDS` until `heal`, so many times or so many seconds."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        until = None if seconds is None else time.monotonic() + seconds
        self._rest.faults[name] = Fault(kind, times, until, delay)

    def heal(self, name: str) -> None:
        """End a fault."""
        self._rest.faults.pop(name, None)

    async def wait_until(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Return when the predicate holds; it is asked after each change. Raises `TimeoutError` with a picture."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def on_change(_kind: str, _data: JSON) -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._call(self.state.subscribe, on_change)
        try:
            async with asyncio.timeout(timeout):
                while not predicate():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            counts = {c["name"]: len(self.state.messages[i]) for i, c in self._guild.channels.items()}
            raise TimeoutError(f"not within {timeout} s; messages per channel: {counts}") from None
        finally:
            self._call(unsubscribe)

    # -- people

    def add_guild(self, name: str) -> int:
        """Add a server with the bot in it, and tell the bot."""
        guild = self._call(self._make_guild, name)
        self._dispatch("GUILD_CREATE", self.state.guild_object(guild, list(guild.members.values())), guild.id)
        return guild.id

    def join(
        self, name: str, *, account_age_days: float = 400, bot: bool = False, user_id: int | None = None,
        guild_id: int | None = None, admin: bool = False,
    ) -> int:  # fmt: skip
        """Let somebody join; returns the user's id."""
        guild = self.state.guilds[guild_id or self.guild_id]
        user = self.state.user(name, user_id=user_id, bot=bot, age_days=account_age_days)
        member = self._call(self.state.add_member, guild, user, admin=admin)
        self._dispatch("GUILD_MEMBER_ADD", {**member, "guild_id": str(guild.id)}, guild.id)
        return int(user["id"])

    def leave(self, user_id: int, *, guild_id: int | None = None) -> None:
        """Let a member leave."""
        guild = self.state.guilds[guild_id or self.guild_id]
        user = self._call(guild.members.pop, user_id)["user"]
        self._dispatch("GUILD_MEMBER_REMOVE", {"guild_id": str(guild.id), "user": user}, guild.id)

    def ban(self, user_id: int, moderator_id: int | None = None, reason: str | None = None) -> None:
        """Ban a member: the ban, the leave that follows and the audit log entry."""
        user = self._guild.members[user_id]["user"]
        self._dispatch("GUILD_BAN_ADD", {"guild_id": str(self.guild_id), "user": user}, self.guild_id)
        self.leave(user_id)
        self._audit(22, user_id, moderator_id or self.admin_id, reason)

    def unban(self, user_id: int, name: str = "someone") -> None:
        """Lift a ban."""
        user = self.state.user(name, user_id=user_id)
        self._dispatch("GUILD_BAN_REMOVE", {"guild_id": str(self.guild_id), "user": user}, self.guild_id)

    def kick(self, user_id: int, moderator_id: int | None = None, reason: str | None = None) -> None:
        """Kick a member: a leave and the audit log entry."""
        self.leave(user_id)
        self._audit(20, user_id, moderator_id or self.admin_id, reason)

    def _audit(self, action: int, target_id: int, moderator_id: int, reason: str | None) -> None:
        entry: JSON = {
            "id": str(self.state.snowflake()), "guild_id": str(self.guild_id), "user_id": str(moderator_id),
            "target_id": str(target_id), "action_type": action, "changes": [],
        }  # fmt: skip
        if reason is not None:
            entry["reason"] = reason
        self._dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", entry, self.guild_id)

    def say(self, text: str, *, channel: str = "general", author_id: int | None = None) -> None:
        """Let a member write a message."""
        channel_id = self._channel_id(channel)
        assert channel_id is not None, f"no channel {channel}"
        member = self._guild.members[author_id or self.member_id]
        message = self._call(self.state.add_message, channel_id, member["user"], {"content": text}, [])
        data = {**message, "guild_id": str(self.guild_id), "member": {k: v for k, v in member.items() if k != "user"}}
        self._dispatch("MESSAGE_CREATE", data, self.guild_id)

    # -- slash commands

    def commands(self, guild_id: int | None = None) -> list[str]:
        """Return the names of the registered commands, global ones or a guild's."""
        return [command["name"] for command in self._rest.commands.get(guild_id, [])]

    async def invoke(
        self, name: str, *, user_id: int | None = None, guild_id: int | None = None,
        options: dict[str, Any] | None = None, timeout: float = 10.0,  # noqa: ASYNC109
    ) -> InteractionResult:  # fmt: skip
        """Let a user call a slash command ("group sub"), and wait for the final answer."""
        data = self._command_data(name, guild_id or self.guild_id, options or {})
        return await self._interact(2, data, user_id or self.owner_id, guild_id or self.guild_id, timeout)

    def _command_data(self, name: str, guild_id: int, options: dict[str, Any]) -> JSON:
        first, *rest = name.split()
        known = [*self._rest.commands.get(guild_id, []), *self._rest.commands.get(None, [])]
        command = next((command for command in known if command["name"] == first), None)
        if command is None:
            raise LookupError(f"the bot has not registered /{first} in this server")
        values = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        inner: list[JSON] = values
        for part in reversed(rest):
            inner = [{"name": part, "type": 1, "options": inner}]
        data = {"id": command["id"], "name": first, "type": 1, "options": inner}
        return {**data, **({"guild_id": command["guild_id"]} if "guild_id" in command else {})}

    async def _interact(self, kind: int, data: JSON, user_id: int, guild_id: int, timeout: float) -> InteractionResult:  # noqa: ASYNC109
        guild = self.state.guilds[guild_id]
        member = guild.members[user_id]
        channel_id, channel = next(iter(guild.channels.items()))
        token, interaction_id = secrets.token_urlsafe(40), str(self.state.snowflake())
        record: JSON = {"id": interaction_id, "channel_id": str(channel_id), "callback": None, "messages": []}
        self._rest.interactions[token] = record
        permissions = str(self.state.permissions(guild, user_id))
        payload: JSON = {
            "id": interaction_id, "application_id": self._bot["id"], "type": kind, "data": data, "token": token, "version": 1,
            "guild_id": str(guild.id), "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "channel_id": str(channel_id), "channel": {**channel, "permissions": permissions},
            "member": {**member, "permissions": permissions}, "locale": "en-US", "guild_locale": "en-US",
            "app_permissions": permissions, "entitlements": [], "authorizing_integration_owners": {}, "context": 0,
            "attachment_size_limit": 10485760,
        }  # fmt: skip
        await asyncio.to_thread(self._dispatch, "INTERACTION_CREATE", payload, guild.id)

        def is_answered() -> bool:
            callback = record["callback"]
            return callback is not None and (callback["type"] != 5 or bool(record["messages"]))

        try:
            await self.wait_until(is_answered, timeout)
        except TimeoutError:
            if record["callback"] is None:
                return InteractionResult(False, False, False, "", [], [])
        callback = record["callback"]
        last = record["messages"][-1] if record["messages"] else {}
        flags = (callback.get("data") or {}).get("flags", 0) | last.get("flags", 0)
        choices = (callback.get("data") or {}).get("choices", [])
        return InteractionResult(
            True, callback["type"] == 5, bool(flags & 64), last.get("content", ""), last.get("embeds", []), choices
        )

    def disconnect(self) -> None:
        """Drop the gateway connections; the bots resume."""
        assert self._loop is not None, "start the sandbox first"
        asyncio.run_coroutine_threadsafe(self._gateway.disconnect(), self._loop).result(10)
