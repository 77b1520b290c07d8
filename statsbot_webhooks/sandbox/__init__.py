"""A local Discord for trying and testing: REST and gateway for an unmodified bot, as strict as the real one."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

from aiohttp import web

from .faults import KINDS, Fault
from .gateway import Gateway
from .interactions import AUTOCOMPLETE, COMMAND, InteractionResult, Record, result_of
from .page import add_routes
from .people import People
from .redirect import redirect
from .rest import Request, Rest
from .rules import RateLimits
from .state import JSON, State, Webhook
from .views import Attachment, Message, messages_of

__all__ = ["Attachment", "InteractionResult", "Message", "Request", "Sandbox", "redirect"]
_CHANNELS: Final = {"error": "errors", "member_events": "members"}
_POLL_SECONDS: Final = 0.05


class Sandbox(People):
    """Runs on a thread of its own. Use it with `with` or `async with`; every method may be called from any thread.

    `limits=False` switches the rate limits off, `privileged_intents=False` refuses bots that ask for them, and
    `shards` is how many of them an `AutoShardedBot` is told to start.
    """

    def __init__(self, *, port: int = 0, limits: bool = True, privileged_intents: bool = True, shards: int = 1) -> None:
        self._owner = (state := State()).user("olivia", age_days=2000)
        self._bot = state.user("demo-bot", bot=True, age_days=300)
        self.bot_token = _make_token(self._bot["id"])
        gateway = Gateway(state, token=self.bot_token, bot_user=self._bot, privileged_intents=privileged_intents)
        super().__init__(port, state, gateway, self._owner, self._bot)
        self._rest = Rest(
            state, token=self.bot_token, bot_user=self._bot, owner=self._owner, limits=RateLimits() if limits else None
        )
        self._rest.bot.shards = shards

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/gateway/", self._gateway.handle)
        self._rest.add_routes(app)
        add_routes(app, self.state)
        return app

    def _on_start(self) -> None:
        self._gateway.base_url = self.base_url
        self._rest.start(self.base_url)

    async def _on_stop(self) -> None:
        await self._gateway.disconnect()

    def redirect(self) -> AbstractContextManager[None]:
        """Point discord.py of this process here while the context lasts."""
        return redirect(self.base_url)

    # -- channels and webhooks

    def webhook_url(self, name: str, channel: str | None = None) -> str:
        """Return the URL of a webhook, made with its channel on first use."""
        webhook = self._call(self._webhook, name, channel)
        return f"https://discord.com/api/webhooks/{webhook.id}/{webhook.token}"

    def _webhook(self, name: str, channel: str | None) -> Webhook:
        known = self._find_webhook(name)
        if known is not None:
            return known
        wanted = channel or _CHANNELS.get(name, name)
        channel_id = self._channel_id(wanted)
        if channel_id is None:
            channel_id = self.state.add_channel(self._guild, wanted, f"What the bot sends to {name}")
        return self.state.add_webhook(self._guild, name, channel_id)

    def _find_webhook(self, name: str) -> Webhook | None:
        return next((webhook for webhook in self.state.webhooks.values() if webhook.name == name), None)

    def add_channel(self, name: str, *, forum: bool = False) -> int:
        """Add a channel, or a forum, which takes only posts into threads."""
        return self._call(self.state.add_channel, self._guild, name, "", 15 if forum else 0)

    def add_thread(self, channel: str, name: str) -> int:
        """Add a thread to a channel."""
        parent_id = self._call(self._channel_id, channel)
        if parent_id is None:
            raise LookupError(f"no channel {channel!r}")
        return self._call(self.state.add_thread, self._guild, parent_id, name, self.owner_id)

    def channels(self) -> list[str]:
        """Return the names of the channels of the first server."""
        return self._call(lambda: [channel["name"] for channel in self._guild.channels.values()])

    def messages(self, name: str) -> list[Message]:
        """Return the messages of a channel or thread, named as itself or as its webhook, oldest first."""
        return self._call(self._messages, name)

    def _messages(self, name: str) -> list[Message]:
        webhook = self._find_webhook(name)
        channel_id = webhook.channel_id if webhook is not None else self._channel_id(_CHANNELS.get(name, name))
        return [] if channel_id is None else messages_of(self.state, channel_id)

    # -- requests

    @property
    def requests(self) -> list[Request]:
        """Every request to the REST API so far."""
        return list(self._rest.requests)

    @property
    def invalid_requests(self) -> int:
        """How many answers so far count towards Discord's ban of an address: 401, 403, and 429 of one's own limits."""
        return self._rest.invalid_requests

    def count_status(self, status: int) -> int:
        """Return how many requests were answered with a status."""
        return sum(request.status == status for request in self.requests)

    def fault(
        self,
        name: str,
        kind: str,
        *,
        times: int | None = None,
        seconds: float | None = None,
        delay: float = 0.0,
        match: str | None = None,
    ) -> None:
        """Let a webhook fail in one of the ways of `faults.KINDS` until `heal`, so many times or so many seconds.

        With `match` only requests that hold the text fail.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        until = None if seconds is None else time.monotonic() + seconds
        self._rest.faults[name] = Fault(kind, times, until, delay, match)

    def heal(self, name: str) -> None:
        """End a fault."""
        self._rest.faults.pop(name, None)

    async def wait_until(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Return when the predicate holds; it is asked after each change. Raises `TimeoutError` with a picture."""
        loop = asyncio.get_running_loop()
        changed, until = asyncio.Event(), loop.time() + timeout

        def on_change(_kind: str, _data: JSON) -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._call(self.state.subscribe, on_change)
        try:
            while not predicate():
                left = until - loop.time()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout} s; {self._call(self._picture)}")
                try:
                    # The predicate may also look at things of the bot, which nobody announces.
                    async with asyncio.timeout(min(left, _POLL_SECONDS)):
                        await changed.wait()
                except TimeoutError:
                    continue
                changed.clear()
        finally:
            self._call(unsubscribe)

    def _picture(self) -> str:
        lines = [f"{len(self._rest.requests)} requests; messages per channel:"]
        for channel_id, channel in self._guild.channels.items():
            shown = messages_of(self.state, channel_id)
            last = f", last: {shown[-1].text.strip()[:120]!r}" if shown else ""
            lines.append(f"  #{channel['name']}: {len(shown)}{last}")
        return "\n".join(lines)

    # -- slash commands

    def commands(self, guild_id: int | None = None) -> list[str]:
        """Return the names of the registered commands, global ones or a guild's."""
        return [command["name"] for command in list(self._rest.bot.commands.get(guild_id, []))]

    async def invoke(
        self, name: str, *, user_id: int | None = None, guild_id: int | None = None,
        options: dict[str, Any] | None = None, timeout: float = 10.0,  # noqa: ASYNC109
    ) -> InteractionResult:  # fmt: skip
        """Let a user call a slash command ("group sub"), and wait for the final answer.

        Raises `LookupError` for a command or option that the bot has not registered, or a user who is not there.
        """
        return await self._interact(COMMAND, name, user_id, guild_id, options or {}, None, timeout)

    async def autocomplete(
        self, name: str, option: str, text: str = "", *, user_id: int | None = None, guild_id: int | None = None,
        options: dict[str, Any] | None = None, timeout: float = 10.0,  # noqa: ASYNC109
    ) -> list[JSON]:  # fmt: skip
        """Let a user type into an option of a slash command, and return the choices that the bot offers."""
        values = {**(options or {}), option: text}
        return (await self._interact(AUTOCOMPLETE, name, user_id, guild_id, values, option, timeout)).choices

    async def _interact(
        self, kind: int, name: str, user_id: int | None, guild_id: int | None, values: dict[str, Any],
        focused: str | None, timeout: float,  # noqa: ASYNC109
    ) -> InteractionResult:  # fmt: skip
        where = guild_id or self.guild_id

        def begin() -> Record:
            guild = self.state.guilds[where]
            known = [*self._rest.bot.commands.get(where, []), *self._rest.bot.commands.get(None, [])]
            data = self._rest.interactions.command_data(known, guild, name, values, focused)
            channel_id = next(iter(guild.channels))
            record, payload = self._rest.interactions.begin(kind, data, guild, user_id or self.owner_id, channel_id)
            self._gateway.dispatch("INTERACTION_CREATE", payload, where)
            return record

        record = self._call(begin)
        # No answer is a result too: it says what a user would have seen.
        with suppress(TimeoutError):
            await self.wait_until(lambda: record.is_answered, timeout)
        return self._call(result_of, record)

    # -- connections

    @property
    def connections(self) -> int:
        """How many gateway connections are open."""
        return self._call(lambda: sum(session.connection is not None for session in self._gateway.sessions.values()))

    def disconnect(self, *, resumable: bool = True) -> None:
        """Drop the gateway connections; the bots resume, or identify again when the sessions are gone too."""
        self._spawn(lambda: self._gateway.disconnect(resumable=resumable))

    def reconnect(self) -> None:
        """Ask the bots to reconnect and resume, as Discord does before it restarts a server of its own."""
        self._call(self._gateway.ask_to_reconnect)


def _make_token(bot_id: str) -> str:
    encoded = base64.urlsafe_b64encode(bot_id.encode()).decode().rstrip("=")
    return f"{encoded}.{secrets.token_urlsafe(4)[:6]}.{secrets.token_urlsafe(29)[:38]}"
