"""Settings as text, without a secret: what holds and from where, what is strange, and what a reload changes."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ..redaction.redactor import Redactor
from .destination import BUILT_IN, RESERVED, WebhookURL
from .loading import build_config
from .model import NOT_SETTINGS, WebhookConfig, describe_default, setting_name
from .sources import ALIASES, DESTINATION_SUFFIXES, PREFIX, Source, Sources

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")
_SECRET_NAME: Final = re.compile(r"_URL\Z|TOKEN|SECRET|PASSWORD|KEY|PROXY\Z|PATTERNS\Z")
_OTHER_ADDRESSES: Final = frozenset(f"{PREFIX}{name.upper()}_URL" for name in RESERVED)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `value` is what may be shown of it."""

    name: str
    value: str
    source: Source


def describe_settings(sources: Sources) -> list[Setting]:
    """Return every setting there is with its source: the config's fields first, then those of destinations."""
    names = [setting_name(item.name) for item in fields(WebhookConfig) if item.name not in NOT_SETTINGS]
    known = {*names, *ALIASES}
    more = [name for name in destination_settings(sources) if name not in known and name in sources.settings]
    if "WEBHOOK_DESTINATIONS" in sources.settings:
        more.insert(0, "WEBHOOK_DESTINATIONS")
    found: list[Setting] = []
    for item in fields(WebhookConfig):
        if item.name in NOT_SETTINGS:
            continue
        name = setting_name(item.name)
        text = sources.settings.get(name)
        shown = show_value(name, describe_default(item.name) if text is None else text)
        found.append(Setting(name, shown, sources.source(name)))
    return found + [Setting(name, show_value(name, sources.settings[name]), sources.source(name)) for name in more]


def destination_settings(sources: Sources) -> list[str]:
    """Return the settings of the built-in destinations and of those that the sources opt in."""
    config = build_config(sources).config
    names = dict.fromkeys([*BUILT_IN, *config.destination_options])
    return [f"{PREFIX}{name.upper()}_{suffix.upper()}" for name in names for suffix in ("url", *DESTINATION_SUFFIXES)]


def show_value(name: str, value: Any) -> str:
    """Return what may be shown of a setting's value."""
    if value is None or value in ("", "none", "not set"):
        return "not set"
    if name.endswith("_URL"):
        try:
            return f"set ({WebhookURL(str(value)) if not isinstance(value, WebhookURL) else value})"
        except ValueError:
            return "set, but not the URL of a webhook" if name not in _OTHER_ADDRESSES else "set"
    if _SECRET_NAME.search(name):
        return "set"
    text = str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))
    return _redactor().redact_text(_CREDENTIALS.sub("[masked]@", text))


def find_problems(sources: Sources) -> list[str]:
    """Return what is wrong or strange: values that cannot be used, and variables that look like settings and are none."""
    loaded = build_config(sources)
    return [*loaded.problems, *loaded.notes]


def describe_changes(old: WebhookConfig, new: WebhookConfig) -> list[str]:
    """Return a line for each setting that differs, with its values where they are no secret."""
    lines: list[str] = []
    for item in fields(WebhookConfig):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if item.name in NOT_SETTINGS or item.name.endswith("_webhook_url") or before == after:
            continue
        name = setting_name(item.name)
        lines.append(f"{name}: {_shown(name, before)} → {_shown(name, after)}")
    if old.hold_reason != new.hold_reason:
        lines.append(f"delivery: {f'held, {new.hold_reason}' if new.hold_reason else 'goes on'}")
    before, after = ({one.name: one for one in config.destinations} for config in (old, new))
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"destination {name}: removed")
        elif name not in before:
            lines.append(f"destination {name}: added")
        else:
            if before[name].url != after[name].url:
                lines.append(f"destination {name}: another webhook")
            if any(getattr(before[name], f.name) != getattr(after[name], f.name) for f in fields(after[name]) if f.name != "url"):
                lines.append(f"destination {name}: what it shows changed")
    return lines


@functools.cache
def _redactor() -> Redactor:
    return Redactor()


def _shown(name: str, value: Any) -> str:
    if isinstance(value, frozenset | tuple | list):
        items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        texts = [f"{one:g}" if isinstance(one, float) else str(one) for one in items]
        value = ",".join(texts if isinstance(value, tuple) else sorted(texts))
    elif isinstance(value, Mapping):
        value = ",".join(f"{key}:{one}" for key, one in value.items())  # pyright: ignore[reportUnknownVariableType]
    elif isinstance(value, float):
        value = f"{value:g}"
    return show_value(name, value)
