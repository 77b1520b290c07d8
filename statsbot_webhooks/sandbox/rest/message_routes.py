"""What a bot asks and does about messages: it lists, posts, edits, deletes, pins them and reacts to them."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from ..messages import MessageStore, emoji_key, emoji_of, public, without_content
from ..permissions import (
    ADD_REACTIONS,
    MANAGE_MESSAGES,
    MANAGE_THREADS,
    PIN_MESSAGES,
    SEND_IN_THREADS,
    SEND_MESSAGES,
    VIEW_CHANNEL,
    demand,
)
from ..state import ANNOUNCEMENT, FORUM, Guild, State
from .account import BotAccount, found
from .errors import JSON, Refusal, parts
from .http import Body, no_content, reply, store_files
from .routing import Call, Routes
from .rules import OldEdits, check_message

_MOST_PINS = 250


class MessageRoutes:
    """Answers requests about the messages of a channel, a thread or a direct message."""

    def __init__(self, state: State, bot: BotAccount, messages: MessageStore, old_edits: OldEdits) -> None:
        self._state = state
        self._bot = bot
        self._messages = messages
        self._old_edits = old_edits

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        base = "/channels/{channel}/messages"
        # Both spellings of the routes for pins are in use, by discord.py of before and after 2.6.
        routes.add(f"GET {base}/pins", self._pins_page)
        for pins in (f"{base}/pins", "/channels/{channel}/pins"):
            routes.add(f"PUT {pins}/{{message}}", self._pin)
            routes.add(f"DELETE {pins}/{{message}}", self._unpin)
        routes.add("GET /channels/{channel}/pins", self._pins)
        routes.add(f"GET {base}", self._list)
        routes.add(f"POST {base}", self._post)
        routes.add(f"POST {base}/bulk-delete", self._bulk_delete)
        routes.add(f"GET {base}/{{message}}", lambda call: reply(self._shown(self._find(call)[2])))
        routes.add(f"PATCH {base}/{{message}}", self._edit)
        routes.add(f"DELETE {base}/{{message}}", self._delete)
        routes.add(f"POST {base}/{{message}}/crosspost", self._crosspost)
        routes.add(f"DELETE {base}/{{message}}/reactions", self._clear_reactions)
        routes.add(f"DELETE {base}/{{message}}/reactions/{{emoji:text}}", self._clear_reactions)
        routes.add(f"GET {base}/{{message}}/reactions/{{emoji:text}}", self._reactions)
        routes.add(f"PUT {base}/{{message}}/reactions/{{emoji:text}}/@me", self._react)
        routes.add(f"DELETE {base}/{{message}}/reactions/{{emoji:text}}/@me", self._unreact)
        routes.add(f"DELETE {base}/{{message}}/reactions/{{emoji:text}}/{{user}}", self._unreact)

    # -- what there is

    def _place(self, call: Call, needed: int = VIEW_CHANNEL) -> tuple[Guild | None, int]:
        channel_id = call.id("channel")
        if channel_id not in self._state.messages:
            raise Refusal(404, 10003, "Unknown Channel")
        guild = self._state.guild_of(channel_id)
        if guild is not None:
            held = self._state.permissions(guild, self._bot.id, channel_id)
            demand(held, VIEW_CHANNEL)
            demand(held, needed)
        return guild, channel_id

    def _find(self, call: Call, needed: int = VIEW_CHANNEL) -> tuple[Guild | None, int, JSON]:
        guild, channel_id = self._place(call, needed)
        message = self._messages.find(channel_id, call.id("message"))
        return guild, channel_id, found(message, 10008, "Unknown Message")

    def _shown(self, message: JSON) -> JSON:
        """Return a message as the bot may see it: the content of others is only for those with the intent."""
        shown = public(message)
        is_direct = self._state.guild_of(int(message["channel_id"])) is None
        return shown if is_direct or self._bot.sees_content else without_content(shown, self._bot.user["id"])

    def _list(self, call: Call) -> web.Response:
        _, channel_id = self._place(call)
        limit = min(max(call.number("limit", 50), 1), 100)
        newest_first = self._state.messages[channel_id][::-1]
        if "around" in call.query:
            before = [m for m in newest_first if int(m["id"]) < call.number("around", 0)][: limit // 2]
            wanted = [m for m in newest_first if int(m["id"]) >= call.number("around", 0)][-(limit - len(before)) :] + before
        elif "after" in call.query:
            # Asked this way the oldest are taken, and still shown newest first.
            wanted = [m for m in newest_first if int(m["id"]) > call.number("after", 0)][-limit:]
        else:
            until = call.number("before", 1 << 64)
            wanted = [m for m in newest_first if int(m["id"]) < until][:limit]
        return reply([self._shown(message) for message in wanted])

    # -- posts, edits, deletes

    def _post(self, call: Call) -> web.Response:
        guild, channel_id = self._place(call)
        place: JSON = {} if guild is None else guild.place(channel_id) or {}
        if guild is not None:
            needed = SEND_IN_THREADS if channel_id in guild.threads else SEND_MESSAGES
            self._bot.demand(guild, needed, channel_id)
            if place["type"] == FORUM:
                raise Refusal(400, 50008, "Cannot send messages in a non-text channel")
            may_manage = bool(self._state.permissions(guild, self._bot.id, channel_id) & MANAGE_THREADS)
            wake_thread(self._state, guild, channel_id, may_manage=may_manage)
        payload = check_message(call.body.table(), call.body.sizes, webhook=False)
        self._check_reference(channel_id, payload)
        files = store_files(self._state, self._bot.base_url, channel_id, call.body.files, payload)
        message = self._messages.add(channel_id, self._bot.user, payload, files, application_id=self._bot.user["id"])
        return reply(self._shown(message))

    def _check_reference(self, channel_id: int, payload: JSON) -> None:
        reference: JSON = payload.get("message_reference") or {}
        if not reference or not reference.get("fail_if_not_exists", True):
            return
        place = int(reference.get("channel_id") or channel_id)
        if self._messages.find(place, int(reference.get("message_id") or 0)) is None:
            unknown = {"_errors": [{"code": "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "message": "Unknown message"}]}
            raise Refusal(400, 50035, "Invalid Form Body", {"message_reference": unknown})

    def _edit(self, call: Call) -> web.Response:
        guild, channel_id, message = self._find(call)
        if message["author"]["id"] != self._bot.user["id"]:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        check_editable(guild, channel_id)
        self._old_edits.check(message, announcement=is_announcement(guild, channel_id))
        edit_checked(self._messages, self._state, self._bot.base_url, message, call.body, webhook=False)
        return reply(self._shown(message))

    def _delete(self, call: Call) -> web.Response:
        guild, channel_id, message = self._find(call)
        if message["author"]["id"] != self._bot.user["id"] and guild is not None:
            self._bot.demand(guild, MANAGE_MESSAGES, channel_id)
        check_editable(guild, channel_id)
        self._messages.delete(message)
        return no_content()

    def _bulk_delete(self, call: Call) -> web.Response:
        guild, channel_id = self._place(call, MANAGE_MESSAGES)
        ids = cast(list[Any], call.body.table().get("messages") or [])
        if not 2 <= len(ids) <= 100 or guild is None:
            raise Refusal(400, 50016, "Provided too few or too many messages to delete. Must provide at least 2 and at most 100.")
        for message_id in ids:
            message = self._messages.find(channel_id, int(message_id))
            if message is not None:
                self._messages.delete(message)
        return no_content()

    def _crosspost(self, call: Call) -> web.Response:
        guild, channel_id, message = self._find(call)
        if not is_announcement(guild, channel_id):
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        message["flags"] |= 1
        self._messages.changed(message)
        return reply(self._shown(message))

    # -- pins

    def _pins(self, call: Call) -> web.Response:
        _, channel_id = self._place(call)
        return reply([self._shown(message) for message in self._messages.pinned(channel_id)])

    def _pins_page(self, call: Call) -> web.Response:
        _, channel_id = self._place(call)
        pinned = [{"pinned_at": m["timestamp"], "message": self._shown(m)} for m in self._messages.pinned(channel_id)]
        return reply({"items": pinned, "has_more": False})

    def _pin(self, call: Call) -> web.Response:
        _, channel_id, message = self._find_to_pin(call)
        if len(self._messages.pinned(channel_id)) >= _MOST_PINS:
            raise Refusal(400, 30003, f"Maximum number of pins reached for the channel ({_MOST_PINS})")
        self._messages.pin(message, True)
        return no_content()

    def _unpin(self, call: Call) -> web.Response:
        self._messages.pin(self._find_to_pin(call)[2], False)
        return no_content()

    def _find_to_pin(self, call: Call) -> tuple[Guild | None, int, JSON]:
        guild, channel_id, message = self._find(call)
        held = PIN_MESSAGES if guild is None else self._state.permissions(guild, self._bot.id, channel_id)
        # Pinning has a permission of its own since 2025; the older one still lets a bot pin.
        if not held & (PIN_MESSAGES | MANAGE_MESSAGES):
            raise Refusal(403, 50013, "Missing Permissions")
        return guild, channel_id, message

    # -- reactions

    def _react(self, call: Call) -> web.Response:
        guild, channel_id, message = self._find(call)
        emoji = emoji_of(call.ids["emoji"])
        if emoji["id"] is None and emoji["name"].isascii():
            raise Refusal(400, 10014, "Unknown Emoji")
        known = {emoji_key(item["emoji"]) for item in parts(message.get("reactions"))}
        if guild is not None and emoji_key(emoji) not in known:
            self._bot.demand(guild, ADD_REACTIONS, channel_id)
        check_editable(guild, channel_id)
        self._messages.react(message, emoji, self._bot.id, self._bot.id, added=True)
        return no_content()

    def _unreact(self, call: Call) -> web.Response:
        guild, channel_id, message = self._find(call)
        user_id = call.id("user") if "user" in call.ids else self._bot.id
        if user_id != self._bot.id and guild is not None:
            self._bot.demand(guild, MANAGE_MESSAGES, channel_id)
        self._messages.react(message, emoji_of(call.ids["emoji"]), user_id, self._bot.id, added=False)
        return no_content()

    def _reactions(self, call: Call) -> web.Response:
        message = self._find(call)[2]
        reacted: dict[str, list[int]] = message.get("reacted") or {}
        users = reacted.get(emoji_key(emoji_of(call.ids["emoji"])), [])
        after = call.number("after", 0)
        shown = [self._state.users[user_id] for user_id in users if user_id > after]
        return reply(shown[: call.number("limit", 25)])

    def _clear_reactions(self, call: Call) -> web.Response:
        message = self._find(call, MANAGE_MESSAGES)[2]
        emoji = emoji_of(call.ids["emoji"]) if "emoji" in call.ids else None
        self._messages.clear_reactions(message, emoji)
        return no_content()


def is_announcement(guild: Guild | None, channel_id: int) -> bool:
    """Whether a channel is one whose messages other servers may follow."""
    return guild is not None and (guild.place(channel_id) or {}).get("type") == ANNOUNCEMENT


def check_editable(guild: Guild | None, channel_id: int) -> None:
    """Raise `Refusal` for a message in an archived thread: it takes no edits, deletes or reactions."""
    thread = None if guild is None else guild.threads.get(channel_id)
    if thread is not None and thread["thread_metadata"]["archived"]:
        raise Refusal(400, 50083, "Thread is archived")


def wake_thread(state: State, guild: Guild, channel_id: int, *, may_manage: bool) -> None:
    """Take a thread out of the archive, as a post does; raises `Refusal` for a locked one."""
    thread = guild.threads.get(channel_id)
    if thread is None:
        return
    metadata = thread["thread_metadata"]
    if metadata["locked"] and not may_manage:
        raise Refusal(400, 160005, "Thread is locked")
    if metadata["archived"]:
        if len(guild.active_threads) >= state.most_active_threads:
            raise Refusal(400, 160006, "Maximum number of active threads reached")
        state.change_thread(guild, channel_id, archived=False)


def edit_checked(
    messages: MessageStore, state: State, base_url: str, message: JSON, body: Body, *, webhook: bool = True
) -> JSON:  # fmt: skip
    """Apply an edit that Discord would take; raises `Refusal`, also when nothing of the message would be left."""
    payload = check_message(body.table(), body.sizes, editing=True, webhook=webhook)
    kept = payload.get("attachments")
    left = {key: payload.get(key, message[key]) for key in ("content", "embeds", "components")}
    left["flags"] = message["flags"] | (payload.get("flags") or 0)
    files = message["attachments"] if kept is None else kept
    check_message(left, [0] * (len(files) > 0 or len(body.files) > 0), webhook=webhook)
    stored = store_files(state, base_url, int(message["channel_id"]), body.files, payload)
    return messages.edit(message, payload, stored)
