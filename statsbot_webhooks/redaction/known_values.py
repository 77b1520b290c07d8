"""Known values: which values of an environment are secret, by their name, by their form, or as part of a URL. Pure.

`value_index` finds them in texts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from .key_names import NameKind, looks_random, name_kind
from .late_patterns import late

_SHORTEST: Final = 8
# A declared password with digits and letters is no ordinary word, even when it is short.
_SHORTEST_MIXED: Final = 6
_WORD: Final = late(
    r"(?i:true|false|none|null|default|localhost|passwor[dt]|secret|token|changeme|development|production|staging|testing|debug|info"
    r"|warning|error|critical|enabled|disabled|postgres|postgresql|username|required|optional|anonymous|administrator|keyring|keychain"
    r"|database|cookies?|bearer|basic|session|sessions|redis|memcached|filesystem|ldap|oauth2?|kerberos|discord|environment|password1"
    r"|password123)\Z"
)
_NOT_SECRET: Final = late(
    r"(?:^|_)(?:COMMIT|SHA\d*|VERSION|REVISION|DIGEST|CHECKSUM|HASH|ID|IDS|HOST|HOSTNAME|BRANCH|REF|AUDIENCE|ISSUER|SOURCE|DOMAIN|REALM"
    r"|TYPE|MODE|DRIVER|BACKEND|PROVIDER|ALGORITHM|ALG|SCOPE|SCOPES|SOCK|SOCKET|AGENT|PATH|DIR|FILE|URL|URI|ENDPOINT)$",
    re.I,
)
_TOKEN: Final = late(r"[\w+/=.~-]{16,}\Z", re.ASCII)
_PATH: Final = late(r"(?:~|\.{1,2})?/[\w.@-]+(?:/[\w.@-]*)*\Z|[A-Za-z]:\\|\\\\\w")
_ADDRESS: Final = late(r"[a-z][a-z0-9+.-]{1,20}://", re.I)
_HOST: Final = late(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,12}(?::\d{1,5})?\Z")
_NUMBER: Final = late(r"[+-]?[\d.,:_-]{1,24}\Z")
_PASSWORD_OF_URL: Final = late(r"://[^\s/@:]{0,200}:([^\s]{1,400})@")
_USER_OF_URL: Final = late(r"://([^\s/@:]{16,400})@")
_WEBHOOK_TOKEN: Final = late(r"/webhooks/\d{1,25}/([\w-]{8,200})")
_PART_OF_URL: Final = late(r"[/=@&?]([^/=@&?#\s]{8,400})")
_UUID: Final = late(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_HOOK: Final = late(r"hook|heartbeat|push|ping|uptime|notify|alert", re.I)


def secret_values(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the secret values of an environment, and the secret parts of its URLs."""
    found: set[str] = set()
    for name, value in environ.items():
        value = value.strip()
        if not _PATH.match(value):
            # `DISCORD_TOKEN_FILE` with a value that is no path holds the secret itself.
            name = name.removesuffix("_FILE")
        kind = name_kind(name)
        if "@" in value and name.lower().endswith("_proxy") and not _ADDRESS.match(value):
            # Programs accept such a URL without its scheme too.
            value = f"http://{value}"
        if _ADDRESS.match(value):
            found.update(_parts_of_address(name, value))
        elif kind is NameKind.HARMLESS or _NOT_SECRET.search(name) or ("session" in name.lower() and not looks_random(value)):
            if not _NOT_SECRET.search(name) and "session" not in name.lower() and is_random(value):
                found.add(value)
        else:
            parts = re.split(r"[,;\s]+", value)
            if len(parts) > 1:
                found.update(part for part in parts if is_mixed(part) and _is_declared(part, kind))
            if _is_declared(value, kind):
                found.add(value)
    return frozenset(found)


def address_secrets(url: str) -> frozenset[str]:
    """Return the secrets of a URL that is secret as a whole: the URL without scheme and user, its last part, and others."""
    rest = url.partition("://")[2].rpartition("@")[2].rstrip("/")
    parts = [rest] if "/" in rest else []
    parts += [part for part in (rest.rpartition("/")[2],) if "/" in rest and _is_declared(part, NameKind.SECRET)]
    return frozenset(parts) | secret_values({"WEBHOOK_URL": url})


def _parts_of_address(name: str, value: str) -> list[str]:
    parts = [*_PASSWORD_OF_URL.findall(value), *_USER_OF_URL.findall(value), *_WEBHOOK_TOKEN.findall(value)]
    parts += [unquote(part) for part in parts if "%" in part]
    if _HOOK.search(name) or name_kind(name) is not NameKind.HARMLESS or _HOOK.search(value):
        # The URL of a webhook or heartbeat is all that is needed to use it.
        parts += [part for part in _PART_OF_URL.findall(value.partition("://")[2]) if _UUID.match(part) or looks_random(part)]
    return [part for part in parts if _is_declared(part, NameKind.SECRET)]


def is_mixed(value: str) -> bool:
    """Whether a value has digits and other characters."""
    return any(map(str.isdigit, value)) and not value.isdigit()


def _is_declared(value: str, kind: NameKind) -> bool:
    """Whether a value under a secret name differs from ordinary words, hosts and paths."""
    if _WORD.match(value) or _PATH.match(value) or (_NUMBER.match(value) and len(value) < 12) or len(set(value)) < 4:
        return False
    if _HOST.match(value) and not looks_random(value.partition(".")[0]):
        return False
    if kind is NameKind.AMBIGUOUS and not is_mixed(value):
        return len(value) >= 14
    return len(value) >= (_SHORTEST_MIXED if is_mixed(value) else _SHORTEST)


def is_random(value: str) -> bool:
    """Return whether a value looks like a generated key: one word, letters and digits, little repetition."""
    if not _TOKEN.match(value) or value[0] in "./~-" or value.count(".") > 2:
        return False
    kinds = (any(map(str.islower, value)), any(map(str.isupper, value)), any(map(str.isdigit, value)))
    if not kinds[2] or sum(kinds) < 2 or ("/" in value and not all(kinds)):
        return False
    # Words joined by hyphens have long runs of letters; a key has digits throughout.
    if max(map(len, re.split(r"[^a-z]+", value))) > 9 and "-" in value:
        return False
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) >= 3.2
