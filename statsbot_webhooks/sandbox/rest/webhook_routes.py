"""What can be done with a webhook: look it up, rename it, delete it, post through it, edit what it posted."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..state import FORUM, JSON, State, Webhook
from .errors import Refusal
from .http import Body, no_content, reply, store_files
from .rules import OldEdits, check_message, check_name

# https://discord.com/developers/docs/resources/webhook#execute-webhook: embeds hidden, silent, new components.
_ALLOWED_FLAGS: Final = 1 << 2 | 1 << 12 | 1 << 15
_TRUE: Final = ("true", "1")


class WebhookRoutes:
    """Answers requests to one webhook, after limits and faults have let them pass."""

    def __init__(self, state: State, old_edits: OldEdits) -> None:
        self._state = state
        self._old_edits = old_edits
        self.base_url = ""

    def manage(self, method: str, webhook: Webhook, body: Body, *, with_token: bool) -> web.Response:
        """Show, change or delete the webhook itself."""
        match method:
            case "GET":
                pass
            case "PATCH":
                data = body.table()
                check_name(data.get("name"))
                webhook.title = data.get("name") or webhook.title
                if data.get("channel_id") and not with_token:
                    webhook.channel_id = int(data["channel_id"])
            case "DELETE":
                del self._state.webhooks[webhook.id]
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
                raise Refusal(404, 0, "404: Not Found")

    def _execute(self, request: web.Request, webhook: Webhook, body: Body, headers: dict[str, str]) -> web.Response:
        payload = check_message(body.table(), body.sizes)
        # What else a sender asks for, as a message that only one person sees, is passed over in silence.
        payload = {**payload, "flags": (payload.get("flags") or 0) & _ALLOWED_FLAGS}
        channel_id = self._target(request, webhook, payload)
        files = store_files(self._state, self.base_url, channel_id, body.files, payload)
        author = {
            "id": str(webhook.id), "username": payload.get("username") or webhook.title, "discriminator": "0000",
            "avatar": payload.get("avatar_url"), "bot": True, "global_name": None, "public_flags": 0,
        }  # fmt: skip
        message = self._state.add_message(channel_id, author, payload, files, webhook_id=str(webhook.id))
        if request.query.get("wait", "").lower() not in _TRUE:
            return no_content(headers)
        return reply(message, 200, headers)

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
            return self._state.add_thread(guild, webhook.channel_id, name, webhook.id)
        return self._thread(webhook, thread_id) if thread_id else webhook.channel_id

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
        message = self._state.find_message(channel_id, message_id)
        if message is None or message.get("webhook_id") != str(webhook.id):
            raise Refusal(404, 10008, "Unknown Message")
        if request.method == "DELETE":
            self._state.delete_message(message)
            return no_content(headers)
        if request.method == "PATCH":
            self._old_edits.check(message)
            edit_checked(self._state, self.base_url, message, body)
        return reply(message, 200, headers)


def edit_checked(state: State, base_url: str, message: JSON, body: Body, *, webhook: bool = True) -> JSON:
    """Apply an edit that Discord would take; raises `Refusal`, also when nothing of the message would be left."""
    payload = check_message(body.table(), body.sizes, editing=True, webhook=webhook)
    kept = payload.get("attachments")
    left = {key: payload.get(key, message[key]) for key in ("content", "embeds", "components")}
    files = message["attachments"] if kept is None else kept
    check_message(left, [0] * (len(files) > 0 or len(body.files) > 0), webhook=webhook)
    stored = store_files(state, base_url, int(message["channel_id"]), body.files, payload)
    return state.edit_message(message, payload, stored)
