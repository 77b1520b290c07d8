"""Read the settings from the environment and from `.env`. Reads no clock and opens no socket."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any, Final

from dotenv import dotenv_values
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.functional_validators import BeforeValidator

from ..errors import ConfigError
from ..events.event import EventKind
from .destination import BUILT_IN, Destination, ThreadMode, WebhookURL
from .field_types import Ids, Level, parse_list, parse_word
from .model import ADAPTERS, NOT_SETTINGS, WebhookConfig, setting_name

_log = logging.getLogger(__name__)

_DESTINATION: Final = re.compile(r"WEBHOOK_([A-Z][A-Z0-9_]*)_URL\Z", re.ASCII)
# The address of the sign of life is no webhook.
_HEARTBEAT: Final = "WEBHOOK_HEARTBEAT_URL"
_SUFFIXES: Final = ("level", "events", "loggers", "guilds", "thread_name", "thread_mode")
_DESTINATION_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "level": TypeAdapter(Level),
    "events": TypeAdapter(Annotated[frozenset[EventKind], BeforeValidator(parse_list)]),
    "loggers": TypeAdapter(Annotated[tuple[str, ...], BeforeValidator(parse_list)]),
    "guilds": TypeAdapter(Ids),
    # A post's name has 100 characters at most; the day is added to it.
    "thread_name": TypeAdapter(Annotated[str, Field(max_length=80)]),
    "thread_mode": TypeAdapter(Annotated[ThreadMode, BeforeValidator(parse_word)]),
}


def destination_settings(values: Mapping[str, str]) -> list[str]:
    """Return the variables that may be set for the built-in destinations and for those that have a URL in `values`."""
    named = [match[1] for variable in values if (match := _DESTINATION.match(variable))]
    names = dict.fromkeys([*(name.upper() for name in BUILT_IN), *named])
    return [f"WEBHOOK_{name}_{suffix.upper()}" for name in names for suffix in ("url", *_SUFFIXES)]


def load_webhook_config(environ: Mapping[str, str] | None = None) -> WebhookConfig:
    """Read the settings from the environment, then from `.env` in the working directory.

    Raises `ConfigError` with every problem at once when a value other than a URL is wrong. A wrong URL is logged and
    left out, so that the other destinations work.
    """
    values = read_values() if environ is None else dict(environ)
    if "WEBHOOK_BATCH_TIMEOUT" in values:
        values.setdefault("WEBHOOK_BATCH_TIMEOUT_SECONDS", values["WEBHOOK_BATCH_TIMEOUT"])
    problems: list[str] = []
    settings: dict[str, Any] = {}
    for item in fields(WebhookConfig):
        text = values.get(setting_name(item.name), "").strip()
        if not text or item.name.endswith("_webhook_url") or item.name in NOT_SETTINGS:
            continue
        try:
            settings[item.name] = ADAPTERS[item.name].validate_python(text)
        except ValidationError as error:
            default = item.default if item.default is not MISSING else "unset"
            reason = "; ".join(line["msg"] for line in error.errors())
            problems.append(f"{setting_name(item.name)}: {reason}; leave it out for the default ({default})")
    destinations, options = _read_destinations(values, problems)
    if problems:
        raise ConfigError(problems)
    for destination in destinations:
        if destination.name in BUILT_IN:
            settings[f"{destination.name}_webhook_url"] = destination.url
    return WebhookConfig(destinations=destinations, destination_options=options, **settings)


def read_values() -> dict[str, str]:
    """Return the environment, and what `.env` adds to it."""
    # utf-8-sig: Windows editors put a byte order mark before the first variable.
    from_file = dotenv_values(".env", encoding="utf-8-sig")
    return {key: value for key, value in {**from_file, **os.environ}.items() if value is not None}


def _read_destinations(
    values: Mapping[str, str], problems: list[str]
) -> tuple[tuple[Destination, ...], dict[str, dict[str, Any]]]:
    """Return the destinations that have a URL, and what is asked for the built-in ones that have none."""
    found: list[Destination] = []
    options: dict[str, dict[str, Any]] = {}
    names = [match[1] for variable in values if (match := _DESTINATION.match(variable)) and variable != _HEARTBEAT]
    for name in dict.fromkeys([*names, *(name.upper() for name in BUILT_IN)]):
        variable = f"WEBHOOK_{name}_URL"
        asked = options[name.lower()] = _read_options(name, values, problems)
        if not values.get(variable, "").strip():
            continue
        try:
            found.append(Destination(name.lower(), WebhookURL(values[variable]), **asked))
        except ValueError as error:
            _log.error("%s %s. Nothing is sent there; the bot goes on without it.", variable, error)
    return tuple(found), options


def _read_options(name: str, values: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for suffix in _SUFFIXES:
        variable = f"WEBHOOK_{name}_{suffix.upper()}"
        text = values.get(variable, "").strip()
        if not text:
            continue
        try:
            options[suffix] = _DESTINATION_ADAPTERS[suffix].validate_python(text)
        except ValidationError as error:
            problems.append(f"{variable}: {'; '.join(line['msg'] for line in error.errors())}")
    return options
