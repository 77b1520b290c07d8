"""Buttons, menus and modals as messages show them, and what a user's use of them sends to the bot."""

from __future__ import annotations

import copy
from typing import Any, Final

from ..rest.component_rules import BUTTON, LABEL, ROW, TEXT_INPUT, walk
from ..rest.errors import JSON, part, parts

_CHECKBOX: Final = 23
_ONE_VALUE: Final = (TEXT_INPUT, 21, _CHECKBOX)


def shown_components(components: list[JSON] | None) -> list[JSON]:
    """Return components as Discord shows them: each has a number."""
    shown = copy.deepcopy(components or [])
    for number, component in enumerate(walk(shown), 1):
        component.setdefault("id", number)
    return shown


def click_data(components: list[JSON], custom_id: str, values: list[str] | None) -> JSON:
    """Return what a click or a choice sends; raises `LookupError` for what the message does not offer."""
    found = next((item for item in walk(components) if item.get("custom_id") == custom_id), None)
    if found is None:
        raise LookupError(f"the message has no component {custom_id!r}")
    if found.get("disabled"):
        raise LookupError(f"the component {custom_id!r} is disabled")
    data: JSON = {"custom_id": custom_id, "component_type": found["type"], "id": found["id"]}
    if found["type"] == BUTTON:
        return data
    return {**data, "values": _chosen(found, values or [], found.get("min_values"))}


def label_of(components: list[JSON], custom_id: str) -> str:
    """Return what a user sees of a button or a menu."""
    item: JSON = next(item for item in walk(components) if item.get("custom_id") == custom_id)
    return item.get("label") or item.get("placeholder") or part(item.get("emoji")).get("name") or custom_id


def _chosen(item: JSON, values: list[Any], least: int | None) -> list[str]:
    custom_id, chosen = item["custom_id"], [str(value) for value in values]
    # discord.py sends null for what it leaves to Discord.
    if not (1 if least is None else least) <= len(chosen) <= (item.get("max_values") or 1):
        raise LookupError(f"{custom_id!r} takes another number of choices than {len(chosen)}")
    offered = {option["value"] for option in parts(item.get("options"))}
    if unknown := [value for value in chosen if offered and value not in offered]:
        raise LookupError(f"{custom_id!r} does not offer {', '.join(unknown)}")
    return chosen


def modal_data(modal: JSON, values: dict[str, Any]) -> JSON:
    """Return what submitting a modal sends; what `values` does not name stays as the modal came."""
    inner = {item["custom_id"]: item for item in walk(modal["components"]) if item.get("custom_id")}
    if unknown := values.keys() - inner.keys():
        raise LookupError(f"the modal has no field {', '.join(sorted(unknown))}")
    rows: list[JSON] = []
    for number, outer in enumerate(shown_components(modal["components"])):
        if outer["type"] == ROW:
            filled = [_filled(item, values) for item in outer["components"]]
            rows.append({"type": ROW, "id": outer["id"], "components": filled})
        elif outer["type"] == LABEL:
            rows.append({"type": LABEL, "id": outer["id"], "component": _filled(outer["component"], values)})
        else:
            rows.append({"type": outer["type"], "id": number + 1})
    return {"custom_id": modal["custom_id"], "components": rows}


def _filled(item: JSON, values: dict[str, Any]) -> JSON:
    custom_id, kind = item["custom_id"], item["type"]
    data: JSON = {"type": kind, "id": item["id"], "custom_id": custom_id}
    if kind in _ONE_VALUE:
        before = item.get("default", False) if kind == _CHECKBOX else item.get("value") or ""
        value = values.get(custom_id, before)
        if kind == TEXT_INPUT:
            _check_text(item, value)
        return {**data, "value": value}
    chosen = values.get(custom_id)
    if chosen is None:
        chosen = [option["value"] for option in parts(item.get("options")) if option.get("default")]
    # A field may be left empty only where it says so.
    least = 0 if item.get("required") is False and not chosen else item.get("min_values")
    return {**data, "values": _chosen(item, chosen, least)}


def _check_text(item: JSON, value: str) -> None:
    # Discord's own client does not let such a text be submitted.
    if item.get("required") is not False and not value:
        raise LookupError(f"the field {item['custom_id']!r} is required")
    if value and not (item.get("min_length") or 0) <= len(value) <= (item.get("max_length") or 4000):
        raise LookupError(f"the field {item['custom_id']!r} takes a text of another length")


def filled_in(data: JSON) -> list[JSON]:
    """Return the fields of a submitted form."""
    return [item for item in walk(data["components"]) if item.get("custom_id")]
