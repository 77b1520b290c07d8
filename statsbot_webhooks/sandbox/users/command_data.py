"""What the use of a command sends to the bot: its options, and the things that they name."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, cast

from ..rest.errors import JSON, parts
from ..state import Guild, State

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3
_SUBCOMMANDS: Final = (1, 2)
_TEXT, _WHOLE, _BOOLEAN, _NUMBER = 3, 4, 5, 10
_NAMES: Final = {_TEXT: "text", _WHOLE: "whole number", _BOOLEAN: "boolean", _NUMBER: "number"}
_UNITS: Final = {"length": " characters", "value": ""}
_USER, _CHANNEL, _ROLE, _MENTIONABLE = 6, 7, 8, 9
_FILE: Final = 11
# The menus of a message or a form that offer the same as an option of a command does.
_SELECTS: Final = {5: _USER, 6: _ROLE, 7: _MENTIONABLE, 8: _CHANNEL}
_IDS: Final = (_USER, _CHANNEL, _ROLE, _MENTIONABLE, _FILE)


def find_command(known: list[JSON], name: str, kind: int, *, direct: bool) -> JSON:
    """Return a registered command; raises `LookupError`, also for one that the bot does not offer in direct messages."""
    for command in known:
        contexts = command.get("contexts")
        is_here = not direct or (command.get("dm_permission", True) if contexts is None else 1 in contexts)
        if command["name"] == name and command["type"] == kind and is_here:
            return command
    raise LookupError(f"the bot has not registered {'/' if kind == SLASH else ''}{name} here")


def slash_data(
    state: State, guild: Guild | None, known: list[JSON], name: str, values: dict[str, Any], focused: str | None = None,
    attach: Callable[[str, bytes], JSON] | None = None,
) -> JSON:  # fmt: skip
    """Return the data of "group sub" with its options; raises `LookupError` for what the bot has not registered.

    A file is given as (name, data); `attach` keeps it and returns it as Discord shows it.
    """
    first, *rest = name.split()
    command = find_command(known, first, SLASH, direct=guild is None)
    offered, kinds = parts(command["options"]), list[int]()
    for word in rest:
        sub = next((option for option in offered if option["name"] == word and option["type"] in _SUBCOMMANDS), None)
        if sub is None:
            raise LookupError(f"the bot has not registered /{name}")
        offered = parts(sub.get("options"))
        kinds.append(sub["type"])
    declared = {option["name"]: option for option in offered if option["type"] not in _SUBCOMMANDS}
    if unknown := values.keys() - declared.keys():
        raise LookupError(f"/{name} has no option {', '.join(sorted(unknown))}")
    missing = [key for key, option in declared.items() if option.get("required") and key not in values]
    if missing and focused is None:
        raise LookupError(f"/{name} needs the option {', '.join(missing)}")
    files: JSON = {}
    for key, value in list(values.items()):
        if declared[key]["type"] == _FILE and attach is not None:
            if not isinstance(value, tuple):
                raise LookupError(f"the option {key} takes a file: (name, data)")
            kept = attach(*cast(tuple[str, bytes], value))
            files[kept["id"]] = kept
            values = {**values, key: kept["id"]}
    if focused is None:
        for key, value in values.items():
            _check_value(declared[key], value)
    options: list[JSON] = [_option(declared[key], value, key == focused) for key, value in values.items()]
    ids = [(option["type"], option["value"]) for option in options if option["type"] in _IDS]
    for word, kind in zip(reversed(rest), reversed(kinds), strict=True):
        options = [{"name": word, "type": kind, "options": options}]
    return {**_head(command), "options": options, **_resolved(state, guild, ids, files)}


def user_menu_data(state: State, guild: Guild | None, known: list[JSON], name: str, user_id: int) -> JSON:
    """Return the data of a command of a person's menu."""
    command = find_command(known, name, USER_MENU, direct=guild is None)
    return {**_head(command), "target_id": str(user_id), **_resolved(state, guild, [(_USER, str(user_id))])}


def message_menu_data(guild: Guild | None, known: list[JSON], name: str, message: JSON) -> JSON:
    """Return the data of a command of a message's menu."""
    command = find_command(known, name, MESSAGE_MENU, direct=guild is None)
    return {**_head(command), "target_id": message["id"], "resolved": {"messages": {message["id"]: message}}}


def resolve_choices(state: State, guild: Guild | None, used: list[JSON], files: JSON | None = None) -> JSON:
    """Return what Discord tells of people, roles and channels that choices from menus name, and of uploaded files."""
    kinds = [(_SELECTS.get(item.get("component_type") or item["type"]), item.get("values") or ()) for item in used]
    return _resolved(state, guild, [(kind, value) for kind, values in kinds if kind is not None for value in values], files)


def _head(command: JSON) -> JSON:
    place: JSON = {"guild_id": command["guild_id"]} if "guild_id" in command else {}
    return {"id": command["id"], "name": command["name"], "type": command["type"], **place}


def _check_value(declared: JSON, value: Any) -> None:
    # Discord's own client does not let such a value be sent.
    name, kind = declared["name"], declared["type"]
    fits = {_TEXT: str, _WHOLE: int, _NUMBER: (int, float), _BOOLEAN: bool}.get(kind)
    if fits is not None and (not isinstance(value, fits) or (kind != _BOOLEAN and isinstance(value, bool))):
        raise LookupError(f"the option {name} takes a {_NAMES[kind]}, not {value!r}")
    if (choices := parts(declared.get("choices"))) and value not in [choice["value"] for choice in choices]:
        raise LookupError(f"the option {name} does not offer {value!r}")
    size, which = (len(str(value)), "length") if kind == _TEXT else (value, "value")
    for key, is_wrong in ((f"min_{which}", operator.lt), (f"max_{which}", operator.gt)):
        limit = declared.get(key)
        if limit is not None and is_wrong(size, limit):
            raise LookupError(f"the option {name} takes {'at least' if key[:3] == 'min' else 'at most'} {limit}{_UNITS[which]}")


def _option(declared: JSON, value: Any, is_focused: bool) -> JSON:
    # Ids travel as text.
    shown = str(value) if declared["type"] in _IDS else value
    option: JSON = {"name": declared["name"], "type": declared["type"], "value": shown}
    return option | ({"focused": True} if is_focused else {})


def _resolved(state: State, guild: Guild | None, ids: list[tuple[int, str]], files: JSON | None = None) -> JSON:
    resolved: JSON = {"attachments": files} if files else {}
    for kind, key in ids:
        number = int(key) if key.isdigit() else 0
        if kind in (_USER, _MENTIONABLE) and number in state.users:
            resolved.setdefault("users", {})[key] = state.users[number]
            member = guild.members.get(number) if guild is not None else None
            if guild is not None and member is not None:
                shown = {name: value for name, value in member.items() if name != "user"}
                shown["permissions"] = str(state.permissions(guild, number))
                resolved.setdefault("members", {})[key] = shown
        if guild is None:
            continue
        if kind in (_ROLE, _MENTIONABLE) and number in guild.roles:
            resolved.setdefault("roles", {})[key] = guild.roles[number]
        elif kind == _CHANNEL and (channel := guild.place(number)) is not None:
            resolved.setdefault("channels", {})[key] = {**channel, "permissions": "0"}
    return {"resolved": resolved} if resolved else {}
