"""The address of a Redis: what a storage URL says of it. Connects to nothing; no text of this module holds a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

REDIS_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
REDIS_SHAPES: Final = (
    "redis://host:6379/0?prefix=mybot, rediss:// for TLS, unix:///path/redis.sock or redis+sentinel://host:26379,host/service"
)
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_DEFAULT_PREFIX: Final = "statsbot_webhooks"
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_LARGEST_PORT: Final = 65535
_PARAMETERS: Final = ("prefix", "db", "ca_certs", "sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis is. `hosts` are servers, or with `service` Sentinels; `path` is a Unix socket instead."""

    prefix: str = _DEFAULT_PREFIX
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    db: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    has_tls: bool = False
    ca_certs: str | None = None
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords."""
        return tuple(filter(None, (self.password, self.sentinel_password)))

    def __str__(self) -> str:
        """Return the address as it may be shown."""
        place = self.path or ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"Redis at {place}" + (f" (service {self.service})" if self.service else "")


def is_redis_url(url: str) -> bool:
    """Whether a storage URL means a Redis, right or wrong in detail."""
    return url.partition("://")[0].lower() in REDIS_SCHEMES and "://" in url


def parse_redis_url(url: str) -> RedisAddress:
    """Return the address; raises `ValueError` that says what is wrong and repeats nothing of the URL."""
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(f"must be like {REDIS_SHAPES}") from None
    unknown = sorted(set(query) - set(_PARAMETERS))
    if unknown:
        raise ValueError(f"may have only these parameters: {', '.join(_PARAMETERS)}")
    prefix = query.get("prefix", _DEFAULT_PREFIX)
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("its prefix must have 1 to 64 letters, digits or any of _ . -")
    is_sentinel, is_socket = parts.scheme.endswith("+sentinel"), parts.scheme == "unix"
    login, _, netloc = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    segments = [unquote(part) for part in parts.path.split("/")[1:]]
    service = segments.pop(0) if is_sentinel and segments else ""
    if is_sentinel and not service:
        raise ValueError("must name the service of the Sentinels: redis+sentinel://host:26379,host:26379/service")
    if is_socket and (netloc or not parts.path.strip("/")):
        raise ValueError("must name the socket: unix:///path/redis.sock")
    return RedisAddress(
        prefix,
        () if is_socket else _hosts(netloc, _SENTINEL_PORT if is_sentinel else _PORT),
        unquote(parts.path) if is_socket else "",
        service,
        _db([] if is_socket else segments, query),
        unquote(username) or None,
        unquote(password) or None,
        parts.scheme.startswith("rediss"),
        query.get("ca_certs"),
        query.get("sentinel_username"),
        query.get("sentinel_password"),
    )


def _hosts(netloc: str, port: int) -> tuple[tuple[str, int], ...]:
    hosts: list[tuple[str, int]] = []
    for part in netloc.split(","):
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?", part)
        if match is None or int(match[2] or port) > _LARGEST_PORT:
            raise ValueError(f"must be like {REDIS_SHAPES}; special characters of a password are written as %40 and the like")
        hosts.append((match[1].strip("[]"), int(match[2] or port)))
    return tuple(hosts)


def _db(segments: list[str], query: Mapping[str, str]) -> int:
    text = query.get("db") or (segments[0] if segments else "") or "0"
    if len(segments) > 1 or not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise ValueError("the database is a number: redis://host:6379/0")
    return int(text)
