"""What the page lets a user do: each act that it may ask for, carried out by the parts of the sandbox.

The page itself, and how it hears of changes, is in `page`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from .gateway import Gateway
from .messages import public
from .rest.errors import part, parts
from .rest.faults import KINDS
from .state import JSON
from .users.actions import Actions
from .users.channels import Channels
from .users.context import Context
from .users.guilds import Guilds
from .users.members import Members
from .users.results import InteractionResult
from .users.talk import Talk

# A user's client gives up then, and says that the application did not respond.
_SECONDS: Final = 3.2
_SUBCOMMANDS: Final = (1, 2)


class PageActs:
    """Every act of the page by its name. All calls on the server's thread."""

    def __init__(
        self, context: Context, actions: Actions, talk: Talk, members: Members, guilds: Guilds, channels: Channels,
        gateway: Gateway,
    ) -> None:  # fmt: skip
        self._context = context
        self._actions = actions
        self._talk = talk
        self._members = members
        self._guilds = guilds
        self._channels = channels
        self._gateway = gateway
        self._acts: dict[str, Callable[[JSON], Any]] = {
            "say": self._say, "invoke": self._invoke, "autocomplete": self._autocomplete, "menu": self._menu,
            "click": self._click, "submit": self._submit,
            "edit": lambda data: talk.edit(int(data["message"]), data["text"]),
            "delete": lambda data: talk.delete(int(data["message"])),
            "react": self._react, "pin": lambda data: talk.pin(int(data["message"]), data["on"]),
            "join": self._join, "leave": lambda data: members.leave(_user(data), guild_id=_guild(data)),
            "kick": lambda data: members.kick(_user(data), _by(data), data.get("reason"), guild_id=_guild(data)),
            "ban": lambda data: members.ban(_user(data), _by(data), data.get("reason"), guild_id=_guild(data)),
            "unban": lambda data: members.unban(_user(data), _by(data), guild_id=_guild(data)),
            "timeout": lambda data: members.timeout(_user(data), data.get("seconds"), _by(data), guild_id=_guild(data)),
            "rename": lambda data: members.rename(_user(data), data.get("nick") or None, guild_id=_guild(data)),
            "role": self._role, "add_role": self._add_role, "guild": lambda data: guilds.add_guild(data["name"]),
            "channel": self._channel, "thread": self._thread, "set_thread": self._set_thread,
            "invite": self._invite,
            "revoke": lambda data: channels.revoke_invite(data["code"], guild_id=_guild(data)),
            "fault": self._fault, "heal": self._heal, "gateway": self._gateway_fault,
            "delete_webhook": lambda data: channels.delete_webhook(data["webhook"]),
            "skip": lambda data: context.state.clock.skip(float(data["seconds"])),
        }  # fmt: skip

    async def act(self, data: JSON) -> JSON:
        """Do what the page asks for and return what it needs to know; raises `LookupError` or `ValueError`."""
        name = data.get("do")
        if name not in self._acts:
            raise LookupError(f"the page cannot do {name!r}")
        result = self._acts[name](data)
        if isinstance(result, Awaitable):
            result = await cast(Awaitable[Any], result)
        return cast(JSON, result) if isinstance(result, dict) else {}

    def about(self) -> JSON:
        """Return what the page shows besides servers and messages: webhooks, faults, bans and who is who."""
        faults = self._context.rest.faults.by_name
        state = self._context.state
        webhooks = [
            {"name": hook.name, "title": hook.title, "channel_id": str(hook.channel_id),
             "fault": faults[hook.name].kind if hook.name in faults else None}
            for hook in state.webhooks.values()
        ]  # fmt: skip
        invites = {
            str(guild.id): [
                {key: invite[key] for key in ("code", "channel", "uses", "max_uses")} for invite in guild.invites.values()
            ]
            for guild in state.guilds.values()
        }
        # Those too who have left: cards still name them.
        names = {str(number): user.get("global_name") or user["username"] for number, user in state.users.items()}
        bans = {str(guild.id): [ban["user"] for ban in guild.bans.values()] for guild in state.guilds.values()}
        return {
            "webhooks": webhooks, "faults": list(KINDS), "bans": bans, "names": names, "invites": invites,
            "bot": self._context.bot,
            "me": str(self._context.owner_id), "acknowledges": self._gateway.acknowledges,
            "connections": sum(session.connection is not None for session in self._gateway.sessions.values()),
        }  # fmt: skip

    def commands(self, guild_id: int | None) -> list[JSON]:
        """Return the commands that can be called in a server or, with `None`, in a direct message, subcommands flattened."""
        known = self._context.rest.bot.commands
        flat: list[JSON] = []
        for command in [*(known.get(guild_id, []) if guild_id is not None else []), *known.get(None, [])]:
            if guild_id is None and not _in_direct_messages(command):
                continue
            flat += _flattened(command, command["name"])
        return flat

    # -- messages

    def _say(self, data: JSON) -> None:
        user_id, text = _user(data), str(data.get("text") or "")
        files = dict(map(_file, parts(data.get("files"))))
        if not text.strip() and not files:
            raise ValueError("an empty message cannot be sent")
        if _is_direct(data):
            self._talk.direct_message(text, user_id=user_id, files=files)
            return
        reply_to = int(data["reply_to"]) if data.get("reply_to") else None
        self._talk.say(
            text, channel=int(data["channel"]), author_id=user_id, guild_id=_guild(data), files=files, reply_to=reply_to
        )

    def _react(self, data: JSON) -> None:
        act = self._talk.react if data.get("on", True) else self._talk.unreact
        act(int(data["message"]), data["emoji"], user_id=_user(data))

    # -- commands and components

    async def _invoke(self, data: JSON) -> JSON:
        options = {key: _file(value) if isinstance(value, dict) else value for key, value in part(data.get("options")).items()}
        result = await self._actions.invoke(
            data["name"], user_id=_user(data), guild_id=_guild(data), direct=_is_direct(data), options=options,
            channel=None if _is_direct(data) else int(data["channel"]), timeout=_SECONDS,
        )  # fmt: skip
        return _shown(result)

    async def _autocomplete(self, data: JSON) -> JSON:
        options = {key: value for key, value in part(data.get("options")).items() if key != data["option"]}
        choices = await self._actions.autocomplete(
            data["name"], data["option"], data.get("text") or "", user_id=_user(data), guild_id=_guild(data),
            direct=_is_direct(data), options=options, timeout=_SECONDS,
        )  # fmt: skip
        return {"choices": choices}

    async def _menu(self, data: JSON) -> JSON:
        target: int | JSON = int(data["target"])
        if data.get("message"):
            target = self._actions.message(int(data["channel"]), int(data["target"]))
        result = await self._actions.use_menu(data["name"], target, _user(data), _guild(data), _SECONDS)
        return _shown(result)

    async def _click(self, data: JSON) -> JSON:
        source = self._actions.message(int(data["channel"]), int(data["message"]))
        result = await self._actions.use(source, data["custom_id"], data.get("values"), _user(data), timeout=_SECONDS)
        return _shown(result)

    async def _submit(self, data: JSON) -> JSON:
        opened = self._actions.result(str(data["interaction"]))
        values = {
            key: [_file(item) if isinstance(item, dict) else item for item in cast(list[Any], value)]
            if isinstance(value, list) else value
            for key, value in part(data.get("values")).items()
        }  # fmt: skip
        return _shown(await self._actions.submit(opened, values, user_id=_user(data), timeout=_SECONDS))

    # -- members, roles, places

    def _join(self, data: JSON) -> JSON:
        name = str(data.get("name") or "").strip()
        if not name:
            raise ValueError("a member needs a name")
        days = float(data.get("account_age_days") or 400)
        # Who comes back is named apart from the user who acts.
        known = int(data["again"]) if data.get("again") else None
        ids = [
            self._members.join(
                name if count == 0 else f"{name}{count + 1}", account_age_days=days, guild_id=_guild(data), user_id=known,
                bot=bool(data.get("bot")), invite=str(data.get("invite") or ""),
            )
            for count in range(min(int(data.get("count") or 1), 200))
        ]  # fmt: skip
        return {"user": str(ids[0])}

    def _role(self, data: JSON) -> None:
        change = self._members.give_role if data["on"] else self._members.take_role
        change(_user(data), int(data["role"]), guild_id=_guild(data))

    def _add_role(self, data: JSON) -> None:
        self._guilds.add_role(str(data["name"]), data.get("permissions") or (), guild_id=_guild(data))

    def _channel(self, data: JSON) -> None:
        name = "-".join(str(data.get("name") or "").lower().split())
        if not name:
            raise ValueError("a channel needs a name")
        self._channels.add_channel(name, kind=data.get("kind") or "text", guild_id=_guild(data))

    def _invite(self, data: JSON) -> JSON:
        most = min(max(int(data.get("max_uses") or 0), 0), 100)
        code = self._channels.invite(data["channel"], user_id=_user(data), max_uses=most, guild_id=_guild(data))
        return {"code": code}

    def _thread(self, data: JSON) -> None:
        guild = self._context.guild(_guild(data))
        self._context.state.add_thread(guild, int(data["channel"]), str(data["name"]), _user(data))

    def _set_thread(self, data: JSON) -> None:
        changes = {key: bool(data[key]) for key in ("archived", "locked") if key in data}
        self._context.state.change_thread(self._context.guild(_guild(data)), int(data["channel"]), **changes)

    # -- faults

    def _fault(self, data: JSON) -> None:
        seconds = float(data["seconds"]) if data.get("seconds") else None
        delay = float(data.get("delay") or 0.0)
        self._context.rest.faults.set(data["webhook"], data["kind"], seconds=seconds, delay=delay)
        self._context.state.emit("about", {})

    def _heal(self, data: JSON) -> None:
        self._context.rest.faults.heal(data["webhook"])
        self._context.state.emit("about", {})

    async def _gateway_fault(self, data: JSON) -> None:
        match data.get("what"):
            case "drop":
                await self._gateway.disconnect()
            case "lose":
                await self._gateway.disconnect(resumable=False)
            case "reconnect":
                self._gateway.ask_to_reconnect()
            case "no_ack" | "ack":
                self._gateway.acknowledges = data["what"] == "ack"
            case what:
                raise LookupError(f"the gateway cannot do {what!r}")
        self._context.state.emit("about", {})


def _file(item: Any) -> tuple[str, bytes]:
    try:
        return str(item["name"]), base64.b64decode(item["data"])
    except (binascii.Error, KeyError, TypeError):
        raise ValueError("the file cannot be read") from None


def _user(data: JSON) -> int:
    return int(data["user"])


def _by(data: JSON) -> int | None:
    return int(data["by"]) if data.get("by") else None


def _guild(data: JSON) -> int | None:
    return int(data["guild"]) if data.get("guild") else None


def _is_direct(data: JSON) -> bool:
    return bool(data.get("direct"))


def _shown(result: InteractionResult) -> JSON:
    return {
        "interaction": result.id, "acknowledged": result.acknowledged, "deferred": result.deferred, "modal": result.modal,
        "private": public(result.message) if result.ephemeral and result.message and not result.updated else None,
    }  # fmt: skip


def _in_direct_messages(command: JSON) -> bool:
    contexts = command.get("contexts")
    return "guild_id" not in command and (command.get("dm_permission", True) if contexts is None else 1 in contexts)


def _flattened(command: JSON, name: str) -> list[JSON]:
    options = cast(list[JSON], command.get("options") or [])
    inner = [option for option in options if option["type"] in _SUBCOMMANDS]
    if inner:
        return [flat for option in inner for flat in _flattened(option, f"{name} {option['name']}")]
    kind = command["type"] if "application_id" in command else 1
    return [{"name": name, "description": command.get("description") or "", "type": kind, "options": options}]
