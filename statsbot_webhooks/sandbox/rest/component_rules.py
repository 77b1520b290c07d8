"""What Discord enforces of buttons, menus and modals: counts, lengths, custom ids that occur twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from .errors import JSON, Form

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS: Final = (3, 5, 6, 7, 8)
LABEL: Final = 18
# Styles of buttons that lead somewhere instead of asking the bot.
_LINK, _PREMIUM = 5, 6
_COMPONENTS_V2: Final = 1 << 15


def walk(components: object) -> Iterator[JSON]:
    """Yield every component, those within others too."""
    if not isinstance(components, list):
        return
    for item in cast(list[Any], components):
        if isinstance(item, dict):
            component = cast(JSON, item)
            yield component
            yield from walk(component.get("components"))
            yield from walk([component.get("component"), component.get("accessory")])


def without_interactive(components: list[Any]) -> list[Any]:
    """Return components without those that act: of webhooks that no application owns, links and texts are left."""
    kept: list[Any] = []
    for item in components:
        if not isinstance(item, dict):
            kept.append(item)
            continue
        component = cast(JSON, item)
        is_link = component.get("type") == BUTTON and component.get("style") in (_LINK, _PREMIUM)
        if component.get("type") in (BUTTON, TEXT_INPUT, *SELECTS) and not is_link:
            continue
        if isinstance(component.get("components"), list):
            inner = without_interactive(component["components"])
            if not inner:
                continue
            component = {**component, "components": inner}
        if component.get("accessory") and not without_interactive([component["accessory"]]):
            component = {key: value for key, value in component.items() if key != "accessory"}
        kept.append(component)
    return kept


def check_components(form: Form, path: str, components: object, *, flags: object = 0) -> None:
    """Check the components of a message."""
    is_new = isinstance(flags, int) and bool(flags & _COMPONENTS_V2)
    items = form.items(path, components, 40 if is_new else 5)
    for index, item in enumerate(items):
        row = form.table(f"{path}.{index}", item)
        if not is_new and row.get("type") != ROW:
            form.add(f"{path}.{index}.type", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
        if row.get("type") == ROW:
            _check_row(form, f"{path}.{index}.components", row)
    _check_ids(form, path, items)


def check_modal(form: Form, path: str, data: JSON) -> None:
    """Check a modal."""
    form.text(f"{path}.title", data.get("title"), 45, required=True)
    form.text(f"{path}.custom_id", data.get("custom_id"), 100, required=True)
    items = form.items(f"{path}.components", data.get("components"), 5)
    if not items:
        form.add(f"{path}.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for index, item in enumerate(items):
        where = f"{path}.components.{index}"
        outer = form.table(where, item)
        form.text(f"{where}.label", outer.get("label"), 45, required=outer.get("type") == LABEL)
        form.text(f"{where}.description", outer.get("description"), 100)
        for inner in walk([outer]):
            if inner.get("type") == TEXT_INPUT:
                form.text(f"{where}.placeholder", inner.get("placeholder"), 100)
                form.text(f"{where}.value", inner.get("value"), 4000)
            _check_options(form, where, inner)
    _check_ids(form, f"{path}.components", items)


def _check_row(form: Form, path: str, row: JSON) -> None:
    inner = form.items(path, row.get("components"), 5)
    if not inner:
        form.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    tables = [form.table(f"{path}.{index}", item) for index, item in enumerate(inner)]
    if len(tables) > 1 and any(item.get("type") in SELECTS for item in tables):
        form.add(path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
    for index, item in enumerate(tables):
        where = f"{path}.{index}"
        if item.get("type") == BUTTON:
            _check_button(form, where, item)
        _check_options(form, where, item)


def _check_button(form: Form, where: str, button: JSON) -> None:
    form.text(f"{where}.label", button.get("label"), 80)
    if not button.get("label") and not button.get("emoji"):
        form.add(where, "BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI", "A button must have a label or an emoji")
    if button.get("style") == _LINK:
        form.url(f"{where}.url", button.get("url"), ("http", "https", "discord"))
    else:
        form.text(f"{where}.custom_id", button.get("custom_id"), 100, required=True)


def _check_options(form: Form, where: str, item: JSON) -> None:
    if item.get("type") not in SELECTS:
        return
    form.text(f"{where}.custom_id", item.get("custom_id"), 100, required=True)
    form.text(f"{where}.placeholder", item.get("placeholder"), 150)
    options = form.items(f"{where}.options", item.get("options"), 25)
    if item["type"] == STRING_SELECT and not options:
        form.add(f"{where}.options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
    values: set[object] = set()
    for index, raw in enumerate(options):
        option, at = form.table(f"{where}.options.{index}", raw), f"{where}.options.{index}"
        for key, required in (("label", True), ("value", True), ("description", False)):
            form.text(f"{at}.{key}", option.get(key), 100, required=required)
        if option.get("value") in values:
            form.add(f"{at}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
        values.add(option.get("value"))


def _check_ids(form: Form, path: str, items: list[Any]) -> None:
    seen: set[object] = set()
    for component in walk(items):
        custom_id = component.get("custom_id")
        if custom_id is not None and custom_id in seen:
            form.add(path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
        seen.add(custom_id)
