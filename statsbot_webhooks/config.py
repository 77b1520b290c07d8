"""Settings: what they are, where they come from, and what is wrong with them. Reads no clock and opens no socket."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, SecretStr, TypeAdapter, ValidationError
from pydantic.functional_validators import AfterValidator, BeforeValidator

from .destination import BUILT_IN, Destination, ThreadMode, WebhookURL
from .errors import ConfigError
from .event import EventKind, LogLevel
from .mask import MaskLevel
from .redact_rules import compile_user_pattern

__all__ = ["Destination", "LogLevel", "WebhookConfig", "WebhookURL", "load_webhook_config"]

_log = logging.getLogger(__name__)

_DESTINATION: Final = re.compile(r"WEBHOOK_([A-Z][A-Z0-9_]*)_URL\Z", re.ASCII)
# The address of the sign of life is no webhook.
_HEARTBEAT: Final = "WEBHOOK_HEARTBEAT_URL"
_SUFFIXES: Final = ("level", "events", "loggers", "guilds", "thread_name", "thread_mode")


# Fields of the config that are read from several variables.
_NOT_SETTINGS: Final = ("destinations", "destination_options")


def _parse_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _parse_level(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _parse_word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _parse_levels(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition(":") for part in value.split(",") if part.strip()]
    return {name.strip(): level.strip().upper() or "INFO" for name, _, level in pairs}


def _parse_url(value: object) -> object:
    return WebhookURL(value) if isinstance(value, str) and not isinstance(value, WebhookURL) else value


def _parse_patterns(value: object) -> object:
    return [part for part in re.split(r"\n|;;", value) if part.strip()] if isinstance(value, str) else value


def _check_pattern(value: str) -> str:
    try:
        compile_user_pattern(value)
    except ValueError as error:
        raise ValueError(f"a pattern of {len(value)} characters cannot be used: {error}") from None
    return value


def _check_storage(value: str) -> str:
    if value != "memory://" and not re.fullmatch(r"sqlite:///.+", value):
        raise ValueError("must be sqlite:///file.sqlite3 or memory://")
    return value


def _check_heartbeat(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"https?://[^\s/]+\S*", value.get_secret_value().strip()):
        raise ValueError("must be an address that begins with https:// or http://")
    return SecretStr(value.get_secret_value().strip())


def _check_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            "is no time zone such as Europe/Berlin; a system without time zones needs `pip install tzdata`"
        ) from None
    return value


TimeZone = Annotated[str, AfterValidator(_check_zone)]
# Prints as asterisks: who has it can keep a dead man's switch quiet.
HeartbeatURL = Annotated[SecretStr, AfterValidator(_check_heartbeat)]
Storage = Annotated[str, AfterValidator(_check_storage)]
Level = Annotated[LogLevel, BeforeValidator(_parse_level)]
Levels = Annotated[dict[str, Level], BeforeValidator(_parse_levels)]
Ids = Annotated[frozenset[int], BeforeValidator(_parse_list)]
Names = Annotated[frozenset[str], BeforeValidator(_parse_list)]
MaskLevels = Annotated[
    MaskLevel | None, BeforeValidator(lambda value: value.strip().lower() or None if isinstance(value, str) else value)
]
Patterns = Annotated[tuple[Annotated[str, AfterValidator(_check_pattern)], ...], BeforeValidator(_parse_patterns)]
Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class WebhookConfig:
    """Every setting. The environment variable of a field is `WEBHOOK_` and its name in capitals.

    Raises `ConfigError` that names each field at fault. URLs are checked for their shape only.
    """

    error_webhook_url: str | None = None
    info_webhook_url: str | None = None
    performance_webhook_url: str | None = None
    member_events_webhook_url: str | None = None
    # 30 a minute is what Discord lets into one channel, whoever posts.
    max_requests_per_minute: Annotated[int, Field(ge=1, le=30)] = 30
    batch_size: _Count = 5
    batch_timeout_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    use_embeds: bool = True
    include_timestamps: bool = True
    include_bot_info: bool = True
    mask_user_ids: bool = False
    include_stack_traces: bool = True
    # Discord's own limit of a message's content is 2000 characters.
    max_message_length: Annotated[int, Field(ge=100, le=2000)] = 2000
    ping_role_id: Annotated[int, Field(ge=1)] | None = None
    ping_cooldown_seconds: Annotated[float, Field(ge=0, le=86400)] = 900.0
    # Discord blocks an address after 10,000 in 10 minutes.
    max_invalid_requests: Annotated[int, Field(ge=1, le=5000)] = 500
    # It stands in the note of a card, which has room for 100 characters.
    bot_version: Annotated[str, Field(max_length=24)] = ""
    card_edit_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    destinations: tuple[Destination, ...] = field(default=(), repr=False)
    # What the settings ask of names that have no URL there; `/webhooks setup` may have stored one.
    destination_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]], repr=False)
    # The path of a TOML file; see templates.py.
    templates: str | None = None
    storage: Storage = "sqlite:///statsbot_webhooks.sqlite3"
    storage_max_events: _Count = 100_000
    max_age_hours: Annotated[float, Field(gt=0, le=87600)] = 168.0
    log_level: Level = LogLevel.WARNING
    loggers: Levels = field(default_factory=dict[str, LogLevel])
    guild_ids: Ids = frozenset()
    # Names of exception classes, alone or with their module; what derives from them is meant too.
    expected_errors: Names = frozenset()
    ship_user_errors: bool = False
    ignore_bots: bool = False
    # More joins than this in so many seconds are a raid; the same numbers tell a mass departure.
    raid_joins: _Count = 10
    raid_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    breaker_failures: _Count = 5
    breaker_cooldown_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    sample_interval_seconds: Annotated[float, Field(ge=0.05, le=86400)] = 30.0
    memory_warning_mb: Threshold = 512.0
    memory_critical_mb: Threshold = 1024.0
    cpu_warning_percent: Threshold = 80.0
    cpu_critical_percent: Threshold = 95.0
    latency_warning_ms: Threshold = 500.0
    latency_critical_ms: Threshold = 2000.0
    loop_lag_warning_ms: Threshold = 250.0
    loop_lag_critical_ms: Threshold = 1000.0
    # None: two sample intervals.
    alert_minimum_seconds: Annotated[float, Field(ge=0, le=86400)] | None = None
    # 0: no limit.
    slow_command_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5000.0
    slow_listener_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10_000.0
    # None: no summary.
    summary_hour: Annotated[int, Field(ge=0, le=23)] | None = None
    summary_timezone: TimeZone = "UTC"
    lifecycle: bool = True
    gateway_gap_seconds: Annotated[float, Field(ge=0, le=86400)] = 15.0
    heartbeat_url: HeartbeatURL | None = None
    heartbeat_interval_seconds: Annotated[float, Field(ge=0.1, le=86400)] = 60.0
    admin_guild_id: int | None = None
    admin_role_ids: Ids = frozenset()
    sync_commands: bool = True
    # None: FULL with `mask_user_ids`, else OFF.
    mask_level: MaskLevels = None
    # In RE2 syntax; what they find is redacted. Not shown: a pattern may be the secret itself.
    redact_patterns: Patterns = field(default=(), repr=False)

    def __post_init__(self) -> None:
        problems: list[str] = []
        for item in fields(self):
            if item.name not in _NOT_SETTINGS:
                self._check(item.name, item.type, problems)
        if problems:
            raise ConfigError(problems)
        object.__setattr__(self, "destinations", self._with_built_in())

    def _check(self, name: str, annotation: Any, problems: list[str]) -> None:
        value = getattr(self, name)
        try:
            parsed = _parse_url(value) if name.endswith("_webhook_url") else _ADAPTERS[name].validate_python(value)
            object.__setattr__(self, name, parsed)
        except ValidationError as error:
            # Pydantic's messages name the rule, never the value.
            problems.append(f"{setting_name(name)}: {'; '.join(line['msg'] for line in error.errors())}")
        except ValueError as error:
            problems.append(f"{setting_name(name)} {error}")

    def _with_built_in(self) -> tuple[Destination, ...]:
        named = {destination.name: destination for destination in self.destinations}
        for name in BUILT_IN:
            url = getattr(self, f"{name}_webhook_url")
            if url is not None and name not in named:
                named[name] = Destination(name, url)
        return tuple(named.values())


def _adapters() -> dict[str, TypeAdapter[Any]]:
    hints: dict[str, Any] = {
        name: eval(text, globals())  # noqa: S307 - our own annotations, which the future import keeps as text
        for name, text in WebhookConfig.__annotations__.items()
        if name not in _NOT_SETTINGS
    }
    return {name: TypeAdapter(hint) for name, hint in hints.items()}


_ADAPTERS: Final = _adapters()
_DESTINATION_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "level": TypeAdapter(Level),
    "events": TypeAdapter(Annotated[frozenset[EventKind], BeforeValidator(_parse_list)]),
    "loggers": TypeAdapter(Annotated[tuple[str, ...], BeforeValidator(_parse_list)]),
    "guilds": TypeAdapter(Ids),
    # A post's name has 100 characters at most; the day is added to it.
    "thread_name": TypeAdapter(Annotated[str, Field(max_length=80)]),
    "thread_mode": TypeAdapter(Annotated[ThreadMode, BeforeValidator(_parse_word)]),
}


def setting_name(field_name: str) -> str:
    """Return the environment variable of a field."""
    if field_name.endswith("_webhook_url"):
        return f"WEBHOOK_{field_name.removesuffix('_webhook_url').upper()}_URL"
    return f"WEBHOOK_{field_name.upper()}"


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
        if not text or item.name.endswith("_webhook_url") or item.name in _NOT_SETTINGS:
            continue
        try:
            settings[item.name] = _ADAPTERS[item.name].validate_python(text)
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
