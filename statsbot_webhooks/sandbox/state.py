"""Guilds, channels, members, webhooks and messages of the local Discord. Pure; tells subscribers of each change."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from .guild_payload import DEFAULT_PERMISSIONS, guild_payload, role_payload
from .permissions import ADMINISTRATOR, add_up
from .rest.errors import part, parts
from .users.components import shown_components

# https://discord.com/developers/docs/reference#snowflakes
_EPOCH_MS: Final = 1420070400000
TEXT: Final = 0
CATEGORY: Final = 4
FORUM: Final = 15
THREAD: Final = 11
_DID_REJOIN: Final = 1 << 0
_SUPPRESS_EMBEDS: Final = 1 << 2
Listener = Callable[[str, dict[str, Any]], None]
JSON = dict[str, Any]


def iso(seconds: float | None = None) -> str:
    """Return a time as Discord writes it."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.isoformat()


@dataclass(slots=True)
class Webhook:
    """A webhook: `name` is what the test calls it and stays, `title` is what Discord shows and may change."""

    id: int
    token: str
    name: str
    title: str
    channel_id: int
    guild_id: int
    # Whoever made it through the API; the sandbox's own ones have nobody.
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
    members: dict[int, JSON] = field(default_factory=dict[int, JSON])
    former: set[int] = field(default_factory=set[int])
    channels: dict[int, JSON] = field(default_factory=dict[int, JSON])
    threads: dict[int, JSON] = field(default_factory=dict[int, JSON])
    bans: dict[int, JSON] = field(default_factory=dict[int, JSON])
    audit_log: list[JSON] = field(default_factory=list[JSON])

    def place(self, channel_id: int) -> JSON | None:
        """Return a channel or a thread."""
        return self.channels.get(channel_id) or self.threads.get(channel_id)


class State:
    """What this Discord knows. All calls on the server's thread."""

    # Nobody limits what is said in a direct message.
    DIRECT_PERMISSIONS: Final = DEFAULT_PERMISSIONS

    def __init__(self) -> None:
        self._counter = itertools.count()
        self._listeners: list[Listener] = []
        self.guilds: dict[int, Guild] = {}
        self.users: dict[int, JSON] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.messages: dict[int, list[JSON]] = {}
        self.files: dict[tuple[int, int, str], tuple[str, bytes]] = {}

    def snowflake(self, at: float | None = None) -> int:
        """Return a new id that carries a time."""
        ms = int((time.time() if at is None else at) * 1000) - _EPOCH_MS
        return (ms << 22) | (next(self._counter) & 0x3FFFFF)

    def subscribe(self, callback: Listener) -> Callable[[], None]:
        """Call back on each change; the result ends it."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def emit(self, kind: str, data: JSON) -> None:
        """Tell every subscriber of a change."""
        for listener in list(self._listeners):
            listener(kind, data)

    # -- people

    def user(self, name: str, *, user_id: int | None = None, bot: bool = False, age_days: float = 400) -> JSON:
        """Return a user object; the id carries the account's age."""
        if user_id is not None and user_id in self.users:
            return self.users[user_id]
        made = user_id or self.snowflake(time.time() - age_days * 86400)
        self.users[made] = {
            "id": str(made), "username": name, "global_name": None, "discriminator": "0000" if bot else "0",
            "avatar": None, "bot": bot, "public_flags": 0,
        }  # fmt: skip
        return self.users[made]

    def add_member(self, guild: Guild, user: JSON, role_ids: tuple[int, ...] = ()) -> JSON:
        member: JSON = {
            "user": user, "nick": None, "avatar": None, "roles": [str(role_id) for role_id in role_ids],
            "joined_at": iso(), "deaf": False, "mute": False, "pending": False, "premium_since": None,
            "flags": _DID_REJOIN if int(user["id"]) in guild.former else 0,
        }  # fmt: skip
        guild.members[int(user["id"])] = member
        self.emit("member", {"guild_id": str(guild.id), "user": user, "joined": True, "roles": member["roles"]})
        return member

    def remove_member(self, guild: Guild, user_id: int) -> JSON:
        """Take a member out of a guild and return the user; raises `KeyError` when there is no such member."""
        user = guild.members.pop(user_id)["user"]
        guild.former.add(user_id)
        self.emit("member", {"guild_id": str(guild.id), "user": user, "joined": False})
        return user

    def permissions(self, guild: Guild, user_id: int, channel_id: int | None = None) -> int:
        """Return what a member may do in a server, or in one of its channels."""
        member = guild.members.get(user_id)
        ids = [guild.id, *(int(role_id) for role_id in (member["roles"] if member is not None else ()))]
        roles = [guild.roles[role_id] for role_id in ids if role_id in guild.roles]
        place = guild.place(channel_id) if channel_id is not None else None
        if place is not None and place["type"] == THREAD:
            place = guild.channels.get(int(place["parent_id"]))
        overwrites = parts(place and place["permission_overwrites"])
        return add_up(roles, overwrites, user_id, guild.id, is_owner=user_id == guild.owner_id)

    # -- places

    def add_guild(self, name: str, owner_id: int, bot_permissions: int) -> Guild:
        guild = Guild(self.snowflake(), name, owner_id, self.snowflake(), self.snowflake())
        guild.roles[guild.id] = role_payload(guild.id, "@everyone", 0, DEFAULT_PERMISSIONS)
        allowed = DEFAULT_PERMISSIONS | ADMINISTRATOR
        guild.roles[guild.admin_role_id] = role_payload(guild.admin_role_id, "Admins", 2, allowed)
        guild.roles[guild.bot_role_id] = role_payload(guild.bot_role_id, "bot", 1, bot_permissions, managed=True)
        self.guilds[guild.id] = guild
        self.add_channel(guild, "general", "Where people talk")
        return guild

    def add_role(self, guild: Guild, name: str, permissions: int) -> JSON:
        role_id = self.snowflake()
        guild.roles[role_id] = role_payload(role_id, name, len(guild.roles), permissions)
        return guild.roles[role_id]

    def add_channel(self, guild: Guild, name: str, topic: str = "", kind: int = TEXT, **more: Any) -> int:
        channel_id = self.snowflake()
        guild.channels[channel_id] = {
            "id": str(channel_id), "guild_id": str(guild.id), "name": name, "topic": topic, "type": kind,
            "position": len(guild.channels), "permission_overwrites": [], "nsfw": False, "parent_id": None,
            "rate_limit_per_user": 0, "last_message_id": None, "flags": 0, **more,
        }  # fmt: skip
        self.messages[channel_id] = []
        self.emit("channel_create", guild.channels[channel_id])
        return channel_id

    def add_thread(self, guild: Guild, parent_id: int, name: str, owner_id: int) -> int:
        thread_id = self.snowflake()
        guild.threads[thread_id] = {
            "id": str(thread_id), "guild_id": str(guild.id), "parent_id": str(parent_id), "name": name, "type": THREAD,
            "owner_id": str(owner_id), "last_message_id": None, "message_count": 0, "member_count": 1,
            "rate_limit_per_user": 0, "flags": 0, "thread_metadata": {
                "archived": False, "auto_archive_duration": 1440, "archive_timestamp": iso(), "locked": False,
                "create_timestamp": iso(),
            },
        }  # fmt: skip
        self.messages[thread_id] = []
        self.emit("channel_create", guild.threads[thread_id])
        return thread_id

    def remove_channel(self, guild: Guild, channel_id: int) -> JSON:
        """Take a channel away, with its threads, messages and webhooks."""
        channel = guild.channels.pop(channel_id)
        gone = [thread_id for thread_id, thread in guild.threads.items() if thread["parent_id"] == str(channel_id)]
        for thread_id in gone:
            del guild.threads[thread_id]
            del self.messages[thread_id]
        del self.messages[channel_id]
        for webhook in [webhook for webhook in self.webhooks.values() if webhook.channel_id == channel_id]:
            del self.webhooks[webhook.id]
        self.emit("channel_delete", channel)
        return channel

    def direct_channel(self, user: JSON) -> JSON:
        """Return the channel of a person and the bot; its id is one that the person's own never is."""
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
            "channels": list(guild.channels.values()), "threads": list(guild.threads.values()),
            "members": members, "member_count": len(guild.members), "joined_at": iso(),
        }  # fmt: skip

    # -- webhooks and messages

    def add_webhook(
        self, guild: Guild, name: str, channel_id: int, user: JSON | None = None, application_id: str | None = None
    ) -> Webhook:
        webhook = Webhook(self.snowflake(), secrets.token_urlsafe(51), name, name, channel_id, guild.id, user, application_id)
        self.webhooks[webhook.id] = webhook
        self.emit("webhooks_update", {"guild_id": str(guild.id), "channel_id": str(channel_id)})
        return webhook

    def webhook_object(self, webhook: Webhook) -> JSON:
        return {
            "id": str(webhook.id), "type": 1, "token": webhook.token, "name": webhook.title, "avatar": None,
            "channel_id": str(webhook.channel_id), "guild_id": str(webhook.guild_id), "application_id": webhook.application_id,
            **({} if webhook.user is None else {"user": webhook.user}),
        }  # fmt: skip

    def add_message(self, channel_id: int, author: JSON, payload: JSON, attachments: list[JSON], **more: Any) -> JSON:
        """Store a message and tell everybody."""
        return self.show_message(self.message_object(channel_id, author, payload, attachments, **more))

    def show_message(self, message: JSON) -> JSON:
        """Put a message into its channel and tell everybody."""
        channel_id = int(message["channel_id"])
        self.messages.setdefault(channel_id, []).append(message)
        place = next((guild.place(channel_id) for guild in self.guilds.values() if guild.place(channel_id)), None)
        if place is not None:
            place["last_message_id"] = message["id"]
        self.emit("message_create", message)
        return message

    def message_object(self, channel_id: int, author: JSON, payload: JSON, files: list[JSON], **more: Any) -> JSON:
        """Return a message as Discord shows it; `pinged` is ours and says who is really notified."""
        content = payload.get("content") or ""
        pinged = _pings(content, payload.get("allowed_mentions"))
        ids = [int(ping[2:-1]) for ping in pinged if ping[2:-1].isdigit()]
        users = [self.users[user_id] for user_id in ids if user_id in self.users]
        roles = [ping[3:-1] for ping in pinged if ping.startswith("<@&")]
        message: JSON = {
            "id": str(self.snowflake()), "channel_id": str(channel_id), "author": author, "content": content,
            "embeds": shown_embeds(payload, files), "attachments": files, "timestamp": iso(), "edited_timestamp": None,
            "mentions": users, "mention_roles": roles, "mention_everyone": bool({"everyone", "here"} & set(pinged)),
            "pinned": False, "tts": False, "type": 0, "flags": payload.get("flags") or 0,
            "components": shown_components(payload.get("components")), "pinged": pinged, **more,
        }  # fmt: skip
        if payload.get("message_reference"):
            message |= {"type": 19, "message_reference": payload["message_reference"]}
        if payload.get("nonce") is not None:
            message["nonce"] = payload["nonce"]
        return message

    def find_message(self, channel_id: int, message_id: int) -> JSON | None:
        return next((m for m in self.messages.get(channel_id, []) if m["id"] == str(message_id)), None)

    def edit_message(self, message: JSON, payload: JSON, files: list[JSON] | None = None) -> JSON:
        """Apply an edit: what the payload names is replaced, new files are added."""
        if payload.get("attachments") is not None:
            kept = {str(item.get("id")) for item in payload["attachments"]}
            message["attachments"] = [item for item in message["attachments"] if item["id"] in kept]
        message["attachments"] = [*message["attachments"], *(files or [])]
        if "content" in payload:
            message["content"] = payload["content"] or ""
        if "embeds" in payload:
            message["embeds"] = shown_embeds(payload, message["attachments"])
        if "components" in payload:
            message["components"] = shown_components(payload["components"])
        if payload.get("flags") is not None:
            # Only whether embeds show can be changed afterwards.
            message["flags"] = message["flags"] & ~_SUPPRESS_EMBEDS | payload["flags"] & _SUPPRESS_EMBEDS
        message["edited_timestamp"] = iso()
        # Ephemeral answers are in no channel.
        if message in self.messages.get(int(message["channel_id"]), []):
            self.emit("message_update", message)
        return message

    def delete_message(self, message: JSON) -> None:
        shown = self.messages.get(int(message["channel_id"]), [])
        if message not in shown:
            return
        shown.remove(message)
        self.emit("message_delete", {"id": message["id"], "channel_id": message["channel_id"]})

    def snapshot(self) -> JSON:
        """Return all that the page shows."""
        guilds = [
            {
                "id": str(guild.id), "name": guild.name, "members": list(guild.members.values()),
                "owner_id": str(guild.owner_id), "roles": list(guild.roles.values()),
                "channels": [*guild.channels.values(), *guild.threads.values()],
            }
            for guild in self.guilds.values()
        ]  # fmt: skip
        return {"guilds": guilds, "messages": {str(key): list(value) for key, value in self.messages.items()}}


def shown_embeds(payload: JSON, files: list[JSON]) -> list[JSON]:
    """Return embeds as Discord shows them: typed, with `attachment://` replaced by the file's address."""
    urls = {f"attachment://{item['filename']}": item["url"] for item in files}
    shown: list[JSON] = []
    for embed in parts(payload.get("embeds")):
        done: JSON = {**embed, "type": "rich"}
        for key in ("image", "thumbnail"):
            if done.get(key) and done[key].get("url") in urls:
                done[key] = {**done[key], "url": urls[done[key]["url"]]}
        shown.append(done)
    return shown


def _pings(content: str, allowed: JSON | None) -> list[str]:
    """Return who is really notified: only mentions in the content count, and only those that are allowed."""
    parse: list[str] = ["everyone", "roles", "users"] if allowed is None else allowed.get("parse") or []
    ids: dict[str, list[Any]] = {kind: part(allowed).get(kind) or [] for kind in ("roles", "users")}
    listed = {kind: set(map(str, values)) for kind, values in ids.items()}
    pinged: list[str] = []
    for match in re.finditer(r"@(everyone|here)|<@(&|!)?(\d+)>", content):
        word, sign, number = match.groups()
        kind = "everyone" if word else "roles" if sign == "&" else "users"
        name = word or f"<@{'&' if sign == '&' else ''}{number}>"
        if (kind in parse or number in listed.get(kind, ())) and name not in pinged:
            pinged.append(name)
    return pinged
