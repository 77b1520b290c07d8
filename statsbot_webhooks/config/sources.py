"""Where each setting comes from, and what is strange about the settings, said without a secret."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values

from ..redaction.redactor import Redactor
from .destination import WebhookURL
from .loading import destination_settings
from .model import WebhookConfig, setting_name

_PREFIX: Final = "WEBHOOK_"
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")
_SECRET_NAME: Final = re.compile(r"_URL\Z|TOKEN|SECRET|PASSWORD|KEY")
_ALIAS: Final = {"WEBHOOK_BATCH_TIMEOUT": "WEBHOOK_BATCH_TIMEOUT_SECONDS"}
_NEVER: Final = ("destinations", "destination_options")


class Source(StrEnum):
    """Where a value comes from."""

    ENVIRONMENT = "environment"
    FILE = ".env"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `value` is what may be shown of it."""

    name: str
    value: str
    source: Source


@dataclass(frozen=True, slots=True)
class Sources:
    """The variables of the environment and of the file, apart."""

    environ: Mapping[str, str]
    file: Mapping[str, str]

    @property
    def values(self) -> dict[str, str]:
        """What holds: the environment is above the file."""
        return {**self.file, **self.environ}

    def source(self, name: str) -> Source:
        """Return where a variable comes from."""
        if name in self.environ:
            return Source.ENVIRONMENT
        return Source.FILE if name in self.file else Source.DEFAULT


def read_sources(environ: Mapping[str, str] | None = None, path: Path | str = ".env") -> Sources:
    """Read the environment and the file as `load_webhook_config` does."""
    file = {key: value for key, value in dotenv_values(path, encoding="utf-8-sig").items() if value is not None}
    return Sources(dict(os.environ if environ is None else environ), file)


def describe_settings(sources: Sources) -> list[Setting]:
    """Return every setting there is with its source: the config's fields first, then those of destinations."""
    values = sources.values
    found: list[Setting] = []
    for item in fields(WebhookConfig):
        if item.name in _NEVER:
            continue
        name = setting_name(item.name)
        alias = next((old for old, new in _ALIAS.items() if new == name and not values.get(name) and values.get(old)), name)
        text = values.get(alias, "").strip()
        default = item.default if item.default is not MISSING else None
        shown = show_value(name, text) if text else show_value(name, default)
        found.append(Setting(name, shown, sources.source(alias) if text else Source.DEFAULT))
    known = {setting.name for setting in found}
    more = [name for name in destination_settings(values) if name not in known and values.get(name, "").strip()]
    return found + [Setting(name, show_value(name, values[name]), sources.source(name)) for name in more]


def show_value(name: str, value: Any) -> str:
    """Return what may be shown of a setting's value."""
    if value is None or value == "":
        return "not set"
    if name.endswith("_URL"):
        try:
            return f"set ({WebhookURL(str(value)) if not isinstance(value, WebhookURL) else value})"
        except ValueError:
            return "set, but not the URL of a webhook"
    if _SECRET_NAME.search(name):
        return "set"
    text = str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))
    return _redactor().redact_text(_CREDENTIALS.sub("[masked]@", text))


def find_problems(sources: Sources) -> list[str]:
    """Return what is strange: variables that look like settings and are none, and URLs of no webhook."""
    values = sources.values
    known = {setting.name for setting in describe_settings(Sources({}, {}))} | set(_ALIAS) | set(destination_settings(values))
    problems: list[str] = []
    for name, text in values.items():
        if not name.startswith(_PREFIX):
            continue
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            problems.append(f"{name} is not a setting and has no effect{hint}")
        elif name.endswith("_URL") and text.strip():
            try:
                WebhookURL(text)
            except ValueError as error:
                problems.append(f"{name} {error}")
    return problems


def describe_changes(old: WebhookConfig, new: WebhookConfig) -> list[str]:
    """Return a line for each setting that differs, with its values where they are no secret."""
    lines: list[str] = []
    for item in fields(WebhookConfig):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if item.name in _NEVER or item.name.endswith("_webhook_url") or before == after:
            continue
        name = setting_name(item.name)
        lines.append(f"{name}: {_shown(name, before)} → {_shown(name, after)}")
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
        items: list[str] = sorted(str(one) for one in value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        value = ",".join(items)
    elif isinstance(value, dict):
        value = ",".join(f"{key}:{one}" for key, one in value.items())  # pyright: ignore[reportUnknownVariableType]
    return show_value(name, value)
