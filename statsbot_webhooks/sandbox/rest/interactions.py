"""Interactions: what Discord sends to the bot when a user does something, and what it takes as the bot's answer."""

from __future__ import annotations

import copy
import secrets
from typing import Final

from aiohttp import web

from ..messages import MessageStore, public
from ..state import Guild, State
from ..users.results import (
    AUTOCOMPLETE,
    CHOICES,
    COMMAND,
    COMPONENT,
    DEFERRED,
    DEFERRED_UPDATE,
    EPHEMERAL,
    MESSAGE,
    MODAL,
    MODAL_SUBMIT,
    UPDATE,
    Record,
)
from .component_rules import check_modal
from .errors import JSON, Form, Refusal, part
from .http import Body, no_content, reply, store_files
from .message_routes import edit_checked
from .routing import not_implemented
from .rules import check_message

# https://discord.com/developers/docs/interactions/receiving-and-responding
_SECONDS_TO_ANSWER: Final = 3.0
_SECONDS_TO_FOLLOW_UP: Final = 15 * 60.0
# Which answers each kind of interaction takes; a modal may change a message only when a component of one opened it.
_ANSWERS: Final = {
    COMMAND: (MESSAGE, DEFERRED, MODAL),
    COMPONENT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL),
    AUTOCOMPLETE: (CHOICES,),
    MODAL_SUBMIT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE),
}


ROUTES: Final = (
    "POST /interactions/{interaction}/{token}/callback", "POST /webhooks/{app}/{token}",
    "GET /webhooks/{app}/{token}/messages/{message}", "PATCH /webhooks/{app}/{token}/messages/{message}",
    "DELETE /webhooks/{app}/{token}/messages/{message}",
)  # fmt: skip


class Interactions:
    """Every interaction, by its token."""

    def __init__(self, state: State, messages: MessageStore, bot_user: JSON) -> None:
        self._state = state
        self._messages = messages
        self._me = bot_user
        self.base_url = ""
        self.records: dict[str, Record] = {}

    def begin(
        self, kind: int, data: JSON, user: JSON, guild: Guild | None, channel_id: int, source: JSON | None, name: str
    ) -> Record:
        """Return a new interaction with the payload of its event; raises `KeyError` when the user is no member.

        `name` is what the user sees of what was used: "group command", the label of a button, the title of a form.
        """
        token = secrets.token_urlsafe(48)
        record = Record(str(self._state.snowflake()), kind, channel_id, user, name, self._state.clock.monotonic(), source)
        self.records[token] = record
        record.payload = {
            "id": record.id, "application_id": self._me["id"], "type": kind, "data": data, "token": token,
            "version": 1, "channel_id": str(channel_id), "locale": "en-US", "entitlements": [],
            "attachment_size_limit": 10485760, **self._place(user, guild, channel_id),
        }  # fmt: skip
        if source is not None:
            record.payload["message"] = copy.deepcopy(public(source))
        return record

    def _place(self, user: JSON, guild: Guild | None, channel_id: int) -> JSON:
        if guild is None:
            return {
                "user": user, "channel": self._state.direct_channel(user), "context": 1,
                "app_permissions": str(self._state.DIRECT_PERMISSIONS), "authorizing_integration_owners": {"0": "0"},
            }  # fmt: skip
        user_id, me = int(user["id"]), int(self._me["id"])
        permissions = str(self._state.permissions(guild, user_id, channel_id))
        return {
            "guild_id": str(guild.id), "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "channel": {**(guild.place(channel_id) or {}), "permissions": permissions},
            "member": {**guild.members[user_id], "permissions": permissions}, "guild_locale": "en-US",
            "app_permissions": str(self._state.permissions(guild, me, channel_id)),
            "authorizing_integration_owners": {"0": str(guild.id)}, "context": 0,
        }  # fmt: skip

    def callback(self, interaction_id: str, token: str, body: Body, *, with_response: bool) -> web.Response:
        """Take the first answer."""
        record, payload = self.records.get(token), body.table()
        is_late = record is not None and record.callback is None and self._age(record) > _SECONDS_TO_ANSWER
        if record is None or record.id != interaction_id or is_late:
            raise Refusal(404, 10062, "Unknown interaction")
        if record.callback is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        kind, data = payload.get("type"), part(payload.get("data"))
        if kind not in _ANSWERS[record.kind] or (kind in (DEFERRED_UPDATE, UPDATE) and record.source is None):
            wrong = {"_errors": [{"code": "BASE_TYPE_CHOICES", "message": "Not an answer to this kind of interaction."}]}
            raise Refusal(400, 50035, "Invalid Form Body", {"type": wrong})
        resource: JSON = {"type": kind}
        if kind == MESSAGE:
            check_message(data, body.sizes, webhook=False)
            record.messages.append(self._message(record, data, body))
            resource["message"] = public(record.messages[-1])
        elif kind == UPDATE and record.source is not None:
            edit_checked(self._messages, self._state, self.base_url, record.source, Body(data, body.files), webhook=False)
            self._tell_private(record, record.source)
            resource["message"] = public(record.source)
        elif kind in (MODAL, CHOICES):
            _check_form(kind, data)
        record.callback = payload
        self._state.emit("interaction", {"id": record.id})
        if not with_response:
            return no_content()
        flags = data.get("flags") or 0
        interaction: JSON = {
            "id": interaction_id, "type": record.kind, "response_message_loading": kind == DEFERRED,
            "response_message_ephemeral": bool(flags & EPHEMERAL),
        }  # fmt: skip
        if "message" in resource:
            interaction["response_message_id"] = resource["message"]["id"]
        return reply({"interaction": interaction, "resource": resource})

    def follow_up(self, method: str, token: str, rest: list[str], body: Body) -> web.Response:
        """Take further answers, and show, edit or delete those that were given."""
        record = self.records[token]
        if record.callback is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        if self._age(record) > _SECONDS_TO_FOLLOW_UP:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        is_waiting = record.callback["type"] == DEFERRED and not record.messages
        match [method, *rest]:
            case ["POST"]:
                answer = self._answer(record, body, is_waiting)
            case ["PATCH", "messages", "@original"] if is_waiting:
                answer = self._answer(record, body, is_waiting)
            case ["GET" | "PATCH" | "DELETE", "messages", message_id]:
                answer = self._find(record, message_id)
                if method == "PATCH":
                    edit_checked(self._messages, self._state, self.base_url, answer, body, webhook=False)
                    self._tell_private(record, answer)
                if method == "DELETE":
                    if answer in record.messages:
                        record.messages.remove(answer)
                    self._messages.delete(answer)
                    self._tell_private(record, answer, gone=True)
                    return no_content()
            case _:
                raise not_implemented(method, f"/webhooks/{{app}}/{{token}}/{'/'.join(rest)}", status=400)
        self._state.emit("interaction", {"id": record.id})
        return reply(public(answer))

    def _answer(self, record: Record, body: Body, is_waiting: bool) -> JSON:
        payload = check_message(body.table(), body.sizes, webhook=False)
        if is_waiting and record.callback is not None:
            # The answer to a deferred one is shown to whom the deferral said.
            flags = part(record.callback.get("data")).get("flags") or 0
            payload = {**payload, "flags": flags | (payload.get("flags") or 0) & ~EPHEMERAL}
        record.messages.append(self._message(record, payload, body))
        return record.messages[-1]

    def _find(self, record: Record, message_id: str) -> JSON:
        # The original answer to a component may be a change of the message that it is in.
        messages = [*([record.source] if record.is_update and record.source is not None else []), *record.messages]
        found = messages[:1] if message_id == "@original" else messages
        for message in found:
            if message_id in ("@original", message["id"]):
                return message
        raise Refusal(404, 10008, "Unknown Message")

    def _age(self, record: Record) -> float:
        return self._state.clock.monotonic() - record.started

    def _message(self, record: Record, payload: JSON, body: Body) -> JSON:
        files = store_files(self._state, self.base_url, record.channel_id, body.files, payload)
        caused: JSON = {"id": record.id, "type": record.kind, "name": record.name, "user": record.user}
        owners = record.payload["authorizing_integration_owners"]
        about: JSON = {"id": record.id, "type": record.kind, "user": record.user, "authorizing_integration_owners": owners}
        if record.kind == COMMAND:
            about["command_type"] = record.payload["data"]["type"]
        if record.source is not None:
            about["interacted_message_id"] = record.source["id"]
        own: JSON = {
            "type": 20, "application_id": self._me["id"], "interaction": caused, "interaction_metadata": about,
            "webhook_id": self._me["id"],
        }  # fmt: skip
        message = self._messages.new(record.channel_id, self._me, payload, files, **own)
        if message["flags"] & EPHEMERAL:
            self._tell_private(record, message)
            return message
        return self._messages.show(message)

    def _tell_private(self, record: Record, message: JSON, *, gone: bool = False) -> None:
        """Tell the page of a message that only one user sees: it is in no channel."""
        if message["flags"] & EPHEMERAL:
            self._state.emit("private", {"user_id": record.user["id"], "gone": gone, "message": public(message)})


def _check_form(kind: int, data: JSON) -> None:
    form = Form()
    if kind == MODAL:
        check_modal(form, "data", data)
    else:
        for index, choice in enumerate(form.items("data.choices", data.get("choices"), 25)):
            where = f"data.choices.{index}"
            form.text(f"{where}.name", form.table(where, choice).get("name"), 100, required=True)
            value = form.table(where, choice).get("value")
            if isinstance(value, str):
                form.text(f"{where}.value", value, 100)
    form.finish()
