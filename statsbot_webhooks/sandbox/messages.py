"""The messages of the local Discord: posted, edited, deleted, pinned and reacted to. Tells subscribers of each change.

Who may do any of it is checked by the routes; no request is read here.
"""

from __future__ import annotations

import re
from typing import Any, Final

from .rest.errors import part, parts
from .state import JSON, State
from .users.components import shown_components

_SUPPRESS_EMBEDS: Final = 1 << 2
# What a bot without the message content intent does not see of other people's messages.
_CONTENT: Final[JSON] = {"content": "", "embeds": [], "attachments": [], "components": []}
# What the sandbox keeps with a message for its own use.
_OWN: Final = ("pinged", "reacted")


class MessageStore:
    """Every message, by channel. All calls on the server's thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def find(self, channel_id: int, message_id: int) -> JSON | None:
        wanted = str(message_id)
        return next((m for m in reversed(self._state.messages.get(channel_id, [])) if m["id"] == wanted), None)

    def add(self, channel_id: int, author: JSON, payload: JSON, attachments: list[JSON], **more: Any) -> JSON:
        """Store a message and tell every subscriber."""
        return self.show(self.new(channel_id, author, payload, attachments, **more))

    def show(self, message: JSON) -> JSON:
        """Put a message into its channel and tell every subscriber."""
        channel_id = int(message["channel_id"])
        self._state.messages.setdefault(channel_id, []).append(message)
        guild = self._state.guild_of(channel_id)
        place = guild.place(channel_id) if guild is not None else None
        if place is not None:
            place["last_message_id"] = message["id"]
            if "message_count" in place:
                place["message_count"] += 1
        self._tell("message_create", message)
        return message

    def new(self, channel_id: int, author: JSON, payload: JSON, files: list[JSON], **more: Any) -> JSON:
        """Return a message as Discord shows it; `pinged` is ours and says who is really notified."""
        content = payload.get("content") or ""
        pinged = _pings(content, payload.get("allowed_mentions"))
        ids = [int(ping[2:-1]) for ping in pinged if ping[2:-1].isdigit()]
        users = [self._state.users[user_id] for user_id in ids if user_id in self._state.users]
        roles = [ping[3:-1] for ping in pinged if ping.startswith("<@&")]
        message: JSON = {
            "id": str(self._state.snowflake()), "channel_id": str(channel_id), "author": author, "content": content,
            "embeds": shown_embeds(payload, files), "attachments": files, "timestamp": self._state.now(),
            "edited_timestamp": None, "mentions": users, "mention_roles": roles,
            "mention_everyone": bool({"everyone", "here"} & set(pinged)), "pinned": False, "tts": False, "type": 0,
            "flags": payload.get("flags") or 0, "components": shown_components(payload.get("components")),
            "pinged": pinged, **more,
        }  # fmt: skip
        if payload.get("message_reference"):
            message |= self._reply_to(channel_id, payload["message_reference"])
        if payload.get("nonce") is not None:
            message["nonce"] = payload["nonce"]
        return message

    def _reply_to(self, channel_id: int, reference: JSON) -> JSON:
        place = int(reference.get("channel_id") or channel_id)
        found = self.find(place, int(reference.get("message_id") or 0))
        shown = None if found is None else {key: value for key, value in found.items() if key != "referenced_message"}
        return {"type": 19, "message_reference": {"channel_id": str(place), **reference}, "referenced_message": shown}

    def edit(self, message: JSON, payload: JSON, files: list[JSON] | None = None) -> JSON:
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
        message["edited_timestamp"] = self._state.now()
        self.changed(message)
        return message

    def changed(self, message: JSON) -> None:
        """Tell every subscriber that a message is another now; ephemeral answers are in no channel."""
        if self._is_shown(message):
            self._tell("message_update", message)

    def delete(self, message: JSON) -> None:
        if not self._is_shown(message):
            return
        shown = self._state.messages[int(message["channel_id"])]
        shown[:] = [other for other in shown if other is not message]
        self._tell("message_delete", {"id": message["id"], "channel_id": message["channel_id"]})

    def pin(self, message: JSON, pinned: bool) -> None:
        """Pin a message, or take the pin away."""
        message["pinned"] = pinned
        self.changed(message)
        guild = self._state.guild_of(int(message["channel_id"]))
        place: JSON = {} if guild is None else {"guild_id": str(guild.id)}
        moment = self._state.now() if pinned else None
        data = {**place, "channel_id": message["channel_id"], "last_pin_timestamp": moment}
        self._state.dispatch("CHANNEL_PINS_UPDATE", data, None if guild is None else guild.id)

    def pinned(self, channel_id: int) -> list[JSON]:
        """Return the pinned messages of a channel, newest first."""
        return [message for message in reversed(self._state.messages.get(channel_id, [])) if message["pinned"]]

    # -- reactions

    def react(self, message: JSON, emoji: JSON, user_id: int, bot_id: int, *, added: bool) -> bool:
        """Add or take away a user's reaction; false when nothing changes."""
        reacted: dict[str, list[int]] = message.setdefault("reacted", {})
        key = emoji_key(emoji)
        users = reacted.setdefault(key, [])
        if (user_id in users) is added:
            return False
        if added:
            users.append(user_id)
        else:
            users.remove(user_id)
        self._show_reactions(message, {key: emoji}, bot_id)
        place = self._event_place(message)
        data = {**place, "user_id": str(user_id), "emoji": emoji, "burst": False, "type": 0}
        guild_id = int(place["guild_id"]) if "guild_id" in place else None
        if added and guild_id is not None:
            data["member"] = self._state.guilds[guild_id].members.get(user_id)
        event = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        self._state.dispatch(event, data, guild_id)
        self._state.emit("message_update", message)
        return True

    def clear_reactions(self, message: JSON, emoji: JSON | None = None) -> None:
        """Take away every reaction, or those with one emoji."""
        reacted: dict[str, list[int]] = message.setdefault("reacted", {})
        if emoji is None:
            reacted.clear()
        else:
            reacted.pop(emoji_key(emoji), None)
        self._show_reactions(message, {}, 0)
        place = self._event_place(message)
        guild_id = int(place["guild_id"]) if "guild_id" in place else None
        if emoji is None:
            self._state.dispatch("MESSAGE_REACTION_REMOVE_ALL", place, guild_id)
        else:
            self._state.dispatch("MESSAGE_REACTION_REMOVE_EMOJI", {**place, "emoji": emoji}, guild_id)
        self._state.emit("message_update", message)

    def _show_reactions(self, message: JSON, known: dict[str, JSON], bot_id: int) -> None:
        emojis = known | {emoji_key(item["emoji"]): item["emoji"] for item in parts(message.get("reactions"))}
        message["reactions"] = [
            {
                "emoji": emojis[key], "count": len(users), "me": bot_id in users, "me_burst": False, "burst_colors": [],
                "count_details": {"burst": 0, "normal": len(users)},
            }
            for key, users in message["reacted"].items()
            if users
        ]  # fmt: skip

    def _event_place(self, message: JSON) -> JSON:
        guild = self._state.guild_of(int(message["channel_id"]))
        place = {"channel_id": message["channel_id"], "message_id": message["id"]}
        return place if guild is None else {**place, "guild_id": str(guild.id)}

    # -- subscribers

    def _is_shown(self, message: JSON) -> bool:
        return any(other is message for other in reversed(self._state.messages.get(int(message["channel_id"]), [])))

    def _tell(self, kind: str, data: JSON) -> None:
        self._state.emit(kind, data)
        guild = self._state.guild_of(int(data["channel_id"]))
        payload = public(data)
        if guild is not None:
            payload["guild_id"] = str(guild.id)
            member = guild.members.get(int(data["author"]["id"])) if "author" in data else None
            if member is not None:
                payload["member"] = {key: value for key, value in member.items() if key != "user"}
        self._state.dispatch(kind.upper(), payload, None if guild is None else guild.id)


def public(message: JSON) -> JSON:
    """Return a message without what only the sandbox knows of it."""
    return {key: value for key, value in message.items() if key not in _OWN}


def without_content(message: JSON, bot_id: str) -> JSON:
    """Return a message as a bot without the message content intent gets it: its own, and those that mention it, in full."""
    if message["author"]["id"] == bot_id or any(user["id"] == bot_id for user in message["mentions"]):
        return message
    return {**message, **_CONTENT}


def emoji_key(emoji: JSON) -> str:
    """Return an emoji as it stands in an address: "👍" or "name:id"."""
    return f"{emoji['name']}:{emoji['id']}" if emoji.get("id") else str(emoji["name"])


def emoji_of(text: str) -> JSON:
    """Return the emoji that "👍", "name:id" or "<:name:id>" means."""
    name, _, number = text.strip("<>").removeprefix("a:").lstrip(":").partition(":")
    return {"id": number, "name": name} if number.isdigit() else {"id": None, "name": text}


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
