"""What a bot asks and does about threads: it starts them from a message, alone or as a post, joins and lists them."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from ..messages import MessageStore
from ..permissions import CREATE_THREADS, MANAGE_THREADS, SEND_MESSAGES
from ..state import FORUM, PRIVATE_THREAD, REQUIRE_TAG, THREAD, Guild, State
from .account import BotAccount, found
from .channel_routes import ChannelRoutes
from .errors import JSON, Form, Refusal
from .http import no_content, reply, store_files
from .routing import Call, Routes
from .rules import check_message


class ThreadRoutes:
    """Answers requests about threads."""

    def __init__(self, state: State, bot: BotAccount, channels: ChannelRoutes, messages: MessageStore) -> None:
        self._state = state
        self._bot = bot
        self._channels = channels
        self._messages = messages

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        base = "/channels/{channel}"
        routes.add(f"POST {base}/threads", self._start)
        routes.add(f"POST {base}/messages/{{message}}/threads", self._start_from)
        routes.add(f"GET {base}/threads/archived/public", self._archived)
        routes.add(f"GET {base}/threads/archived/private", self._archived)
        routes.add(f"GET {base}/users/@me/threads/archived/private", lambda call: reply(_page([])))
        routes.add(f"GET {base}/thread-members", self._members)
        routes.add(f"GET {base}/thread-members/{{user}}", self._member)
        for who in ("@me", "{user}"):
            routes.add(f"PUT {base}/thread-members/{who}", self._member_changed)
            routes.add(f"DELETE {base}/thread-members/{who}", self._member_changed)

    def _start(self, call: Call) -> web.Response:
        guild, channel_id, channel = self._channels.place(call)
        data = call.body.table()
        if channel["type"] == FORUM:
            return self._start_post(call, guild, channel_id, data)
        self._bot.demand(guild, CREATE_THREADS, channel_id)
        name = _checked_name(data)
        check_room(self._state, guild)
        thread_id = self._state.add_thread(guild, channel_id, name, self._bot.id, type=data.get("type") or THREAD)
        return reply(guild.threads[thread_id], 201)

    def _start_post(self, call: Call, guild: Guild, channel_id: int, data: JSON) -> web.Response:
        self._bot.demand(guild, SEND_MESSAGES, channel_id)
        name = _checked_name(data)
        tags = check_tags(guild.channels[channel_id], data.get("applied_tags"))
        payload = check_message(data.get("message") or {}, call.body.sizes, webhook=False)
        check_room(self._state, guild)
        thread_id = self._state.add_thread(guild, channel_id, name, self._bot.id, applied_tags=tags)
        files = store_files(self._state, self._bot.base_url, thread_id, call.body.files, payload)
        # The first message of a post has the id of its thread.
        message = self._messages.new(thread_id, self._bot.user, payload, files) | {"id": str(thread_id)}
        self._messages.show(message)
        return reply({**guild.threads[thread_id], "message": message}, 201)

    def _start_from(self, call: Call) -> web.Response:
        guild, channel_id, _ = self._channels.place(call, CREATE_THREADS)
        message = found(self._messages.find(channel_id, call.id("message")), 10008, "Unknown Message")
        name = _checked_name(call.body.table())
        if int(message["id"]) in guild.threads:
            raise Refusal(400, 160004, "A thread has already been created for this message")
        check_room(self._state, guild)
        thread_id = self._state.add_thread(guild, channel_id, name, self._bot.id, thread_id=int(message["id"]))
        message["thread"] = guild.threads[thread_id]
        message["flags"] |= 1 << 5
        self._messages.changed(message)
        return reply(guild.threads[thread_id], 201)

    def _archived(self, call: Call) -> web.Response:
        guild, channel_id, _ = self._channels.place(call)
        mine = [thread for thread in guild.threads.values() if thread["parent_id"] == str(channel_id)]
        is_private = call.path.endswith("/private")
        return reply(
            _page([one for one in mine if one["thread_metadata"]["archived"] and (one["type"] == PRIVATE_THREAD) == is_private])
        )

    def _members(self, call: Call) -> web.Response:
        _, channel_id, _ = self._channels.place(call)
        return reply([self._joined(channel_id)])

    def _member(self, call: Call) -> web.Response:
        _, channel_id, _ = self._channels.place(call)
        return reply(found(self._joined(channel_id) if call.id("user") == self._bot.id else None, 10007, "Unknown Member"))

    def _joined(self, thread_id: int) -> JSON:
        return {"id": str(thread_id), "user_id": str(self._bot.id), "join_timestamp": self._state.now(), "flags": 0}

    def _member_changed(self, call: Call) -> web.Response:
        guild, channel_id, _ = self._channels.place(call)
        thread = found(guild.threads.get(channel_id), 10003, "Unknown Channel")
        if thread["thread_metadata"]["archived"]:
            raise Refusal(400, 50083, "Thread is archived")
        if call.method == "DELETE" and "user" in call.ids:
            self._bot.demand(guild, MANAGE_THREADS, channel_id)
        return no_content()


def check_room(state: State, guild: Guild) -> None:
    """Raise `Refusal` when a server takes no more active threads."""
    if len(guild.active_threads) >= state.most_active_threads:
        raise Refusal(400, 160006, "Maximum number of active threads reached")


def check_tags(forum: JSON, wanted: Any) -> list[str]:
    """Return the tags of a new post; raises `Refusal` when the forum wants one and there is none, or for unknown ones."""
    form = Form()
    tags = [str(tag) for tag in form.items("applied_tags", wanted, 5)]
    known = {tag["id"] for tag in cast(list[JSON], forum.get("available_tags") or [])}
    for tag in tags:
        if tag not in known:
            form.add("applied_tags", "INVALID_TAG", f"Unknown tag {tag}")
    form.finish()
    if not tags and forum["flags"] & REQUIRE_TAG:
        raise Refusal(400, 40067, "A tag is required to create a forum post in this channel")
    return tags


def _checked_name(data: JSON) -> str:
    form = Form()
    form.text("name", data.get("name"), 100, required=True)
    form.finish()
    return data["name"]


def _page(threads: list[JSON]) -> JSON:
    return {"threads": threads, "members": [], "has_more": False}
