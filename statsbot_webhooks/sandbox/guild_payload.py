"""What Discord says of a server itself: the many fields that never change here."""

from __future__ import annotations

from typing import Any, Final

# What @everyone may do in a new server.
DEFAULT_PERMISSIONS: Final = 104324673 | 1 << 35 | 1 << 36 | 1 << 38
_CONSTANTS: Final[dict[str, Any]] = {
    "large": False, "unavailable": False, "presences": [], "voice_states": [], "stage_instances": [],
    "guild_scheduled_events": [], "soundboard_sounds": [], "emojis": [], "stickers": [], "features": [], "icon": None,
    "splash": None, "discovery_splash": None, "banner": None, "description": None, "region": "sandbox",
    "afk_channel_id": None, "afk_timeout": 300, "system_channel_id": None, "system_channel_flags": 0,
    "rules_channel_id": None, "public_updates_channel_id": None, "safety_alerts_channel_id": None,
    "verification_level": 0, "mfa_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
    "nsfw_level": 0, "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US",
    "vanity_url_code": None, "premium_progress_bar_enabled": False, "application_id": None, "widget_enabled": False,
}  # fmt: skip


def role_payload(role_id: int, name: str, position: int, permissions: int, *, managed: bool = False) -> dict[str, Any]:
    """Return a role; @everyone has the server's id."""
    return {
        "id": str(role_id), "name": name, "color": 0, "colors": {"primary_color": 0}, "hoist": False,
        "position": position, "permissions": str(permissions), "managed": managed, "mentionable": False,
        "flags": 0, "icon": None, "unicode_emoji": None,
    }  # fmt: skip


def guild_payload(guild_id: int, name: str, owner_id: int, roles: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a server object without the people and places in it."""
    return {**_CONSTANTS, "id": str(guild_id), "name": name, "owner_id": str(owner_id), "roles": roles}
