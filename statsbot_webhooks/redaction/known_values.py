"""Secrets by value: what the environment and `.env` hold, in every encoding that a text may carry it in. Pure."""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

import re2

from .key_names import is_secret_name
from .token_patterns import compile_scan

_SHORTEST: Final = 8
# With digits between letters a declared password is no word, even a short one.
_SHORTEST_MIXED: Final = 6
# A longer secret is looked for by pieces of this length, so that one that was cut off is found too.
_PIECE: Final = 48
_MOST_NEEDLES: Final = 6000
_WORD: Final = re.compile(
    r"(?i:true|false|none|null|default|localhost|passwor[dt]|secret|token|changeme|development|production|staging|testing|debug|info"
    r"|warning|error|critical|enabled|disabled|postgres|postgresql|username|required|optional|anonymous|administrator"
    r"|password1|password123)\Z"
)
_NOT_SECRET: Final = re.compile(
    r"(?:^|_)(?:COMMIT|SHA\d*|VERSION|REVISION|DIGEST|CHECKSUM|HASH|ID|IDS|HOST|HOSTNAME|BRANCH|REF|SESSION)$", re.I
)
_TOKEN: Final = re.compile(r"[\w+/=.~-]{16,}\Z", re.ASCII)
_PASSWORD_OF_URL: Final = re.compile(r"://[^\s/@:]{0,200}:([^\s]{1,400})@")
_WEBHOOK_TOKEN: Final = re.compile(r"/webhooks/\d{1,25}/([\w-]{8,200})")


def secret_values(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the values of an environment that look secret: by their name, as a password in a URL, or by their randomness."""
    found: set[str] = set()
    for name, value in environ.items():
        value = value.strip()
        found.update(_parts_of_urls(value))
        if is_secret_name(name):
            found.update(part for part in (value, *re.split(r"[,;\s]+", value)) if _may_be_declared(part))
        elif not _NOT_SECRET.search(name) and is_random(value):
            found.add(value)
    return frozenset(found)


def _parts_of_urls(value: str) -> list[str]:
    parts = [*_PASSWORD_OF_URL.findall(value), *_WEBHOOK_TOKEN.findall(value)]
    return [part for part in parts if _may_be_declared(part)]


def _may_be_declared(value: str) -> bool:
    """Whether a value that is called secret may be told from ordinary words."""
    if _WORD.match(value) or re.match(r"(?:[./~]|[A-Za-z]:\\|[a-z]+://)[^@]*\Z", value):
        return False
    has_both = any(char.isdigit() for char in value) and any(not char.isdigit() for char in value)
    return len(value) >= (_SHORTEST_MIXED if has_both else _SHORTEST)


def is_random(value: str) -> bool:
    """Return whether a value reads like a generated key: one word, letters and digits, little repetition."""
    if not _TOKEN.match(value) or value[0] in "./~-" or value.count(".") > 2:
        return False
    kinds = (any(map(str.islower, value)), any(map(str.isupper, value)), any(map(str.isdigit, value)))
    if not kinds[2] or sum(kinds) < 2 or ("/" in value and not all(kinds)):
        return False
    # Words joined by hyphens have long runs of letters; a key has digits all over.
    if max(map(len, re.split(r"[^a-z]+", value))) > 9 and "-" in value:
        return False
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) >= 3.2


def encodings(value: str) -> set[bytes]:
    """Return a value as plain text, URL-encoded, base64 at each of its three alignments, escaped for JSON and Python, and hex."""
    raw = value.encode("utf-8", "surrogatepass")
    dumped, spelled = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    forms = {value, dumped, spelled, json.dumps(dumped)[1:-1], dumped.replace("/", r"\/"), repr(value)[1:-1], ascii(value)[1:-1]}
    forms |= {repr(raw)[2:-1], html.escape(value), html.escape(value, quote=False), raw.hex(), raw.hex().upper()}
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="/:@!$&'()*+,;=~")):
        forms |= {quoted, re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted), quote(quoted, safe="")}
    found = {form.encode("utf-8", "surrogatepass") for form in forms}
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        # The first and the last character hold bits of the neighbours; what is between is the secret's alone.
        inner = coded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_"), inner.replace(b"+", b"%2B").replace(b"/", b"%2F")}
    return {form for form in found if len(form) >= _SHORTEST_MIXED}


def _pieces(value: str) -> list[str]:
    """Return the lines of a value, long ones in pieces of like length."""
    pieces: list[str] = []
    for line in value.splitlines():
        line = line.strip()
        count = max(len(line) // _PIECE, 1)
        pieces += [line[len(line) * part // count : len(line) * (part + 1) // count] for part in range(count)]
    return [piece for piece in pieces if len(piece) >= _SHORTEST_MIXED]


def compile_values(values: Iterable[str]) -> re2._Regexp[bytes] | None:
    """Return what finds the values in a text, or None when there are none."""
    needles: set[bytes] = set()
    for value in sorted(values):
        for piece in _pieces(value):
            if len(needles) < _MOST_NEEDLES:
                needles |= encodings(piece)
    if not needles:
        return None
    # Longest first: of alternatives that begin alike RE2 takes the first.
    return compile_scan([re2.escape(needle) for needle in sorted(needles, key=lambda needle: (-len(needle), needle))])
