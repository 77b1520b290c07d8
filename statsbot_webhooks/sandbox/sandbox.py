"""The sandbox: a local Discord on a thread of its own, put together from its parts.

What it can do is in the parts; here stands only which part does what.
"""

from __future__ import annotations

import base64
import functools
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from aiohttp import web

from . import page
from .access import own_names_only
from .clock import SandboxClock
from .gateway import Gateway
from .messages import MessageStore
from .moderation import Moderation
from .page_acts import PageActs
from .redirect import redirect
from .rest.account import BotAccount
from .rest.api import Request, Rest
from .rest.faults import Faults
from .state import State
from .thread import ServerThread
from .users.actions import Actions
from .users.channels import Channels
from .users.context import Context, make_guild
from .users.guilds import Guilds
from .users.members import Members
from .users.talk import Talk
from .users.waiting import Waiting

_P = ParamSpec("_P")
_R = TypeVar("_R")
# Presences, members and message contents, as granted to applications that are not verified.
_PRESENCES: Final = 1 << 13
_MEMBERS: Final = 1 << 15
_CONTENT: Final = 1 << 19


def _by(part: str, method: Callable[Concatenate[Any, _P], _R]) -> Callable[Concatenate[Sandbox, _P], _R]:
    """Return a method of the sandbox that one of its parts carries out."""

    @functools.wraps(method)
    def call(self: Sandbox, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return method(getattr(self, part), *args, **kwargs)

    return call


class Sandbox:
    """Runs on a thread of its own. Use it with `with` or `async with`; every method may be called from any thread.

    `limits=False` switches the rate limits off, `privileged_intents=False` refuses bots that ask for them,
    `message_content=False` empties what others wrote (as for a bot without that intent), `strict_names=True` refuses
    webhook names that hold "here" or "everyone", `shards` is how many an `AutoShardedBot` is told to start, and
    `heartbeat_seconds` how often it sends a heartbeat.
    """

    def __init__(
        self, *, port: int = 0, limits: bool = True, privileged_intents: bool = True, shards: int = 1,
        message_content: bool = True, strict_names: bool = False, heartbeat_seconds: float = 41.25,
    ) -> None:  # fmt: skip
        self._clock = SandboxClock()
        self.state = state = State(self._clock)
        messages, moderation = MessageStore(state), Moderation(state)
        owner, me = state.user("olivia", age_days=2000), state.user("demo-bot", bot=True, age_days=300)
        token = _make_token(me["id"])
        flags = (_PRESENCES | _MEMBERS | (_CONTENT if message_content else 0)) if privileged_intents else 0
        bot = BotAccount(state, token, me, owner, flags, shards)
        self._rest = Rest(state, messages, moderation, bot, limits=limits, strict_names=strict_names)
        self._gateway = Gateway(
            state, token=token, bot_user=me, privileged_intents=privileged_intents, heartbeat_seconds=heartbeat_seconds
        )
        self._thread = ServerThread(port, self._clock, self._application, self._on_start, self._gateway.disconnect)
        home = make_guild(state, moderation, "Sandbox", owner, me)
        home.is_announced = True
        adam = moderation.add(home, state.user("adam"), (home.admin_role_id,))
        mia = moderation.add(home, state.user("mia"))
        ids = (int(adam["user"]["id"]), int(mia["user"]["id"]))
        context = Context(state, messages, moderation, self._gateway, self._rest, self._thread, owner, me, home, *ids)
        self._context = context
        self._members, self._guilds, self._channels = Members(context), Guilds(context), Channels(context)
        self._talk = Talk(context)
        self._waiting = Waiting(context, self._channels, self._talk)
        self._actions = Actions(context, self._waiting)
        self._acts = PageActs(
            context, self._actions, self._talk, self._members, self._guilds, self._channels, self._gateway
        )  # fmt: skip
        self.base_url = ""

    # -- its life

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[own_names_only])
        app.router.add_get("/gateway/", self._gateway.handle)
        self._rest.add_routes(app)
        page.add_routes(app, page.PageData(self.state), self._acts)
        return app

    def _on_start(self, base_url: str) -> None:
        self.base_url = self._gateway.base_url = base_url
        self._rest.start(base_url)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._thread.stop_async()

    def redirect(self) -> AbstractContextManager[None]:
        """Point discord.py of this process here while the context lasts."""
        return redirect(self.base_url)

    def skip(self, seconds: float) -> None:
        """Let time pass at once: rate limits, timeouts, the 3 seconds for an answer, faults that last, message times."""

        def act() -> None:
            self._clock.skip(seconds)
            self._gateway.tell_of_skipped_time()

        self._thread.call(act)

    # -- who and what is there from the beginning

    @property
    def bot_token(self) -> str:
        """The token that the bot logs in with."""
        return self._rest.bot.token

    @property
    def bot_id(self) -> int:
        """The bot's user id."""
        return self._rest.bot.id

    @property
    def owner_id(self) -> int:
        """The id of olivia, who owns every server."""
        return self._context.owner_id

    @property
    def admin_id(self) -> int:
        """The id of adam, who has the role of administrators in the first server."""
        return self._context.admin_id

    @property
    def member_id(self) -> int:
        """The id of mia, a member of the first server."""
        return self._context.member_id

    @property
    def guild_id(self) -> int:
        """The id of the first server."""
        return self._context.home.id

    @property
    def admin_role_id(self) -> int:
        """The role of the first server's administrators."""
        return self._context.home.admin_role_id

    # -- users and servers

    join = _by("_members", Members.join)
    leave = _by("_members", Members.leave)
    set_team = _by("_members", Members.set_team)
    kick = _by("_members", Members.kick)
    ban = _by("_members", Members.ban)
    unban = _by("_members", Members.unban)
    softban = _by("_members", Members.softban)
    prune = _by("_members", Members.prune)
    timeout = _by("_members", Members.timeout)
    rename = _by("_members", Members.rename)
    rename_user = _by("_members", Members.rename_user)
    give_role = _by("_members", Members.give_role)
    take_role = _by("_members", Members.take_role)
    add_guild = _by("_guilds", Guilds.add_guild)
    remove_guild = _by("_guilds", Guilds.remove_guild)
    set_available = _by("_guilds", Guilds.set_available)
    add_role = _by("_guilds", Guilds.add_role)
    allow = _by("_guilds", Guilds.allow)
    forbid = _by("_guilds", Guilds.forbid)

    # -- messages

    say = _by("_talk", Talk.say)
    direct_message = _by("_talk", Talk.direct_message)
    edit = _by("_talk", Talk.edit)
    delete = _by("_talk", Talk.delete)
    react = _by("_talk", Talk.react)
    unreact = _by("_talk", Talk.unreact)
    pin = _by("_talk", Talk.pin)

    # -- commands, buttons and forms

    commands = _by("_actions", Actions.commands)
    invoke = _by("_actions", Actions.invoke)
    autocomplete = _by("_actions", Actions.autocomplete)
    context_menu = _by("_actions", Actions.context_menu)
    click = _by("_actions", Actions.click)
    submit = _by("_actions", Actions.submit)
    replay = _by("_actions", Actions.replay)
    look = _by("_actions", Actions.look)
    wait_until = _by("_waiting", Waiting.wait_until)
    wait_for_message = _by("_waiting", Waiting.wait_for_message)
    ask = _by("_waiting", Waiting.ask)

    # -- channels, threads and webhooks

    webhook_url = _by("_channels", Channels.webhook_url)
    webhooks = _by("_channels", Channels.webhooks)
    delete_webhook = _by("_channels", Channels.delete_webhook)
    invite = _by("_channels", Channels.invite)
    revoke_invite = _by("_channels", Channels.revoke_invite)
    move_webhook = _by("_channels", Channels.move_webhook)
    add_channel = _by("_channels", Channels.add_channel)
    remove_channel = _by("_channels", Channels.remove_channel)
    add_thread = _by("_channels", Channels.add_thread)
    set_thread = _by("_channels", Channels.set_thread)
    limit_threads = _by("_channels", Channels.limit_threads)
    channels = _by("_channels", Channels.channels)
    messages = _by("_channels", Channels.messages)
    direct_messages = _by("_channels", Channels.direct_messages)
    age = _by("_channels", Channels.age)

    # -- requests and faults

    @property
    def requests(self) -> list[Request]:
        """Every request to the REST API so far."""
        return list(self._rest.requests)

    @property
    def invalid_requests(self) -> int:
        """How many answers so far count towards Discord's ban of an address: 401, 403, and 429 of one's own limits."""
        return self._rest.invalid_requests

    @property
    def routes(self) -> list[str]:
        """Every route of the REST API that is implemented; all others answer 501, or 400 where discord.py repeats a 5xx."""
        return self._rest.routes

    def count_status(self, status: int) -> int:
        """Return how many requests were answered with a status."""
        return sum(request.status == status for request in self.requests)

    @property
    def _faults(self) -> Faults:
        return self._rest.faults

    fault = _by("_faults", Faults.set)
    heal = _by("_faults", Faults.heal)

    # -- connections

    @property
    def connections(self) -> int:
        """How many gateway connections are open."""
        sessions = self._gateway.sessions
        return self._thread.call(lambda: sum(session.connection is not None for session in sessions.values()))

    def disconnect(self, *, resumable: bool = True, shard: int | None = None, refuse_seconds: float = 0.0) -> None:
        """Drop the gateway connections, or one shard's; the bots resume, or identify again when the session is gone too.

        For `refuse_seconds` every new connection is refused.
        """
        gateway = self._gateway
        self._thread.spawn(lambda: gateway.disconnect(resumable=resumable, shard=shard, refuse_seconds=refuse_seconds))

    def reconnect(self) -> None:
        """Ask the bots to reconnect and resume, as Discord does before it restarts a server of its own."""
        self._thread.call(self._gateway.ask_to_reconnect)

    def acknowledge_heartbeats(self, answered: bool) -> None:
        """Answer the bots' heartbeats, or leave them without an answer: discord.py then takes the connection for dead."""
        self._gateway.acknowledges = answered


def _make_token(bot_id: str) -> str:
    encoded = base64.urlsafe_b64encode(bot_id.encode()).decode().rstrip("=")
    return f"{encoded}.{secrets.token_urlsafe(4)[:6]}.{secrets.token_urlsafe(29)[:38]}"
