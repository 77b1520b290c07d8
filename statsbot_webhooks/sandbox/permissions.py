"""Who may do what: roles and a channel's overwrites, added up as Discord does it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .rest.errors import Refusal

JSON = dict[str, Any]
# https://discord.com/developers/docs/topics/permissions
CREATE_INVITE: Final = 1 << 0
KICK_MEMBERS: Final = 1 << 1
BAN_MEMBERS: Final = 1 << 2
ADMINISTRATOR: Final = 1 << 3
MANAGE_CHANNELS: Final = 1 << 4
MANAGE_GUILD: Final = 1 << 5
ADD_REACTIONS: Final = 1 << 6
VIEW_AUDIT_LOG: Final = 1 << 7
VIEW_CHANNEL: Final = 1 << 10
SEND_MESSAGES: Final = 1 << 11
MANAGE_MESSAGES: Final = 1 << 13
READ_HISTORY: Final = 1 << 16
CHANGE_NICKNAME: Final = 1 << 26
MANAGE_NICKNAMES: Final = 1 << 27
MANAGE_ROLES: Final = 1 << 28
MANAGE_WEBHOOKS: Final = 1 << 29
MANAGE_THREADS: Final = 1 << 34
CREATE_THREADS: Final = 1 << 35
SEND_IN_THREADS: Final = 1 << 38
MODERATE_MEMBERS: Final = 1 << 40
PIN_MESSAGES: Final = 1 << 51
ALL: Final = (1 << 52) - 1
NAMES: Final = {
    "create_instant_invite": CREATE_INVITE, "kick_members": KICK_MEMBERS, "ban_members": BAN_MEMBERS,
    "administrator": ADMINISTRATOR, "manage_channels": MANAGE_CHANNELS, "manage_guild": MANAGE_GUILD,
    "add_reactions": ADD_REACTIONS, "view_audit_log": VIEW_AUDIT_LOG, "view_channel": VIEW_CHANNEL,
    "send_messages": SEND_MESSAGES, "manage_messages": MANAGE_MESSAGES, "embed_links": 1 << 14, "attach_files": 1 << 15,
    "read_message_history": READ_HISTORY, "mention_everyone": 1 << 17, "change_nickname": CHANGE_NICKNAME,
    "manage_nicknames": MANAGE_NICKNAMES, "manage_roles": MANAGE_ROLES, "manage_webhooks": MANAGE_WEBHOOKS,
    "manage_threads": MANAGE_THREADS, "create_public_threads": CREATE_THREADS, "create_private_threads": 1 << 36,
    "send_messages_in_threads": SEND_IN_THREADS, "moderate_members": MODERATE_MEMBERS, "pin_messages": PIN_MESSAGES,
}  # fmt: skip


def bits(names: Iterable[str]) -> int:
    """Return permissions by their names in discord.py; raises `KeyError` for one that is unknown here."""
    total = 0
    for name in names:
        total |= NAMES[name]
    return total


def add_up(roles: Iterable[JSON], overwrites: Iterable[JSON], user_id: int, guild_id: int, *, is_owner: bool) -> int:
    """Return what a member with these roles may do, in a channel with these overwrites."""
    held = {int(role["id"]): int(role["permissions"]) for role in roles}
    total = 0
    for value in held.values():
        total |= value
    if is_owner or total & ADMINISTRATOR:
        return ALL
    by_id = {int(item["id"]): item for item in overwrites}
    # In this order: everyone, then all roles at once, then the member; what a role allows wins over what another denies.
    for ids in ([guild_id], [role_id for role_id in held if role_id != guild_id], [user_id]):
        found = [by_id[one] for one in ids if one in by_id]
        for item in found:
            total &= ~int(item.get("deny") or 0)
        for item in found:
            total |= int(item.get("allow") or 0)
    return total


def demand(held: int, needed: int) -> None:
    """Raise `Refusal` when a permission is missing; a channel that is out of sight is refused differently."""
    if needed & VIEW_CHANNEL and not held & VIEW_CHANNEL:
        raise Refusal(403, 50001, "Missing Access")
    if held & needed != needed:
        raise Refusal(403, 50013, "Missing Permissions")
