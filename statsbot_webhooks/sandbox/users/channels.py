"""Channels, forums, threads and webhooks as a test sets them up and looks at them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ..clock import iso
from ..invites import add_invite, remove_invite
from ..state import ANNOUNCEMENT, CATEGORY, FORUM, REQUIRE_TAG, TEXT, Webhook
from .context import Context
from .views import Message, messages_of

# Webhooks of these names get a channel of another name.
_CHANNELS: Final = {"error": "errors", "member_events": "members"}
_KINDS: Final = {"text": TEXT, "category": CATEGORY, "announcement": ANNOUNCEMENT, "forum": FORUM}


class Channels:
    """The part of the sandbox that has channels. Those of the first server are found by their names."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def webhook_url(self, name: str, channel: str | None = None, *, owned: bool = False) -> str:
        """Return the URL of a webhook, made with its channel on first use; an `owned` one belongs to the bot's application."""
        webhook = self._context.call(self._webhook, name, channel, owned)
        return f"https://discord.com/api/webhooks/{webhook.id}/{webhook.token}"

    def _webhook(self, name: str, channel: str | None, owned: bool) -> Webhook:
        known = self._find_webhook(name)
        if known is not None:
            return known
        context, wanted = self._context, channel or _CHANNELS.get(name, name)
        channel_id = context.find_channel(wanted)
        if channel_id is None:
            channel_id = context.state.add_channel(context.home, wanted, f"What the bot sends to {name}")
        maker = (context.bot, context.bot["id"]) if owned else (None, None)
        return context.state.add_webhook(context.home, name, channel_id, *maker)

    def _find_webhook(self, name: str) -> Webhook | None:
        return next((webhook for webhook in self._context.state.webhooks.values() if webhook.name == name), None)

    def webhooks(self) -> list[str]:
        """Return the names of the webhooks, as `fault` takes them."""
        return self._context.call(lambda: [webhook.name for webhook in self._context.state.webhooks.values()])

    def delete_webhook(self, name: str) -> None:
        """Delete a webhook, as a moderator can; raises `LookupError` when there is none."""

        def act() -> None:
            webhook = self._find_webhook(name)
            if webhook is None:
                raise LookupError(f"no webhook {name!r}")
            del self._context.state.webhooks[webhook.id]
            self._context.state.webhooks_changed(webhook)

        self._context.call(act)

    def move_webhook(self, name: str, channel: str) -> None:
        """Let a webhook post into another channel, as a moderator can; raises `LookupError` when one of them is not there."""

        def act() -> None:
            webhook = self._find_webhook(name)
            if webhook is None:
                raise LookupError(f"no webhook {name!r}")
            webhook.channel_id = self._context.channel(channel)
            self._context.state.webhooks_changed(webhook)

        self._context.call(act)

    def add_channel(
        self, name: str, *, forum: bool = False, kind: str = "text", tags: Iterable[str] = (), require_tag: bool = False,
        guild_id: int | None = None,
    ) -> int:  # fmt: skip
        """Add a channel of a kind: "text", "announcement", "category", or "forum", which takes only posts into threads.

        `tags` are those of a forum; with `require_tag` it refuses posts without one. Returns the channel's id.
        """
        number = FORUM if forum else _KINDS[kind]

        def act() -> int:
            state = self._context.state
            more = {}
            if number == FORUM:
                shown = [{"id": str(state.snowflake()), "name": tag, "moderated": False, "emoji_id": None, "emoji_name": None}
                         for tag in tags]  # fmt: skip
                more = {"available_tags": shown, "flags": REQUIRE_TAG if require_tag else 0}
            return state.add_channel(self._context.guild(guild_id), name, "", number, **more)

        return self._context.call(act)

    def remove_channel(self, name: str) -> None:
        """Delete a channel or a thread; raises `LookupError` when there is none."""

        def act() -> None:
            context = self._context
            found = context.channel(name)
            remove = context.state.remove_thread if found in context.home.threads else context.state.remove_channel
            remove(context.home, found)

        self._context.call(act)

    def add_thread(self, channel: str, name: str, *, owner_id: int | None = None) -> int:
        """Add a thread to a channel; returns its id. Raises `LookupError` when there is no such channel."""

        def act() -> int:
            context = self._context
            return context.state.add_thread(context.home, context.channel(channel), name, owner_id or context.owner_id)

        return self._context.call(act)

    def set_thread(self, name: str, *, archived: bool | None = None, locked: bool | None = None) -> None:
        """Archive or lock a thread, or take that back; raises `LookupError` when there is none."""

        def act() -> None:
            wanted = {"archived": archived, "locked": locked}
            changes = {key: value for key, value in wanted.items() if value is not None}
            self._context.state.change_thread(self._context.home, self._context.channel(name), **changes)

        self._context.call(act)

    def invite(
        self, channel: str = "general", *, user_id: int | None = None, max_uses: int = 0, guild_id: int | None = None
    ) -> str:
        """Let a member, the owner by default, make an invite to a channel; returns its code. It never gets too old."""

        def act() -> str:
            context = self._context
            guild = context.guild(guild_id)
            inviter = context.state.users[user_id or context.owner_id]
            options = {"max_age": 0, "max_uses": max_uses}
            return str(add_invite(context.state, guild, context.channel(channel, guild), inviter, options)["code"])

        return self._context.call(act)

    def revoke_invite(self, code: str, *, guild_id: int | None = None) -> None:
        """Revoke an invite; raises `LookupError` when there is none of that code."""
        self._context.call(lambda: remove_invite(self._context.state, self._context.guild(guild_id), code))

    def limit_threads(self, most: int) -> None:
        """Set how many threads of a server may be active at once; Discord allows 1000."""
        self._context.state.most_active_threads = most

    # -- what they show

    def channels(self) -> list[str]:
        """Return the names of the channels of the first server."""
        return self._context.call(lambda: [channel["name"] for channel in self._context.home.channels.values()])

    def messages(self, name: str) -> list[Message]:
        """Return the messages of a channel or thread, named as itself or as its webhook, oldest first."""
        return self._context.call(self._messages, name)

    def _messages(self, name: str) -> list[Message]:
        webhook, context = self._find_webhook(name), self._context
        channel_id = webhook.channel_id if webhook is not None else context.find_channel(_CHANNELS.get(name, name))
        return [] if channel_id is None else messages_of(context.state, channel_id)

    def direct_messages(self, user_id: int) -> list[Message]:
        """Return the messages between a user and the bot, oldest first."""
        return self._context.call(messages_of, self._context.state, user_id + 1)

    def age(self, message: Message, seconds: float) -> None:
        """Let a message be older than it is: Discord limits edits of messages older than an hour."""

        def act() -> None:
            found = self._context.messages.find(message.channel_id, message.id)
            if found is None:
                raise LookupError("the message is gone")
            found["timestamp"] = iso(datetime.fromisoformat(found["timestamp"]).timestamp() - seconds)

        self._context.call(act)
