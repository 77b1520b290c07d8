"""Invites: what Discord keeps of them, and what the bot is told when one is made, used or revoked."""

from __future__ import annotations

import secrets

from .state import JSON, Guild, State


def add_invite(state: State, guild: Guild, channel_id: int, inviter: JSON, options: JSON) -> JSON:
    """Make an invite to a channel and tell the bot; `options` are `max_age`, `max_uses` and `temporary`."""
    code, place = secrets.token_urlsafe(6), guild.channels[channel_id]
    invite: JSON = {
        "code": code, "type": 0, "channel": {key: place[key] for key in ("id", "name", "type")},
        "guild": {"id": str(guild.id), "name": guild.name, "features": [], "icon": None, "splash": None, "banner": None,
                  "description": None, "verification_level": 0, "vanity_url_code": None},
        "inviter": inviter, "uses": 0, "max_uses": options.get("max_uses", 0), "max_age": options.get("max_age", 86400),
        "temporary": options.get("temporary", False), "created_at": state.now(), "expires_at": None,
    }  # fmt: skip
    guild.invites[code] = invite
    state.dispatch("INVITE_CREATE", {**invite, "guild_id": str(guild.id), "channel_id": str(channel_id)}, guild.id)
    return invite


def remove_invite(state: State, guild: Guild, code: str) -> JSON:
    """Revoke an invite and tell the bot; raises `LookupError` when there is none of that code."""
    invite = _find(guild, code)
    del guild.invites[code]
    gone = {"code": code, "guild_id": str(guild.id), "channel_id": invite["channel"]["id"]}
    state.dispatch("INVITE_DELETE", gone, guild.id)
    return invite


def use_invite(state: State, guild: Guild, code: str) -> None:
    """Count that a member came by an invite: the bot sees it by its uses only. Raises `LookupError` when there is none."""
    invite = _find(guild, code)
    invite["uses"] += 1
    if invite["max_uses"] and invite["uses"] >= invite["max_uses"]:
        remove_invite(state, guild, code)


def _find(guild: Guild, code: str) -> JSON:
    if code not in guild.invites:
        raise LookupError(f"there is no invite {code!r}")
    return guild.invites[code]
