"""Secrets by what stands before them: `password=…`, "the password is …", `Bearer …`, `user:…@host`, a PEM header. Pure.

Each finder is asked at an anchor and reads forward from it. Where it says no it has read a bounded number of bytes, and
where it says yes the search goes on behind what it found: so the whole is linear.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from .key_names import KEYWORDS, is_secret_name

MASK: Final = b"[redacted]"
NAME_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_NAME_PART: Final = re.compile(rb"[\w-]{1,64}")
_SEPARATOR: Final = re.compile(
    # name=, name: , "name": , ["name"] = , \"name\": , name => , 'name', 'value' of a list of pairs
    rb"(?:\\{0,3}['\"`]\s{0,3})?\]?\s{0,5}(?::=|=>|==|[=:])\s{0,5}|\\{0,3}['\"]\s{0,3},\s{0,3}(?=\\{0,3}b?['\"])"
)
_VALUE: Final = re.compile(
    rb"b?\"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+\"?|b?'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?|\\+\"[^\"\n]*+\"?|\\+'[^'\n]*+'?|`[^`\n]*+`?"
    # A bare value, with the scheme of an Authorization header. A delimiter inside it belongs to it unless what follows
    # shows that the value is over: half a password must not remain.
    rb"|(?:(?i:bearer|basic|bot|digest|token)[ \t]++)?"
    rb"(?:\[redacted[^\]\n]{0,30}\]|[^\s,;&)}\]\"'<]++|[,;&)}\]\"'<]++(?!\s|\Z|[\w-]{1,40}[=:]))++"
)
# Headers whose whole line is the value: cookies and the parameters of a digest stand apart.
_LINE: Final = re.compile(rb"[^\r\n\"']++")
_LINE_NAMES: Final = re.compile(rb"cookie|authorization", re.I)
_OPEN: Final = re.compile(
    rb"(?i:none|null|nil|true|false|undefined|unset|empty|str|bytes|string|optional|\*{3,}|<[\w -]{1,20}>|\.{3}|\$\{?\w{1,60}\}?)"
    rb"(?:[\s,;&)}\]\"'|\[]|\Z)"
)
_PROSE: Final = re.compile(
    rb"(?:\s{1,3}(?i:for|of|to|on|von|f\xc3\xbcr)(?:\s{1,3}[\w.@-]{1,40}){1,2}){0,2}\s{1,3}(?i:is|was|are|ist|lautet|war)(?:\s{1,3}now)?\s{0,3}:?\s{1,3}"
)
_PROSE_VALUE: Final = re.compile(
    rb"[\"'`]([^\"'`\n]{1,200})[\"'`]|(?=[^\s]{0,40}?[\d_$!#%&*+=@^~])([^\s\"'`]{4,200}?)(?=[.,;:!?)]{0,3}(?:\s|\Z))"
)
_OPTION_VALUE: Final = re.compile(rb"[ \t]{1,3}(?![-\s])\S++")
_TAG_VALUE: Final = re.compile(rb">[^<]++")

_BEARER: Final = re.compile(rb"(?i:bearer|basic)\s{1,5}(?=[\w.~+/=-]{16})(?=[A-Za-z~+/=.-]{0,60}[\d_])[\w.~+/=-]++")
_USERINFO: Final = re.compile(
    rb"://(?:[^\s/@:\"'<>\\]{0,200}:(?!\d{1,5}(?:/|\Z))([^\s\"'<>]{1,400})@|([^\s/@:\"'<>\\?#]{16,400})@)(?=[\w\[])"
)
_PEM: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
# Armor cut off before its end: long lines of base64, however the line ends are written.
_PEM_BODY: Final = re.compile(rb"(?:\s|\\+[nr]|[A-Za-z0-9+/=]{30,})*+[A-Za-z0-9+/=]*+")
_PEM_BYTES: Final = 8192


class Found(NamedTuple):
    """The bytes from `start` to `end` are secret; `shown` stands there instead."""

    start: int
    end: int
    shown: bytes


ANCHORS: Final = (
    rf"(?i:{KEYWORDS})".encode(),
    # A password with a slash in it is found where nothing but a port could be meant.
    rb"://(?:[^\s/?#\"'<>@]{1,100}@|[^\s/?#\"'<>@:]{0,60}:[^\s\"'<>@:0-9][^\s\"'<>@:]{0,60}@)",
    rb"\b(?i:bearer|basic)\s",
    rb"-----BEGIN ",
    rb"\b(?i:otp|cvv|cvc|totp)\b['\"]?\s{0,2}[=:]",
)
_SHORT: Final = re.compile(rb"(?i:otp|cvv|cvc|totp)['\"]?\s{0,2}[=:]\s{0,2}['\"]?(\d{3,8})(?!\d)")


def find(data: bytes, start: int) -> Found | None:
    """Return the secret whose anchor begins at `start`."""
    head = data[start : start + 1]
    if head == b":":
        return _find_userinfo(data, start)
    if head == b"-":
        return _find_private_key(data, start)
    if head in b"Bb" and (bearer := _BEARER.match(data, start)):
        return Found(start, bearer.end(), bearer[0].split(None, 1)[0] + b" " + MASK)
    if head in b"OoCcTt" and (short := _SHORT.match(data, start)):
        return Found(short.start(1), short.end(1), MASK)
    return _find_named(data, start)


def _find_named(data: bytes, start: int) -> Found | None:
    before = data[max(0, start - 40) : start]
    if before.endswith(b"[redacted "):
        return None
    begin = start - (len(before) - len(before.rstrip(NAME_BYTES)))
    part = _NAME_PART.match(data, start)
    if part is None:
        return None
    end = part.end()
    name = data[begin:end].decode()
    if not is_secret_name(name):
        return None
    if separator := _SEPARATOR.match(data, end):
        return _find_value(data, name, separator.end())
    if data[begin : begin + 2] == b"--" and (value := _OPTION_VALUE.match(data, end)):
        return Found(end + 1, value.end(), MASK)
    if data[begin - 1 : begin] == b"<" and (value := _TAG_VALUE.match(data, end)):
        return Found(end + 1, value.end(), MASK)
    if (prose := _PROSE.match(data, end)) and (value := _PROSE_VALUE.match(data, prose.end())):
        return Found(prose.end(), value.end(), MASK)
    return None


def _find_value(data: bytes, name: str, start: int) -> Found | None:
    if _OPEN.match(data, start) or (name.lower().endswith("pwd") and data[start : start + 1] == b"/"):
        return None
    value = _VALUE.match(data, start)
    if value is None or value[0] in (b'""', b"''", b'"', b"'"):
        return None
    end = value.end()
    if data[start : start + 1] not in b"\"'`\\[" and _LINE_NAMES.search(name.encode()) and (line := _LINE.match(data, start)):
        end = max(end, line.end())
    return Found(start, end, MASK)


def _find_userinfo(data: bytes, start: int) -> Found | None:
    match = _USERINFO.match(data, start)
    if match is None:
        return None
    group = 1 if match[1] else 2
    return Found(match.start(group), match.end(group), MASK)


def _find_private_key(data: bytes, start: int) -> Found | None:
    head = _PEM.match(data, start)
    if head is None:
        return None
    close = data.find(b"-----END ", head.end(), head.end() + _PEM_BYTES)
    if close < 0:
        body = _PEM_BODY.match(data, head.end())
        return Found(start, body.end() if body else head.end(), b"[redacted private key]")
    end = data.find(b"-----", close + 9, close + 80)
    return Found(start, end + 5 if end >= 0 else close + 9, b"[redacted private key]")
