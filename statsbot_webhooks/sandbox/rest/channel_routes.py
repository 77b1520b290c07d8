"""What a bot asks and does about a channel: it changes or deletes it, makes invites and webhooks there.

Messages and threads have files of their own.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..invites import add_invite, remove_invite
from ..permissions import CREATE_INVITE, MANAGE_CHANNELS, MANAGE_THREADS, MANAGE_WEBHOOKS, VIEW_CHANNEL
from ..state import FORUM, Guild, State
from .account import BotAccount, found
from .errors import JSON, Form, Refusal
from .guild_routes import GuildRoutes, channel_name, clean_overwrites
from .http import no_content, reply
from .routing import Call, Routes
from .rules import NameRules

_MOST_WEBHOOKS: Final = 15


class ChannelRoutes:
    """Answers requests to one channel or thread."""

    def __init__(self, state: State, bot: BotAccount, guilds: GuildRoutes, names: NameRules) -> None:
        self._state = state
        self._bot = bot
        self._guilds = guilds
        self._names = names

    def add_to(self, routes: Routes) -> None:
        """Add every route."""
        routes.add("GET /channels/{channel}", self._show)
        routes.add("PATCH /channels/{channel}", self._change)
        routes.add("DELETE /channels/{channel}", self._delete)
        routes.add("PUT /channels/{channel}/permissions/{overwrite}", self._set_overwrite)
        routes.add("DELETE /channels/{channel}/permissions/{overwrite}", self._remove_overwrite)
        routes.add("GET /channels/{channel}/webhooks", self._webhooks)
        routes.add("POST /channels/{channel}/webhooks", self._add_webhook)
        routes.add("GET /channels/{channel}/invites", self._invites)
        routes.add("POST /channels/{channel}/invites", self._add_invite)
        routes.add("GET /invites/{code:text}", lambda call: reply(self._invite(call)[1]))
        routes.add("DELETE /invites/{code:text}", self._delete_invite)
        routes.add("POST /channels/{channel}/typing", self._typing)

    def place(self, call: Call, needed: int = VIEW_CHANNEL) -> tuple[Guild, int, JSON]:
        """Return a channel or thread that the bot may see and do something in; raises `Refusal`."""
        channel_id = call.id("channel")
        guild = self._state.guild_of(channel_id)
        place = None if guild is None else guild.place(channel_id)
        if guild is None or place is None:
            raise Refusal(404, 10003, "Unknown Channel")
        self._bot.demand(guild, VIEW_CHANNEL, channel_id)
        self._bot.demand(guild, needed, channel_id)
        return guild, channel_id, place

    def _show(self, call: Call) -> web.Response:
        channel_id = call.id("channel")
        if channel_id - 1 in self._state.users and channel_id in self._state.messages:
            return reply(self._state.direct_channel(self._state.users[channel_id - 1]))
        return reply(self.place(call)[2])

    def _typing(self, call: Call) -> web.Response:
        if call.id("channel") not in self._state.messages:
            raise Refusal(404, 10003, "Unknown Channel")
        return no_content()

    def _change(self, call: Call) -> web.Response:
        guild, channel_id, place = self.place(call)
        data, form = call.body.table(), Form()
        form.text("name", data.get("name"), 100)
        form.text("topic", data.get("topic"), 4096 if place["type"] == FORUM else 1024)
        form.finish()
        if channel_id in guild.threads:
            # Who started a thread may rename and close it, but not lock it.
            if "locked" in data or place["owner_id"] != self._bot.user["id"]:
                self._bot.demand(guild, MANAGE_THREADS, channel_id)
            if place["thread_metadata"]["archived"] and data.get("archived", True):
                raise Refusal(400, 50083, "Thread is archived")
            known = ("name", "archived", "locked", "auto_archive_duration", "rate_limit_per_user", "applied_tags", "flags")
            return reply(self._state.change_thread(guild, channel_id, **{key: data[key] for key in known if key in data}))
        self._bot.demand(guild, MANAGE_CHANNELS, channel_id)
        known = ("topic", "nsfw", "rate_limit_per_user", "position", "parent_id", "flags", "type")
        changes = {key: data[key] for key in known if key in data}
        if data.get("name"):
            changes["name"] = channel_name(data["name"], place["type"])
        if "permission_overwrites" in data:
            changes["permission_overwrites"] = clean_overwrites(data["permission_overwrites"] or [])
        if "available_tags" in data:
            changes["available_tags"] = self._guilds.tags(data["available_tags"])
        return reply(self._state.change_channel(guild, channel_id, **changes))

    def _delete(self, call: Call) -> web.Response:
        guild, channel_id, _ = self.place(call)
        if channel_id in guild.threads:
            self._bot.demand(guild, MANAGE_THREADS, channel_id)
            return reply(self._state.remove_thread(guild, channel_id))
        self._bot.demand(guild, MANAGE_CHANNELS, channel_id)
        return reply(self._state.remove_channel(guild, channel_id))

    # -- permissions

    def _set_overwrite(self, call: Call) -> web.Response:
        guild, channel_id, place = self.place(call, MANAGE_CHANNELS)
        (made,) = clean_overwrites([{**call.body.table(), "id": call.id("overwrite")}])
        others = [item for item in place["permission_overwrites"] if item["id"] != made["id"]]
        self._state.change_channel(guild, channel_id, permission_overwrites=[*others, made])
        return no_content()

    def _remove_overwrite(self, call: Call) -> web.Response:
        guild, channel_id, place = self.place(call, MANAGE_CHANNELS)
        others = [item for item in place["permission_overwrites"] if item["id"] != call.ids["overwrite"]]
        self._state.change_channel(guild, channel_id, permission_overwrites=others)
        return no_content()

    # -- webhooks

    def _webhooks(self, call: Call) -> web.Response:
        _, channel_id, _ = self.place(call, MANAGE_WEBHOOKS)
        hooks = [webhook for webhook in self._state.webhooks.values() if webhook.channel_id == channel_id]
        return reply([self._state.webhook_object(webhook) for webhook in hooks])

    def _add_webhook(self, call: Call) -> web.Response:
        guild, channel_id, _ = self.place(call, MANAGE_WEBHOOKS)
        data = call.body.table()
        if channel_id not in guild.channels:
            raise Refusal(404, 10003, "Unknown Channel")
        self._names.check(data.get("name"), required=True)
        if sum(webhook.channel_id == channel_id for webhook in self._state.webhooks.values()) >= _MOST_WEBHOOKS:
            raise Refusal(400, 30007, f"Maximum number of webhooks reached ({_MOST_WEBHOOKS})")
        me = self._bot.user
        webhook = self._state.add_webhook(guild, data["name"].strip(), channel_id, me, me["id"])
        return reply(self._state.webhook_object(webhook))

    # -- invites

    def _invites(self, call: Call) -> web.Response:
        guild, channel_id, _ = self.place(call, MANAGE_CHANNELS)
        return reply([invite for invite in guild.invites.values() if invite["channel"]["id"] == str(channel_id)])

    def _add_invite(self, call: Call) -> web.Response:
        guild, channel_id, _ = self.place(call, CREATE_INVITE)
        return reply(add_invite(self._state, guild, channel_id, self._bot.user, call.body.table()))

    def _invite(self, call: Call) -> tuple[Guild, JSON]:
        for guild in self._state.guilds.values():
            if call.ids["code"] in guild.invites:
                return guild, found(guild.invites[call.ids["code"]], 10006, "Unknown Invite")
        raise Refusal(404, 10006, "Unknown Invite")

    def _delete_invite(self, call: Call) -> web.Response:
        guild, invite = self._invite(call)
        self._bot.demand(guild, MANAGE_CHANNELS)
        return reply(remove_invite(self._state, guild, invite["code"]))
