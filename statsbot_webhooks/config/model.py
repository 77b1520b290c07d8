"""The configuration: every setting, its type and its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from ..errors import ConfigError
from ..events.event import LogLevel
from .destination import BUILT_IN, Destination
from .field_types import (
    Count,
    HeartbeatURL,
    Ids,
    Level,
    Levels,
    MaskLevels,
    Names,
    Patterns,
    Storage,
    Threshold,
    TimeZone,
    parse_url,
)

# Fields of the config that are read from several variables.
NOT_SETTINGS: Final = ("destinations", "destination_options")


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
    batch_size: Count = 5
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
    storage_max_events: Count = 100_000
    max_age_hours: Annotated[float, Field(gt=0, le=87600)] = 168.0
    log_level: Level = LogLevel.WARNING
    loggers: Levels = field(default_factory=dict[str, LogLevel])
    guild_ids: Ids = frozenset()
    # Names of exception classes, alone or with their module; what derives from them is meant too.
    expected_errors: Names = frozenset()
    ship_user_errors: bool = False
    ignore_bots: bool = False
    # More joins than this in so many seconds are a raid; the same numbers tell a mass departure.
    raid_joins: Count = 10
    raid_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    breaker_failures: Count = 5
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
            if item.name not in NOT_SETTINGS:
                self._check(item.name, item.type, problems)
        if problems:
            raise ConfigError(problems)
        object.__setattr__(self, "destinations", self._with_built_in())

    def _check(self, name: str, annotation: Any, problems: list[str]) -> None:
        value = getattr(self, name)
        try:
            parsed = parse_url(value) if name.endswith("_webhook_url") else ADAPTERS[name].validate_python(value)
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
        if name not in NOT_SETTINGS
    }
    return {name: TypeAdapter(hint) for name, hint in hints.items()}


ADAPTERS: Final = _adapters()


def setting_name(field_name: str) -> str:
    """Return the environment variable of a field."""
    if field_name.endswith("_webhook_url"):
        return f"WEBHOOK_{field_name.removesuffix('_webhook_url').upper()}_URL"
    return f"WEBHOOK_{field_name.upper()}"
