"""The types of fields of the configuration: how a text becomes a value, and what is wrong with it."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr
from pydantic.functional_validators import AfterValidator, BeforeValidator

from ..events.event import LogLevel
from ..redaction.masking import MaskLevel
from ..redaction.token_patterns import compile_user_pattern
from .destination import WebhookURL


def parse_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def parse_level(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def parse_word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def parse_levels(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition(":") for part in value.split(",") if part.strip()]
    return {name.strip(): level.strip().upper() or "INFO" for name, _, level in pairs}


def parse_url(value: object) -> object:
    return WebhookURL(value) if isinstance(value, str) and not isinstance(value, WebhookURL) else value


def parse_patterns(value: object) -> object:
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
Level = Annotated[LogLevel, BeforeValidator(parse_level)]
Levels = Annotated[dict[str, Level], BeforeValidator(parse_levels)]
Ids = Annotated[frozenset[int], BeforeValidator(parse_list)]
Names = Annotated[frozenset[str], BeforeValidator(parse_list)]
MaskLevels = Annotated[
    MaskLevel | None, BeforeValidator(lambda value: value.strip().lower() or None if isinstance(value, str) else value)
]
Patterns = Annotated[tuple[Annotated[str, AfterValidator(_check_pattern)], ...], BeforeValidator(parse_patterns)]
Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
