"""The types of the configuration's fields: how a text becomes a value, and what a type wants in plain words.

Messages name what is wanted and never a value: it may be a secret that stands under the wrong name.
"""

from __future__ import annotations

import re
import ssl
import types
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Final, Union, get_args, get_origin
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import Ge, Gt, Le, MaxLen
from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic.functional_validators import AfterValidator, BeforeValidator, PlainValidator

from ..events.event import LogLevel
from ..events.time_text import format_count
from ..redaction.masking import MaskLevel
from ..redaction.user_patterns import compile_user_pattern
from .destination import WebhookURL, strip_wrapping
from .redis_address import is_redis_url, parse_redis_url
from .source_address import link_form

# sqlite3, SQLAlchemy and people write SQLite's memory database in these ways.
_SQLITE: Final = r"(?:sqlite3?(?:\+\w+)?:/{0,3})"
_MEMORY: Final = re.compile(
    rf"memory(?::/{{0,3}})?|{_SQLITE}?(?:file:)?(?:\.?[\\/]+)*:memory:(?:\?.*)?|{_SQLITE}(?:\?.*)?|{_SQLITE}?file:[^?]*\?(?:.*&)?mode=memory(?:&.*)?",
    re.I | re.S,
)


class Renews(StrEnum):
    """A mark of a field: the part of the running package that takes the setting at its construction."""

    ROUTER = "router"
    REDACTOR = "redactor"
    FORMATTER = "formatter"
    WORKERS = "workers"
    MAINTENANCE = "maintenance"
    CAPTURE = "capture"
    COMMANDS = "commands"
    MONITORING = "monitoring"
    # Opened once: another value is for the next start.
    STORAGE = "storage"


class Buttons(StrEnum):
    """Whether cards have buttons: wherever a webhook can carry them, or nowhere."""

    AUTO = "auto"
    OFF = "off"


class Wants(str):
    """A mark of a type: what a value of it has to be, in words that end the sentence "it must be"."""


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


def parse_url(value: object) -> WebhookURL:
    """Return a webhook's address; one from before a reload of the extension is of another class of the same name."""
    if reveal := getattr(value, "reveal", None):
        return WebhookURL(reveal())
    if not isinstance(value, str):
        raise ValueError("is not the URL of a Discord webhook: it is not a text")
    return WebhookURL(value)


def parse_patterns(value: object) -> object:
    return [part for part in re.split(r"\n|;;", value) if part.strip()] if isinstance(value, str) else value


def _check_pattern(value: str) -> str:
    try:
        compile_user_pattern(value)
    except ValueError as error:
        size = format_count(len(value), "character")
        raise ValueError(f"a pattern of {size} cannot be used: {error}") from None
    return value


def _check_storage(value: str) -> str:
    text = value.strip()
    if text and _MEMORY.fullmatch(unquote(text)):
        return "memory://"
    if is_redis_url(text):
        parse_redis_url(text)
    elif not re.fullmatch(r"sqlite:///.+", text):
        raise ValueError("must be sqlite:///file.sqlite3, memory:// or redis://host:6379/0")
    return text


def _check_address(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"https?://[^\s/]+\S*", value.get_secret_value().strip()):
        raise ValueError("must be an address that begins with https:// or http://")
    return SecretStr(value.get_secret_value().strip())


def _check_proxy(value: SecretStr) -> SecretStr:
    text = strip_wrapping(value.get_secret_value())
    if text.lower() == "none":
        return SecretStr("none")
    if re.match(r"socks\w*://", text, re.I):
        raise ValueError("must be an HTTP proxy: a SOCKS proxy cannot be used")
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or re.search(r"\s", text):
        raise ValueError("must be the address of a proxy, as in http://proxy.example:3128, or none")
    return SecretStr(text)


def _check_file(value: str) -> str:
    text = value.strip()
    try:
        ssl.create_default_context().load_verify_locations(text)
    except OSError as error:
        # An SSLError is one: what the file holds is no certificate.
        reason = "holds no certificates" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        raise ValueError(f"must be a file of certificates in PEM form; it {reason}") from None
    return text


def _check_host(value: str) -> str:
    text = value.strip().removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[\w.:-]{1,253}", text, re.ASCII):
        raise ValueError("must be an address of this machine, such as 127.0.0.1 or 0.0.0.0")
    return text


def _check_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            "is not a time zone such as Europe/Berlin; a system without time zones needs `pip install tzdata`"
        ) from None
    return value


def _check_source(value: str) -> str:
    form = link_form(value) if value.strip() else ""
    if value.strip() and not form:
        raise ValueError(
            "must be the address of a repository on GitHub, GitLab, Gitea, Codeberg or Bitbucket, or a whole link with "
            "{commit}, {path} and {line}"
        )
    # Users, passwords and tokens are cut out.
    return form


def _check_growing(value: tuple[float, ...]) -> tuple[float, ...]:
    if any(later <= earlier for earlier, later in pairwise(value)):
        raise ValueError("must be minutes that grow, separated by commas")
    return value


def _mask_level(value: object) -> object:
    return value.strip().lower() or None if isinstance(value, str) else value


WebhookAddress = Annotated[str, PlainValidator(parse_url), Wants("the URL of a Discord webhook")]
SourceURL = Annotated[str, AfterValidator(_check_source), Wants("the address of a repository, or a whole link")]
TimeZone = Annotated[str, AfterValidator(_check_zone), Wants("a time zone such as Europe/Berlin")]
# Prints as asterisks: who has it can keep a dead man's switch quiet, or write to the fallback.
PrivateURL = Annotated[SecretStr, AfterValidator(_check_address), Wants("an address that begins with https:// or http://")]
# Prints as asterisks: an address of a proxy may hold a password.
ProxyURL = Annotated[SecretStr, AfterValidator(_check_proxy), Wants("the address of an HTTP proxy, or none")]
ListenHost = Annotated[str, AfterValidator(_check_host), Wants("an address of this machine, such as 127.0.0.1 or 0.0.0.0")]
CertificateFile = Annotated[str, AfterValidator(_check_file), Wants("the path of a file of certificates in PEM form")]
Storage = Annotated[
    str, AfterValidator(_check_storage), Wants("sqlite:///file.sqlite3, memory:// or redis://host:6379/0?prefix=mybot")
]
Level = Annotated[LogLevel, BeforeValidator(parse_level)]
Levels = Annotated[
    dict[str, Level], BeforeValidator(parse_levels), Wants("logger names with levels, as in mybot:INFO,discord.gateway:DEBUG")
]
Ids = Annotated[frozenset[int], BeforeValidator(parse_list), Wants("ids of Discord, separated by commas")]
Minutes = Annotated[
    tuple[Annotated[float, Field(gt=0, le=525600)], ...],
    BeforeValidator(parse_list),
    AfterValidator(_check_growing),
    Wants("minutes that grow, separated by commas"),
]
Names = Annotated[frozenset[str], BeforeValidator(parse_list), Wants("names, separated by commas")]
MaskLevels = Annotated[MaskLevel, BeforeValidator(_mask_level)]
ButtonModes = Annotated[Buttons, BeforeValidator(parse_word)]
Patterns = Annotated[
    tuple[Annotated[str, AfterValidator(_check_pattern)], ...],
    BeforeValidator(parse_patterns),
    Wants("regular expressions, one per line or between ;;"),
]
Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Id = Annotated[int, Field(ge=1), Wants("an id of Discord, a number of 17 to 20 digits")]
Count = Annotated[int, Field(ge=1)]


def describe_type(annotation: Any) -> str:
    """Return what a value has to be, as in "a whole number from 1 to 30"."""
    if get_origin(annotation) in (Union, types.UnionType):
        return describe_type(next(each for each in get_args(annotation) if each is not type(None)))
    marks: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        marks += more
    for mark in marks:
        if isinstance(mark, Wants):
            return str(mark)
    if get_origin(annotation) in (Union, types.UnionType):
        return describe_type(annotation)
    rules = [rule for mark in marks if isinstance(mark, FieldInfo) for rule in mark.metadata]
    if annotation is bool:
        return "true or false"
    if annotation in (int, float):
        return ("a whole number" if annotation is int else "a number") + _range(rules)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        names = [member.value for member in annotation]
        return f"{', '.join(names[:-1])} or {names[-1]}"
    longest = next((rule.max_length for rule in rules if isinstance(rule, MaxLen)), None)
    return "a text" + (f" of at most {longest} characters" if longest else "")


def _range(rules: list[Any]) -> str:
    least = next((str(rule.ge) for rule in rules if isinstance(rule, Ge)), None)
    above = next((str(rule.gt) for rule in rules if isinstance(rule, Gt)), None)
    most = next((str(rule.le) for rule in rules if isinstance(rule, Le)), None)
    start = f"from {least}" if least else f"above {above}" if above else ""
    if least and not most:
        return f", {least} or more"
    return "".join(f" {part}" for part in (start, f"{'to' if least else 'and at most'} {most}" if most else "") if part)


def describe_shape(value: object) -> str:
    """Return what a wrong value looks like without a part of it: its length and its kind of characters."""
    if value is None:
        return "it is missing"
    if isinstance(value, bool):
        return "it is true or false"
    if isinstance(value, int | float):
        return "it is a number outside of that"
    if not isinstance(value, str):
        return "it is a value of another kind"
    text = value.strip()
    if not text:
        return "it is empty"
    try:
        float(text)
    except ValueError:
        size = format_count(len(text), "letter" if text.isalpha() else "character")
        return f"it is a text of {size}"
    return "it is a number outside of that"
