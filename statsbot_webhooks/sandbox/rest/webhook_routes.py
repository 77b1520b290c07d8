"""What can be done with a webhook: look it up, rename it, delete it, post through it, edit what it posted."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..messages import MessageStore, public
from ..state import FORUM, JSON, State, Webhook
from .component_rules import without_interactive
from .errors import Refusal
from .http import Body, no_content, reply, store_files
from .message_routes import check_editable, edit_checked, is_announcement, wake_thread
from .routing import not_implemented
from .rules import NameRules, OldEdits, check_message
from .thread_routes import check_room, check_tags

# https://discord.com/developers/docs/resources/webhook#execute-webhook: embeds hidden, silent, new components.
_ALLOWED_FLAGS: Final = 1 << 2 | 1 << 12 | 1 << 15
_TRUE: Final = ("true", "1")
ROUTES: Final = (
    "GET /webhooks/{webhook}", "PATCH /webhooks/{webhook}", "DELETE /webhooks/{webhook}",
    "GET /webhooks/{webhook}/{token}", "PATCH /webhooks/{webhook}/{token}", "DELETE /webhooks/{webhook}/{token}",
    "POST /webhooks/{webhook}/{token}", "GET /webhooks/{webhook}/{token}/messages/{message}",
    "PATCH /webhooks/{webhook}/{token}/messages/{message}", "DELETE /webhooks/{webhook}/{token}/messages/{message}",
)  # fmt: skip


class WebhookRoutes:
    """Answers requests to one webhook, after limits and faults have let them pass."""

    def __init__(self, state: State, messages: MessageStore, old_edits: OldEdits, names: NameRules) -> None:
        self._state = state
        self._messages = messages
        self._old_edits = old_edits
        self._names = names
        self.base_url = ""

    def manage(self, method: str, webhook: Webhook, body: Body, *, with_token: bool) -> web.Response:
        """Show, change or delete the webhook itself."""
        match method:
            case "GET":
                pass
            case "PATCH":
                data = body.table()
                self._names.check(data.get("name"))
                target = int(data.get("channel_id") or webhook.channel_id)
                if target not in self._state.guilds[webhook.guild_id].channels:
                    raise Refusal(404, 10003, "Unknown Channel")
                webhook.title = data.get("name") or webhook.title
                if not with_token:
                    webhook.channel_id = target
                self._state.webhooks_changed(webhook)
            case "DELETE":
                del self._state.webhooks[webhook.id]
                self._state.webhooks_changed(webhook)
                return no_content()
            case _:
                raise Refusal(405, 0, "405: Method Not Allowed")
        shown = self._state.webhook_object(webhook)
        return reply({**shown, "user": None} if with_token else shown)

    def answer(
        self, request: web.Request, webhook: Webhook, rest: list[str], body: Body, headers: dict[str, str]
    ) -> web.Response:
        """Post a message, or show, edit or delete one."""
        match [request.method, *rest]:
            case ["POST"]:
                return self._execute(request, webhook, body, headers)
            case ["GET" | "PATCH" | "DELETE", "messages", message_id] if message_id.isdigit():
                return self._message(request, webhook, int(message_id), body, headers)
            case _:
                # discord.py repeats a 5xx of a webhook for 25 s: the refusal is a 400 here.
                raise not_implemented(request.method, request.path, status=400)

    def _execute(self, request: web.Request, webhook: Webhook, body: Body, headers: dict[str, str]) -> web.Response:
        check_message(body.table(), body.sizes, names=self._names)
        payload = check_message(self._taken(webhook, body), body.sizes, names=self._names)
        # What else a sender asks for, as a message that only one user sees, is passed over in silence.
        payload = {**payload, "flags": (payload.get("flags") or 0) & _ALLOWED_FLAGS}
        channel_id = self._target(request, webhook, payload)
        files = store_files(self._state, self.base_url, channel_id, body.files, payload)
        author = {
            "id": str(webhook.id), "username": payload.get("username") or webhook.title, "discriminator": "0000",
            "avatar": payload.get("avatar_url"), "bot": True, "global_name": None, "public_flags": 0,
        }  # fmt: skip
        own = {} if webhook.application_id is None else {"application_id": webhook.application_id}
        message = self._messages.add(channel_id, author, payload, files, webhook_id=str(webhook.id), **own)
        if request.query.get("wait", "").lower() not in _TRUE:
            return no_content(headers)
        return reply(public(message), 200, headers)

    def _taken(self, webhook: Webhook, body: Body) -> JSON:
        """Return the payload without what Discord drops: components that act, of webhooks that no application owns."""
        payload = body.table()
        if webhook.application_id is not None or not isinstance(payload.get("components"), list):
            return payload
        return {**payload, "components": without_interactive(payload["components"])}

    def _target(self, request: web.Request, webhook: Webhook, payload: JSON) -> int:
        guild = self._state.guilds[webhook.guild_id]
        channel = guild.channels[webhook.channel_id]
        is_forum, thread_id, name = channel["type"] == FORUM, request.query.get("thread_id"), payload.get("thread_name")
        if thread_id and name:
            raise Refusal(400, 220002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id")
        if is_forum and not thread_id and not name:
            raise Refusal(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
        if name and not is_forum:
            raise Refusal(400, 220003, "Webhooks can only create threads in forum channels")
        if name:
            tags = check_tags(channel, payload.get("applied_tags"))
            check_room(self._state, guild)
            return self._state.add_thread(guild, webhook.channel_id, name, webhook.id, applied_tags=tags)
        if not thread_id:
            return webhook.channel_id
        found = self._thread(webhook, thread_id)
        wake_thread(self._state, guild, found, may_manage=False)
        return found

    def _thread(self, webhook: Webhook, thread_id: str) -> int:
        threads = self._state.guilds[webhook.guild_id].threads
        thread = threads.get(int(thread_id)) if thread_id.isdigit() else None
        if thread is None or thread["parent_id"] != str(webhook.channel_id):
            raise Refusal(404, 10003, "Unknown Channel")
        return int(thread_id)

    def _message(
        self, request: web.Request, webhook: Webhook, message_id: int, body: Body, headers: dict[str, str]
    ) -> web.Response:
        thread_id = request.query.get("thread_id")
        channel_id = self._thread(webhook, thread_id) if thread_id else webhook.channel_id
        message = self._messages.find(channel_id, message_id)
        if message is None or message.get("webhook_id") != str(webhook.id):
            raise Refusal(404, 10008, "Unknown Message")
        guild = self._state.guilds[webhook.guild_id]
        if request.method == "DELETE":
            check_editable(guild, channel_id)
            self._messages.delete(message)
            return no_content(headers)
        if request.method == "PATCH":
            check_editable(guild, channel_id)
            self._old_edits.check(message, announcement=is_announcement(guild, channel_id))
            taken = Body(self._taken(webhook, body), body.files)
            edit_checked(self._messages, self._state, self.base_url, message, taken)
        return reply(public(message), 200, headers)
