"""Slash commands from the user's side: what Discord sends to the bot, and what it takes as the bot's answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from .reply import Body, no_content, reply, store_files
from .rules import Refusal, check_message
from .state import JSON, Guild, State
from .webhook_routes import edit_checked

COMMAND: Final = 2
AUTOCOMPLETE: Final = 4
_MESSAGE, _DEFERRED, _CHOICES = 4, 5, 8
_EPHEMERAL: Final = 64
_SUBCOMMANDS: Final = (1, 2)
# https://discord.com/developers/docs/interactions/receiving-and-responding
_SECONDS_TO_ANSWER: Final = 3.0
_SECONDS_TO_FOLLOW_UP: Final = 15 * 60.0


@dataclass(slots=True)
class Record:
    """One interaction: its callback, and the messages that answered it, the original one first."""

    id: str
    channel_id: int
    user: JSON
    name: str
    started: float = field(default_factory=time.monotonic)
    callback: JSON | None = None
    messages: list[JSON] = field(default_factory=list[JSON])

    @property
    def is_answered(self) -> bool:
        return self.callback is not None and (self.callback["type"] != _DEFERRED or bool(self.messages))


@dataclass(frozen=True, slots=True)
class InteractionResult:
    """What a bot answered to a slash command. `message` is its last message as Discord shows it."""

    acknowledged: bool
    deferred: bool
    ephemeral: bool
    content: str
    embeds: list[JSON]
    choices: list[JSON]
    message: JSON

    @property
    def text(self) -> str:
        return "\n".join([self.content, *embed_texts(self.embeds)])


def embed_texts(embeds: Iterable[JSON]) -> Iterator[str]:
    """Yield every text of embeds."""
    for embed in embeds:
        yield (embed.get("author") or {}).get("name") or ""
        yield embed.get("title") or ""
        yield embed.get("description") or ""
        for item in embed.get("fields") or []:
            yield f"{item['name']}\n{item['value']}"
        yield (embed.get("footer") or {}).get("text") or ""


def result_of(record: Record) -> InteractionResult:
    """Return what has been answered so far."""
    callback = record.callback
    if callback is None:
        return InteractionResult(False, False, False, "", [], [], {})
    data, last = callback.get("data") or {}, record.messages[-1] if record.messages else {}
    flags = last.get("flags", data.get("flags") or 0)
    return InteractionResult(
        True, callback["type"] == _DEFERRED, bool(flags & _EPHEMERAL), last.get("content", ""), last.get("embeds", []),
        data.get("choices") or [], last,
    )  # fmt: skip


class Interactions:
    """Every interaction, by its token."""

    def __init__(self, state: State, bot_user: JSON) -> None:
        self._state = state
        self._me = bot_user
        self.base_url = ""
        self.records: dict[str, Record] = {}

    # -- the user's side

    def begin(self, kind: int, data: JSON, guild: Guild, user_id: int, channel_id: int) -> tuple[Record, JSON]:
        """Return a new interaction and the payload of its event; raises `KeyError` when the user is no member."""
        member, token = guild.members[user_id], secrets.token_urlsafe(48)
        record = Record(str(self._state.snowflake()), channel_id, member["user"], data["name"])
        self.records[token] = record
        permissions = str(self._state.permissions(guild, user_id))
        payload: JSON = {
            "id": record.id, "application_id": self._me["id"], "type": kind, "data": data, "token": token,
            "version": 1, "guild_id": str(guild.id), "channel_id": str(channel_id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "channel": {**(guild.place(channel_id) or {}), "permissions": permissions},
            "member": {**member, "permissions": permissions}, "locale": "en-US", "guild_locale": "en-US",
            "app_permissions": str(self._state.permissions(guild, int(self._me["id"]))), "entitlements": [],
            "authorizing_integration_owners": {"0": str(guild.id)}, "context": 0, "attachment_size_limit": 10485760,
        }  # fmt: skip
        return record, payload

    def command_data(
        self, known: list[JSON], guild: Guild, name: str, values: dict[str, Any], focused: str | None = None
    ) -> JSON:
        """Return the data of "group sub" with its options; raises `LookupError` for what the bot has not registered."""
        first, *rest = name.split()
        command = next((command for command in known if command["name"] == first and command["type"] == 1), None)
        if command is None:
            raise LookupError(f"the bot has not registered /{first} in this server")
        place, kinds = command, list[int]()
        for part in rest:
            place = next((o for o in place["options"] if o["name"] == part and o["type"] in _SUBCOMMANDS), None)
            if place is None:
                raise LookupError(f"the bot has not registered /{name}")
            place = {"options": [], **place}
            kinds.append(place["type"])
        declared = {option["name"]: option for option in place["options"] if option["type"] not in _SUBCOMMANDS}
        if unknown := values.keys() - declared.keys():
            raise LookupError(f"/{name} has no option {', '.join(sorted(unknown))}")
        missing = [key for key, option in declared.items() if option.get("required") and key not in values]
        if missing and focused is None:
            raise LookupError(f"/{name} needs the option {', '.join(missing)}")
        options: list[JSON] = [_option(declared[key], value, key == focused) for key, value in values.items()]
        resolved = self._resolved(guild, options)
        for part, kind in zip(reversed(rest), reversed(kinds), strict=True):
            options = [{"name": part, "type": kind, "options": options}]
        data: JSON = {"id": command["id"], "name": first, "type": 1, "options": options}
        place_of: JSON = {"guild_id": command["guild_id"]} if "guild_id" in command else {}
        return data | place_of | ({"resolved": resolved} if resolved else {})

    def _resolved(self, guild: Guild, options: list[JSON]) -> JSON:
        resolved: JSON = {}
        for option in options:
            key, kind = option["value"], option["type"]
            if kind in (6, 9) and int(key) in self._state.users:
                resolved.setdefault("users", {})[key] = self._state.users[int(key)]
                member = guild.members.get(int(key))
                if member is not None:
                    shown = {name: value for name, value in member.items() if name != "user"}
                    shown["permissions"] = str(self._state.permissions(guild, int(key)))
                    resolved.setdefault("members", {})[key] = shown
            elif kind == 7 and (channel := guild.place(int(key))) is not None:
                resolved.setdefault("channels", {})[key] = {**channel, "permissions": "0"}
        return resolved

    # -- the bot's side

    def callback(self, interaction_id: str, token: str, body: Body, *, with_response: bool) -> web.Response:
        """Take the first answer."""
        record, payload = self.records.get(token), body.table()
        is_late = record is not None and record.callback is None and _age(record) > _SECONDS_TO_ANSWER
        if record is None or record.id != interaction_id or is_late:
            raise Refusal(404, 10062, "Unknown interaction")
        if record.callback is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        kind, data = payload.get("type"), payload.get("data") or {}
        resource: JSON = {"type": kind}
        if kind == _MESSAGE:
            check_message(data, body.sizes, webhook=False)
            record.messages.append(self._message(record, data, body))
            resource["message"] = record.messages[-1]
        elif kind == _CHOICES and len(data.get("choices") or []) > 25:
            wrong = {"_errors": [{"code": "BASE_TYPE_BAD_LENGTH", "message": "Must be between 0 and 25 in length."}]}
            raise Refusal(400, 50035, "Invalid Form Body", {"data": {"choices": wrong}})
        elif kind not in (1, _DEFERRED, 6, 7, _CHOICES, 9):
            raise Refusal(400, 50035, "Invalid Form Body", {"type": {"_errors": [{"code": "BASE_TYPE_CHOICES"}]}})
        record.callback = payload
        self._state.emit("interaction", {"id": record.id})
        if not with_response:
            return no_content()
        flags = data.get("flags") or 0
        interaction: JSON = {
            "id": interaction_id, "type": COMMAND, "response_message_loading": kind == _DEFERRED,
            "response_message_ephemeral": bool(flags & _EPHEMERAL),
        }  # fmt: skip
        if "message" in resource:
            interaction["response_message_id"] = resource["message"]["id"]
        return reply({"interaction": interaction, "resource": resource})

    def follow_up(self, method: str, token: str, rest: list[str], body: Body) -> web.Response:
        """Take further answers, and show, edit or delete those that were given."""
        record = self.records[token]
        if record.callback is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        if _age(record) > _SECONDS_TO_FOLLOW_UP:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        is_waiting = record.callback["type"] == _DEFERRED and not record.messages
        match [method, *rest]:
            case ["POST"]:
                answer = self._answer(record, body, is_waiting)
            case ["PATCH", "messages", "@original"] if is_waiting:
                answer = self._answer(record, body, is_waiting)
            case ["GET" | "PATCH" | "DELETE", "messages", message_id]:
                answer = self._find(record, message_id)
                if method == "PATCH":
                    edit_checked(self._state, self.base_url, answer, body, webhook=False)
                if method == "DELETE":
                    record.messages.remove(answer)
                    self._state.delete_message(answer)
                    return no_content()
            case _:
                raise Refusal(404, 0, "404: Not Found")
        self._state.emit("interaction", {"id": record.id})
        return reply(answer)

    def _answer(self, record: Record, body: Body, is_waiting: bool) -> JSON:
        payload = check_message(body.table(), body.sizes, webhook=False)
        if is_waiting and record.callback is not None:
            # The answer to a deferred one is shown to whom the deferral said.
            flags = (record.callback.get("data") or {}).get("flags") or 0
            payload = {**payload, "flags": flags | (payload.get("flags") or 0) & ~_EPHEMERAL}
        record.messages.append(self._message(record, payload, body))
        return record.messages[-1]

    def _find(self, record: Record, message_id: str) -> JSON:
        found = record.messages[:1] if message_id == "@original" else record.messages
        for message in found:
            if message_id in ("@original", message["id"]):
                return message
        raise Refusal(404, 10008, "Unknown Message")

    def _message(self, record: Record, payload: JSON, body: Body) -> JSON:
        files = store_files(self._state, self.base_url, record.channel_id, body.files, payload)
        caused: JSON = {"id": record.id, "type": COMMAND, "name": record.name, "user": record.user}
        own: JSON = {"type": 20, "application_id": self._me["id"], "interaction": caused, "webhook_id": self._me["id"]}
        message = self._state.message_object(record.channel_id, self._me, payload, files, **own)
        return message if message["flags"] & _EPHEMERAL else self._state.show_message(message)


def _age(record: Record) -> float:
    return time.monotonic() - record.started


def _option(declared: JSON, value: Any, is_focused: bool) -> JSON:
    # Ids travel as text.
    shown = str(value) if declared["type"] in (6, 7, 8, 9, 11) else value
    option: JSON = {"name": declared["name"], "type": declared["type"], "value": shown}
    return option | ({"focused": True} if is_focused else {})
