"""The way out of the host: which proxy a request takes, which certificates are trusted, and how long an answer may take.

Every connection that this package opens is opened here. No text of this module holds a proxy's password.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import re
import ssl
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from pydantic import SecretStr

from .model import WebhookConfig

# What connecting, and sending a file of 10 MiB over a slow line, may take beside the wait for the answer.
_CONNECT_SECONDS: Final = 10
_UPLOAD_SECONDS: Final = 100
NO_PROXY: Final = "none"
# Discord's windows for a webhook are seconds long; for a longer wait it answers 429, which says how long.
_LONGEST_RESET_SECONDS: Final = 60.0


class CalmResponse(aiohttp.ClientResponse):
    """An answer after which discord.py, when no requests are left, sleeps until a usable reset time only (W1)."""

    @property
    def headers(self) -> Any:  # type: ignore[override] - aiohttp caches it, and only sets it once
        found = super().headers
        if found.get("X-RateLimit-Remaining") != "0" or _is_short(found.get("X-RateLimit-Reset-After")):
            return found
        calm = found.copy()
        calm["X-RateLimit-Reset-After"] = "0"
        return type(found)(calm)


def _is_short(seconds: str | None) -> bool:
    try:
        # False for nan, too.
        return 0 <= float(seconds or "nan") <= _LONGEST_RESET_SECONDS
    except ValueError:
        return False


class BotClient(Protocol):
    """What is read of `bot.http`."""

    proxy: str | None
    proxy_auth: aiohttp.BasicAuth | None


@dataclass(frozen=True, slots=True)
class Network:
    """How requests leave. `proxy` is an address, `"none"`, or None for what the bot or the environment say."""

    proxy: SecretStr | None = None
    bot_proxy: SecretStr | None = None
    ca_bundle: str | None = None
    send_timeout_seconds: float = 20.0

    @classmethod
    def of(cls, config: WebhookConfig, bot_proxy: SecretStr | None = None) -> Network:
        """Return what the settings say."""
        return cls(config.proxy, bot_proxy, config.ca_bundle, config.send_timeout_seconds)

    def find_proxy(self, url: str) -> str | None:
        """Return the address of the proxy for a URL, with its credentials; None for the direct way.

        The setting goes first, then the bot's own proxy, then HTTPS_PROXY, HTTP_PROXY and ALL_PROXY with NO_PROXY.
        """
        if self.proxy is not None:
            text = self.proxy.get_secret_value()
            return None if text.lower() == NO_PROXY else text
        if self.bot_proxy is not None:
            return self.bot_proxy.get_secret_value()
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxies = urllib.request.getproxies_environment()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        direct = proxies.get("no", "").strip()
        if _is_loopback(host) or direct == "*" or any(_names(entry, host, port) for entry in re.split(r"[,\s]+", direct)):
            return None
        found = proxies.get(parts.scheme) or proxies.get("all")
        if not found:
            return None
        # curl and others take a proxy without a scheme as one that speaks HTTP; SOCKS is not spoken here.
        found = found if "://" in found else f"http://{found}"
        return found if found.lower().startswith(("http://", "https://")) else None

    def make_connector(self) -> aiohttp.TCPConnector | None:
        """Return what trusts the bundle; None without one, for then aiohttp's own is right. Needs a running loop."""
        # To read the system's certificates takes tens of milliseconds, and aiohttp has them already.
        return aiohttp.TCPConnector(ssl=_trust(self.ca_bundle)) if self.ca_bundle is not None else None

    def open_session(
        self, *, trace_configs: Sequence[aiohttp.TraceConfig] = (), timeout: aiohttp.ClientTimeout | None = None
    ) -> aiohttp.ClientSession:
        """Return a session with these certificates and time limits. Needs a running loop; raises `OSError` for a bad bundle.

        The proxy is an argument of each request: see `find_proxy`.
        """
        limits = timeout or self.timeout
        traces = list(trace_configs)
        return aiohttp.ClientSession(
            connector=self.make_connector(), trace_configs=traces, timeout=limits, response_class=CalmResponse
        )

    @property
    def timeout(self) -> aiohttp.ClientTimeout:
        """The time limits of a request to Discord."""
        return aiohttp.ClientTimeout(
            total=self.send_timeout_seconds + _UPLOAD_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=self.send_timeout_seconds
        )


@functools.lru_cache(maxsize=2)
def _trust(path: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(path)
    return context


def proxy_of_bot(http: BotClient) -> SecretStr | None:
    """Return the proxy that a bot was made with; its credentials become a part of the address."""
    if not http.proxy:
        return None
    auth: Any = http.proxy_auth
    scheme, _, rest = http.proxy.partition("://")
    if auth is None or "@" in rest:
        return SecretStr(http.proxy)
    return SecretStr(f"{scheme}://{quote(auth.login, safe='')}:{quote(auth.password, safe='')}@{rest}")


def proxy_secrets(proxy: SecretStr) -> tuple[str, ...]:
    """Return the password of a proxy as it stands in the address, and as it is."""
    password = urlsplit(proxy.get_secret_value()).password or ""
    return tuple(dict.fromkeys(text for text in (password, unquote(password)) if text))


def _names(entry: str, host: str, port: int) -> bool:
    """Whether a part of NO_PROXY names a host. urllib knows no `*.name`, no `name:port` and no ranges of addresses."""
    entry = entry.lower().rpartition("://")[2]
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    name, _, of_port = entry.rpartition(":") if re.search(r":\d+\Z", entry) else (entry, "", "")
    name = name.removeprefix("*").strip(".[]")
    return name != "" and f".{host}".endswith(f".{name}") and of_port in ("", str(port))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
