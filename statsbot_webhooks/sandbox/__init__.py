"""A local Discord for trying and testing: REST and gateway for an unmodified bot, as strict as the real one."""

from __future__ import annotations

import base64
import secrets
import time
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from aiohttp import web

from .gateway import Gateway
from .page import add_routes
from .redirect import redirect
from .rest.api import Request, Rest
from .rest.faults import KINDS, Fault
from .rest.rules import RateLimits
from .state import FORUM, TEXT, State, Webhook, iso
from .users.actions import Actions
from .users.results import InteractionResult
from .users.views import Attachment, Message, messages_of

__all__ = ["Attachment", "InteractionResult", "Message", "Request", "Sandbox", "redirect"]
_CHANNELS: Final = {"error": "errors", "member_events": "members"}


class Sandbox(Actions):
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
        # Presences, members and message contents, as granted to applications that are not verified.
        self._rest.bot.flags = (1 << 13 | 1 << 15 | 1 << 19) if privileged_intents else 0

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
        return self._call(self.state.add_channel, self._guild, name, "", FORUM if forum else TEXT)

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

    def age(self, message: Message, seconds: float) -> None:
        """Let a message be older than it is: Discord limits edits of messages older than an hour."""

        def act() -> None:
            found = self.state.find_message(message.channel_id, message.id)
            if found is None:
                raise LookupError("the message is gone")
            found["timestamp"] = iso(datetime.fromisoformat(found["timestamp"]).timestamp() - seconds)

        self._call(act)

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

    # -- connections

    @property
    def connections(self) -> int:
        """How many gateway connections are open."""
        return self._call(lambda: sum(session.connection is not None for session in self._gateway.sessions.values()))

    def disconnect(self, *, resumable: bool = True, shard: int | None = None, refuse_seconds: float = 0.0) -> None:
        """Drop the gateway connections, or one shard's; the bots resume, or identify again when the session is gone too.

        For `refuse_seconds` nobody gets a new connection.
        """
        self._spawn(lambda: self._gateway.disconnect(resumable=resumable, shard=shard, refuse_seconds=refuse_seconds))

    def reconnect(self) -> None:
        """Ask the bots to reconnect and resume, as Discord does before it restarts a server of its own."""
        self._call(self._gateway.ask_to_reconnect)


def _make_token(bot_id: str) -> str:
    encoded = base64.urlsafe_b64encode(bot_id.encode()).decode().rstrip("=")
    return f"{encoded}.{secrets.token_urlsafe(4)[:6]}.{secrets.token_urlsafe(29)[:38]}"
