"""The state of the local Discord: users, servers, channels, members and webhooks. Tells subscribers of each change.

Messages are changed in `messages`, and what happens to members in `moderation`; no request is read here.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .clock import SandboxClock, iso
from .guild_payload import DEFAULT_PERMISSIONS, guild_payload, role_payload
from .permissions import ADMINISTRATOR, add_up
from .rest.errors import parts

# https://discord.com/developers/docs/reference#snowflakes
_EPOCH_MS: Final = 1420070400000
TEXT: Final = 0
CATEGORY: Final = 4
ANNOUNCEMENT: Final = 5
THREAD: Final = 11
PRIVATE_THREAD: Final = 12
FORUM: Final = 15
VOICE: Final = (2, 13)
# The flag of a forum whose posts need a tag.
REQUIRE_TAG: Final = 1 << 4
Listener = Callable[[str, dict[str, Any]], None]
EventListener = Callable[[str, dict[str, Any], int | None], None]
JSON = dict[str, Any]


@dataclass(slots=True)
class Webhook:
    """A webhook: `name` is what the test calls it and stays, `title` is what Discord shows and may change."""

    id: int
    token: str
    name: str
    title: str
    channel_id: int
    guild_id: int
    # Who made it through the API; the sandbox's own ones have no maker.
    user: JSON | None = None
    application_id: str | None = None


@dataclass(slots=True)
class Guild:
    """A server and who is in it; everything in it is kept as Discord sends it, by id."""

    id: int
    name: str
    owner_id: int
    admin_role_id: int
    bot_role_id: int
    roles: dict[int, JSON] = field(default_factory=dict[int, JSON])
    is_available: bool = True
    # Whether the bot has been told of it: what happens before comes with GUILD_CREATE.
    is_announced: bool = False
    members: dict[int, JSON] = field(default_factory=dict[int, JSON])
    former: set[int] = field(default_factory=set[int])
    channels: dict[int, JSON] = field(default_factory=dict[int, JSON])
    threads: dict[int, JSON] = field(default_factory=dict[int, JSON])
    bans: dict[int, JSON] = field(default_factory=dict[int, JSON])
    invites: dict[str, JSON] = field(default_factory=dict[str, JSON])
    incidents: JSON | None = None
    audit_log: list[JSON] = field(default_factory=list[JSON])

    def place(self, channel_id: int) -> JSON | None:
        """Return a channel or a thread."""
        return self.channels.get(channel_id) or self.threads.get(channel_id)

    @property
    def active_threads(self) -> list[JSON]:
        return [thread for thread in self.threads.values() if not thread["thread_metadata"]["archived"]]


class State:
    """What this Discord knows. All calls on the server's thread."""

    # A direct message has no limits of its own.
    DIRECT_PERMISSIONS: Final = DEFAULT_PERMISSIONS

    def __init__(self, clock: SandboxClock) -> None:
        self.clock = clock
        self._counter = itertools.count()
        self._listeners: list[Listener] = []
        self._event_listeners: list[EventListener] = []
        self.guilds: dict[int, Guild] = {}
        self.users: dict[int, JSON] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.messages: dict[int, list[JSON]] = {}
        self.files: dict[tuple[int, int, str], tuple[str, bytes]] = {}
        # How many threads of a server may be active at once.
        self.most_active_threads = 1000

    def snowflake(self, at: float | None = None) -> int:
        """Return a new id that carries a time."""
        ms = int((self.clock.time() if at is None else at) * 1000) - _EPOCH_MS
        return (ms << 22) | (next(self._counter) & 0x3FFFFF)

    def now(self) -> str:
        """Return the time as Discord writes it."""
        return iso(self.clock.time())

    def subscribe(self, callback: Listener) -> Callable[[], None]:
        """Call back on each change; the result ends it."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def emit(self, kind: str, data: JSON) -> None:
        """Tell every subscriber of a change."""
        for listener in list(self._listeners):
            listener(kind, data)

    def on_event(self, callback: EventListener) -> None:
        """Call back with each event of the gateway: its name, its data and its server."""
        self._event_listeners.append(callback)

    def dispatch(self, event: str, data: JSON, guild_id: int | None) -> None:
        """Send an event to the bots that may see it."""
        guild = None if guild_id is None else self.guilds.get(guild_id)
        if guild is not None and not guild.is_announced:
            return
        for listener in self._event_listeners:
            listener(event, data, guild_id)

    # -- users and members

    def user(self, name: str, *, user_id: int | None = None, bot: bool = False, age_days: float = 400) -> JSON:
        """Return a user object; the id carries the account's age."""
        if user_id is not None and user_id in self.users:
            return self.users[user_id]
        made = user_id or self.snowflake(self.clock.time() - age_days * 86400)
        self.users[made] = {
            "id": str(made), "username": name, "global_name": None, "discriminator": "0000" if bot else "0",
            "avatar": None, "bot": bot, "public_flags": 0,
        }  # fmt: skip
        return self.users[made]

    def permissions(self, guild: Guild, user_id: int, channel_id: int | None = None) -> int:
        """Return what a member may do in a server, or in one of its channels."""
        member = guild.members.get(user_id)
        ids = [guild.id, *(int(role_id) for role_id in (member["roles"] if member is not None else ()))]
        roles = [guild.roles[role_id] for role_id in ids if role_id in guild.roles]
        place = guild.place(channel_id) if channel_id is not None else None
        if place is not None and "thread_metadata" in place:
            place = guild.channels.get(int(place["parent_id"]))
        overwrites = parts(place and place["permission_overwrites"])
        return add_up(roles, overwrites, user_id, guild.id, is_owner=user_id == guild.owner_id)

    # -- servers, channels and threads

    def add_guild(self, name: str, owner_id: int, bot_permissions: int) -> Guild:
        guild = Guild(self.snowflake(), name, owner_id, self.snowflake(), self.snowflake())
        guild.roles[guild.id] = role_payload(guild.id, "@everyone", 0, DEFAULT_PERMISSIONS)
        allowed = DEFAULT_PERMISSIONS | ADMINISTRATOR
        guild.roles[guild.admin_role_id] = role_payload(guild.admin_role_id, "Admins", 2, allowed)
        guild.roles[guild.bot_role_id] = role_payload(guild.bot_role_id, "bot", 1, bot_permissions, managed=True)
        self.guilds[guild.id] = guild
        self.add_channel(guild, "general", "Where people talk")
        return guild

    def add_role(self, guild: Guild, name: str, permissions: int, **more: Any) -> JSON:
        """Add a role below all others, where Discord puts new ones."""
        role_id = self.snowflake()
        for role in guild.roles.values():
            role["position"] += role["position"] > 0
        guild.roles[role_id] = role_payload(role_id, name, 1, permissions) | more
        self.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": guild.roles[role_id]}, guild.id)
        self.emit("roles", {"guild_id": str(guild.id), "roles": list(guild.roles.values())})
        return guild.roles[role_id]

    def change_role(self, guild: Guild, role_id: int, **changes: Any) -> JSON:
        """Change a role; raises `KeyError` when there is no such role."""
        role: JSON = guild.roles[role_id]
        role |= changes
        self.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(guild.id), "role": role}, guild.id)
        self.emit("roles", {"guild_id": str(guild.id), "roles": list(guild.roles.values())})
        return role

    def add_channel(self, guild: Guild, name: str, topic: str = "", kind: int = TEXT, **more: Any) -> int:
        channel_id = self.snowflake()
        own: JSON = {"available_tags": [], "default_reaction_emoji": None} if kind == FORUM else {}
        if kind in VOICE:
            own = {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
        guild.channels[channel_id] = {
            "id": str(channel_id), "guild_id": str(guild.id), "name": name, "topic": topic, "type": kind,
            "position": len(guild.channels), "permission_overwrites": [], "nsfw": False, "parent_id": None,
            "rate_limit_per_user": 0, "last_message_id": None, "flags": 0, **own, **more,
        }  # fmt: skip
        self.messages[channel_id] = []
        self.emit("channel_create", guild.channels[channel_id])
        self.dispatch("CHANNEL_CREATE", guild.channels[channel_id], guild.id)
        return channel_id

    def change_channel(self, guild: Guild, channel_id: int, **changes: Any) -> JSON:
        """Change a channel; raises `KeyError` when there is no such channel."""
        channel = guild.channels[channel_id]
        channel |= changes
        self.emit("channel_update", channel)
        self.dispatch("CHANNEL_UPDATE", channel, guild.id)
        return channel

    def add_thread(self, guild: Guild, parent_id: int, name: str, owner_id: int, **more: Any) -> int:
        thread_id = more.pop("thread_id", None) or self.snowflake()
        metadata = {
            "archived": False, "auto_archive_duration": 1440, "archive_timestamp": self.now(), "locked": False,
            "create_timestamp": self.now(),
        }  # fmt: skip
        guild.threads[thread_id] = {
            "id": str(thread_id), "guild_id": str(guild.id), "parent_id": str(parent_id), "name": name, "type": THREAD,
            "owner_id": str(owner_id), "last_message_id": None, "message_count": 0, "member_count": 1,
            "rate_limit_per_user": 0, "flags": 0, "thread_metadata": metadata, **more,
        }  # fmt: skip
        self.messages[thread_id] = []
        self.emit("channel_create", guild.threads[thread_id])
        self.dispatch("THREAD_CREATE", {**guild.threads[thread_id], "newly_created": True}, guild.id)
        return thread_id

    def change_thread(self, guild: Guild, thread_id: int, **changes: Any) -> JSON:
        """Change a thread: `archived` and `locked` too; raises `KeyError` when there is no such thread."""
        thread = guild.threads[thread_id]
        inner = {key: changes.pop(key) for key in ("archived", "locked", "auto_archive_duration") if key in changes}
        thread["thread_metadata"] |= inner
        thread |= changes
        self.emit("channel_update", thread)
        self.dispatch("THREAD_UPDATE", thread, guild.id)
        return thread

    def remove_thread(self, guild: Guild, thread_id: int) -> JSON:
        """Delete a thread and its messages; raises `KeyError` when there is no such thread."""
        thread = guild.threads.pop(thread_id)
        self.messages.pop(thread_id, None)
        self.emit("channel_delete", thread)
        gone = {key: thread[key] for key in ("id", "guild_id", "parent_id", "type")}
        self.dispatch("THREAD_DELETE", gone, guild.id)
        return thread

    def remove_channel(self, guild: Guild, channel_id: int) -> JSON:
        """Delete a channel, with its threads, messages and webhooks; raises `KeyError` when there is no such channel."""
        channel = guild.channels.pop(channel_id)
        for thread_id in [key for key, thread in guild.threads.items() if thread["parent_id"] == str(channel_id)]:
            del guild.threads[thread_id]
            self.messages.pop(thread_id, None)
        self.messages.pop(channel_id, None)
        for webhook in [webhook for webhook in self.webhooks.values() if webhook.channel_id == channel_id]:
            del self.webhooks[webhook.id]
        self.emit("channel_delete", channel)
        self.dispatch("CHANNEL_DELETE", channel, guild.id)
        return channel

    def direct_channel(self, user: JSON) -> JSON:
        """Return the channel of a user and the bot; its id is one that the user's own never is."""
        channel_id = int(user["id"]) + 1
        self.messages.setdefault(channel_id, [])
        return {"id": str(channel_id), "type": 1, "recipients": [user], "last_message_id": None, "flags": 0}

    def guild_of(self, channel_id: int) -> Guild | None:
        """Return the guild that a channel or thread is in."""
        return next((guild for guild in self.guilds.values() if guild.place(channel_id) is not None), None)

    def guild_object(self, guild: Guild, members: list[JSON]) -> JSON:
        """Return the payload of GUILD_CREATE."""
        return {
            **guild_payload(guild.id, guild.name, guild.owner_id, list(guild.roles.values())),
            "channels": list(guild.channels.values()), "threads": guild.active_threads, "members": members,
            "member_count": len(guild.members), "joined_at": self.now(), "incidents_data": guild.incidents,
        }  # fmt: skip

    # -- webhooks

    def add_webhook(
        self, guild: Guild, name: str, channel_id: int, user: JSON | None = None, application_id: str | None = None
    ) -> Webhook:
        webhook = Webhook(self.snowflake(), secrets.token_urlsafe(51), name, name, channel_id, guild.id, user, application_id)
        self.webhooks[webhook.id] = webhook
        self.webhooks_changed(webhook)
        return webhook

    def webhooks_changed(self, webhook: Webhook) -> None:
        """Tell that the webhooks of a channel are others now."""
        place = {"guild_id": str(webhook.guild_id), "channel_id": str(webhook.channel_id)}
        self.emit("webhooks_update", place)
        self.dispatch("WEBHOOKS_UPDATE", place, webhook.guild_id)

    def webhook_object(self, webhook: Webhook) -> JSON:
        return {
            "id": str(webhook.id), "type": 1, "token": webhook.token, "name": webhook.title, "avatar": None,
            "channel_id": str(webhook.channel_id), "guild_id": str(webhook.guild_id), "application_id": webhook.application_id,
            **({} if webhook.user is None else {"user": webhook.user}),
        }  # fmt: skip
