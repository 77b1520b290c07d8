"""Guilds, channels, members, webhooks and messages of the local Discord. Pure; tells subscribers of each change."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

# https://discord.com/developers/docs/reference#snowflakes
_EPOCH_MS: Final = 1420070400000
_ADMINISTRATOR: Final = 1 << 3
_MEMBER_PERMISSIONS: Final = 104324673
Listener = Callable[[str, dict[str, Any]], None]
JSON = dict[str, Any]


def iso(seconds: float | None = None) -> str:
    """Return a time as Discord writes it."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.isoformat()


@dataclass(slots=True)
class Webhook:
    """A webhook: `name` is what the test calls it."""

    id: int
    token: str
    name: str
    channel_id: int
    guild_id: int


@dataclass(slots=True)
class Guild:
    """A server and who is in it; members are member objects as Discord sends them, by user id."""

    id: int
    name: str
    owner_id: int
    members: dict[int, JSON] = field(default_factory=dict[int, JSON])
    channels: dict[int, JSON] = field(default_factory=dict[int, JSON])


class State:
    """What this Discord knows. All calls on the server's thread."""

    def __init__(self) -> None:
        self._counter = itertools.count()
        self._listeners: list[Listener] = []
        self.guilds: dict[int, Guild] = {}
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
        for listener in list(self._listeners):
            listener(kind, data)

    def user(self, name: str, *, user_id: int | None = None, bot: bool = False, age_days: float = 400) -> JSON:
        """Return a user object; the id carries the account's age."""
        made = user_id or self.snowflake(time.time() - age_days * 86400)
        return {
            "id": str(made), "username": name, "global_name": None, "discriminator": "0000" if bot else "0",
            "avatar": None, "bot": bot, "public_flags": 0,
        }  # fmt: skip

    def add_guild(self, name: str, owner_id: int) -> Guild:
        guild = Guild(self.snowflake(), name, owner_id)
        self.guilds[guild.id] = guild
        self.add_channel(guild, "general", "Where people talk")
        return guild

    def add_channel(self, guild: Guild, name: str, topic: str = "", type: int = 0) -> int:  # noqa: A002 - Discord's name
        channel_id = self.snowflake()
        guild.channels[channel_id] = {
            "id": str(channel_id), "guild_id": str(guild.id), "name": name, "topic": topic, "type": type,
            "position": len(guild.channels), "permission_overwrites": [], "nsfw": False, "parent_id": None,
            "rate_limit_per_user": 0, "last_message_id": None,
        }  # fmt: skip
        self.messages[channel_id] = []
        self.emit("channel_create", guild.channels[channel_id])
        return channel_id

    def add_member(self, guild: Guild, user: JSON, *, admin: bool = False) -> JSON:
        member: JSON = {
            "user": user, "nick": None, "avatar": None, "roles": [str(guild.id + 1)] if admin else [],
            "joined_at": iso(), "deaf": False, "mute": False, "flags": 0, "pending": False, "premium_since": None,
        }  # fmt: skip
        guild.members[int(user["id"])] = member
        return member

    def permissions(self, guild: Guild, user_id: int) -> int:
        member = guild.members.get(user_id)
        is_admin = user_id == guild.owner_id or (member is not None and str(guild.id + 1) in member["roles"])
        return _MEMBER_PERMISSIONS | (_ADMINISTRATOR if is_admin else 0)

    def roles(self, guild: Guild) -> list[JSON]:
        def role(role_id: int, name: str, position: int, permissions: int) -> JSON:
            return {
                "id": str(role_id), "name": name, "color": 0, "colors": {"primary_color": 0}, "hoist": False,
                "position": position, "permissions": str(permissions), "managed": False, "mentionable": False, "flags": 0,
            }  # fmt: skip

        everyone = role(guild.id, "@everyone", 0, _MEMBER_PERMISSIONS)
        return [everyone, role(guild.id + 1, "Admins", 1, _ADMINISTRATOR)]

    def guild_object(self, guild: Guild, members: list[JSON]) -> JSON:
        """Return the payload of GUILD_CREATE."""
        return {
            "id": str(guild.id), "name": guild.name, "owner_id": str(guild.owner_id), "roles": self.roles(guild),
            "channels": list(guild.channels.values()), "members": members, "member_count": len(guild.members),
            "large": False, "joined_at": iso(), "unavailable": False, "threads": [], "presences": [], "voice_states": [],
            "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [], "emojis": [], "stickers": [],
            "features": [], "icon": None, "splash": None, "banner": None, "description": None, "region": "sandbox",
            "afk_channel_id": None, "afk_timeout": 300, "system_channel_id": None, "system_channel_flags": 0,
            "rules_channel_id": None, "public_updates_channel_id": None, "verification_level": 0, "mfa_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "nsfw_level": 0, "premium_tier": 0,
            "premium_subscription_count": 0, "preferred_locale": "en-US", "vanity_url_code": None,
            "premium_progress_bar_enabled": False, "application_id": None, "widget_enabled": False,
        }  # fmt: skip

    def add_webhook(self, guild: Guild, name: str, channel_id: int) -> Webhook:
        webhook = Webhook(self.snowflake(), secrets.token_urlsafe(51), name, channel_id, guild.id)
        self.webhooks[webhook.id] = webhook
        return webhook

    def webhook_object(self, webhook: Webhook) -> JSON:
        return {
            "id": str(webhook.id), "type": 1, "token": webhook.token, "name": webhook.name, "avatar": None,
            "channel_id": str(webhook.channel_id), "guild_id": str(webhook.guild_id), "application_id": None,
        }  # fmt: skip

    def add_message(self, channel_id: int, author: JSON, payload: JSON, attachments: list[JSON], **more: Any) -> JSON:
        """Store a message and tell everybody."""
        embeds = [{**embed, "type": "rich"} for embed in payload.get("embeds") or []]
        content = payload.get("content") or ""
        pinged = _pings(content, payload.get("allowed_mentions"))
        message: JSON = {
            "id": str(self.snowflake()), "channel_id": str(channel_id), "author": author, "content": content,
            "embeds": embeds, "attachments": attachments, "timestamp": iso(), "edited_timestamp": None,
            "mentions": [], "mention_roles": [], "mention_everyone": "everyone" in pinged, "pinned": False, "tts": False,
            "type": 0, "flags": payload.get("flags", 0), "components": payload.get("components", []), "pinged": pinged,
            **more,
        }  # fmt: skip
        self.messages.setdefault(channel_id, []).append(message)
        self.emit("message_create", message)
        return message

    def find_message(self, channel_id: int, message_id: int) -> JSON | None:
        return next((m for m in self.messages.get(channel_id, []) if m["id"] == str(message_id)), None)

    def edit_message(self, message: JSON, payload: JSON) -> JSON:
        for key in ("content", "embeds", "components", "flags"):
            if key in payload:
                message[key] = payload[key] if payload[key] is not None else ([] if key == "embeds" else "")
        message["edited_timestamp"] = iso()
        self.emit("message_update", message)
        return message

    def delete_message(self, message: JSON) -> None:
        self.messages[int(message["channel_id"])].remove(message)
        self.emit("message_delete", {"id": message["id"], "channel_id": message["channel_id"]})

    def snapshot(self) -> JSON:
        """Return all that the page shows."""
        guilds = [
            {"id": str(guild.id), "name": guild.name, "channels": list(guild.channels.values())} for guild in self.guilds.values()
        ]
        return {"guilds": guilds, "messages": {str(key): list(value) for key, value in self.messages.items()}}


def _pings(content: str, allowed: JSON | None) -> list[str]:
    """Return who is really notified: only mentions in the content count, and only those that are allowed."""
    everyone = [word for word in ("everyone", "here") if f"@{word}" in content]
    parse = ["everyone", "roles", "users"] if allowed is None else allowed.get("parse", [])
    roles = [f"<@&{role}>" for role in (allowed or {}).get("roles", []) if f"<@&{role}>" in content]
    users = [f"<@{user}>" for user in (allowed or {}).get("users", []) if f"<@{user}>" in content]
    others = ["users"] if "users" in parse and "<@" in content.replace("<@&", "") else []
    return (everyone if "everyone" in parse else []) + roles + users + others
