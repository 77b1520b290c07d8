"""Connection to a Redis, and its failures in plain words. It knows no keys, and its texts hold no secret.

No other module imports `redis`, which is an extra.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from ...clock import Clock
from ...config.redis_address import RedisAddress

# A server that takes longer to answer counts as away, because the thread that stores events waits for it.
_SOCKET_SECONDS: Final = 1.0
# After a call without an answer no other is tried for this long: each would wait as long.
_PAUSE_SECONDS: Final = 0.5
_OLDEST: Final = 7
_MISSING: Final = "needs the package redis: pip install 'statsbot_webhooks[redis]'"
# The error code of a Redis answer, and its meaning for the owner of the bot.
_CODES: Final = {
    "WRONGPASS": "refuses the user name or the password",
    "NOAUTH": "wants a password",
    "NOPERM": "denies this user a command that is needed (ACL)",
    "READONLY": "is a read-only replica",
    "OOM": "is out of memory (maxmemory)",
    "LOADING": "is still loading its data",
    "MISCONF": "cannot write to its disk and takes no data",
    "MASTERDOWN": "is a replica without its master",
    "NOREPLICAS": "has too few replicas to take data",
    "UNKILLABLE": "is busy with a script",
    "BUSY": "is busy with a script",
}
LOST: Final = "LOST"
FULL: Final = "FULL"


class RedisAwayError(Exception):
    """Redis did not do what was asked. With `may_be_done` it may have: only the answer is missing."""

    def __init__(self, reason: str, *, may_be_done: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_be_done = may_be_done


class RefusedError(Exception):
    """A script of ours refused; `code` is LOST or FULL."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RedisLink:
    """Run commands on one Redis. Failures are raised as `RedisAwayError`, and a script's refusals as `RefusedError`."""

    def __init__(self, address: RedisAddress, clock: Clock) -> None:
        self.address = address
        self._clock = clock
        self._failed_at = -math.inf
        self._reason = ""
        self._client: Any = None
        self._scripts: dict[str, Any] = {}

    def run(self, work: Callable[[Any], Any]) -> Any:
        """Return the result of `work(client)`."""
        if self._clock.monotonic() - self._failed_at < _PAUSE_SECONDS:
            raise RedisAwayError(self._reason)
        try:
            redis = importlib.import_module("redis")
        except ImportError:
            raise RedisAwayError(_MISSING) from None
        try:
            if self._client is None:
                self._client = _connect(redis, self.address)
            return work(self._client)
        except (redis.exceptions.RedisError, OSError, ValueError) as error:
            if isinstance(error, redis.exceptions.ResponseError) and (code := _code(error)) in (LOST, FULL):
                raise RefusedError(code) from None
            self._reason, may_be_done = _reason(redis, error), _may_be_done(redis, error)
            if may_be_done:
                self._failed_at = self._clock.monotonic()
            raise RedisAwayError(self._reason, may_be_done=may_be_done) from None

    def script(self, text: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Return the result of a Lua script, whose text is sent once, and again after a restart of Redis."""

        def work(client: Any) -> Any:
            if text not in self._scripts:
                self._scripts[text] = client.register_script(text)
            return self._scripts[text](keys, arguments, client)

        return self.run(work)

    def check_server(self) -> str:
        """Return a warning about the server, empty for none; raises `RedisAwayError` for one that cannot be used."""
        info: dict[str, Any] = self.run(lambda client: client.info("server"))
        if str(info.get("redis_mode")) == "cluster":
            raise RedisAwayError("is a Redis Cluster, which is not supported: use one server, or Sentinels")
        version = str(info.get("valkey_version") or info.get("redis_version") or "0")
        if int(version.split(".")[0]) < _OLDEST:
            raise RedisAwayError(f"is version {version}; version {_OLDEST} or newer, or Valkey, is needed")
        memory: dict[str, Any] = self.run(lambda client: client.info("memory"))
        policy = str(memory.get("maxmemory_policy", ""))
        return f"may delete waiting events (maxmemory-policy {policy}): set noeviction" if policy.startswith("allkeys") else ""

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        self._scripts.clear()
        if client is not None:
            client.close()

    def after_fork(self) -> None:
        """Drop, in a child process, the parent's connections without touching them."""
        self._client = None
        self._scripts.clear()


def _connect(redis: Any, address: RedisAddress) -> Any:
    options: dict[str, Any] = {
        "db": address.db,
        "username": address.username,
        "password": address.password,
        "socket_timeout": _SOCKET_SECONDS,
        "socket_connect_timeout": _SOCKET_SECONDS,
        "decode_responses": True,
        "encoding_errors": "replace",
        "client_name": "statsbot_webhooks",
        # No retries by the client, which could do a command twice.
        "retry": importlib.import_module("redis.retry").Retry(importlib.import_module("redis.backoff").NoBackoff(), 0),
    }
    if address.has_tls:
        options |= {"ssl": True, "ssl_ca_certs": address.ca_certs}
    if address.path:
        options = {name: value for name, value in options.items() if name != "socket_connect_timeout"}
        return redis.Redis(unix_socket_path=address.path, **options)
    if address.service:
        login = {"username": address.sentinel_username, "password": address.sentinel_password}
        login |= {"socket_timeout": _SOCKET_SECONDS, "socket_connect_timeout": _SOCKET_SECONDS}
        sentinel = importlib.import_module("redis.sentinel").Sentinel(address.hosts, sentinel_kwargs=login)
        return sentinel.master_for(address.service, **options)
    host, port = address.hosts[0]
    return redis.Redis(host=host, port=port, **options)


def _code(error: Exception) -> str:
    return str(error).partition(" ")[0].rstrip(":")


def _reason(redis: Any, error: Exception) -> str:
    """Return what went wrong, without the text of the exception, which may quote what was sent."""
    errors = redis.exceptions
    if isinstance(error, errors.OutOfMemoryError):
        return _CODES["OOM"]
    if isinstance(error, errors.ReadOnlyError):
        return _CODES["READONLY"]
    if isinstance(error, errors.BusyLoadingError):
        return _CODES["LOADING"]
    if isinstance(error, errors.AuthenticationError):
        return _CODES["NOAUTH"] if "without any password" in str(error) or _code(error) == "NOAUTH" else _CODES["WRONGPASS"]
    if isinstance(error, errors.TimeoutError):
        return "does not answer"
    if isinstance(error, importlib.import_module("redis.sentinel").MasterNotFoundError):
        return "has no master that the Sentinels know"
    if isinstance(error, (errors.ConnectionError, OSError)):
        return "cannot be reached"
    words = str(error).split()
    # In a script's error the code of the failed command comes after other words.
    found = next((code for code in _CODES if code in words or f"{code}:" in words), "")
    return _CODES.get(found) or f"refuses a command ({type(error).__name__})"


def _may_be_done(redis: Any, error: Exception) -> bool:
    return isinstance(error, (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError))
